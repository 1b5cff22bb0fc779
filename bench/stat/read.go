// Package stat judges benchmark results: it groups them, compares two
// revisions, and writes tables, on the packages of golang.org/x/perf.
package stat

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchproc"
)

// A Row is a benchmark (its full name without GOMAXPROCS) and a unit, tidied
// as benchfmt does it: cpu-ns/op is cpu-sec/op.
type Row struct{ Name, Unit string }

// Samples are the measured values of each row, by revision ("" where there is
// only one).
type Samples map[string]map[Row][]float64

// Collect reads results in the Go benchmark format. Lines that are broken are
// an error: a result that was lost is no result.
func Collect(s *benchfmt.Reader) (Samples, error) {
	var parser benchproc.ProjectionParser
	all, err := benchproc.NewFilter("*")
	if err != nil {
		return nil, err
	}
	rev, err := parser.Parse("rev", all)
	if err != nil {
		return nil, err
	}
	samples := Samples{}
	for s.Scan() {
		switch rec := s.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, rec
		case *benchfmt.Result:
			key := rev.Project(rec).Get(rev.Fields()[0])
			rows := samples[key]
			if rows == nil {
				rows = map[Row][]float64{}
				samples[key] = rows
			}
			for _, v := range rec.Values {
				row := Row{BareName(rec.Name), v.Unit}
				rows[row] = append(rows[row], v.Value)
			}
		}
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if len(samples) == 0 {
		return nil, errors.New("stat: there are no results")
	}
	return samples, nil
}

// Read is Collect on r.
func Read(r io.Reader, name string) (Samples, error) {
	return Collect(benchfmt.NewReader(r, name))
}

// BareName is the name without the -N of GOMAXPROCS.
func BareName(name benchfmt.Name) string {
	base, parts := name.Parts()
	s := string(base)
	for _, p := range parts {
		if p[0] == '/' {
			s += string(p)
		}
	}
	return s
}

// Common are the rows that both revisions have, in order of name.
func (s Samples) Common(old, new string) []Row {
	var rows []Row
	for row := range s[new] {
		if len(s[old][row]) > 0 {
			rows = append(rows, row)
		}
	}
	sortRows(rows)
	return rows
}

// Only are the names of benchmarks that only one of the revisions has.
func (s Samples) Only(one, other string) []string {
	has := map[string]bool{}
	for row := range s[other] {
		has[row.Name] = true
	}
	var names []string
	for row := range s[one] {
		if !has[row.Name] && !slices.Contains(names, row.Name) {
			names = append(names, row.Name)
		}
	}
	slices.Sort(names)
	return names
}

func sortRows(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int {
		if a.Name != b.Name {
			if a.Name < b.Name {
				return -1
			}
			return 1
		}
		if a.Unit < b.Unit {
			return -1
		}
		return 1
	})
}

// Summary is the median of the values with its 95 % confidence interval.
func Summary(values []float64) benchmath.Summary {
	sample := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, 0.95)
}

// Compare tells whether two samples differ, as benchstat does.
func Compare(a, b []float64) benchmath.Comparison { return compare(a, b, &benchmath.DefaultThresholds) }

func compare(a, b []float64, t *benchmath.Thresholds) benchmath.Comparison {
	return benchmath.AssumeNothing.Compare(benchmath.NewSample(slices.Clone(a), t), benchmath.NewSample(slices.Clone(b), t))
}

// Best reduces the results that a benchmark gave within one process to the one
// with the least CPU time, so that a moment's disturbance by others is not
// counted. Allocations are those of the same result. Results of other
// benchmarks keep their order.
func Best(results []*benchfmt.Result) []*benchfmt.Result {
	var best []*benchfmt.Result
	index := map[string]int{}
	cpu := func(r *benchfmt.Result) float64 {
		v, _ := r.Value("cpu-sec/op")
		return v
	}
	for _, r := range results {
		name := r.Name.String()
		i, known := index[name]
		switch {
		case !known:
			index[name] = len(best)
			best = append(best, r)
		case cpu(r) < cpu(best[i]):
			best[i] = r
		}
	}
	return best
}

// String is the row for people.
func (r Row) String() string { return fmt.Sprintf("%s %s", r.Name, r.Unit) }
