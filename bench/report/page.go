package report

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/bench/stat"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

type section struct {
	Question, Text string
	Wide, Narrow   template.HTML
	Legend         []legend
	Head           []string
	Body           [][]string
}

type legend struct {
	Symbol, Name string
	Color        template.CSS
}

// Write writes the page for the runs: the last one that has all libraries is
// drawn, so is each comparison of revisions, and the others make the history.
func Write(w io.Writer, runs []*Run) error {
	if len(runs) == 0 {
		return errors.New("report: there are no results")
	}
	slices.SortStableFunc(runs, func(a, b *Run) int { return strings.Compare(a.Facts["date"], b.Facts["date"]) })
	main := runs[len(runs)-1]
	for _, r := range runs {
		if r.old == nil && len(r.find("ReadFrame", map[string]string{"lib": "gorilla"})) > 0 {
			main = r
		}
	}
	var sections []section
	if main.old == nil { // else there are no libraries to compare
		err := answered(main, onPage, func(q *question, c *chart) error {
			s, err := draw2(q.question, q.text, c)
			sections = append(sections, s)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, r := range slices.Backward(runs) {
		if r.old == nil {
			continue
		}
		s, err := compare(r)
		if err != nil {
			return err
		}
		if s != nil {
			sections = append(sections, *s)
		}
	}
	if c := history(runs, main); c != nil {
		s, err := draw2("How did the core change?", "CPU time of the core at each commit measured on this machine with this Go, relative to the oldest one shown. Runs of different days are of different moods of the machine: only steps well beyond the intervals mean something; make bench BASE=… compares properly.", c)
		if err != nil {
			return err
		}
		sections = append(sections, s)
	}
	if len(sections) == 0 {
		return fmt.Errorf("report: none of the results answers a question of this page")
	}
	var facts [][2]string
	keys := []string{"date", "commit", "go", "goos", "goarch", "cpu", "cpus", "gomaxprocs", "kernel", "governor", "load-before"}
	for _, k := range append(append(keys, engines.Names()...), "pinned") {
		if v := main.Facts[k]; v != "" {
			facts = append(facts, [2]string{k, v})
		}
	}
	return page.Execute(w, struct {
		Facts    [][2]string
		Sections []section
		File     string
	}{facts, sections, filepath.Base(main.Path)})
}

func draw2(question, text string, c *chart) (section, error) {
	c.sort()
	s := section{Question: question, Text: text}
	var err error
	if s.Wide, err = c.svg(760); err != nil {
		return s, err
	}
	if s.Narrow, err = c.svg(340); err != nil {
		return s, err
	}
	s.Head = append([]string{""}, c.categories...)
	for _, line := range c.series {
		st := styleOf(line.name)
		s.Legend = append(s.Legend, legend{st.symbol, line.name, template.CSS(fmt.Sprintf("rgb(%d,%d,%d)", st.color.R, st.color.G, st.color.B))})
		cells := []string{line.name}
		for _, category := range c.categories {
			m, ok := line.points[category]
			if !ok {
				cells = append(cells, "–")
				continue
			}
			cells = append(cells, cell(m, c.scale))
		}
		s.Body = append(s.Body, cells)
	}
	return s, nil
}

// compare draws old against new; nil where they have no CPU time in common.
func compare(run *Run) (*section, error) {
	const unit = "cpu-sec/op"
	c := &chart{unit: "CPU time, times the median of the old", scale: 1, limit: 1}
	var numbers [][]string
	for i := range run.old.rows {
		r := &run.old.rows[i]
		was, ok := r.measure(unit)
		if !ok {
			continue
		}
		cells := []string{shortName(r.name), cell(was, nano), "–", ""}
		if j, known := run.index[r.name]; known {
			if is, ok := run.rows[j].measure(unit); ok {
				p := stat.Compare(r.values[unit], run.rows[j].values[unit])
				cells[2], cells[3] = cell(is, nano), fmt.Sprintf("%s (p=%.3f)", p.FormatDelta(was.Center, is.Center), p.P)
				c.add("old", cells[0], was.times(1/was.Center))
				c.add("new", cells[0], is.times(1/was.Center))
			}
		}
		numbers = append(numbers, cells)
	}
	for i := range run.rows {
		r := &run.rows[i]
		if is, ok := r.measure(unit); ok {
			if _, known := run.old.index[r.name]; !known {
				numbers = append(numbers, []string{shortName(r.name), "–", cell(is, nano), ""})
			}
		}
	}
	if len(c.series) == 0 {
		return nil, nil
	}
	s, err := draw2(fmt.Sprintf("%s (old) against %s (new)", shortCommit(run.old.Facts["commit"]), shortCommit(run.Facts["commit"])),
		"The core of two revisions, measured in turns within one run; each value is the best of several. Below: CPU time in ns, and what benchstat claims, ~ where that is nothing. From "+filepath.Base(run.Path)+".", c)
	s.Head, s.Body = []string{"", "old", "new", "vs old"}, numbers
	return &s, err
}

// cell is a median with its interval.
func cell(m measured, scale float64) string {
	v := short(m.Center * scale)
	if !m.known() {
		return fmt.Sprintf("%s (n=%d)", v, m.n)
	}
	return fmt.Sprintf("%s (%s … %s)", v, short(m.Lo*scale), short(m.Hi*scale))
}
