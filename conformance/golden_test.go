package conformance

import (
	"bufio"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readVerdicts reads a table of verdicts: case → column → verdict.
func readVerdicts(t *testing.T, name string) map[string]map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := make(map[string]map[string]string)
	var head []string
	for in := bufio.NewScanner(f); in.Scan(); {
		line := in.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if head == nil {
			head = cells
			continue
		}
		row := make(map[string]string)
		for i, cell := range cells[1:] {
			row[head[i+1]] = cell
		}
		table[cells[0]] = row
	}
	if len(table) == 0 {
		t.Fatalf("testdata/%s has no verdicts", name)
	}
	return table
}

// TestOriginalVerdicts holds the verdicts against those of the original suite,
// for echo servers written in the way that the original saw.
func TestOriginalVerdicts(t *testing.T) {
	table := readVerdicts(t, "original.tsv")
	cases, err := Select(DefaultCases)
	if err != nil {
		t.Fatal(err)
	}
	for name, handler := range originalServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(handler)
			defer server.Close()
			tester := Tester{URL: "ws" + strings.TrimPrefix(server.URL, "http"), Agent: name}
			results, err := tester.Run(context.Background(), cases)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range results {
				want := string(OK)
				if row := table[r.Case.ID]; row != nil {
					want = row[name]
				}
				if got := r.Verdict(); got != want {
					t.Errorf("%s %s: verdict %s, the original suite says %s (%s)", name, r.Case.ID, got, want, r.Why)
				}
			}
		})
	}
}
