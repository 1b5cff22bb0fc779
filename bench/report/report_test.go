package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// file writes results of all libraries, n times, and returns the path.
func file(t *testing.T, name, date string, n int) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "date: %s\ncommit: 0123456789ab\ncpu: Testchip <1>\ngo: go1.26\n", date)
	for i := range n {
		for j, lib := range []string{"core", "gobwas", "gorilla", "coder", "gws"} {
			v := float64(20*(j+1)) * (1 + float64(i)/100)
			fmt.Fprintf(&b, "BenchmarkReadFrame/lib=%s/api=best/role=server/size=16B 1 %.1f cpu-ns/op 0 allocs/op\n", lib, v)
			fmt.Fprintf(&b, "BenchmarkReadFrame/lib=%s/api=best/role=server/size=1KiB 1 %.1f cpu-ns/op 0 allocs/op\n", lib, 3*v)
			fmt.Fprintf(&b, "BenchmarkHandshake/lib=%s/api=best/from=parsed 1 %.1f cpu-ns/op\n", lib, 30*v)
			fmt.Fprintf(&b, "BenchmarkEcho/lib=%s/api=best/kind=binary/conns=64/inflight=1/size=125B 1 %.1f cpu-ns/op %.0f p50-ns %.0f p99-ns\n", lib, 100*v, 1000*v, 9000*v)
		}
		fmt.Fprintf(&b, "BenchmarkEcho/lib=tcp/api=plain/kind=binary/conns=64/inflight=1/size=125B 1 %d cpu-ns/op 900000 p50-ns 9000000 p99-ns\n", 1800+i)
	}
	fmt.Fprintf(&b, "BenchmarkMemory/lib=core/api=readme/conns=100 100 5500 rss-B/conn 1 goroutines/conn\n")
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, path string) *Run {
	t.Helper()
	r, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWrite(t *testing.T) {
	for _, n := range []int{1, 10} { // without and with enough samples for intervals
		var b bytes.Buffer
		runs := []*Run{load(t, file(t, "b.txt", "2026-02-01T00:00:00Z", n)), load(t, file(t, "a.txt", "2026-01-01T00:00:00Z", n))}
		if err := Write(&b, runs); err != nil {
			t.Fatal(err)
		}
		html := b.String()
		for _, want := range []string{
			"Who reads a masked frame", "How far is each from the limit", "How much memory", "How did the core change",
			"Testchip &lt;1&gt;", "2026-02-01", "b.txt", "make bench", "16B", "gorilla",
		} {
			if !strings.Contains(html, want) {
				t.Errorf("n=%d: the page has no %q", n, want)
			}
		}
		if wide, narrow := strings.Count(html, `class="wide"`), strings.Count(html, `class="narrow"`); wide < 5 || wide != narrow || strings.Count(html, "<svg") != wide+narrow {
			t.Errorf("n=%d: %d wide and %d narrow charts in %d drawings", n, wide, narrow, strings.Count(html, "<svg"))
		}
		// Self-contained: nothing is loaded from elsewhere.
		if found := regexp.MustCompile(`(?i)(src|href)\s*=|url\(|@import|<script`).FindString(strings.ReplaceAll(html, "xlink:href", "")); found != "" {
			t.Errorf("n=%d: the page loads something: %q", n, found)
		}
		if n == 10 && !strings.Contains(html, " … ") {
			t.Error("the numbers have no intervals")
		}
	}
}

// TestShapesDiffer: no two series of a chart have the same shape, so that colour
// alone tells nothing apart.
func TestShapesDiffer(t *testing.T) {
	check := func(id string, series []string) {
		seen := map[string]string{}
		for _, name := range series {
			if _, ok := styles[name]; !ok {
				t.Errorf("%s: %q has no style", id, name)
			}
			symbol := styleOf(name).symbol
			if other, ok := seen[symbol]; ok {
				t.Errorf("%s: %q and %q are both %s", id, other, name, symbol)
			}
			seen[symbol] = name
		}
	}
	check("reading", []string{"core", "core_purego", "gobwas", "gobwas_purego", "gws", "gorilla", "coder"})
	check("through a connection", []string{"core conn", "core_purego conn", "gobwas conn", "gobwas_purego conn", "gws", "gorilla", "coder"})
	check("as the READMEs show it", []string{"core readme", "gobwas readme", "gws readme", "gorilla readme", "coder readme"})
	check("echo", []string{"core", "core answer", "tcp", "gobwas", "gobwas flush", "gws", "gorilla", "coder"})
	check("handshakes", []string{"core", "gobwas", "gobwas zerocopy", "gobwas listener", "gws", "gorilla", "coder"})
	check("memory", []string{
		"core", "core readme", "gobwas", "gobwas listener", "gobwas readme",
		"gws", "gws readme", "gorilla", "gorilla readme", "coder", "coder readme",
	})
	published, err := filepath.Glob("../published/*.txt")
	if err != nil || len(published) == 0 {
		t.Fatalf("no published results: %v", err)
	}
	for _, path := range published {
		run := load(t, path)
		for _, q := range questions {
			if c := q.chart(run); c != nil {
				var names []string
				for _, s := range c.series {
					names = append(names, s.name)
				}
				check(q.question, names)
			}
		}
	}
}

// TestHistoryOfOneMachine: results of another processor are no history.
func TestHistoryOfOneMachine(t *testing.T) {
	a, b := load(t, file(t, "a.txt", "2026-01-01T00:00:00Z", 10)), load(t, file(t, "b.txt", "2026-02-01T00:00:00Z", 10))
	if history([]*Run{a, b}, b) == nil {
		t.Error("two runs on one machine make no history")
	}
	a.Facts["cpu"] = "Otherchip"
	if c := history([]*Run{a, b}, b); c != nil {
		t.Errorf("runs on two machines make a history of %v", c.categories)
	}
	if got := shortCommit("0123456789ab+"); got != "0123456+" {
		t.Errorf("the short form of a dirty commit is %q", got)
	}
}

func TestWriteNothing(t *testing.T) {
	if err := Write(&bytes.Buffer{}, nil); err == nil {
		t.Error("a page of nothing was written")
	}
	path := filepath.Join(t.TempDir(), "other.txt")
	if err := os.WriteFile(path, []byte("BenchmarkOther 1 1 ns/op\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(&bytes.Buffer{}, []*Run{load(t, path)}); err == nil {
		t.Error("a page without a chart was written")
	}
	if err := os.WriteFile(path, []byte("PASS\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Error("a file without results was loaded")
	}
}

func TestReadme(t *testing.T) {
	run := load(t, file(t, "a.txt", "2026-01-01T00:00:00Z", 10))
	text := []byte("before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n")
	got, err := Readme(text, run)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "\nafter\n", "| | 16B | 1KiB |", "| core | 20.9 | 62.7 |", "commit 0123456789ab"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Error("the old table is still there")
	}
	again, err := Readme(got, run)
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("written twice it differs (%v)", err)
	}
	if _, err := Readme([]byte("no marks"), run); err == nil {
		t.Error("a text without marks was taken")
	}
}
