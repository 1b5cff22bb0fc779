package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/wsproof/wsproof/bench/stat"
)

// Width is how many columns the tables of a terminal take at most.
const Width = 120

// Terminal writes the run's tables for a terminal: a median, and how many times
// that of the first row, the core, it is, or ~ where benchstat claims no
// difference.
func Terminal(w io.Writer, run *Run) error {
	tables := 0
	if _, err := fmt.Fprintln(w, wrap("Medians; × is how many times that of the first row, ~ where benchstat claims no difference (p ≥ 0.05).")); err != nil {
		return err
	}
	err := answered(run, inTerminal, func(q *question, c *chart) error {
		tables++
		_, err := fmt.Fprintf(w, "\n%s\n\n%s", wrap(q.title), c.table())
		return err
	})
	if err == nil && tables == 0 {
		err = errors.New("report: none of the results has a table")
	}
	return err
}

// table is the chart in words.
func (c *chart) table() string {
	name := 0
	for _, s := range c.series {
		name = max(name, utf8.RuneCountInString(s.name))
	}
	const value, ratio = 7, 6
	cell := value + ratio
	for _, category := range c.categories {
		cell = max(cell, utf8.RuneCountInString(category))
	}
	var b strings.Builder
	line := func(text string) { b.WriteString(strings.TrimRight(text, " ") + "\n") }
	head := pad("", name, false)
	for _, category := range c.categories {
		head += "  " + pad(category, cell-ratio, true) + pad("", ratio-max(0, utf8.RuneCountInString(category)-(cell-ratio)), false)
	}
	line(head)
	for i, s := range c.series {
		row := pad(s.name, name, false)
		for _, category := range c.categories {
			m, ok := s.points[category]
			if !ok {
				row += "  " + pad("–", cell-ratio, true) + pad("", ratio, false)
				continue
			}
			than := ""
			if i > 0 {
				than = m.than(c.series[0].points[category])
			}
			row += "  " + pad(short(m.Center*c.scale), cell-ratio, true) + pad(than, ratio, true)
		}
		line(row)
	}
	return b.String()
}

// than is m in words beside another: how many times that, ~ where benchstat claims
// no difference, nothing where a value is the only one.
func (m measured) than(other measured) string {
	if len(m.values) < 2 || len(other.values) < 2 || other.Center == 0 {
		return ""
	}
	if c := stat.Compare(other.values, m.values); c.P >= c.Alpha {
		return "~"
	}
	q := m.Center / other.Center
	switch {
	case q >= 99.95:
		return fmt.Sprintf("×%.0f", q)
	case q >= 9.995:
		return fmt.Sprintf("×%.1f", q)
	}
	return fmt.Sprintf("×%.2f", q)
}

// pad fills s up to n columns, on its left side or its right.
func pad(s string, n int, left bool) string {
	fill := strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
	if left {
		return fill + s
	}
	return s + fill
}

// wrap breaks a text into lines of the terminal's width.
func wrap(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
		case column+1+n > Width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
