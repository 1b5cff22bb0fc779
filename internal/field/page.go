package field

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"number":  number,
	"number2": func(n int) string { return number(float64(n)) },
	"short":   shortVersion,
	"section": func(r *Row, section string) *SectionSummary { return r.Test.section(section) },
	"join":    strings.Join,
}).Parse(pageText))

// sectionNames are what the sections of the conformance suite are about.
var sectionNames = []sectionName{
	{"1", "framing"},
	{"2", "pings"},
	{"3", "reserved bits"},
	{"4", "opcodes"},
	{"5", "fragments"},
	{"6", "UTF-8"},
	{"7", "close"},
	{"9", "large and many"},
	{"10", "splitting"},
	{"W", "what the Autobahn suite lacks"},
}

type sectionName struct{ Section, Name string }

// WritePage writes the results as one page that needs nothing else.
func WritePage(w io.Writer, r *Results) error {
	type table struct {
		Title string
		Load  bool
		Rows  []*Row
	}
	var tables []table
	for _, t := range []table{{Title: "Servers", Load: true}, {Title: "Proxies, before the core", Load: true}, {Title: "Clients"}} {
		kind := []Kind{Server, Proxy, Client}[len(tables)]
		for _, row := range r.Rows {
			if row.Kind == kind {
				t.Rows = append(t.Rows, row)
			}
		}
		tables = append(tables, t)
	}
	sections := slices.DeleteFunc(slices.Clone(sectionNames), func(s sectionName) bool {
		return !slices.ContainsFunc(r.Rows, func(row *Row) bool { return row.Test.section(s.Section) != nil })
	})
	tables = slices.DeleteFunc(tables, func(t table) bool { return len(t.Rows) == 0 })
	return pageTemplate.Execute(w, map[string]any{
		"Tables": tables, "Sections": sections, "Rows": r.Rows,
		"Conns": loadConns, "Size": loadSize,
	})
}

// section is the summary of a section; nil if there is none.
func (t *Test) section(name string) *SectionSummary {
	if t == nil {
		return nil
	}
	for i := range t.Sections {
		if t.Sections[i].Section == name {
			return &t.Sections[i]
		}
	}
	return nil
}

// Class is how good a section is: ok, strict (it could be better) or fail.
func (s *SectionSummary) Class() string {
	switch {
	case s.Passed+s.Skipped < s.Cases:
		return "fail"
	case s.NonStrict > 0 || s.Skipped > 0:
		return "strict"
	}
	return "ok"
}

// Text is a section in a cell.
func (s *SectionSummary) Text() string {
	if s.Passed < s.Cases {
		return fmt.Sprintf("%d of %d", s.Passed, s.Cases)
	}
	return number(float64(s.Cases))
}

// Rules are the sections of the RFC that findings name, but for notes, each with
// its number of cases: "5.2 ×7, 8.1 ×70"; "none" if there are none.
func (t *Test) Rules() string {
	count := make(map[string]int)
	ends := make(map[string]string)
	var order []string
	for _, f := range t.Findings {
		if f.Note {
			continue
		}
		if count[f.Section] == 0 && ends[f.Section] == "" {
			order = append(order, f.Section)
		}
		count[f.Section] += len(f.Cases)
		if f.Ends {
			ends[f.Section] = map[string]string{string(ended): " (the process ends)", string(hangs): " (it hangs)"}[f.Verdict]
		}
	}
	slices.SortFunc(order, compareSections)
	var words []string
	for _, section := range order {
		word := section
		if n := count[section]; n > 1 {
			word = fmt.Sprintf("%s ×%d", section, n)
		}
		words = append(words, word+ends[section])
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

// compareSections orders "5.2" before "5.10", and "10" before "W".
func compareSections(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		switch {
		case errX == nil && errY == nil:
			return x - y
		case errX == nil:
			return -1
		case errY == nil:
			return 1
		}
		return strings.Compare(a, b)
	})
}

// number writes a number with its thousands apart.
func number(v float64) string {
	if v < 100 {
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// shortVersion is a version without what a packager has added, and without words
// before it: "1:4.9.2+dfsg-1" is 4.9.2, "deno 2.9.6 (stable)" is 2.9.6.
func shortVersion(version string) string {
	for word := range strings.FieldsSeq(version) {
		if word[0] >= '0' && word[0] <= '9' || word[0] == 'v' {
			version = word
			break
		}
	}
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	if strings.HasPrefix(version, "v") {
		return version
	}
	if i := strings.IndexAny(version, "+~-"); i > 0 {
		version = version[:i]
	}
	return version
}
