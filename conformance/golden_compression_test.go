package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// goldenCompression has a verdict a group of cases, engine and role: all cases of
// a group have the same, as they differ in the size of messages only.
const goldenCompression = "golden-compression.tsv"

var compressed = flag.Bool("compressed", false, "play 12.* and 13.* whole with every engine, 11 GB each way a peer, not a few messages a case")

// compressionCases are some of each group, and all 216 if a flag says so; with as
// many messages as make 128 KiB, 4 to 100, unless they are to be played whole.
func compressionCases(t *testing.T) []*Case {
	t.Helper()
	patterns := "12.1.11,12.4.10,13.3.11,13.7.18"
	for _, group := range compressionGroups() {
		patterns += "," + group + ".1," + group + ".4"
	}
	if *all || *compressed {
		patterns = "12.*,13.*"
	}
	cases, err := Select(patterns)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if d := c.Deflate; !*compressed {
			d.Count = min(max(4, 128<<10/d.Length), 100)
		}
	}
	return cases
}

func compressionGroups() (groups []string) {
	for _, c := range compression() {
		if len(groups) == 0 || groups[len(groups)-1] != c.Group() {
			groups = append(groups, c.Group())
		}
	}
	return groups
}

// TestGoldenCompression holds every engine, as server and as client, against the
// verdicts in testdata/golden-compression.tsv.
func TestGoldenCompression(t *testing.T) {
	if raceEnabled && !*compressed {
		t.Skip("the race detector makes inflating a bit at a time take minutes; without it the test is run")
	}
	roles := map[string]func(*testing.T, string, []*Case, pace) []*Result{"server": againstEngine, "client": againstClient}
	cases := compressionCases(t)
	if *update {
		writeGoldenCompression(t, roles, cases)
		return
	}
	table := readVerdicts(t, goldenCompression)
	byID := make(map[string]*Case)
	for _, c := range cases {
		byID[c.ID] = c
	}
	var matches []match
	for role, play := range roles {
		for _, engine := range engines.Names() {
			name := role + "-" + engine
			matches = append(matches, match{
				name, cases,
				func(t *testing.T, cases []*Case, p pace) []*Result { return play(t, engine, cases, p) },
				func(id string) string { return table[byID[id].Group()][name] },
			})
		}
	}
	compareAll(t, matches)
}

func writeGoldenCompression(t *testing.T, roles map[string]func(*testing.T, string, []*Case, pace) []*Result, cases []*Case) {
	verdicts := make(map[string]string) // group and column
	var columns []string
	for _, role := range []string{"server", "client"} {
		for _, engine := range engines.Names() {
			name := role + "-" + engine
			columns = append(columns, name)
			for _, r := range roles[role](t, engine, cases, slow) {
				key := r.Case.Group() + " " + name
				if before := verdicts[key]; before != "" && before != r.Verdict() {
					t.Errorf("%s in %s: %s, and %s in another case of the group (%s)", name, r.Case.ID, r.Verdict(), before, r.Why)
				}
				verdicts[key] = r.Verdict()
			}
		}
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "# Verdicts of every engine with compression, as server and as client, a group of cases a row. Written by: go test ./conformance -run GoldenCompression -update")
	fmt.Fprintln(&b, "case\t"+strings.Join(columns, "\t"))
	for _, group := range compressionGroups() {
		fmt.Fprint(&b, group)
		for _, name := range columns {
			fmt.Fprint(&b, "\t", verdicts[group+" "+name])
		}
		fmt.Fprintln(&b)
	}
	if err := os.WriteFile(filepath.Join("testdata", goldenCompression), b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestGoldenCompressionIsComplete keeps the golden file from losing rows or columns.
func TestGoldenCompressionIsComplete(t *testing.T) {
	table := readVerdicts(t, goldenCompression)
	if len(table) != 12 {
		t.Errorf("%d golden rows, want 12", len(table))
	}
	for _, group := range compressionGroups() {
		for _, engine := range engines.Names() {
			for _, role := range []string{"server", "client"} {
				if table[group][role+"-"+engine] == "" {
					t.Errorf("no golden verdict of %s for %s %s", group, role, engine)
				}
			}
		}
	}
}

// TestGoldenCompressionAgainstOriginal names each difference between the golden
// verdicts and what the original said of the same libraries, with its reason.
func TestGoldenCompressionAgainstOriginal(t *testing.T) {
	golden := readVerdicts(t, goldenCompression)
	const declined = "UNIMPLEMENTED/OK"
	// What the original, 25.10.1, says where it does not say OK.
	original := map[string]map[string]string{
		"server-gorilla": {},
		"server-gws":     {},
		"server-coder":   {"13.3": declined, "13.5": declined},
		"server-gobwas":  {"13.3": declined, "13.4": declined, "13.5": declined, "13.6": declined},
		"client-gorilla": {
			"12.1": "FAILED", "12.2": "FAILED", "12.3": "FAILED", "12.4": "FAILED", "12.5": "FAILED", "13.1": "FAILED",
			"13.3": declined, "13.4": declined, "13.5": declined, "13.6": declined,
		},
		"client-coder": {"13.3": declined, "13.4": declined, "13.5": declined, "13.6": declined},
		"client-gws":   {},
	}
	for name, verdicts := range original {
		for _, group := range compressionGroups() {
			said := string(OK)
			if v := verdicts[group]; v != "" {
				said = v
			}
			got := golden[group][name]
			// The original's inflater takes 15 bits whatever it asked the server for.
			asksForBits := strings.HasPrefix(name, "server-") && strings.Contains("13.3 13.4 13.5 13.6", group)
			if got != said && !(asksForBits && said == string(OK) && got == string(NonStrict)) {
				t.Errorf("%s in %s: golden %s, the original said %s, and no reason is known", name, group, got, said)
			}
		}
	}
}

// The markers between which the table stands in README.md.
const (
	compressionBegin = "<!-- compression: go test ./conformance -run ReadmeCompression -update -->\n"
	compressionEnd   = "<!-- end of compression -->"
)

// TestReadmeCompression keeps the table in README.md equal to the golden file.
func TestReadmeCompression(t *testing.T) {
	table := readVerdicts(t, goldenCompression)
	var b strings.Builder
	b.WriteString("\n| engine | role | OK | NON-STRICT | UNIMPLEMENTED | anything else |\n|---|---|---|---|---|---|\n")
	for _, engine := range engines.Names() {
		for _, role := range []string{"server", "client"} {
			cells := []string{"", "", "", ""}
			for _, group := range compressionGroups() {
				v := table[group][role+"-"+engine]
				at := map[string]int{"OK": 0, "NON-STRICT": 1, "UNIMPLEMENTED/OK": 2}
				i, known := at[v]
				if !known {
					i, group = 3, v+": "+group
				}
				cells[i] = strings.TrimSpace(cells[i] + " " + group)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", engine, role, strings.Join(cells, " | "))
		}
	}
	b.WriteString("\n")
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), compressionBegin)
	got, after, ended := strings.Cut(rest, compressionEnd)
	switch {
	case !found || !ended:
		t.Errorf("README.md has no table: want the lines %q and %q", compressionBegin, compressionEnd)
	case got == b.String():
	case !*update:
		t.Error("README.md does not show the golden verdicts; go test ./conformance -run ReadmeCompression -update writes them")
	default:
		if err := os.WriteFile("README.md", []byte(before+compressionBegin+b.String()+compressionEnd+after), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
