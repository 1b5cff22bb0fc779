package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// The markers between which the table of verdicts stands in a README.
const (
	tableBegin = "<!-- verdicts: go test ./conformance -run Readme -update -->\n"
	tableEnd   = "<!-- end of verdicts -->"
)

// verdictTable is the golden file in short, as Markdown.
func verdictTable(t *testing.T) string {
	table := readVerdicts(t, "golden.tsv")
	mod, err := os.ReadFile(filepath.Join("..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("\n| engine | role | OK | INFORMATIONAL | NON-STRICT | anything else |\n|---|---|---|---|---|---|\n")
	for _, e := range engines.All() {
		engine, name := e.Name, e.Name
		if engine != "core" {
			version := regexp.MustCompile(regexp.QuoteMeta(e.Module) + ` (v\S+)`).FindSubmatch(mod)
			if version == nil {
				t.Fatalf("go.mod has no %s", e.Module)
			}
			name += " " + string(version[1])
		}
		for _, role := range []string{"server", "client"} {
			ids := make(map[string][]string) // verdict → ids
			var order []string
			for _, c := range defaultCases(t) {
				v := table[c.ID][role+"-"+engine]
				if ids[v] == nil {
					order = append(order, v)
				}
				ids[v] = append(ids[v], c.ID)
			}
			rest := "none"
			for _, v := range order {
				if v == string(OK) || v == string(Informational) || v == string(NonStrict) {
					continue
				}
				text := fmt.Sprintf("%d %s: %s", len(ids[v]), v, ranges(t, ids[v]))
				if rest == "none" {
					rest = text
				} else {
					rest += "; " + text
				}
			}
			strict := fmt.Sprint(len(ids[string(NonStrict)]))
			if len(ids[string(NonStrict)]) > 0 {
				strict += ": " + ranges(t, ids[string(NonStrict)])
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %d | %s | %s |\n", name, role, len(ids[string(OK)]), len(ids[string(Informational)]), strict, rest)
		}
	}
	b.WriteString("\n")
	return b.String()
}

// ownTable is the golden file of the cases W.* in short.
func ownTable(t *testing.T) string {
	table := readVerdicts(t, "golden-own.tsv")
	var b strings.Builder
	b.WriteString("\n| engine | role | OK | NON-STRICT | anything else |\n|---|---|---|---|---|\n")
	for _, engine := range engines.Names() {
		for _, role := range []string{"server", "client"} {
			count := make(map[string]int)
			var strict, rest []string
			for _, c := range own() {
				switch v := table[c.ID][role+"-"+engine]; v {
				case string(OK):
					count[v]++
				case string(NonStrict):
					strict = append(strict, c.ID)
				case "-":
				default:
					rest = append(rest, c.ID)
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %s | %s |\n", engine, role, count[string(OK)], listed(strict), listed(rest))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// listed is how many ids there are, and which.
func listed(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", len(ids), strings.Join(ids, " "))
}

// TestOwnReadme keeps the table of the cases W.* equal to their golden file.
func TestOwnReadme(t *testing.T) {
	const begin, end = "<!-- own verdicts: go test ./conformance -run Readme -update -->\n", "<!-- end of own verdicts -->"
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(text), begin)
	got, after, ended := strings.Cut(after, end)
	want := ownTable(t)
	switch {
	case !found || !ended:
		t.Errorf("README.md has no lines %q and %q", begin, end)
	case got == want:
	case !*update:
		t.Error("README.md does not show the golden verdicts of W.*; go test ./conformance -run Readme -update writes them")
	default:
		if err := os.WriteFile("README.md", []byte(before+begin+want+end+after), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// ranges writes the ids of cases, three and more of them that follow each other as
// the first and the last.
func ranges(t *testing.T, ids []string) string {
	place := make(map[string]int)
	for i, c := range defaultCases(t) {
		place[c.ID] = i
	}
	var parts []string
	for i := 0; i < len(ids); {
		j := i
		for j+1 < len(ids) && place[ids[j+1]] == place[ids[j]]+1 {
			j++
		}
		if j < i+2 {
			j = i
			parts = append(parts, ids[i])
		} else {
			parts = append(parts, ids[i]+" to "+ids[j])
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// TestReadme keeps the tables of verdicts in the READMEs equal to the golden
// file. -update writes them.
func TestReadme(t *testing.T) {
	want := verdictTable(t)
	for _, name := range []string{"README.md", filepath.Join("..", "README.md")} {
		text, err := os.ReadFile(name)
		if err != nil && name != "README.md" {
			continue
		}
		before, rest, found := strings.Cut(string(text), tableBegin)
		got, after, ended := strings.Cut(rest, tableEnd)
		if !found || !ended {
			if name == "README.md" {
				t.Errorf("%s has no table of verdicts: want the lines %q and %q", name, tableBegin, tableEnd)
			}
			continue
		}
		if got == want {
			continue
		}
		if !*update {
			t.Errorf("%s does not show the golden verdicts; go test ./conformance -run Readme -update writes them", name)
			continue
		}
		if err := os.WriteFile(name, []byte(before+tableBegin+want+tableEnd+after), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGoldenAgainstOriginal names each difference between the engines' golden
// verdicts and what the original said of the same libraries, with its reason.
func TestGoldenAgainstOriginal(t *testing.T) {
	golden, original := readVerdicts(t, "golden.tsv"), readVerdicts(t, "original.tsv")
	columns := map[string]string{
		"gorilla": "server-gorilla", "gobwas": "server-gobwas", "gws": "server-gws", "coder": "server-coder",
		"client-gorilla": "client-gorilla", "client-gobwas": "client-gobwas",
	}
	for _, c := range defaultCases(t) {
		for theirs, ours := range columns {
			said := string(OK)
			if row := original[c.ID]; row != nil {
				said = row[theirs]
			}
			got := golden[c.ID][ours]
			if got == said {
				continue
			}
			// The original's coder echo checked no UTF-8; serve's does, in the
			// application.
			if theirs == "coder" && c.Section() == 6 && said == string(Failed) && (got == string(OK) || got == string(NonStrict)) {
				continue
			}
			t.Errorf("%s %s: golden %s, the original said %s, and no reason is known", ours, c.ID, got, said)
		}
	}
}
