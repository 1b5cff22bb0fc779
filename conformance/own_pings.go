package conformance

import (
	"fmt"
	"slices"

	"github.com/wsproof/wsproof/internal/wire"
)

// counted returns the events that count for the verdict, and says what was left
// out: pings of the peer's own, and pongs that answer nothing of the tester's. A
// peer may send either at any time (RFC 6455 §5.5.2, §5.5.3), so that no case
// holds it to their absence.
func (c *Case) counted(received []Event) (counted []Event, own string) {
	pings, pongs := 0, 0
	for _, e := range received {
		switch {
		case e.Kind == PingFrame:
			pings++
		case e.Kind == PongFrame && !c.sent(wire.Ping, e.Payload) && (c.Own() || !c.sent(wire.Pong, e.Payload)):
			pongs++
		default:
			counted = append(counted, e)
		}
	}
	switch {
	case pings > 0 && pongs > 0:
		return counted, plural(pings, "ping") + " and " + plural(pongs, "pong")
	case pings > 0:
		return counted, plural(pings, "ping")
	case pongs > 0:
		return counted, plural(pongs, "pong")
	}
	return counted, ""
}

// sent says whether the case's steps have a frame of that opcode and payload.
func (c *Case) sent(opcode byte, p Payload) bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool {
		f, isFrame := s.(Frame)
		return isFrame && f.Opcode == opcode && f.Payload.Equal(p.Bytes())
	})
}

// otherPongs says whether the events are those that were wanted but for pongs in
// a way that RFC 6455 §5.5.3 leaves open: a ping is not answered, but a later one
// that came together with it is; a ping is answered more than once, or late; a
// pong of the tester's is answered.
func (c *Case) otherPongs(got, want []Event) (how string, allowed bool) {
	var passed []Event // pongs that were due, answered or skipped
	for _, g := range got {
		if g.Kind != PongFrame {
			if len(want) == 0 || !g.Equal(want[0]) {
				return "", false
			}
			want = want[1:]
			continue
		}
		due := 0
		for due < len(want) && want[due].Kind == PongFrame && !g.Equal(want[due]) {
			due++
		}
		switch {
		case due < len(want) && g.Equal(want[due]):
			if due > 0 && how == "" {
				how = "answered only the latest of several pings"
			}
			passed = append(passed, want[:due+1]...)
			want = want[due+1:]
		case slices.ContainsFunc(passed, g.Equal):
			how = "answered a ping more than once, or out of order"
		case slices.ContainsFunc(want, g.Equal):
			return "", false // before something else that was due
		case !c.sent(wire.Pong, g.Payload):
			return "", false
		default:
			how = "answered a Pong that was not asked for"
		}
	}
	return how, how != "" && len(want) == 0
}

// plural is a number and a noun: "1 ping", "2 pings".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
