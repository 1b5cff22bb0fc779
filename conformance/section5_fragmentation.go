package conformance

import (
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// fragmentation is section 5: messages in fragments, and control frames and
// faults among them.
func fragmentation() []*Case {
	const (
		f1, f2, f3 = "fragment1", "fragment2", "fragment3"
		orphan     = "non-continuation payload"
		hello      = "Hello, world!"
		pingText   = "ping payload"

		expectPongEcho = "The ping is answered while the message is still incomplete, then the whole message comes back; then the closing handshake that the tester starts is completed."
		noStart        = "The peer fails the connection at the continuation frame that continues nothing, best with a Close 1002; nothing is echoed."
	)
	first := func(text string) Frame { return Frame{Opcode: wire.Text, Payload: octets(text)} }
	whole := func(text string) Frame { return Frame{Opcode: wire.Text, Fin: true, Payload: octets(text)} }
	more := func(text string) Frame { return Frame{Opcode: wire.Continuation, Payload: octets(text)} }
	last := func(text string) Frame { return Frame{Opcode: wire.Continuation, Fin: true, Payload: octets(text)} }
	ping := func(text string) Frame { return Frame{Opcode: wire.Ping, Fin: true, Payload: octets(text)} }

	// The three ways to put frames on the wire.
	together := func(f Frame) Frame { return f }
	apart := func(f Frame) Frame { f.Sync = true; return f }
	chopped := func(f Frame) Frame { f.Chop = 1; return f }
	ways := []struct {
		way  func(Frame) Frame
		note string
	}{
		{together, ", all in one TCP write"},
		{apart, ", each frame in a TCP write of its own"},
		{chopped, ", in TCP writes of one octet"},
	}
	sent := func(way func(Frame) Frame, end Step, frames ...Frame) []Step {
		var steps []Step
		for _, f := range frames {
			steps = append(steps, way(f))
		}
		return append(steps, end)
	}
	closeAfter, failAfter := CloseAfter{time.Second}, FailAfter{time.Second}
	bad := func(id, what, expect string, rule Rule, way func(Frame) Frame, frames ...Frame) *Case {
		return &Case{
			ID: id, Description: what, Expectation: expect, Rule: rule,
			Steps: sent(way, failAfter, frames...), Want: exactly(), Close: byPeer1002,
		}
	}
	echo := textEvent(octets(f1 + f2))

	cases := []*Case{
		bad("5.1", "A ping without FIN, then a continuation frame: a control frame in two fragments.", expectFail, ruleControl, together,
			Frame{Opcode: wire.Ping, Payload: octets(f1)}, last(f2)),
		bad("5.2", "A Pong without FIN, then a continuation frame: a control frame in two fragments.", expectFail, ruleControl, together,
			Frame{Opcode: wire.Pong, Payload: octets(f1)}, last(f2)),
	}
	for i, w := range ways {
		cases = append(cases, &Case{
			ID: []string{"5.3", "5.4", "5.5"}[i], Description: "A text message in two fragments" + w.note + ".",
			Expectation: expectEcho, Rule: ruleFragments,
			Steps: sent(w.way, closeAfter, first(f1), last(f2)), Want: exactly(echo), Close: byTester,
		})
	}
	for i, w := range ways {
		cases = append(cases, &Case{
			ID: []string{"5.6", "5.7", "5.8"}[i], Description: "A text message in two fragments with a ping between them" + w.note + ".",
			Expectation: expectPongEcho, Rule: ruleInjected,
			Steps: sent(w.way, closeAfter, first(f1), ping(pingText), last(f2)),
			Want:  exactly(pongEvent(octets(pingText)), echo), Close: byTester,
		})
	}
	for i, w := range ways {
		cases = append(cases, bad([]string{"5.9", "5.10", "5.11"}[i],
			"A continuation frame with FIN where no message is open, then a good text message"+w.note+".",
			noStart, ruleFragments, w.way, last(orphan), whole(hello)))
	}
	for i, w := range ways {
		cases = append(cases, bad([]string{"5.12", "5.13", "5.14"}[i],
			"A continuation frame without FIN where no message is open, then a good text message"+w.note+".",
			noStart, ruleFragments, w.way, more(orphan), whole(hello)))
	}
	cases = append(cases,
		&Case{
			ID:          "5.15",
			Description: "A text message in two fragments, then a continuation frame without FIN that continues nothing, then a text frame.",
			Expectation: expectFirst, Rule: ruleFragments,
			Steps: sent(together, failAfter, first(f1), last(f2), more(f3), whole("fragment4")),
			Want:  []Want{{Verdict: OK, Events: []Event{echo}}, {Verdict: NonStrict, Events: nil}}, Close: byPeer1002,
		},
		bad("5.16", "Twice: a continuation frame without FIN that continues nothing, then a text message in two fragments.", noStart, ruleFragments, together,
			more(f1), first(f2), last(f3), more(f1), first(f2), last(f3)),
		bad("5.17", "Twice: a continuation frame with FIN that continues nothing, then a text message in two fragments.", noStart, ruleFragments, together,
			last(f1), first(f2), last(f3), last(f1), first(f2), last(f3)),
		bad("5.18", "The first fragment of a text message, then, instead of its continuation, a new text frame.",
			"The peer fails the connection at the second text frame, best with a Close 1002; nothing is echoed.", ruleInterleaved, together,
			first(f1), whole(f2)),
	)
	for i, w := range ways[:2] {
		c := &Case{
			ID:          []string{"5.19", "5.20"}[i],
			Description: "A text message in five fragments with a ping after the second and the fourth, and a pause of a second behind the first ping" + w.note + ".",
			Expectation: "Each ping is answered before the message is complete, the first one during the pause; then the whole message comes back, and the closing handshake that the tester starts is completed.",
			Rule:        ruleInjected,
			Steps: append(sent(w.way, Wait{For: time.Second}, first(f1), more(f2), ping("pongme 1!")),
				sent(w.way, closeAfter, more(f3), more("fragment4"), ping("pongme 2!"), last("fragment5"))...),
			Want: exactly(pongEvent(octets("pongme 1!")), pongEvent(octets("pongme 2!")),
				textEvent(octets("fragment1fragment2fragment3fragment4fragment5"))),
			Close: byTester,
		}
		cases = append(cases, c)
	}
	return cases
}
