package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wsproof/wsproof/bench/report"
)

func TestRefusesArguments(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"sing"},
		{"run", "-set", "nosuch"},
		{"run", "stray"},
		{"run", "-overlay", "x", "-o", "/dev/null"},
		{"run", "-count", "-1"},
		{"run", "-count", "9223372036854775807"},
		{"selftest", "-runs", "0"}, // nothing that could fail
		{"selftest", "-percent", "0"},
		{"run", "-set", "full", "-base", "HEAD"},
		{"run", "-base", "no-such-revision", "-o", "/dev/null"},
		{"run", "-base", "--all"},
		{"check"},
		{"check", "-base", "no-such-revision"},
		{"check", "-base", "HEAD", "-only", "("},
		{"check", "-base", "HEAD", "-only", "nosuch"},
		{"readme"},
		{"tables"},
		{"tables", "/nosuch"},
		{"readme", "-results", "/nosuch", "README.md"},
		{"report", "/nosuch"},
	} {
		var out bytes.Buffer
		if err := run(context.Background(), args, &out, &out); err == nil {
			t.Errorf("run(%q) returned no error and printed %s", args, out.String())
		}
	}
}

// TestUnwritable: a file that cannot be written is told before anything is
// measured.
func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "nosuch", "r.txt")} {
		var stdout, stderr bytes.Buffer
		if err := run(t.Context(), []string{"run", "-o", path}, &stdout, &stderr); err == nil || stderr.Len() > 0 {
			t.Errorf("-o %s: %v after %q, want an error at once", path, err, stderr.String())
		}
	}
}

// TestReportOfAClone: the page is written where no other command has made the
// folder of results, as in a fresh clone.
func TestReportOfAClone(t *testing.T) {
	published, err := filepath.Glob("../published/2*.txt")
	if err != nil || len(published) == 0 {
		t.Fatalf("no published results: %v", err)
	}
	results, err := filepath.Abs(published[0])
	if err != nil {
		t.Fatal(err)
	}
	top := t.TempDir()
	put(t, filepath.Join(top, "go.mod"), "module example.com/clone\n")
	t.Chdir(top)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"report", results}, &out, &out); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(top, "bench", "results", "report.html")
	before, err := os.ReadFile(page)
	if err != nil || !bytes.HasSuffix(before, []byte("</html>\n")) {
		t.Errorf("the page of %d bytes, %v", len(before), err)
	}
	// A page that cannot be drawn leaves the old one as it is.
	none := filepath.Join(top, "none.txt")
	put(t, none, "BenchmarkOther 1 1 ns/op\n")
	if err := run(t.Context(), []string{"report", none}, &out, &out); err == nil {
		t.Error("a page of nothing was written")
	}
	if after, err := os.ReadFile(page); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the old page has %d of its %d bytes, %v", len(after), len(before), err)
	}
}

// cancelAt calls cancel when what is written to it has the words.
type cancelAt struct {
	words  string
	cancel func()
	seen   bool
}

func (c *cancelAt) Write(p []byte) (int, error) {
	if strings.Contains(string(p), c.words) {
		c.seen = true
		c.cancel()
	}
	return len(p), nil
}

// TestInterrupted: a run that ends early leaves nothing behind, neither files
// that look like results nor a worktree, wherever it is interrupted.
func TestInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds two revisions")
	}
	if _, err := command(t.Context(), ".", "git", "rev-parse", "HEAD"); err != nil {
		t.Skip("not in a git repository")
	}
	for _, words := range []string{"building", "round 1 of"} {
		t.Run(words, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			out := filepath.Join(t.TempDir(), "results.txt")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			progress := &cancelAt{words: words, cancel: cancel}
			var stdout bytes.Buffer
			if err := run(ctx, []string{"run", "-base", "HEAD", "-o", out}, &stdout, progress); err == nil || !progress.seen {
				t.Fatalf("run returned %v, %q seen: %v; want an interruption there", err, words, progress.seen)
			}
			if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
				t.Errorf("left in the temporary folder: %v, %v", left, err)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Errorf("a results file was left (%v)", err)
			}
			if trees, err := command(t.Context(), ".", "git", "worktree", "list"); err != nil || strings.Contains(trees, tmp) {
				t.Errorf("worktrees left: %s, %v", trees, err)
			}
		})
	}
}

// More connections than files may be open are left out, and that is told.
func TestMemoryNeedsFiles(t *testing.T) {
	var told strings.Builder
	r := recorder{set: set{memory: []int{math.MaxInt32}}, tell: &told}
	if err := r.memory(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if !strings.Contains(told.String(), "left out") {
		t.Errorf("told %q", &told)
	}
}

// TestBenchstatErrors: benchstat exits with 0 on its own errors.
func TestBenchstatErrors(t *testing.T) {
	var out bytes.Buffer
	if err := benchstat(context.Background(), &out, "/nosuch"); err == nil {
		t.Error("no error for a file that is not there")
	}
	path := filepath.Join(t.TempDir(), "r.txt")
	if err := os.WriteFile(path, []byte("BenchmarkX 1 1 ns/op\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := benchstat(context.Background(), &out, "-filter", "((", path); err == nil {
		t.Error("no error for a filter that does not parse")
	}
	broken := filepath.Join(t.TempDir(), "broken.txt")
	if err := os.WriteFile(broken, []byte("BenchmarkX 1 1 ns/op\nBenchmarkX 10 nonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := benchstat(context.Background(), &out, broken); err == nil {
		t.Error("no error for a result that was skipped")
	}
	if err := benchstat(context.Background(), &out, path); err != nil || !strings.Contains(out.String(), "X") {
		t.Errorf("%v and %q for good results", err, out.String())
	}
}

// TestTables prints the tables of published results, and of those of a quick
// run, which lacks many: what is not there is left out, not failed.
func TestTables(t *testing.T) {
	published, err := filepath.Glob("../published/2*.txt")
	if err != nil || len(published) == 0 {
		t.Fatalf("no published results: %v", err)
	}
	all, err := os.ReadFile(published[len(published)-1])
	if err != nil {
		t.Fatal(err)
	}
	var quick bytes.Buffer
	for line := range bytes.Lines(all) {
		if !bytes.HasPrefix(line, []byte("Benchmark")) || bytes.Contains(line, []byte("api=best")) || bytes.Contains(line, []byte("api=plain")) {
			quick.Write(line)
		}
	}
	for _, c := range []struct {
		id   string
		text []byte
		want int // tables
	}{{"all", all, 11}, {"quick", quick.Bytes(), 8}} {
		path := filepath.Join(t.TempDir(), "r.txt")
		if err := os.WriteFile(path, c.text, 0o644); err != nil {
			t.Fatal(err)
		}
		var out, raw bytes.Buffer
		if err := run(t.Context(), []string{"tables", path}, &out, &out); err != nil {
			t.Errorf("%s: %v", c.id, err)
		}
		if got := strings.Count(out.String(), "\n\n") / 2; got < c.want {
			t.Errorf("%s: %d tables, want at least %d", c.id, got, c.want)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > report.Width {
				t.Errorf("%s: a line of %d columns: %s", c.id, n, line)
			}
		}
		if err := run(t.Context(), []string{"tables", "-raw", path}, &raw, &raw); err != nil {
			t.Errorf("%s, raw: %v", c.id, err)
		}
		if got := strings.Count(raw.String(), "cpu-sec/op"); got < 5 {
			t.Errorf("%s: %d tables of CPU time by benchstat", c.id, got)
		}
	}
}

// TestGateCoversReadme: each row of the core in README's tables of CPU time is
// one of those that the gate compares.
func TestGateCoversReadme(t *testing.T) {
	published, err := filepath.Glob("../published/2*.txt")
	if err != nil || len(published) == 0 {
		t.Fatalf("no published results: %v", err)
	}
	results, err := report.Load(published[len(published)-1])
	if err != nil {
		t.Fatal(err)
	}
	s := sets["core"]
	cases, engines := regexp.MustCompile(s.cases), regexp.MustCompile(s.engines)
	rows := 0
	for _, name := range results.ReadmeRows() {
		parts := strings.Split(name, "/") // benchmark, lib, api, and the rest
		lib := strings.TrimPrefix(parts[1], "lib=")
		if !strings.HasPrefix(lib, "core") || parts[0] == "Memory" {
			continue
		}
		rows++
		covered := parts[0] == "Echo" && cases.MatchString(strings.Join(parts[3:], "/")) && engines.MatchString(lib+"/"+strings.TrimPrefix(parts[2], "api="))
		for _, g := range s.groups {
			covered = covered || (lib == "core" || g.pure) && matches(g.pattern(lib), "Benchmark"+name)
		}
		if !covered {
			t.Errorf("the gate does not compare %s", name)
		}
	}
	if rows < 30 {
		t.Errorf("README has %d rows of the core", rows)
	}
}

func TestPattern(t *testing.T) {
	g := group{name: "ReadFrame", rest: "api=(best|a/b)/size=(16B|1KiB)"}
	want := "^BenchmarkReadFrame$/^lib=core$/^api=(best|a/b)$/^size=(16B|1KiB)$"
	if got := g.pattern("core"); got != want {
		t.Errorf("pattern %q, want %q", got, want)
	}
}

// TestSetsMatch holds the sets' patterns against the names that the benchmarks
// have: a renamed key must not silently measure nothing.
func TestSetsMatch(t *testing.T) {
	out, err := command(context.Background(), "../..", "go", "test", "./bench", "-run", "^$", "-bench", ".", "-benchtime", "1x", "-cpu", "1")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(out) {
		if name, _, found := strings.Cut(line, " "); found && strings.HasPrefix(name, "Benchmark") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	if len(names) < 300 {
		t.Fatalf("only %d benchmarks ran", len(names))
	}
	for id, s := range sets {
		for _, g := range s.groups {
			pattern := g.pattern("core")
			if !slices.ContainsFunc(names, func(name string) bool { return matches(pattern, name) }) {
				t.Errorf("set %s: %s matches none of the benchmarks", id, pattern)
			}
		}
	}
}

// matches is how package testing matches: each part of the name on its own.
func matches(pattern, name string) bool {
	patterns, parts := strings.Split(pattern, "/"), strings.Split(name, "/")
	for i, p := range patterns {
		if i >= len(parts) || !regexp.MustCompile(p).MatchString(parts[i]) {
			return false
		}
	}
	return true
}

// TestPlant: the overlay names a file that exists and differs from it.
func TestPlant(t *testing.T) {
	top, err := root(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	path, err := plant(top, t.TempDir(), 15)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var overlay struct{ Replace map[string]string }
	if err := json.Unmarshal(b, &overlay); err != nil {
		t.Fatal(err)
	}
	for source, changed := range overlay.Replace {
		was, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		is, err := os.ReadFile(changed)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(was, is) || !bytes.Contains(is, []byte("/100*12")) {
			t.Errorf("%s is not planted", source)
		}
	}
}

func TestAbout(t *testing.T) {
	s := sets["core"].about(map[string]bool{"ReadText/lib=core/api=best/text=cjk/size=1KiB": true})
	if len(s.groups) != 1 || s.groups[0].name != "ReadText" || s.cases != "" {
		t.Errorf("what ReadText is in: %+v", s)
	}
	if s = sets["core"].about(map[string]bool{"Echo/lib=core": true}); len(s.groups) != 0 || s.cases == "" {
		t.Errorf("what Echo is in: %+v", s)
	}
}
