package peers

import "github.com/wsproof/wsproof/fuzz/input"

// Targets returns the targets of this package.
func Targets() []input.Target {
	return []input.Target{
		{Name: "Peers", Check: Peers, Words: input.ExplainTranscript, SeedsFrom: input.SeedTranscripts, Compressed: true},
		{Name: "Openings", Check: Openings, Words: explainOpening, SeedsFrom: seedOpenings},
		{Name: "Answers", Check: Answers, Words: explainAnswer, SeedsFrom: seedAnswers},
		{Name: "Target", Check: Remote, Words: input.ExplainTranscript, SeedsFrom: seedRemote, Compressed: true},
	}
}

// target returns the target of that name.
func target(name string) *input.Target {
	t, _ := input.Find(Targets(), name)
	return &t
}
