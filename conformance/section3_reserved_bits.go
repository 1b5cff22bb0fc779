package conformance

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// reservedBits is section 3: RSV bits that no extension has given a meaning.
func reservedBits() []*Case {
	hello := octets("Hello, world!")
	alone := func(id, what string, f Frame) *Case {
		f.Fin = true
		return &Case{
			ID: id, Description: what, Expectation: expectFail, Rule: ruleRSV,
			Steps: []Step{f, FailAfter{time.Second}}, Want: exactly(), Close: byPeer1002,
		}
	}
	return []*Case{
		alone("3.1", "A text frame with RSV3 set.", Frame{Opcode: wire.Text, RSV: 1, Payload: hello}),
		between("3.2", "a text frame with RSV2 set", "", ruleRSV, Frame{Opcode: wire.Text, RSV: 2, Payload: hello}, 0, false),
		between("3.3", "a text frame with RSV2 and RSV3 set", ", each frame in a TCP write of its own", ruleRSV, Frame{Opcode: wire.Text, RSV: 3, Payload: hello}, 0, true),
		between("3.4", "a text frame with RSV1 set", ", in TCP writes of one octet", ruleRSV, Frame{Opcode: wire.Text, RSV: 4, Payload: hello}, 1, false),
		alone("3.5", "A binary frame with RSV1 and RSV3 set.", Frame{Opcode: wire.Binary, RSV: 5, Payload: octets("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")}),
		alone("3.6", "A binary frame with RSV1 and RSV2 set.", Frame{Opcode: wire.Binary, RSV: 6, Payload: hello}),
		alone("3.7", "A Close frame with all three RSV bits set.", Frame{Opcode: wire.Close, RSV: 7}),
	}
}

// between is a case that sends a good text message, then a bad frame, then a
// ping.
func between(id, what, how string, rule Rule, bad Frame, chop int, sync bool) *Case {
	hello := octets("Hello, world!")
	bad.Fin, bad.Chop, bad.Sync = true, chop, sync
	return &Case{
		ID:          id,
		Description: fmt.Sprintf("A good text message, then %s, then a ping%s.", what, how),
		Expectation: expectFirst,
		Rule:        rule,
		Steps: []Step{
			Frame{Opcode: wire.Text, Fin: true, Payload: hello, Chop: chop, Sync: sync},
			bad,
			Frame{Opcode: wire.Ping, Fin: true, Chop: chop, Sync: sync},
			FailAfter{time.Second},
		},
		Want:  []Want{{Verdict: OK, Events: []Event{textEvent(hello)}}, {Verdict: NonStrict, Events: nil}},
		Close: byPeer1002,
	}
}
