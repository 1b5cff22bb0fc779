package peers

import (
	"fmt"
	"slices"
	"testing"
)

// TestOpeningDivergencesHold gives the seeds to each library: what is found has a row, and
// each row is found, in the version that go.mod requires.
func TestOpeningDivergencesHold(t *testing.T) {
	versions := pinned(t)
	seeds, err := seedOpenings(nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range openingEngines() {
		for _, row := range OpeningDivergences {
			if row.Library == e.Name && versions[e.Module] != row.Version {
				t.Errorf("%s %s %s: seen in %s, go.mod requires %s", row.Library, row.Kind, row.Rule, row.Version, versions[e.Module])
			}
		}
		for _, seed := range seeds {
			for _, f := range openingFindings(e, seed) {
				seen[fmt.Sprint(f.library, f.kind, f.rule)] = true
				if !slices.ContainsFunc(OpeningDivergences, f.is) {
					t.Errorf("%s: %v\n%s", e.Name, f, explainOpening(seed))
				}
			}
		}
	}
	for _, row := range OpeningDivergences {
		if row.Reason == "" || !seen[fmt.Sprint(row.Library, row.Kind, row.Rule)] {
			t.Errorf("%s %s %s: has no reason, or no seed shows it: take the row away", row.Library, row.Kind, row.Rule)
		}
	}
}

// TestAnswerDivergencesHold does the same for the answers to each library's client.
func TestAnswerDivergencesHold(t *testing.T) {
	versions := pinned(t)
	seeds, err := seedAnswers(nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, l := range answered() {
		for _, row := range AnswerDivergences {
			if row.Library == l.Name && versions[l.Module] != row.Version {
				t.Errorf("%s %s %s: seen in %s, go.mod requires %s", row.Library, row.Kind, row.Rule, row.Version, versions[l.Module])
			}
		}
		for _, seed := range seeds {
			for _, f := range answerFindings(l, seed) {
				seen[fmt.Sprint(f.library, f.kind, f.rule)] = true
				if !slices.ContainsFunc(AnswerDivergences, f.is) {
					t.Errorf("%s: %v\n%s", l.Name, f, explainAnswer(seed))
				}
			}
		}
	}
	for _, row := range AnswerDivergences {
		if row.Reason == "" || !seen[fmt.Sprint(row.Library, row.Kind, row.Rule)] {
			t.Errorf("%s %s %s: has no reason, or no seed shows it: take the row away", row.Library, row.Kind, row.Rule)
		}
	}
}
