package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
)

// What became of a mutant, besides the stages.
const (
	endError     = "error"
	endExplained = "explained"   // survived, and the table says why it must
	endSame      = "same code"   // compiles to what the core as it is compiles to
	endCost      = "cost"        // survived, and changes nothing but time or memory
	endUnreached = "not reached" // survived, since no vector and no seed comes there
	endSurvived  = "survived"
)

// end is the stage that killed a mutant, or why none did.
func (r *result) end() string {
	m := r.mutant
	switch {
	case r.err != nil:
		return endError
	case r.stage != "":
		return r.stage
	case m.survives != "":
		return endExplained
	case m.same:
		return endSame
	case m.cost:
		return endCost
	case !r.reached:
		return endUnreached
	}
	return endSurvived
}

// line says in one line what became of a mutant.
func (r *result) line() string {
	m := r.mutant
	words := fmt.Sprintf("%s (%s, %s %s)", m.name, m.kind, m.files(), m.rule)
	if !m.random {
		words = m.name
	}
	switch end := r.end(); end {
	case endError:
		return fmt.Sprintf("error     %s: %v", words, r.err)
	case endExplained:
		return fmt.Sprintf("survived  %s: %s", words, m.survives)
	case endSame, endCost:
		return fmt.Sprintf("survived  %s: %s", words, end)
	case endUnreached, endSurvived:
		return fmt.Sprintf("SURVIVED  %s: %s", words, end)
	}
	return fmt.Sprintf("killed    %s by %s: %s after %s", words, r.stage, r.killer, seconds(r.took))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// format returns the table of all mutants and the summary.
func format(results []*result) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "mutant\tkind\trule\tfile\tstage\tafter\tkilled by")
	for _, r := range results {
		took, killer := seconds(r.took), r.killer
		switch {
		case r.err != nil:
			took, killer = "", r.err.Error()
		case r.stage == "":
			took, killer = "", r.mutant.survives
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.mutant.name, r.mutant.kind, r.mutant.rule, r.mutant.files(), r.end(), took, killer)
	}
	_ = w.Flush() // writes to memory
	n := count(results)
	fmt.Fprintf(&b, "\n%d mutants: %d killed by vectors, %d by seeds (together %.1f %%), %d by fuzzing, %d by other tests only, %d survived with a reason, %d without\n",
		len(results), n[stageVectors], n[stageSeeds], early(results), n[stageFuzz], n[stageTests],
		n[endExplained], n[endSurvived]+n[endSame]+n[endCost]+n[endUnreached])
	return b.String()
}

func count(results []*result) map[string]int {
	n := map[string]int{}
	for _, r := range results {
		n[r.end()]++
	}
	return n
}

// early is the percentage that vectors and seeds killed.
func early(results []*result) float64 {
	n := count(results)
	return percent(n[stageVectors]+n[stageSeeds], len(results))
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(max(1, whole)) }

// counted are the results that count for the share that is killed: not those that
// nothing can find, nor those that only a count of time or memory can.
func counted(results []*result) (list []*result) {
	for _, r := range results {
		switch r.end() {
		case endError, endExplained, endSame:
		default:
			if !r.mutant.cost {
				list = append(list, r)
			}
		}
	}
	return list
}

// shares returns the tables by class, kind and file, and the share of all.
func shares(results []*result) string {
	var b strings.Builder
	for _, by := range []struct {
		what string
		of   func(r *result) string
	}{
		{"class", func(r *result) string { return r.mutant.class() }},
		{"kind", func(r *result) string { return r.mutant.kind }},
		{"file", func(r *result) string { return r.mutant.files() }},
	} {
		rows := map[string][]*result{}
		for _, r := range results {
			rows[by.of(r)] = append(rows[by.of(r)], r)
		}
		if by.what == "class" && !slices.ContainsFunc(results, func(r *result) bool { return r.mutant.random }) {
			continue // those of patches are their kinds
		}
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "%s\tmade\tsame\texplained\tcost\tvectors\tseeds\tfuzz\ttests\tsurvived\tnot reached\tkilled\t\n", by.what)
		line := func(name string, list []*result) {
			n, c := count(list), counted(list)
			cost := 0
			for _, r := range list {
				if end := r.end(); r.mutant.cost && end != endSame && end != endError && end != endExplained {
					cost++
				}
			}
			k := count(c)
			killed := "-"
			if len(c) > 0 {
				killed = fmt.Sprintf("%.0f %%", percent(k[stageVectors]+k[stageSeeds], len(c)))
			}
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", name, len(list), n[endSame], n[endExplained], cost,
				k[stageVectors], k[stageSeeds], k[stageFuzz], k[stageTests], k[endSurvived], k[endUnreached], killed)
		}
		for _, name := range sortedKeys(rows) {
			line(name, rows[name])
		}
		line("all", results)
		_ = w.Flush() // writes to memory
		b.WriteString("\n")
	}
	c := counted(results)
	n, k := count(results), count(c)
	aside := n[endSame] + n[endExplained]
	fmt.Fprintf(&b, "%d of %d killed by vectors and seeds (%.1f %%)", k[stageVectors]+k[stageSeeds], len(c), early(c))
	if k[stageFuzz] > 0 {
		fmt.Fprintf(&b, ", %.1f %% with fuzzing", percent(k[stageVectors]+k[stageSeeds]+k[stageFuzz], len(c)))
	}
	if k[stageTests] > 0 {
		fmt.Fprintf(&b, ", %.1f %% with the core's other tests", percent(k[stageVectors]+k[stageSeeds]+k[stageFuzz]+k[stageTests], len(c)))
	}
	fmt.Fprintf(&b, "; %d set aside as equivalent (%.1f %% of %d: %d by their code, %d explained), %d that can cost time or memory only, %d errors\n",
		aside, percent(aside, len(results)), len(results), n[endSame], n[endExplained], len(results)-len(c)-aside-n[endError], n[endError])
	return b.String()
}

// survivors are those that nothing killed and nothing explains.
func survivors(results []*result) (list []*result) {
	for _, r := range results {
		switch r.end() {
		case endSurvived, endUnreached, endCost, stageTests:
			list = append(list, r)
		}
	}
	return list
}

// diffs tells the survivors as diffs.
func diffs(cores *cores, results []*result) string {
	var b strings.Builder
	for _, r := range survivors(results) {
		m := r.mutant
		end := r.end()
		if end == stageTests {
			end = "killed by " + r.killer + " alone"
		}
		fmt.Fprintf(&b, "\n%s: %s (%s, %s)\n%s", m.name, end, m.kind, m.rule, cores.known[m.tags].diff(m))
	}
	return b.String()
}

// judge returns an error if there are survivors of a table that nobody has
// explained, or too few early kills.
func judge(results []*result, want float64) error {
	var errs []error
	for _, r := range results {
		if r.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.mutant.name, r.err))
			continue
		}
		if r.stage == "" && r.mutant.survives == "" && !r.mutant.random && r.mutant.patch == "" {
			errs = append(errs, fmt.Errorf("%s survived: the oracles have a hole, or the table a reason to give", r.mutant.name))
		}
		if r.stage != "" && r.mutant.survives != "" {
			errs = append(errs, fmt.Errorf("%s was killed by %s, but the table says that it survives: %s", r.mutant.name, r.killer, r.mutant.survives))
		}
	}
	if got := early(counted(results)); got < want {
		errs = append(errs, fmt.Errorf("vectors and seeds killed %.1f %%, want %.0f %%", got, want))
	}
	if errs == nil {
		return nil
	}
	return cli.Finding(errors.Join(errs...))
}
