package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestTable wants enough mutants, each with its words. Whether they apply to the
// core as it stands is the command's -check.
func TestTable(t *testing.T) {
	if len(table) < 264 {
		t.Errorf("%d mutants, want 264 at least", len(table))
	}
	seen := map[[4]string]string{}
	for _, m := range table {
		change := [4]string{m.in, m.file, m.old, m.new}
		if other := seen[change]; other != "" {
			t.Errorf("%s is %s again", m.name, other)
		}
		seen[change] = m.name
		if m.name == "" || m.kind == "" || m.rule == "" || len(m.targets) == 0 || (m.in == "") == (m.file == "") {
			t.Errorf("%s: words are missing: %+v", m.name, m)
		}
	}
}

func TestCheckAllRefuses(t *testing.T) {
	c, _ := smallCore(t)
	good := func() *mutant { return &mutant{name: "good", in: "Conn.Fits", old: ">", new: ">="} }
	if err := c.checkAll([]*mutant{good()}); err != nil {
		t.Errorf("a change that compiles: %v", err)
	}
	for _, row := range []struct {
		mutant
		want string
	}{
		{mutant{name: "other-file", file: "nowhere.s", old: "a", new: "b"}, "there is no file websocket/nowhere.s"},
		{mutant{name: "other-function", in: "Conn.nowhere", old: "a", new: "b"}, "the core declares no Conn.nowhere"},
		{mutant{name: "other-package", in: "mask/First", old: "a", new: "b"}, "the core declares no mask/First"},
		{mutant{name: "stale", in: "Conn.Fits", old: "no such text", new: "b"}, "the snippet stands 0 times in Conn.Fits"},
		{mutant{name: "twice", in: "Conn.Fits", old: "return", new: "b"}, "the snippet stands 2 times"},
		{mutant{name: "same", in: "Conn.Fits", old: ">", new: ">"}, "changes nothing"},
		{mutant{name: "syntax", in: "Conn.Fits", old: ">", new: "> >"}, "expected operand"},
		{mutant{name: "types", in: "Conn.Fits", old: "return false", new: "return 1"}, "does not compile"},
	} {
		if err := c.checkAll([]*mutant{&row.mutant}); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
	if err := c.checkAll([]*mutant{good(), good()}); err == nil || !strings.Contains(err.Error(), "two mutants of this name") {
		t.Errorf("two of a name: %v", err)
	}
}

func TestFind(t *testing.T) {
	c, _ := smallCore(t)
	for name, want := range map[string]string{
		"Conn.Close": "websocket/websocket.go", "Most": "websocket/websocket.go", "Conn": "websocket/websocket.go",
		"list.add": "websocket/frame/frame.go", "frame/First": "websocket/frame/frame.go", "./First": "websocket/websocket.go",
	} {
		if at, err := c.find(name, ""); err != nil || at.file != want {
			t.Errorf("%s: %s, %v, want %s", name, at.file, err, want)
		}
	}
	if at, err := c.find("First", "list[byte]"); err != nil || at.file != "websocket/frame/frame.go" {
		t.Errorf("a function that two packages have, by its text: %s, %v", at.file, err)
	}
	if _, err := c.find("First", ""); err == nil || !strings.Contains(err.Error(), "put the folder in front") {
		t.Errorf("a function that two packages have: %v", err)
	}
}

func TestLastWords(t *testing.T) {
	for _, c := range []struct{ id, out, killer, words string }{
		{"failure", "=== RUN   TestA\n=== RUN   TestA/x\n    a_test.go:1: got 1\n--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/x (0.00s)\nFAIL\n", "TestA/x", "got 1"},
		{"panic", "=== RUN   TestA\n=== RUN   TestA/y\npanic: boom\n\ngoroutine 1\n", "TestA/y", "panic: boom"},
		{"race", "=== RUN   TestA\n==================\nWARNING: DATA RACE\nWrite at\n--- FAIL: TestA (0.00s)\n", "TestA", "WARNING: DATA RACE"},
		{"fuzz", "fuzz: elapsed: 0s\n--- FAIL: Target (0.5s)\n    --- FAIL: Target (0.00s)\n        x.go:1: why\n", "Target", "why"},
	} {
		killer, words := lastWords(c.out)
		if killer != c.killer || !strings.Contains(words, c.words) {
			t.Errorf("%s: killer %q, words %q, want %q and %q", c.id, killer, words, c.killer, c.words)
		}
	}
}

// TestTimeLimit: a target whose time ends has not killed the mutant, also where
// the engine calls that a failure; a finding at the same moment has.
func TestTimeLimit(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in of a test binary is a shell script")
	}
	const limit = "--- FAIL: FuzzSmall (1.20s)\n    context deadline exceeded\nFAIL\n"
	const finding = "--- FAIL: FuzzSmall (1.20s)\n    --- FAIL: FuzzSmall (0.00s)\n        fuzz_test.go:20: context deadline exceeded\n" +
		"    Failing input written to testdata/fuzz/FuzzSmall/771e938e4458e983\nFAIL\n"
	for _, c := range []struct{ id, text, stage string }{
		{"time limit", limit, ""},
		{"finding", finding, stageFuzz},
	} {
		h := hunter{conf: config{fuzzTime: time.Second, jobs: 1}}
		b := build{core: &core{root: t.TempDir()}, dir: t.TempDir()}
		fake := &binary{path: filepath.Join(b.dir, "fuzz.test")}
		fake.once.Do(func() {}) // it is built
		b.binaries = map[string]*binary{"fuzz/fuzz": fake}
		script := "#!/bin/sh\ncat <<'END'\n" + c.text + "END\nexit 1\n"
		if err := os.WriteFile(fake.path, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		r := result{mutant: &mutant{name: "m"}}
		h.fuzz(t.Context(), &r, &b, &unit{stage: stageSeeds, pkg: "fuzz", name: "FuzzSmall"})
		if r.stage != c.stage || r.err != nil {
			t.Errorf("%s: stage %q, %v, want %q", c.id, r.stage, r.err, c.stage)
		}
	}
}

func TestJudge(t *testing.T) {
	of := func(name string, change func(r *result)) *result {
		r := &result{mutant: &mutant{name: name, kind: "kind of " + name}, reached: true}
		change(r)
		return r
	}
	killed := of("killed", func(r *result) { r.stage, r.killer, r.took = stageSeeds, "x", time.Second })
	late := of("late", func(r *result) { r.stage = stageFuzz })
	survivor := of("survivor", func(*result) {})
	explained := of("explained", func(r *result) { r.mutant.survives = "because" })
	wrong := of("wrong", func(r *result) { r.mutant.survives, r.stage, r.killer = "because", stageVectors, "x" })
	broken := of("broken", func(r *result) { r.err = errors.New("no disk") })
	same := of("same", func(r *result) { r.mutant.same, r.mutant.random = true, true })
	cost := of("cost", func(r *result) { r.mutant.cost, r.mutant.random = true, true })
	for _, c := range []struct {
		id          string
		results     []*result
		want, share string
	}{
		{"all-killed", []*result{killed}, "", "1 of 1 killed by vectors and seeds (100.0 %)"},
		{"late", []*result{killed, late}, "killed 50.0 %, want 90 %", "1 of 2 killed by vectors and seeds (50.0 %), 100.0 % with fuzzing"},
		{"survivor", []*result{killed, survivor}, "survivor survived", "1 of 2 killed"},
		{"explained", []*result{explained, killed}, "", "1 of 1 killed by vectors and seeds (100.0 %); 1 set aside as equivalent (50.0 % of 2: 0 by their code, 1 explained)"},
		{"explained-but-killed", []*result{wrong}, "the table says that it survives", "1 of 1 killed"},
		{"broken", []*result{broken, killed}, "broken: no disk", "1 errors"},
		{"aside", []*result{same, cost, killed}, "", "1 of 1 killed by vectors and seeds (100.0 %); 1 set aside as equivalent (33.3 % of 3: 1 by their code, 0 explained), 1 that can cost time or memory only, 0 errors"},
	} {
		err := judge(c.results, 90)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.id, err, c.want)
		}
		if report := format(c.results); !strings.Contains(report, c.results[0].mutant.name) {
			t.Errorf("%s: the report does not name %s:\n%s", c.id, c.results[0].mutant.name, report)
		}
		if report := shares(c.results); !strings.Contains(report, c.share) || !strings.Contains(report, c.results[0].mutant.kind) {
			t.Errorf("%s: the shares are not %q:\n%s", c.id, c.share, report)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-run", "("}, "-run: error parsing regexp"},
		{[]string{"-stages", "nothing"}, `unknown stage "nothing"`},
		{[]string{"-jobs", "0"}, "want at least 1"},
		{[]string{"-random", "-1"}, "want at least 0"},
		{[]string{"-fuzztime", "0s"}, "want a time above 0"},
		{[]string{"-want", "101"}, "want at most 100"},
		{[]string{"-random", "1", "-patches", "x"}, "want one of them"},
		{[]string{"more"}, `unexpected argument "more"`},
	} {
		if _, err := parseFlags(c.args, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
	// A table that cannot be kept is told before the hunt of an hour, not after.
	if err := run(t.Context(), []string{"-list", "-o", filepath.Join(t.TempDir(), "nosuch", "table.txt")}, io.Discard, io.Discard); err == nil {
		t.Error("a file that cannot be written was taken")
	}
	var all []*mutant
	for i := range table {
		all = append(all, &table[i])
	}
	if got := choose(all, regexp.MustCompile("^limit-takes-one-more$")); len(got) != 1 {
		t.Errorf("%d mutants are called limit-takes-one-more", len(got))
	}
}

// TestClasses wants a class for each file of the core that has statements.
func TestClasses(t *testing.T) {
	t.Chdir("../..")
	c, err := (&cores{known: map[string]*core{}}).get(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	sites, err := c.sites()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range sites {
		file := strings.TrimPrefix(s.file, coreDir+"/")
		if classOf(file) == "" && !seen[file] {
			t.Errorf("%s has no class: give it one in classes.go", file)
		}
		seen[file] = true
	}
	for _, row := range classes {
		for name := range strings.FieldsSeq(row.files) {
			found := strings.HasSuffix(name, "/")
			for file := range c.files {
				found = found || file == coreDir+"/"+name
			}
			if !found {
				t.Errorf("class %s has the file %s, which is not there", row.class, name)
			}
		}
	}
}
