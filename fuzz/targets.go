package fuzz

import "github.com/wsproof/wsproof/fuzz/input"

// Targets returns the targets of this package.
func Targets() []input.Target {
	return []input.Target{
		{Name: "ReadFrame", Check: ReadFrame, Words: explainReadFrame, SeedsFrom: seedReadFrame},
		{Name: "MarshalFrame", Check: MarshalFrame, Words: explainMarshalFrame, SeedsFrom: seedMarshalFrame},
		{Name: "Mask", Check: Mask, Words: explainMask, SeedsFrom: seedMask},
		{Name: "Reassembly", Check: Reassembly, Words: input.ExplainTranscript, SeedsFrom: input.SeedTranscripts, Compressed: true},
		{Name: "FrameMessage", Check: FrameMessage, Words: explainFrameMessage, SeedsFrom: seedFrameMessage},
		{Name: "UTF8", Check: UTF8, Words: explainUTF8, SeedsFrom: seedUTF8},
	}
}

// target returns the target of that name.
func target(name string) *input.Target {
	t, _ := input.Find(Targets(), name)
	return &t
}
