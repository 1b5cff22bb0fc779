package field

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{{0, "0"}, {0.12345, "0.12"}, {7.004, "7"}, {26.14, "26.1"}, {99.96, "100"}, {123.4, "123"}, {23912, "23,900"}, {1234567, "1,230,000"}} {
		if got := number(significant(c.v)); got != c.want {
			t.Errorf("%v: %q, want %q", c.v, got, c.want)
		}
	}
}

func TestShortVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.5.3":                         "v1.5.3",
		"8.23.0":                         "8.23.0",
		"1:4.1.48-5+deb12u1":             "4.1.48",
		"9.4.57-0+deb12u1":               "9.4.57",
		"1.15+dfsg-4":                    "1.15",
		"deno 2.9.6 (stable, release)":   "2.9.6",
		"v0.0.0-20260908200009-22c9c6c9": "v0.0.0-20260908200009-22c9c6c9",
		"663a910-dirty":                  "663a910",
		"":                               "",
	} {
		if got := shortVersion(version); got != want {
			t.Errorf("%q: %q, want %q", version, got, want)
		}
	}
}

func TestRules(t *testing.T) {
	test := &Test{Findings: []Finding{
		{Section: "8.1", Cases: []string{"6.3.1", "6.3.2"}},
		{Section: "5.10", Ends: true, Verdict: "ENDED"},
		{Section: "5.2", Cases: []string{"3.1"}},
		{Section: "8.1", Cases: []string{"6.4.1"}},
		{Section: "7.4.1", Cases: []string{"7.9.5"}, Note: true},
	}}
	if got, want := test.Rules(), "5.2, 5.10 (the process ends), 8.1 ×3"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (&Test{}).Rules(); got != "none" {
		t.Errorf("of no findings: %q", got)
	}
}

func TestReadme(t *testing.T) {
	r := &Results{Rows: []*Row{
		{Name: "a", Kind: Server, Language: "C", Version: "1.0-1", Test: &Test{Cases: 2, Passed: 1, Findings: []Finding{{Section: "5.2", Cases: []string{"3.1"}}}}, Fuzz: &Fuzz{Findings: []FuzzFinding{{Section: "5.5.1"}, {Section: "5.1"}, {Section: "5.5.1"}}}, Load: &Load{Rate: 23900, CPU: 14.8}},
		{Name: "b", Kind: Proxy, Language: "C", Error: "it has ended: a|b"},
	}}
	got, err := Readme([]byte("before\n"+beginMark+"\nold\n"+endMark+"\nafter\n"), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n" + beginMark, endMark + "\nafter\n",
		"\n| a | C | 1.0 | 1 of 2 | 5.2 | 5.1, 5.5.1 | 23,900 | 14.8 |\n",
		"\n| b before the core | C |  |  | it has ended: a\\|b |  |  |  |\n",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Errorf("the old table is still there:\n%s", got)
	}
	if _, err := Readme([]byte("no markers"), r); err == nil {
		t.Error("a text without markers was taken")
	}
}

func TestReadResults(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "field.json")
	r, err := ReadResults(file)
	if err != nil || len(r.Rows) != 0 {
		t.Fatalf("no file: %v, %v", r, err)
	}
	r.Put(&Row{Name: "b"})
	r.Put(&Row{Name: "gone"})
	r.Put(&Row{Name: "a"})
	r.Put(&Row{Name: "b", Version: "2"})
	r.Order([]*Implementation{{Name: "a"}, {Name: "b"}})
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	if r, err = ReadResults(file); err != nil || len(r.Rows) != 2 || r.Rows[0].Name != "a" || r.Rows[1].Version != "2" {
		t.Errorf("%v, %v", r, err)
	}
	if err := os.WriteFile(file, []byte(`{"schema": "wsproof/field/0"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = ReadResults(file); err == nil || !strings.Contains(err.Error(), "wsproof/field/0") {
		t.Errorf("another schema: %v", err)
	}
}

// TestPut keeps of the same version what was not run anew.
func TestPut(t *testing.T) {
	old := &Row{Name: "a", Version: "1", Load: &Load{Rate: 5}, Test: &Test{
		Cases: 12, Passed: 9, Skipped: 1, Sections: []SectionSummary{{"3", 2, 0, 0, 0}, {"10", 10, 9, 0, 1}},
		Findings: []Finding{{Section: "5.2", Cases: []string{"3.1", "3.2"}}, {Section: "5.4", Ends: true}},
	}}
	fresh := func(version, failed string) *Row {
		return &Row{Name: "a", Version: version, Test: &Test{
			Cases: 2, Passed: 1, Sections: []SectionSummary{{"3", 2, 1, 0, 0}},
			Findings: []Finding{{Section: "5.2", Cases: []string{failed}}},
		}}
	}
	r := &Results{}
	r.Put(old)
	r.Put(fresh("1", "3.2"))
	got := r.Rows[0]
	if len(r.Rows) != 1 || got.Load == nil || got.Test.Cases != 12 || got.Test.Passed != 10 || got.Test.Skipped != 1 {
		t.Errorf("%d rows, %+v, %+v", len(r.Rows), got, got.Test)
	}
	if s := got.Test.Sections; len(s) != 2 || s[0].Section != "3" || s[0].Passed != 1 || s[1].Section != "10" {
		t.Errorf("sections %+v", s)
	}
	if f := got.Test.Findings; len(f) != 2 || !f[0].Ends || f[1].Cases[0] != "3.2" {
		t.Errorf("findings %+v", f)
	}
	r.Put(fresh("2", "3.1"))
	if got := r.Rows[0]; got.Load == nil || got.Load.Version != "1" || len(got.Test.Sections) != 1 {
		t.Errorf("of another version: %+v", got)
	}
	r.Put(&Row{Name: "a", Version: "2", Error: "it does not listen"})
	if got := r.Rows[0]; got.Test != nil {
		t.Errorf("of one that does not run: %+v", got)
	}
}

// TestPublished holds the results and the README's table in the repository to each
// other and to the table of implementations.
func TestPublished(t *testing.T) {
	r, err := ReadResults("../../field/results/field.json")
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, row := range r.Rows {
		if row.Test == nil {
			continue
		}
		tested++
		for _, f := range row.Test.Findings {
			if f.Ends && (len(f.Cases) > 0 || f.Why != "") {
				t.Errorf("%s: a finding that ends the process says more than its rule (SECURITY.md)", row.Name)
			}
		}
	}
	if tested < 25 {
		t.Errorf("only %d implementations have results", tested)
	}
	ordered := *r
	ordered.Order(readTable(t))
	if len(ordered.Rows) != len(r.Rows) {
		t.Error("the results have rows that the table lacks")
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want, err := Readme(text, r); err != nil || string(want) != string(text) {
		t.Errorf("README.md has not the table of field/results (%v): make field ONLY=core", err)
	}
	var page strings.Builder
	if err := WritePage(&page, r); err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile("../../field/results/index.html")
	if err != nil || page.String() != string(published) {
		t.Errorf("field/results/index.html is not the page of field.json (%v): make field ONLY=core", err)
	}
}
