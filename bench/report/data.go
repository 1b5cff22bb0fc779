// Package report draws benchmark results as one self-contained HTML page: a
// chart a question, drawn by gonum.org/v1/plot, with the numbers under it, the
// facts of the machine, and how to repeat it.
package report

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"

	"github.com/wsproof/wsproof/bench/stat"
)

// A Run is one file of results.
type Run struct {
	Path  string
	Facts map[string]string // the configuration lines
	rows  []row
	index map[string]int // of rows, by name
	old   *Run           // what it is compared with; nil: nothing
	taken *Run           // what its rows of memory are of; nil: of itself
}

// A row is a benchmark with its values by unit.
type row struct {
	name   string
	base   string
	keys   map[string]string
	values map[string][]float64
}

// Load reads a file of results. That of a comparison is the new revision's run,
// which knows the old one's.
func Load(path string) (*Run, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	run, old := newRun(path), newRun(path)
	reader := benchfmt.NewReader(f, path)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, rec
		case *benchfmt.Result:
			if rec.GetConfig("rev") == "old" {
				run.old = old
				old.add(rec)
			} else {
				run.add(rec)
			}
		}
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	if len(run.rows) == 0 {
		return nil, fmt.Errorf("%s holds no results", path)
	}
	return run, nil
}

// TakeMemory replaces the rows of memory by those of another file of results.
func (run *Run) TakeMemory(path string) (err error) {
	if run.taken, err = Load(path); err != nil {
		return err
	}
	rows := slices.DeleteFunc(run.rows, func(r row) bool { return r.base == memoryRows })
	for _, r := range run.taken.rows {
		if r.base == memoryRows {
			rows = append(rows, r)
		}
	}
	run.rows, run.index = nil, map[string]int{}
	for i, r := range rows {
		run.rows, run.index[r.name] = append(run.rows, r), i
	}
	return nil
}

// memoryRows are the rows of idle connections.
const memoryRows = "Memory"

func newRun(path string) *Run {
	return &Run{Path: path, Facts: map[string]string{}, index: map[string]int{}}
}

func (run *Run) add(rec *benchfmt.Result) {
	for _, c := range rec.Config {
		run.Facts[c.Key] = string(c.Value)
	}
	name := stat.BareName(rec.Name)
	i, known := run.index[name]
	if !known {
		i = len(run.rows)
		run.index[name] = i
		run.rows = append(run.rows, newRow(name))
	}
	for _, v := range rec.Values {
		run.rows[i].values[v.Unit] = append(run.rows[i].values[v.Unit], v.Value)
	}
}

func newRow(name string) row {
	parts := strings.Split(name, "/")
	r := row{name: name, base: parts[0], keys: map[string]string{}, values: map[string][]float64{}}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		r.keys[key] = value
	}
	return r
}

// A measured is a median with its 95 % confidence interval.
type measured struct {
	benchmath.Summary
	n      int
	values []float64 // nil of what is no measurement itself
	row    string    // the name of its benchmark
}

// known reports whether there were enough samples for an interval.
func (m measured) known() bool { return !math.IsInf(m.Lo, 0) && !math.IsInf(m.Hi, 0) }

// times is the measurement in another unit; infinite bounds stay so.
func (m measured) times(factor float64) measured {
	m.values = nil
	m.Center, m.Lo, m.Hi = m.Center*factor, m.Lo*factor, m.Hi*factor
	return m
}

// over is the quotient of two medians, with an interval that holds all
// quotients of values in theirs.
func (m measured) over(t measured) measured {
	q := m
	q.values = nil
	q.n = min(m.n, t.n)
	q.Center = m.Center / t.Center
	if !m.known() || !t.known() {
		q.Lo, q.Hi = math.Inf(-1), math.Inf(1)
		return q
	}
	q.Lo, q.Hi = m.Lo/t.Hi, m.Hi/t.Lo
	return q
}

// lib names the library of a row together with how it is used, unless that is
// its best.
func (r *row) lib() string {
	lib := r.keys["lib"]
	if api := r.keys["api"]; api != "" && api != "best" && api != "plain" {
		return lib + " " + api
	}
	return lib
}

// find returns the rows of a benchmark that have the wanted keys; a value may
// list alternatives with |.
func (run *Run) find(base string, want map[string]string) []row {
	var found []row
	for _, r := range run.rows {
		if r.base != base {
			continue
		}
		ok := true
		for key, values := range want {
			if !slices.Contains(strings.Split(values, "|"), r.keys[key]) {
				ok = false
			}
		}
		if ok {
			found = append(found, r)
		}
	}
	return found
}

func (r *row) measure(unit string) (measured, bool) {
	v := r.values[unit]
	if len(v) == 0 {
		return measured{}, false
	}
	return measured{stat.Summary(v), len(v), v, r.name}, true
}
