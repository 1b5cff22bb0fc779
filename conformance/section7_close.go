package conformance

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// closeHandling is section 7: the closing handshake.
func closeHandling() []*Case {
	const (
		complete   = "The Close is answered with a Close and the TCP connection is closed; nothing else comes."
		silence    = "The Close is answered; nothing is sent because of the frame behind it."
		refuseCode = "The Close is refused: the peer's own Close has 1002, or none comes and TCP is closed. Such a code must not be echoed."
	)
	hello := octets("Hello World!")
	end := FailAfter{time.Second}
	rule := func(codes ...uint16) CloseRule {
		return CloseRule{ByTester: true, Codes: codes, Clean: true, WrongCodeFatal: true}
	}
	refused := func(codes ...uint16) CloseRule {
		return CloseRule{ByTester: true, Codes: codes, WrongCodeFatal: true}
	}
	text := Frame{Opcode: wire.Text, Fin: true, Payload: hello}
	ping := Frame{Opcode: wire.Ping, Fin: true}

	cases := []*Case{
		{
			ID: "7.1.1", Description: "A text message, and a Close after its echo.", Expectation: expectEcho, Rule: ruleCloseReply,
			Steps: []Step{text, end}, Want: exactly(textEvent(hello)), Close: rule(1000),
		},
		{
			ID: "7.1.2", Description: "Two Close frames in a row.",
			Expectation: "The first Close is answered; the second one is ignored.", Rule: ruleAfterClose,
			Steps: []Step{SendClose{Code: 1000}, Frame{Opcode: wire.Close, Fin: true}, end}, Want: exactly(), Close: rule(1000),
		},
		{
			ID: "7.1.3", Description: "A Close, then a ping.", Expectation: silence, Rule: rulePing,
			Steps: []Step{SendClose{Code: 1000}, ping, end}, Want: exactly(), Close: rule(1000),
		},
		{
			ID: "7.1.4", Description: "A Close, then a text message.", Expectation: silence, Rule: ruleAfterClose,
			Steps: []Step{SendClose{Code: 1000}, text, end}, Want: exactly(), Close: rule(1000),
		},
		{
			ID: "7.1.5", Description: "The first fragment of a text message, then a Close, then the last fragment.", Expectation: silence, Rule: ruleAfterClose,
			Steps: []Step{
				Frame{Opcode: wire.Text, Payload: octets("fragment1")},
				SendClose{Code: 1000},
				Frame{Opcode: wire.Continuation, Fin: true, Payload: octets("fragment2")},
				end,
			},
			Want: exactly(), Close: rule(1000),
		},
		{
			ID: "7.1.6", Description: "A text message of 256 KiB, a short one, a Close and a ping, without waiting for anything.",
			Expectation: "Informational: it shows what the peer still echoes of messages that came just before the Close.", Rule: ruleNoGuarantee,
			Steps: []Step{
				Frame{Opcode: wire.Text, Fin: true, Payload: repeated("BAsd7&jh23", 256<<10)}, text, SendClose{Code: 1000}, ping, end,
			},
			Want: []Want{{Verdict: OK, Events: []Event{textEvent(hello)}}, {Verdict: NonStrict, Events: nil}}, Close: rule(1000), Info: true,
		},
		{
			ID: "7.3.1", Description: "A Close without payload.", Expectation: complete, Rule: ruleOptional,
			Steps: []Step{SendClose{Code: NoCode}, end}, Want: exactly(), Close: rule(1000),
		},
		{
			ID: "7.3.2", Description: "A Close with a payload of one octet, half a status code.",
			Expectation: "The Close is refused: the peer's own Close has 1002, or none comes and TCP is closed.", Rule: ruleCloseBody,
			Steps: []Step{SendClose{Code: NoCode, Reason: octets("a")}, end}, Want: exactly(), Close: refused(1002),
		},
		{
			ID: "7.3.3", Description: "A Close with a status code and no reason.", Expectation: complete, Rule: ruleOptional,
			Steps: []Step{SendClose{Code: 1000}, end}, Want: exactly(), Close: rule(1000),
		},
		{
			ID: "7.3.4", Description: "A Close with a status code and a reason.", Expectation: complete, Rule: ruleReason,
			Steps: []Step{SendClose{Code: 1000, Reason: hello}, end}, Want: exactly(), Close: rule(1000),
		},
		{
			ID: "7.3.5", Description: "A Close with the longest reason, 123 octets.", Expectation: complete, Rule: ruleControl,
			Steps: []Step{SendClose{Code: 1000, Reason: repeated("*", 123)}, end}, Want: exactly(), Close: rule(1000),
		},
		{
			ID: "7.3.6", Description: "A Close with a reason of 124 octets: a control frame of 126 octets.",
			Expectation: "The Close is refused: the peer's own Close has 1002, or none comes and TCP is closed.", Rule: ruleControl,
			Steps: []Step{SendClose{Code: 1000, Reason: repeated("*", 124)}, end}, Want: exactly(), Close: refused(1002),
		},
		{
			ID: "7.5.1", Description: "A Close whose reason is not UTF-8: it has an encoded surrogate.",
			Expectation: "The Close is refused: the peer's own Close has 1007 or 1002, or none comes and TCP is closed.", Rule: ruleUTF8,
			Steps: []Step{SendClose{Code: 1000, Reason: octets(kosme + "\xed\xa0\x80edited")}, end}, Want: exactly(), Close: refused(1002, 1007),
		},
	}
	for i, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		c := &Case{
			ID: fmt.Sprintf("7.7.%d", i+1), Description: fmt.Sprintf("A Close with the status code %d.", code),
			Expectation: fmt.Sprintf("The Close is answered, with %d or 1000 or without a code.", code), Rule: ruleDefined,
			Steps: []Step{SendClose{Code: int(code)}, end}, Want: exactly(), Close: rule(1000, code),
		}
		switch {
		case code >= 4000:
			c.Rule = rulePrivate
		case code >= 3000:
			c.Rule = ruleLibrary
		}
		cases = append(cases, c)
	}
	for i, bad := range []struct {
		code uint16
		rule Rule
		note string
	}{
		{0, ruleUnused, "below the range in use"},
		{999, ruleUnused, "the last one below the range in use"},
		{1004, ruleReserved, "reserved without a meaning"},
		{1005, rule1005, "which stands for the absence of a code"},
		{1006, rule1006, "which stands for a connection that was lost"},
		{1016, ruleReserved, "which nobody has defined"},
		{1100, ruleReserved, "which nobody has defined"},
		{2000, ruleReserved, "reserved for extensions"},
		{2999, ruleReserved, "the last one reserved for the protocol"},
	} {
		cases = append(cases, &Case{
			ID: fmt.Sprintf("7.9.%d", i+1), Description: fmt.Sprintf("A Close with the status code %d, %s.", bad.code, bad.note),
			Expectation: refuseCode, Rule: bad.rule,
			Steps: []Step{SendClose{Code: int(bad.code)}, end}, Want: exactly(), Close: refused(1002),
		})
	}
	for i, code := range []uint16{5000, 65535} {
		cases = append(cases, &Case{
			ID: fmt.Sprintf("7.13.%d", i+1), Description: fmt.Sprintf("A Close with the status code %d, above all ranges that the RFC describes.", code),
			Expectation: "Informational: the RFC says nothing of these codes; refusing them with 1002 is what most peers do.", Rule: rulePrivate,
			Steps: []Step{SendClose{Code: int(code)}, end}, Want: exactly(), Close: CloseRule{ByTester: true, Codes: []uint16{1000, code, 1002}}, Info: true,
		})
	}
	return cases
}
