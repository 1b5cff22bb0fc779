package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
)

// line says in one line what became of a mutant.
func (r *result) line() string {
	switch {
	case r.err != nil:
		return fmt.Sprintf("error     %s: %v", r.mutant.name, r.err)
	case r.stage == "" && r.mutant.survives != "":
		return fmt.Sprintf("survived  %s: %s", r.mutant.name, r.mutant.survives)
	case r.stage == "":
		return fmt.Sprintf("SURVIVED  %s", r.mutant.name)
	}
	return fmt.Sprintf("killed    %s by %s: %s after %s", r.mutant.name, r.stage, r.killer, seconds(r.took))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// format returns the table and the summary.
func format(results []result) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "mutant\tkind\trule\tfile\tstage\tafter\tkilled by")
	for _, r := range results {
		stage, took, killer := r.stage, seconds(r.took), r.killer
		switch {
		case r.err != nil:
			stage, took, killer = "error", "", r.err.Error()
		case stage == "":
			stage, took, killer = "survived", "", r.mutant.survives
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.mutant.name, r.mutant.kind, r.mutant.rule, r.mutant.file, stage, took, killer)
	}
	_ = w.Flush() // writes to memory
	n := count(results)
	fmt.Fprintf(&b, "\n%d mutants: %d killed by vectors, %d by seeds (together %.1f %%), %d by fuzzing, %d by other tests only, %d survived with a reason, %d without\n",
		len(results), n[stageVectors], n[stageSeeds], early(results), n[stageFuzz], n[stageTests], n["explained"], n["survived"])
	return b.String()
}

func count(results []result) map[string]int {
	n := map[string]int{}
	for _, r := range results {
		switch {
		case r.err != nil:
			n["error"]++
		case r.stage != "":
			n[r.stage]++
		case r.mutant.survives != "":
			n["explained"]++
		default:
			n["survived"]++
		}
	}
	return n
}

// early is the percentage that vectors and seeds killed.
func early(results []result) float64 {
	n := count(results)
	return 100 * float64(n[stageVectors]+n[stageSeeds]) / float64(len(results))
}

// judge returns an error if there are survivors that nobody has explained, or too
// few early kills.
func judge(results []result, c config) error {
	var errs []error
	for _, r := range results {
		if r.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.mutant.name, r.err))
			continue
		}
		if r.stage == "" && r.mutant.survives == "" {
			errs = append(errs, fmt.Errorf("%s survived: the oracles have a hole, or the table a reason to give", r.mutant.name))
		}
		if r.stage != "" && r.mutant.survives != "" {
			errs = append(errs, fmt.Errorf("%s was killed by %s, but the table says that it survives: %s", r.mutant.name, r.killer, r.mutant.survives))
		}
	}
	if got := early(results); got < c.want {
		errs = append(errs, fmt.Errorf("vectors and seeds killed %.1f %%, want %.0f %%", got, c.want))
	}
	if errs == nil {
		return nil
	}
	return cli.Finding(errors.Join(errs...))
}
