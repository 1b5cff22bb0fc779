package report

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// The markers between which a README's tables stand.
const (
	beginMark = "<!-- bench:begin -->"
	endMark   = "<!-- bench:end -->"
)

// Readme returns text with the tables of the run between its markers.
func Readme(text []byte, run *Run) ([]byte, error) {
	begin, end := bytes.Index(text, []byte(beginMark)), bytes.Index(text, []byte(endMark))
	if begin < 0 || end < begin {
		return nil, fmt.Errorf("report: the text has no %s … %s to write between", beginMark, endMark)
	}
	if run.old != nil {
		return nil, fmt.Errorf("report: %s compares two revisions of the core and has no other library", run.Path)
	}
	tables, err := markdown(run)
	if err != nil {
		return nil, err
	}
	out := append([]byte{}, text[:begin+len(beginMark)]...)
	out = append(out, "\n"+tables...)
	return append(out, text[end:]...), nil
}

// markdown is the run as tables for people: medians of CPU time.
func markdown(run *Run) (string, error) {
	var b strings.Builder
	var spreads []float64 // of the medians of CPU time
	err := answered(run, inReadme, func(q *question, c *chart) error {
		fmt.Fprintf(&b, "\n%s:\n\n| |", q.title)
		for _, category := range c.categories {
			fmt.Fprintf(&b, " %s |", category)
		}
		b.WriteString("\n|---|" + strings.Repeat("--:|", len(c.categories)) + "\n")
		for _, s := range c.series {
			fmt.Fprintf(&b, "| %s |", s.name)
			for _, category := range c.categories {
				m, ok := s.points[category]
				if !ok {
					b.WriteString(" |")
					continue
				}
				fmt.Fprintf(&b, " %s |", short(m.Center*c.scale))
				if m.known() && m.n > 1 {
					spreads = append(spreads, max(m.Hi/m.Center-1, 1-m.Lo/m.Center))
				}
			}
			b.WriteString("\n")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if b.Len() == 0 {
		return "", errors.New("report: the results have none of the README's rows")
	}
	f := run.Facts
	fmt.Fprintf(&b, "\nThe 95 %% interval of half of these times is within ±%.0f %% of the median, of nine tenths within ±%.0f %%: do not rank what is closer.\n",
		100*quantile(spreads, 0.5), 100*quantile(spreads, 0.9))
	fmt.Fprintf(&b, "Medians of interleaved runs%s on %s (%s CPUs), %s, %s, commit %s; %s.\n"+
		"Written by `make benchreadme`; the intervals are on the page of `make benchreport`.\n",
		when(f), f["cpu"], f["cpus"], f["kernel"], f["go"], f["commit"], strings.Join(versions(run, ""), ", "))
	if run.taken != nil {
		f := run.taken.Facts
		fmt.Fprintf(&b, "Memory: a run%s, %s, %s, commit %s; %s. Written by `make benchmemory`.\n",
			when(f), f["kernel"], f["go"], f["commit"], strings.Join(versions(run.taken, memoryRows), ", "))
	}
	return b.String(), nil
}

// when says on which day a run was, and what else the machine had to do.
func when(facts map[string]string) (s string) {
	if day, _, ok := strings.Cut(facts["date"], "T"); ok {
		s = " of " + day
	}
	if load := strings.Fields(facts["load-before"]); len(load) > 0 {
		s += " (load average before it: " + load[0] + ")"
	}
	return s
}

// versions are the libraries of the run with their versions: those that have such rows,
// where base names some.
func versions(run *Run, base string) []string {
	var list []string
	for _, e := range engines.Libraries() {
		measured := func(r row) bool { return r.base == base && r.keys["lib"] == e.Name }
		if v := run.Facts[e.Name]; v != "" && (base == "" || slices.ContainsFunc(run.rows, measured)) {
			list = append(list, e.Name+" "+v)
		}
	}
	return list
}

// quantile is the q-quantile of the values, 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1)+0.5)]
}

// ReadmeRows are the names of the benchmarks in the README's tables.
func (run *Run) ReadmeRows() []string {
	var names []string
	_ = answered(run, inReadme, func(_ *question, c *chart) error {
		for _, s := range c.series {
			for _, category := range c.categories {
				if m, ok := s.points[category]; ok {
					names = append(names, m.row)
				}
			}
		}
		return nil
	})
	return names
}
