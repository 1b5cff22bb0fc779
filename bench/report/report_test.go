package report

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
			if _, ok := findStyle(name); !ok {
				t.Errorf("%s: %q has no style", id, name)
			}
			symbol := styleOf(name).symbol
			if other, ok := seen[symbol]; ok {
				t.Errorf("%s: %q and %q are both %s", id, other, name, symbol)
			}
			seen[symbol] = name
		}
	}
	plain := withoutStyle()
	var readme []string
	for _, name := range plain {
		readme = append(readme, name+" readme")
	}
	check("reading", append([]string{"core", "core_purego", "gobwas", "gobwas_purego", "gws", "gorilla", "coder"}, plain...))
	check("through a connection", append([]string{"core conn", "core_purego conn", "gobwas conn", "gobwas_purego conn", "gws", "gorilla", "coder"}, plain...))
	check("as the READMEs show it", append([]string{"core readme", "gobwas readme", "gws readme", "gorilla readme", "coder readme"}, readme...))
	check("echo", append([]string{"core", "core answer", "tcp", "gobwas", "gobwas flush", "gws", "gorilla", "coder"}, plain...))
	check("handshakes", append([]string{"core", "gobwas", "gobwas zerocopy", "gobwas listener", "gws", "gorilla", "coder"}, plain...))
	check("memory", append(append([]string{
		"core", "core readme", "gobwas", "gobwas listener", "gobwas readme",
		"gws", "gws readme", "gorilla", "gorilla readme", "coder", "coder readme",
	}, plain...), readme...))
	published, err := filepath.Glob("../published/*.txt")
	if err != nil || len(published) == 0 {
		t.Fatalf("no published results: %v", err)
	}
	for _, path := range published {
		run := load(t, path)
		for _, q := range questions {
			if c := q.chart(run); c != nil && q.in&onPage != 0 {
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

// TestHistoryOfCommits: each run is a column of its own, two of one commit and
// day as well, and its rows can be told apart.
func TestHistoryOfCommits(t *testing.T) {
	var runs []*Run
	for i, commit := range []string{"0123456789ab", "0123456789ab", "ba9876543210", "ba9876543210+"} {
		r := load(t, file(t, "a.txt", fmt.Sprintf("2026-01-01T00:00:0%dZ", i), 10))
		r.Facts["commit"] = commit
		runs = append(runs, r)
	}
	c := history(runs, runs[0])
	if want := []string{"2026-01-01 0123456", "2026-01-01 0123456 (2)", "2026-01-01 ba98765", "2026-01-01 ba98765+"}; !slices.Equal(c.categories, want) {
		t.Errorf("the history is of %q, want %q", c.categories, want)
	}
	seen := map[string]bool{}
	for _, name := range historyRows {
		symbol := styleOf(shortName(name)).symbol
		if seen[symbol] {
			t.Errorf("%s is %s, as another row is", name, symbol)
		}
		seen[symbol] = true
	}
}

// comparison writes results of two revisions and returns the path.
func comparison(t *testing.T, name, date string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "date: %s\ncpu: Testchip <1>\ngo: go1.26\n", date)
	for i := range 10 {
		for _, rev := range []string{"old", "new"} {
			commit, factor := "0123456789ab", 1.0
			if rev == "new" {
				commit, factor = "ba9876543210+", 1.5
			}
			fmt.Fprintf(&b, "\nrev: %s\ncommit: %s\n\n", rev, commit)
			fmt.Fprintf(&b, "BenchmarkReadFrame/lib=core/api=best/role=server/size=1KiB 1 %.1f cpu-ns/op\n", 80*factor+float64(i))
			fmt.Fprintf(&b, "BenchmarkReadText/lib=core/api=best/text=cjk/size=1KiB 1 %d cpu-ns/op\n", 300+i)
			fmt.Fprintf(&b, "BenchmarkMask/lib=core/via=%s/size=16B 1 9 cpu-ns/op\n", rev)
		}
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestComparison: the page draws both revisions, with the numbers of both, and
// their values, which are the best of several, are not in the history.
func TestComparison(t *testing.T) {
	compared := load(t, comparison(t, "c.txt", "2026-03-01T00:00:00Z"))
	a, b := load(t, file(t, "a.txt", "2026-01-01T00:00:00Z", 10)), load(t, file(t, "b.txt", "2026-02-01T00:00:00Z", 10))
	for _, runs := range [][]*Run{{compared}, {a, b, compared}} {
		var page bytes.Buffer
		if err := Write(&page, runs); err != nil {
			t.Fatal(err)
		}
		html := html.UnescapeString(page.String())
		for _, want := range []string{
			"0123456 (old) against ba98765+ (new)", "</b> old</li>", "</b> new</li>", ">ReadFrame server 1KiB</",
			"<td>ReadFrame server 1KiB</td><td>84.5 (81 … 88)</td><td>125 (121 … 128)</td><td>+47.34% (p=0.000)</td>",
			"<td>ReadText cjk 1KiB</td><td>304 (301 … 308)</td><td>304 (301 … 308)</td><td>~ (p=1.000)</td>",
			"<td>Mask old 16B</td><td>9 (9 … 9)</td><td>–</td><td></td>", "<td>Mask new 16B</td><td>–</td><td>9 (9 … 9)</td><td></td>",
		} {
			if !strings.Contains(html, want) {
				t.Errorf("%d runs: the page has no %q", len(runs), want)
			}
		}
		if got, want := strings.Contains(html, "Who reads a masked frame"), len(runs) > 1; got != want {
			t.Errorf("%d runs: libraries are compared: %v, want %v", len(runs), got, want)
		}
	}
	if c := history([]*Run{a, b, compared}, b); len(c.categories) != 2 {
		t.Errorf("the history is of %q", c.categories)
	}
	if _, err := Readme([]byte("<!-- bench:begin -->\n<!-- bench:end -->\n"), compared); err == nil {
		t.Error("the README's tables were made of a comparison")
	}
	if len(compared.Facts) == 0 || compared.Facts["commit"] != "ba9876543210+" {
		t.Errorf("facts: %v", compared.Facts)
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

// TestTerminal: a row is told beside the core's by a ratio where they differ, and
// by ~ where nothing can be claimed.
func TestTerminal(t *testing.T) {
	var b strings.Builder
	if err := Terminal(&b, load(t, file(t, "a.txt", "2026-01-01T00:00:00Z", 10))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^core +20\.9 +62\.7$`, `(?m)^gobwas +41\.8 ×2\.00 +125 ×2\.00$`, `(?m)^tcp +1804 ×0\.86$`, `(?m)^core readme +5\.37$`} {
		if !regexp.MustCompile(want).MatchString(b.String()) {
			t.Errorf("no row %s in\n%s", want, b.String())
		}
	}
	same := measured{values: []float64{1, 2, 3, 4}}
	same.Center = 2.5
	if got := same.than(same); got != "~" {
		t.Errorf("the same is %q", got)
	}
	one := measured{values: []float64{1}}
	one.Center = 1
	if got := one.than(one); got != "" {
		t.Errorf("one value beside one: %q", got)
	}
	if err := Terminal(&b, newRun("empty")); err == nil {
		t.Error("tables of nothing")
	}
}

// TestQuestions: each has a place, and the words for it.
func TestQuestions(t *testing.T) {
	for _, q := range questions {
		if q.in == 0 || q.in&(inReadme|inTerminal) != 0 && q.title == "" || q.in&onPage != 0 && (q.question == "" || q.text == "") {
			t.Errorf("%q is in %03b and has no words for it", q.question+q.title, q.in)
		}
	}
}

// Memory measured at another time stands in the README's table in place of the run's own.
func TestReadmeTakesMemory(t *testing.T) {
	run := load(t, file(t, "r.txt", "2026-01-01T00:00:00Z", 10))
	path := filepath.Join(t.TempDir(), "memory.txt")
	text := "date: 2026-02-03T04:05:06Z\nload-before: 21.70 25.11 24.56\ngo: go1.99\ncommit: fedcba\nnbio: v9.9.9\nxnet: v0.1.0\n\nBenchmarkMemory/lib=core/api=readme/conns=1000 1000 2048 rss-B/conn 0 goroutines/conn\n" +
		"BenchmarkMemory/lib=nbio/api=readme/conns=1000 1000 1024 rss-B/conn 0 goroutines/conn\n" +
		"BenchmarkEcho/lib=core/api=best/kind=binary/conns=64/inflight=1/size=125B 1 7 cpu-ns/op\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run.TakeMemory(path); err != nil {
		t.Fatal(err)
	}
	out, err := Readme([]byte(beginMark+"\n"+endMark+"\n"), run)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| | 1000 |\n|---|--:|\n| core readme | 2 |\n| nbio readme | 1 |\n", "Memory: a run of 2026-02-03 (load average before it: 21.70), ", "go1.99, commit fedcba; nbio v9.9.9. Written", "runs of 2026-01-01 on", "| core | 20.9 |"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "5.37") {
		t.Errorf("the run's own memory is still there:\n%s", out)
	}
	if err := run.TakeMemory("/nosuch"); err == nil {
		t.Error("a file that is not there was taken")
	}
}
