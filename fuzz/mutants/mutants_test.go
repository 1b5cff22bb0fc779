package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// here is the core of this tree; the test runs in the folder of the command.
func here(t *testing.T) *core {
	t.Helper()
	t.Chdir("../..")
	c, err := findCore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTable wants enough mutants, each with its words. Whether they apply to the
// core as it stands is the command's -check.
func TestTable(t *testing.T) {
	if len(table) < 80 {
		t.Errorf("%d mutants, want 80 at least", len(table))
	}
	for _, m := range table {
		if m.name == "" || m.kind == "" || m.rule == "" || len(m.targets) == 0 {
			t.Errorf("%s: words are missing: %+v", m.name, m)
		}
	}
}

func TestCheckAllRefuses(t *testing.T) {
	c := here(t)
	good := mutant{name: "good", file: "header.go", old: "package websocket", new: "package websocket // still"}
	if err := c.checkAll(t.Context(), []mutant{good}); err != nil {
		t.Errorf("a harmless change: %v", err)
	}
	for _, m := range []struct {
		mutant
		want string
	}{
		{mutant{name: "other-file", file: "nowhere.go", old: "a", new: "b"}, "there is no file websocket/nowhere.go"},
		{mutant{name: "stale", file: "header.go", old: "no such text", new: "b"}, "the snippet stands 0 times"},
		{mutant{name: "twice", file: "header.go", old: "return", new: "b"}, "times in websocket/header.go, want once"},
		{mutant{name: "same", file: "header.go", old: "package websocket", new: "package websocket"}, "changes nothing"},
		{mutant{name: "syntax", file: "header.go", old: "package websocket", new: "package"}, "expected 'IDENT'"},
		{mutant{name: "types", file: "header.go", old: "return ErrClientFrameUnmasked", new: "return 1"}, "does not compile"},
	} {
		if err := c.checkAll(t.Context(), []mutant{m.mutant}); err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%s: %v, want %q", m.name, err, m.want)
		}
	}
	if err := c.checkAll(t.Context(), []mutant{good, good}); err == nil || !strings.Contains(err.Error(), "two mutants of this name") {
		t.Errorf("two of a name: %v", err)
	}
}

// TestOverlay wants the tree untouched, and the mutant in a folder of its own.
func TestOverlay(t *testing.T) {
	c, dir := here(t), t.TempDir()
	m := mutant{name: "a", file: "header.go", old: "package websocket", new: "package websocket // mutant"}
	path, err := c.overlay(&m, dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), filepath.Join(c.dir, "header.go")) {
		t.Errorf("overlay %s, %v", text, err)
	}
	if tree, err := os.ReadFile(filepath.Join(c.dir, "header.go")); err != nil || strings.Contains(string(tree), "mutant") {
		t.Errorf("the tree was changed, %v", err)
	}
	if planted, err := os.ReadFile(filepath.Join(dir, "header.go")); err != nil || !strings.HasPrefix(string(planted), "package websocket // mutant") {
		t.Errorf("the mutant is not in its folder, %v", err)
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

func TestJudge(t *testing.T) {
	killed := result{mutant: &mutant{name: "killed"}, stage: stageSeeds, killer: "x", took: time.Second}
	late := result{mutant: &mutant{name: "late"}, stage: stageFuzz}
	survivor := result{mutant: &mutant{name: "survivor"}}
	explained := result{mutant: &mutant{name: "explained", survives: "because"}}
	wrong := result{mutant: &mutant{name: "wrong", survives: "because"}, stage: stageVectors, killer: "x"}
	broken := result{mutant: &mutant{name: "broken"}, err: errors.New("no disk")}
	for _, c := range []struct {
		id      string
		results []result
		want    string
	}{
		{"all-killed", []result{killed}, ""},
		{"late", []result{killed, late}, "killed 50.0 %, want 90 %"},
		{"survivor", []result{killed, survivor}, "survivor survived"},
		{"explained", append([]result{explained}, killed, killed, killed, killed, killed, killed, killed, killed, killed), ""},
		{"explained-but-killed", []result{wrong}, "the table says that it survives"},
		{"broken", []result{broken}, "broken: no disk"},
	} {
		err := judge(c.results, config{want: 90})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.id, err, c.want)
		}
		if report := format(c.results); !strings.Contains(report, c.results[0].mutant.name) {
			t.Errorf("%s: the report does not name %s:\n%s", c.id, c.results[0].mutant.name, report)
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
	if got := choose(table, regexp.MustCompile("^limit-takes-one-more$")); len(got) != 1 {
		t.Errorf("%d mutants are called limit-takes-one-more", len(got))
	}
}
