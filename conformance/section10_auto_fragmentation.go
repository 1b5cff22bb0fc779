package conformance

import "time"

// autoFragmentation is section 10: a message in fragments of a size that the
// sender chose for its own reasons.
func autoFragmentation() []*Case {
	p := repeated("*", 65536)
	return []*Case{{
		ID:          "10.1.1",
		Description: "A text message of 65,536 octets in fragments of 1300 octets, 51 frames.",
		Expectation: expectEcho,
		Rule:        ruleAnySize,
		Steps:       []Step{Message{Payload: p, Fragment: 1300}, FailAfter{10 * time.Second}},
		Want:        exactly(textEvent(p)),
		Close:       byTester,
		Frames:      51,
	}}
}
