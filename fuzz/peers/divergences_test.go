package peers

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/vector"
)

// pinned returns the versions that go.mod requires. A test binary does not know
// what it is built with.
func pinned(t *testing.T) map[string]string {
	t.Helper()
	file, err := os.Open("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	versions := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) >= 2 && strings.HasPrefix(f[1], "v") {
			versions[f[0]] = f[1]
		}
	}
	return versions
}

// TestDivergencesHold replays the vectors and the committed corpus: each row of the table must still be
// what some vector shows, for the version that go.mod requires.
func TestDivergencesHold(t *testing.T) {
	vectors, err := vector.Load()
	if err != nil {
		t.Fatal(err)
	}
	versions := pinned(t)
	libraries := map[string]*transcript.Reader{}
	for _, l := range Libraries() {
		libraries[l.Name] = l
	}
	for i, row := range Divergences {
		l := libraries[row.Library]
		if l == nil {
			t.Errorf("row %d: there is no library %q", i, row.Library)
			continue
		}
		if row.Reason == "" {
			t.Errorf("%s %s %s: a row needs its reason", row.Library, row.Kind, row.Rule)
		}
		if got := versions[l.Module]; got != row.Version {
			t.Errorf("%s %s %s: seen in %s, go.mod requires %s: see whether it still holds, and say so in the row",
				row.Library, row.Kind, row.Rule, row.Version, got)
		}
		if row.Private {
			continue
		}
		others := append(append([]Divergence{}, Divergences[:i]...), Divergences[i+1:]...)
		want := &Finding{Library: row.Library, Kind: row.Kind, Rule: row.Rule}
		if !shown(t, l, vectors, others, want) {
			t.Errorf("%s %s %s no longer holds in %s: no vector shows it; take the row away", row.Library, row.Kind, row.Rule, row.Version)
		}
	}
}

func shown(t *testing.T, l *transcript.Reader, vectors []vector.Vector, rows []Divergence, want *Finding) bool {
	for i := range vectors {
		v := &vectors[i]
		f, err := Compare(l, &input.Transcript{Role: v.Role, Limits: v.Limits, Input: v.Input}, rows)
		if err != nil {
			t.Fatalf("%s: %v", v.Where(), err)
		}
		if want.is(f) {
			return true
		}
	}
	kept, err := input.ReadCorpus("testdata/fuzz/FuzzP" + "eers")
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range kept {
		f, err := Compare(l, input.NewTranscriptGenerator().Generate(data), rows)
		if err != nil {
			t.Fatal(err)
		}
		if want.is(f) {
			return true
		}
	}
	return false
}

// TestDivergencesAreAllKnown replays the vectors against the table.
func TestDivergencesAreAllKnown(t *testing.T) {
	vectors, err := vector.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range Libraries() {
		for i := range vectors {
			v := &vectors[i]
			tr := &input.Transcript{Role: v.Role, Limits: v.Limits, Input: v.Input}
			f, err := Compare(l, tr, Divergences)
			if err != nil {
				t.Fatalf("%s: %v", v.Where(), err)
			}
			if f != nil {
				t.Errorf("%s: %s: %v\n%s", v.Where(), v.ID, f, input.Annotate(Minimise(l, tr, f, Divergences)))
			}
		}
	}
}
