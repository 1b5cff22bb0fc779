package stat

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// results are n results of a benchmark in two revisions, with CPU times around
// the given medians and the given noise.
func results(n int, old, new, noise float64, allocs [2]int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for i := range n {
		for j, rev := range []string{"old", "new"} {
			center := []float64{old, new}[j]
			fmt.Fprintf(&b, "rev: %s\nBenchmarkX/lib=core/size=16B-2 %d 100 ns/op %.3f cpu-ns/op 64 B/op %d allocs/op\n",
				rev, i+1, center*(1+noise*(2*random.Float64()-1)), allocs[j])
		}
	}
	return b.String()
}

func samples(t *testing.T, text string) Samples {
	t.Helper()
	s, err := Read(strings.NewReader(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGate(t *testing.T) {
	for _, c := range []struct {
		id     string
		text   string
		why    string // "" where the gate lets it pass
		allocs bool
	}{
		{"the same", results(12, 100, 100, 0.05, [2]int{1, 1}), "", false},
		{"15 % slower", results(12, 100, 115, 0.03, [2]int{1, 1}), "CPU time", false},
		{"15 % faster", results(12, 115, 100, 0.03, [2]int{1, 1}), "", false},
		{"5 % slower is allowed", results(12, 100, 105, 0.01, [2]int{1, 1}), "", false},
		{"15 % slower but lost in noise", results(12, 100, 115, 0.9, [2]int{1, 1}), "", false},
		{"15 % slower with too few samples to tell", results(3, 100, 115, 0.01, [2]int{1, 1}), "", false},
		{"one allocation more", results(12, 100, 100, 0.05, [2]int{1, 2}), "more allocations", true},
		{"one allocation less", results(12, 100, 100, 0.05, [2]int{2, 1}), "", true},
	} {
		t.Run(c.id, func(t *testing.T) {
			findings := Gate(samples(t, c.text), "old", "new", Verdict)
			if c.why == "" {
				if len(findings) > 0 {
					t.Errorf("findings %v, want none", findings)
				}
				return
			}
			if len(findings) != 1 || !strings.Contains(findings[0].String(), c.why) {
				t.Errorf("findings %v, want one of %q", findings, c.why)
			}
		})
	}
}

func TestRowsOfOneRevision(t *testing.T) {
	s := samples(t, "rev: old\nBenchmarkA 1 1 cpu-ns/op\nBenchmarkGone 1 1 cpu-ns/op\nrev: new\nBenchmarkA 1 1 cpu-ns/op\nBenchmarkFresh 1 1 cpu-ns/op\n")
	if got := s.Common("old", "new"); len(got) != 1 || got[0].Name != "A" {
		t.Errorf("common rows %v, want A", got)
	}
	if got := s.Only("old", "new"); !slices.Equal(got, []string{"Gone"}) {
		t.Errorf("only in old: %v, want Gone", got)
	}
	if got := s.Only("new", "old"); !slices.Equal(got, []string{"Fresh"}) {
		t.Errorf("only in new: %v, want Fresh", got)
	}
}

func TestDrift(t *testing.T) {
	worst, where, significant := Drift(samples(t, results(12, 100, 103, 0.001, [2]int{1, 1})), "old", "new")
	if math.Abs(worst-0.03) > 0.003 || where.Name != "X/lib=core/size=16B" || significant != 1 {
		t.Errorf("drift %v at %v, %v significant; want 0.03, all", worst, where, significant)
	}
}

func TestReadRefuses(t *testing.T) {
	for _, text := range []string{"", "goos: linux\n", "BenchmarkX 10 nonsense\n"} {
		if s, err := Read(strings.NewReader(text), "test"); err == nil {
			t.Errorf("Read(%q) gave %v and no error", text, s)
		}
	}
}

func TestBest(t *testing.T) {
	var all []*benchfmt.Result
	r := benchfmt.NewReader(strings.NewReader("BenchmarkA 1 9 cpu-ns/op\nBenchmarkB 1 5 cpu-ns/op\nBenchmarkA 2 7 cpu-ns/op\nBenchmarkA 3 8 cpu-ns/op\n"), "test")
	for r.Scan() {
		all = append(all, r.Result().(*benchfmt.Result).Clone())
	}
	best := Best(all)
	if len(best) != 2 || best[0].Iters != 2 || best[1].Iters != 1 {
		t.Errorf("best of %d results: %v, want A with 7 ns and B", len(all), best)
	}
}

func TestBareName(t *testing.T) {
	for in, want := range map[string]string{"X/a=b/size=16B-2": "X/a=b/size=16B", "X": "X", "X-16": "X"} {
		if got := BareName(benchfmt.Name(in)); got != want {
			t.Errorf("BareName(%q) = %q, want %q", in, got, want)
		}
	}
}
