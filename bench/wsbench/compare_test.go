package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A tree is what a revision of the test's repository measures: for each
// benchmark its CPU time in ns.
type tree struct {
	frames map[string]int // by base name and what follows api=best
	conns  map[string]int // by the name of the case
}

// bench writes the tree's benchmarks: the real ones take minutes, and tell
// other figures each time.
func (v tree) write(t *testing.T, top string) {
	t.Helper()
	var src strings.Builder
	src.WriteString("package bench\n\nimport \"testing\"\n")
	for name, ns := range v.frames {
		base, rest, _ := strings.Cut(name, "/")
		fmt.Fprintf(&src, "\nfunc Benchmark%s(b *testing.B) {\n", base)
		parts := append([]string{"lib=core", "api=best"}, strings.Split(rest, "/")...)
		for _, p := range parts {
			fmt.Fprintf(&src, "b.Run(%q, func(b *testing.B) {\n", p)
		}
		fmt.Fprintf(&src, "b.ReportMetric(%d, \"cpu-ns/op\")\n%s}\n", ns, strings.Repeat("})\n", len(parts)))
	}
	put(t, filepath.Join(top, "bench", "bench_test.go"), src.String())

	src.Reset()
	src.WriteString(`package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
)

func main() {
	list := flag.Bool("list", false, "")
	cases := flag.String("cases", "", "")
	for _, name := range []string{"engines", "slice", "warmup", "count", "first", "memory", "idle"} {
		flag.String(name, "", "")
	}
	flag.Parse()
	found := false
	if *list {
		fmt.Println("core/best")
	}
	for _, c := range []struct {
		name string
		ns   int
	}{
`)
	for name, ns := range v.conns {
		fmt.Fprintf(&src, "{%q, %d},\n", name, ns)
	}
	src.WriteString(`	} {
		switch {
		case *list:
			fmt.Println(c.name)
		case *cases != "" && regexp.MustCompile(*cases).MatchString(c.name):
			found = true
			fmt.Printf("BenchmarkEcho/lib=core/api=best/%s 100 %d cpu-ns/op 1 p50-ns 2 p99-ns\n", c.name, c.ns)
		}
	}
	if !*list && *cases != "" && !found {
		fmt.Fprintln(os.Stderr, "-cases matches none")
		os.Exit(1)
	}
}
`)
	put(t, filepath.Join(top, "bench", "connbench", "main.go"), src.String())
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// repository makes one with a commit a tree, leaves the test in it, and
// returns its top.
func repository(t *testing.T, commits ...tree) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds two revisions")
	}
	for _, v := range os.Environ() { // such as those that a hook of git sets
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "GIT_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	top := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} { // the libraries' versions, and benchstat
		b, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(top, name), string(b))
	}
	put(t, filepath.Join(top, ".gitignore"), "/bench/results/\n")
	t.Chdir(top)
	git(t, top, "init", "--quiet")
	for i, v := range commits {
		v.write(t, top)
		gitCommit(t, top, fmt.Sprint("commit ", i))
	}
	return top
}

func git(t *testing.T, top string, args ...string) {
	t.Helper()
	if _, err := command(t.Context(), top, "git", args...); err != nil {
		t.Fatal(err)
	}
}

func gitCommit(t *testing.T, top, message string) {
	t.Helper()
	git(t, top, "add", "--all")
	git(t, top, "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false", "commit", "--quiet", "-m", message)
}

const (
	read16  = "ReadFrame/role=server/size=16B"
	write16 = "WriteFrame/role=server/size=16B"
	echo125 = "kind=binary/conns=64/inflight=1/size=125B"
	echo8   = "kind=binary/conns=64/inflight=64/size=8B"
)

// The rows of the tables that the command prints.
var (
	row16   = regexp.MustCompile(`(?m)^ReadFrame/api=best/role=server/size=16B +100\.0n .* 150\.0n .*\+50\.00% \(p=0\.029 n=4\)`)
	rowNew  = regexp.MustCompile(`(?m)^WriteFrame/api=best/role=server/size=16B +70\.00n`)
	row125  = regexp.MustCompile(`(?m)^Echo/api=best/kind=binary/conns=64/inflight=1/size=125B +7\.000µ .* 3\.500µ .*-50\.00% \(p=0\.029 n=4\)`)
	rowEcho = regexp.MustCompile(`(?m)^Echo/api=best/kind=binary/conns=64/inflight=64/size=8B +200\.0n`)
	columns = regexp.MustCompile(`(?m)^ +│ +old +│ +new +│?$\n.*vs base`)
)

// TestCompare: two revisions that differ stand in one table, side by side, and
// what the base lacks is told.
func TestCompare(t *testing.T) {
	old := tree{map[string]int{read16: 100}, map[string]int{echo125: 7000}}
	fresh := tree{map[string]int{read16: 150, write16: 70}, map[string]int{echo125: 3500, echo8: 200}}
	noConns := tree{old.frames, map[string]int{"kind=text/conns=1": 1}}
	for _, c := range []struct {
		id      string
		commits []tree
		dirty   *tree
		base    string
		rows    []*regexp.Regexp
		only    []string
	}{
		{"committed", []tree{old, fresh}, nil, "HEAD~1", []*regexp.Regexp{row16, rowNew, row125, rowEcho}, []string{"WriteFrame", "inflight=64/size=8B"}},
		{"dirty", []tree{old}, &fresh, "HEAD", []*regexp.Regexp{row16, rowNew, row125, rowEcho}, []string{"WriteFrame", "inflight=64/size=8B"}},
		{"a base without any of the connections", []tree{noConns, fresh}, nil, "HEAD~1", []*regexp.Regexp{row16, rowNew, rowEcho}, []string{"WriteFrame", "inflight=1/size=125B", "inflight=64/size=8B"}},
	} {
		t.Run(c.id, func(t *testing.T) {
			top := repository(t, c.commits...)
			if c.dirty != nil {
				c.dirty.write(t, top)
			}
			var stdout, stderr bytes.Buffer
			if err := run(t.Context(), []string{"run", "-base", c.base, "-count", "4"}, &stdout, &stderr); err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			out := stdout.String()
			if n := strings.Count(out, "cpu-sec/op"); n != 2 || !columns.MatchString(out) {
				t.Errorf("want one table, with the columns old and new and vs base")
			}
			for _, row := range c.rows {
				if !row.MatchString(out) {
					t.Errorf("no row %s", row)
				}
			}
			for _, name := range c.only {
				if !regexp.MustCompile(`(?m)^only in new, not compared: .*` + name).MatchString(out) {
					t.Errorf("it does not say that %s is only in new", name)
				}
			}
			if t.Failed() {
				t.Log(out)
			}
			page := reported(t)
			for _, want := range []string{"(old) against ", "<td>ReadFrame server 16B</td><td>100 (n=4)</td><td>150 (n=4)</td><td>+50.00% (p=0.029)</td>", "<td>WriteFrame server 16B</td><td>–</td><td>70 (n=4)</td>"} {
				if !strings.Contains(page, want) {
					t.Errorf("the report has no %q", want)
				}
			}
		})
	}
}

// reported is the page of all results, made by the command.
func reported(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"report", "-o", path}, &out, &out); err != nil {
		t.Fatal(err, out.String())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return html.UnescapeString(string(b))
}

// TestHistory: runs at two commits and in a tree that differs from the latter
// make a history of three.
func TestHistory(t *testing.T) {
	const name = "ReadFrame/role=server/size=1KiB"
	v := tree{map[string]int{name: 100}, map[string]int{echo125: 7000}}
	faster := tree{map[string]int{name: 50}, v.conns}
	top := repository(t, v)
	measure := func() string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if err := run(t.Context(), []string{"run", "-set", "quick", "-count", "1"}, &stdout, &stderr); err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		c, err := commit(t.Context(), top)
		if err != nil {
			t.Fatal(err)
		}
		name, dirty := strings.CutSuffix(c, "+")
		if dirty {
			return name[:7] + "+"
		}
		return name[:7]
	}
	first := measure()
	faster.write(t, top)
	gitCommit(t, top, "faster")
	second := measure()
	v.write(t, top)
	third := measure()
	page := reported(t)
	for _, want := range []string{
		`<th>\d{4}-\d\d-\d\d ` + first + `</th><th>\d{4}-\d\d-\d\d ` + second + `</th><th>\d{4}-\d\d-\d\d ` + regexp.QuoteMeta(third) + `</th>`,
		`<td>ReadFrame server 1KiB</td><td>1 \(n=1\)</td><td>0\.5 \(n=1\)</td><td>1 \(n=1\)</td>`,
	} {
		if !regexp.MustCompile(want).MatchString(page) {
			t.Errorf("the page has no %s", want)
		}
	}
}

// TestCheckOfLess: who drops a benchmark does not pass the gate by that.
func TestCheckOfLess(t *testing.T) {
	both := tree{map[string]int{read16: 100, write16: 70}, map[string]int{echo125: 7000, echo8: 200}}
	less := tree{map[string]int{read16: 100}, map[string]int{echo125: 7000}}
	repository(t, both, less, both)
	check := func(base, only string) (string, error) {
		var stdout, stderr bytes.Buffer
		err := run(t.Context(), []string{"check", "-base", base, "-only", only}, &stdout, &stderr)
		return stdout.String(), err
	}
	if out, err := check("HEAD~1", "Echo"); err != nil || !strings.Contains(out, "none of 1 rows is worse") {
		t.Errorf("with more than the base has: %v\n%s", err, out)
	}
	less.write(t, ".")
	if out, err := check("HEAD", "WriteFrame"); err == nil || !strings.Contains(err.Error(), write16[len("WriteFrame/"):]) {
		t.Errorf("without a frame's row: %v\n%s", err, out)
	}
	if out, err := check("HEAD", "Echo"); err == nil || !strings.Contains(err.Error(), echo8) {
		t.Errorf("without a connection's row: %v\n%s", err, out)
	}
}
