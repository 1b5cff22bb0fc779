package conformance

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// pings is section 2: pings and pongs.
func pings() []*Case {
	const (
		expectPong    = "A Pong with the same octets comes back; then the closing handshake that the tester starts is completed."
		expectNothing = "Nothing comes back but the answer to the Close."
	)
	binary := octets("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")
	longest := repeated("\xfe", 125)
	ping := func(p Payload, chop int) Frame {
		return Frame{Opcode: wire.Ping, Fin: true, Payload: p, Chop: chop}
	}
	pong := func(p Payload) Frame { return Frame{Opcode: wire.Pong, Fin: true, Payload: p} }
	one := func(id, what string, p Payload, rule Rule, chop int, wait time.Duration) *Case {
		return &Case{
			ID: id, Description: what, Expectation: expectPong, Rule: rule,
			Steps: []Step{ping(p, chop), CloseAfter{wait}},
			Want:  exactly(pongEvent(p)), Close: byTester,
		}
	}
	unsolicited := func(id, what string, p Payload) *Case {
		return &Case{
			ID: id, Description: what, Expectation: expectNothing, Rule: ruleUnsolicited,
			Steps: []Step{pong(p), SendClose{Code: 1000}, CloseAfter{time.Second}},
			Want:  exactly(), Close: byTester,
		}
	}
	ten := func(id, how string, chop int) *Case {
		c := &Case{
			ID:          id,
			Description: "Ten pings in a row, each with octets of its own" + how + ".",
			Expectation: "Ten Pongs, in the order of the pings, each with its octets. Answering only the latest is NON-STRICT: RFC 6455 5.5.3 allows it, the original suite asks for all.",
			Rule:        rulePong, Close: byTester,
		}
		var pongs []Event
		for i := range 10 {
			p := octets(fmt.Sprintf("payload-%d", i))
			c.Steps = append(c.Steps, ping(p, chop))
			pongs = append(pongs, pongEvent(p))
		}
		c.Steps = append(c.Steps, CloseAfter{3 * time.Second})
		c.Want = exactly(pongs...)
		return c
	}
	return []*Case{
		one("2.1", "A ping without payload.", octets(""), rulePing, 0, time.Second),
		one("2.2", "A ping with a text as payload.", octets("Hello, world!"), rulePong, 0, time.Second),
		one("2.3", "A ping with octets that are no UTF-8 as payload.", binary, rulePong, 0, time.Second),
		one("2.4", "A ping with the longest payload that a control frame may have, 125 octets.", longest, rulePong, 0, time.Second),
		{
			ID: "2.5", Description: "A ping with 126 octets, one more than a control frame may have.",
			Expectation: expectFail, Rule: ruleControl,
			Steps: []Step{ping(repeated("\xfe", 126), 0), FailAfter{time.Second}},
			Want:  exactly(), Close: byPeer1002,
		},
		one("2.6", "A ping with 125 octets, in TCP writes of one octet.", longest, rulePong, 1, 2*time.Second),
		unsolicited("2.7", "A Pong without payload that nobody asked for, then a Close.", octets("")),
		unsolicited("2.8", "A Pong with payload that nobody asked for, then a Close.", octets("unsolicited pong payload")),
		{
			ID: "2.9", Description: "A Pong with payload that nobody asked for, then a ping with another payload.",
			Expectation: "One Pong, with the octets of the ping; then the closing handshake that the tester starts is completed.",
			Rule:        rulePong,
			Steps:       []Step{pong(octets("unsolicited pong payload")), ping(octets("ping payload"), 0), CloseAfter{time.Second}},
			Want:        exactly(pongEvent(octets("ping payload"))), Close: byTester,
		},
		ten("2.10", "", 0),
		ten("2.11", ", in TCP writes of one octet", 1),
	}
}
