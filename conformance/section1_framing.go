package conformance

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// What a right peer does with a message, shared by many cases.
const (
	expectEcho  = "The message comes back whole, as one message of the same kind; then the closing handshake that the tester starts is completed."
	expectFail  = "The peer fails the connection at once, best with a Close 1002; nothing is echoed."
	expectFirst = "The message that came before the fault is echoed, then the peer fails the connection, best with 1002. Failing without that echo is NON-STRICT."
)

// byTester is how a connection ends that the peer had no reason to fail.
var byTester = CloseRule{ByTester: true, Codes: []uint16{1000}, Clean: true}

// byPeer1002 is how a connection ends after a protocol error of the tester.
var byPeer1002 = CloseRule{Codes: []uint16{1002}}

func textEvent(p Payload) Event   { return Event{Kind: TextMessage, Payload: p} }
func binaryEvent(p Payload) Event { return Event{Kind: BinaryMessage, Payload: p} }
func pongEvent(p Payload) Event   { return Event{Kind: PongFrame, Payload: p} }

// exactly is the list of wants of a case with one right outcome.
func exactly(events ...Event) []Want { return []Want{{Verdict: OK, Events: events}} }

// framing is section 1: messages in one frame, in each form of the length.
func framing() []*Case {
	sizes := []struct {
		octets, chop int
		wait         time.Duration
		rule         Rule
		note         string
	}{
		{0, 0, time.Second, ruleLength7, "an empty payload"},
		{125, 0, time.Second, ruleLength7, "the longest payload of the 7-bit length"},
		{126, 0, time.Second, ruleLength16, "the shortest payload of the 16-bit length"},
		{127, 0, time.Second, ruleLength16, "a payload whose length is the marker of the 64-bit form, in the 16-bit form"},
		{128, 0, time.Second, ruleLength16, "a payload whose length has the mask bit's value, in the 16-bit form"},
		{65535, 0, 10 * time.Second, ruleLength16, "the longest payload of the 16-bit length"},
		{65536, 0, 10 * time.Second, ruleLength64, "the shortest payload of the 64-bit length"},
		{65536, 997, 10 * time.Second, ruleLength64, "the same, in TCP writes of 997 octets"},
	}
	kinds := []struct {
		opcode byte
		name   string
		unit   string
		event  func(Payload) Event
	}{
		{wire.Text, "text", "*", textEvent},
		{wire.Binary, "binary", "\xfe", binaryEvent},
	}
	var cases []*Case
	for k, kind := range kinds {
		for i, size := range sizes {
			payload := repeated(kind.unit, size.octets)
			cases = append(cases, &Case{
				ID:          fmt.Sprintf("1.%d.%d", k+1, i+1),
				Description: fmt.Sprintf("One %s frame of %d octets: %s.", kind.name, size.octets, size.note),
				Expectation: expectEcho,
				Rule:        size.rule,
				Steps: []Step{
					Frame{Opcode: kind.opcode, Fin: true, Payload: payload, Chop: size.chop},
					FailAfter{size.wait},
				},
				Want:  exactly(kind.event(payload)),
				Close: byTester,
			})
		}
	}
	return cases
}
