package conformance

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

var (
	ruleServerMask   = Rule{"5.1", "The server MUST close the connection upon receiving a frame that is not masked. […] A client MUST close a connection if it detects a masked frame."}
	ruleMaskKey      = Rule{"5.3", "The masking key is a 32-bit value chosen at random by the client. […] The masking does not affect the length of the \"Payload data\"."}
	ruleMinimal      = Rule{"5.2", "Note that in all cases, the minimal number of bytes MUST be used to encode the length, for example, the length of a 124-byte-long string can't be encoded as the sequence 126, 0, 124."}
	ruleNoDataBehind = Rule{"5.5.1", "The application MUST NOT send any more data frames after sending a Close frame."}
	ruleTCP          = Rule{"7.1.1", "The underlying TCP connection, in most normal cases, SHOULD be closed first by the server, so that it holds the TIME_WAIT state and not the client."}
	ruleLatestPong   = Rule{"5.5.3", "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame."}
	ruleLimits       = Rule{"10.4", "Implementations that have implementation- and/or platform-specific limitations regarding the frame size or total message size after reassembly from multiple frames MUST protect themselves against exceeding those limits."}
)

const (
	ownHello = "Hello, world!"
	mustFail = "The peer fails the connection; nothing comes of the frame."
	fitsAll  = "The message comes back; then the closing handshake that the tester starts is completed."
	stricter = "refused what RFC 6455 forbids to send, but does not ask a receiver to refuse"
	tookIt   = "went on as if nothing was wrong with it; RFC 6455 forbids to send it, and does not say what a receiver does"
	ownWait  = 2 * time.Second // what a peer has to answer, or to fail the connection
)

func ownText(s string) Frame { return Frame{Opcode: wire.Text, Fin: true, Payload: octets(s)} }

func ownPing(s string) Frame       { return Frame{Opcode: wire.Ping, Fin: true, Payload: octets(s)} }
func part(op byte, s string) Frame { return Frame{Opcode: op, Payload: octets(s)} }
func rest(s string) Frame          { return Frame{Opcode: wire.Continuation, Fin: true, Payload: octets(s)} }
func text(s string) Event          { return textEvent(octets(s)) }
func pong(s string) Event          { return pongEvent(octets(s)) }
func ends(v Verdict, e End, say string, events ...Event) Want {
	return Want{Verdict: v, End: e, Say: say, Events: events}
}

// failing is a case of frames for which the peer must fail the connection, after
// what came before or instead of it.
func failing(id, what string, rule Rule, before []Event, frames ...Step) *Case {
	c := &Case{
		ID: id, Description: what, Expectation: mustFail, Rule: rule, Steps: append(frames, FailAfter{ownWait}),
		Want: []Want{ends(OK, ByPeer, "", before...)}, Close: CloseRule{Codes: []uint16{1002}},
	}
	if len(before) > 0 {
		c.Want = append(c.Want, ends(OK, ByPeer, ""))
	}
	return c
}

// right is a case of frames that are in order.
func right(id, what, expect string, rule Rule, events []Event, frames ...Step) *Case {
	return &Case{
		ID: id, Description: what, Expectation: expect, Rule: rule, Steps: append(frames, FailAfter{ownWait}),
		Want: []Want{ends(OK, ByTester, "", events...)}, Close: byTester,
	}
}

// masking is W.1: frames of the wrong side.
func masking() []*Case {
	wrong := func(f Frame) Frame { f.Wrong = true; return f }
	zero := ownText(ownHello)
	zero.ZeroKey = true
	closing := failing("W.1.3", "A Close frame that is not masked by a client, or masked by a server.", ruleServerMask, nil,
		wrong(Frame{Opcode: wire.Close, Fin: true, Payload: octets("\x03\xe8")}))
	closing.Expectation = "The peer fails the connection, best with 1002. Answering the Close as if it was right is NON-STRICT: the connection is closed all the same."
	closing.Want = []Want{
		{Verdict: NonStrict, End: ByPeer, Codes: []int{1000}, Say: "answered the Close as if it was right"},
		ends(OK, ByPeer, ""),
	}
	only := right("W.1.5", "A text frame whose masking key is 00000000.", fitsAll, ruleMaskKey, []Event{text(ownHello)}, zero)
	only.Only = "server"
	return []*Case{
		failing("W.1.1", "A text frame that is not masked by a client, or masked by a server.", ruleServerMask, nil, wrong(ownText(ownHello))),
		failing("W.1.2", "A ping that is not masked by a client, or masked by a server.", ruleServerMask, nil, wrong(ownPing("ping"))),
		closing,
		failing("W.1.4", "A fragmented message whose second frame is not masked by a client, or masked by a server.", ruleServerMask, nil,
			part(wire.Text, "Hello, "), wrong(rest("world!"))),
		only,
	}
}

// lengthForms is W.2: lengths in more octets than they need, and lengths that no
// message has.
func lengthForms() []*Case {
	long := repeated("*", 200)
	either := func(id, what string, e Event, frames ...Step) *Case {
		c := right(id, what, "The message is taken as any other, or refused, best with 1002: the rule binds the sender. Refusing is NON-STRICT, as stricter than RFC 6455 asks.", ruleMinimal, []Event{e}, frames...)
		c.Want = append(c.Want, ends(NonStrict, ByPeer, stricter))
		return c
	}
	form := func(f Frame, form wire.Form) Frame { f.Form = form; return f }
	top := ownText("Hello")
	top.Claim, top.Form = 1<<63|5, wire.Form64
	huge := ownText("Hello")
	huge.Claim, huge.Form = 1<<62, wire.Form64
	topBit := failing("W.2.7", "A text frame whose 64-bit length is 5 with the most significant bit set, then a ping.", ruleLength64, nil, top, ownPing("ping"))
	topBit.Expectation = "The peer fails the connection, best with 1002 or 1009. Waiting for the octets is NON-STRICT; taking the length for 5 is a failure."
	topBit.Close.Codes = []uint16{1002, 1009}
	topBit.Want = append(topBit.Want, Want{Verdict: NonStrict, End: ByTester, Dirty: true, Say: "waits for more octets than there are, of a length that must not be"})
	much := failing("W.2.8", "The header of a text frame of 4 EiB, and five octets of it.", ruleLimits, nil, huge)
	much.Expectation = "The peer fails the connection, best with 1009, or waits for the octets; it does neither take the message for complete nor end."
	much.Close.Codes = []uint16{1009, 1002}
	much.Want = append(much.Want, Want{Verdict: OK, End: ByTester, Dirty: true})
	return []*Case{
		either("W.2.1", "A text frame of 5 octets whose length has the 16-bit form.", text("Hello"), form(ownText("Hello"), wire.Form16)),
		either("W.2.2", "A text frame of 5 octets whose length has the 64-bit form.", text("Hello"), form(ownText("Hello"), wire.Form64)),
		either("W.2.3", "A text frame of 200 octets whose length has the 64-bit form.", textEvent(long), Frame{Opcode: wire.Text, Fin: true, Payload: long, Form: wire.Form64}),
		either("W.2.4", "A text frame of no octets whose length has the 16-bit form.", text(""), form(ownText(""), wire.Form16)),
		either("W.2.5", "A ping of 4 octets whose length has the 16-bit form.", pong("ping"), form(ownPing("ping"), wire.Form16)),
		either("W.2.6", "A message in two fragments, the second with a length in the 64-bit form.", text(ownHello), part(wire.Text, "Hello, "), form(rest("world!"), wire.Form64)),
		topBit, much,
	}
}

// closeCodes is W.3: a Close with each code on either side of a boundary. The last
// number is the code.
func closeCodes() []*Case {
	var cases []*Case
	for _, code := range []int{
		0, 1, 999, 1000, 1003, 1004, 1005, 1006, 1007, 1011, 1012, 1013, 1014, 1015, 1016, 1999, 2000, 2999,
		3000, 3999, 4000, 4999, 5000, 5001, 32768, 65535,
	} {
		c := &Case{
			ID: fmt.Sprintf("W.3.%d", code), Description: fmt.Sprintf("A Close with the status code %d, by RFC 6455 alone.", code),
			Rule: ruleCloseBody, Steps: []Step{SendClose{Code: code}, FailAfter{ownWait}}, Close: byTester,
		}
		switch {
		case code >= 1012 && code <= 1014:
			c.Expectation = "The Close is answered by a Close, with whichever code may be sent: this one was registered later than the RFC. Closing TCP at it is NON-STRICT."
			c.Want = []Want{{Verdict: NonStrict, End: ByTester, Unanswered: true, Gone: true, Dirty: true, Say: "closed TCP at a code that was registered later than RFC 6455"}, ends(OK, ByTester, "")}
		case codeAllowed(uint16(code)):
			c.Expectation = "The Close is answered by a Close, as its code is defined. Refusing it with 1002 is NON-STRICT."
			c.Want = []Want{{Verdict: NonStrict, End: ByTester, Codes: []int{1002}, Say: "refused a code that RFC 6455 7.4 defines"}, ends(OK, ByTester, "")}
		default:
			c.Expectation = "The peer does not send this code itself: it refuses it with 1002, answers with a code that may be sent or without one, or closes TCP."
			c.Want = []Want{{Verdict: OK, End: ByTester, Dirty: true}}
		}
		cases = append(cases, c)
	}
	return cases
}

// closeBodies is W.4: the payload of a Close.
func closeBodies() []*Case {
	bad := func(id, what string, rule Rule, codes []int, payload string) *Case {
		return &Case{
			ID: id, Description: what, Rule: rule, Close: byTester,
			Expectation: "The Close is refused, or TCP is closed. Answering it as if it was right is NON-STRICT; sending the same back is a failure.",
			Steps:       []Step{SendClose{Code: NoCode, Reason: octets(payload)}, FailAfter{ownWait}},
			Want: []Want{
				{Verdict: OK, End: ByTester, Codes: codes, Dirty: true},
				{Verdict: OK, End: ByTester, Codes: []int{noCloseCode}, Unanswered: true, Dirty: true},
				{Verdict: NonStrict, End: ByTester, Dirty: true, Say: tookIt},
			},
		}
	}
	answered := func(id, what string, payload string) *Case {
		return &Case{
			ID: id, Description: what, Rule: ruleReason, Close: byTester, Expectation: "The Close is answered by a Close.",
			Steps: []Step{SendClose{Code: NoCode, Reason: octets(payload)}, FailAfter{ownWait}},
			Want:  []Want{{Verdict: NonStrict, End: ByTester, Codes: []int{1002, 1007}, Say: "refused a Close that is right"}, ends(OK, ByTester, "")},
		}
	}
	return []*Case{
		bad("W.4.1", "A Close with a payload of one octet, by RFC 6455 alone.", ruleCloseBody, []int{1002}, "\x03"),
		bad("W.4.2", "A Close with the code 1000 and octet ff as reason, which is not UTF-8.", ruleReason, []int{1002, 1007}, "\x03\xe8\xff"),
		bad("W.4.3", "A Close with the code 1000 and a reason that ends inside a character.", ruleReason, []int{1002, 1007}, "\x03\xe8over\xe2\x82"),
		answered("W.4.4", "A Close with the code 4000 and a reason of 123 octets, characters of three octets each.", "\x0f\xa0"+string(repeated("€", 123).Bytes())),
		bad("W.4.5", "A Close with a payload of 126 octets, one more than a control frame may have.", ruleControl, []int{1002, 1009}, "\x03\xe8"+string(repeated("*", 124).Bytes())),
	}
}

// controlFrames is W.5: control frames that are too long or in fragments, and what
// the peer sends for control frames.
func controlFrames() []*Case {
	ignores := func(c *Case) *Case {
		c.Expectation = "The peer fails the connection, best with 1002. Passing over the frame is NON-STRICT; answering it is a failure."
		c.Want = append(c.Want, Want{Verdict: NonStrict, End: ByTester, Dirty: true, Say: "passed over a frame that RFC 6455 forbids"})
		return c
	}
	control := func(op byte, n int) Frame { return Frame{Opcode: op, Fin: true, Payload: repeated("p", n)} }
	reserved := ownPing("ping")
	reserved.RSV = 4
	closing := ignores(failing("W.5.6", "A Close without FIN.", ruleControl, nil, Frame{Opcode: wire.Close, Payload: octets("\x03\xe8")}))
	closing.Want = append([]Want{{Verdict: NonStrict, End: ByPeer, Codes: []int{1000}, Say: "answered a Close in fragments as if it was right"}}, closing.Want...)

	var thirty []Step
	var pongs []Event
	for i := range 30 {
		thirty = append(thirty, ownPing(fmt.Sprintf("ping %d", i)))
		pongs = append(pongs, pong(fmt.Sprintf("ping %d", i)))
	}
	latest := func(c *Case, pongs []Event) *Case {
		c.LatestPong = true
		c.Want = []Want{ends(OK, ByTester, "", pongs...)}
		c.Expectation = "A Pong for each ping, in their order, or for the latest ones only: the last ping is answered."
		return c
	}
	between := right("W.5.9", "A ping between the two fragments of a message.", "The ping is answered, before or behind the message, and the message comes back.", ruleInjected,
		[]Event{pong("ping"), text(ownHello)}, part(wire.Text, "Hello, "), ownPing("ping"), rest("world!"))
	between.Want = append(between.Want, ends(OK, ByTester, "", text(ownHello), pong("ping")))
	return []*Case{
		ignores(failing("W.5.1", "A ping of 126 octets, then a text message.", ruleControl, nil, control(wire.Ping, 126))),
		ignores(failing("W.5.2", "A Pong of 126 octets.", ruleControl, nil, control(wire.Pong, 126))),
		ignores(failing("W.5.3", "A ping of 65536 octets.", ruleControl, nil, control(wire.Ping, 65536))),
		ignores(failing("W.5.4", "A ping without FIN, and nothing behind it.", ruleControl, nil, Frame{Opcode: wire.Ping, Payload: octets("ping")})),
		failing("W.5.5", "A ping in two fragments between the fragments of a message.", ruleControl, nil,
			part(wire.Text, "Hello, "), Frame{Opcode: wire.Ping, Payload: octets("pi")}, rest("ng"), rest("world!")),
		closing,
		latest(right("W.5.7", "Two pings in one TCP write.", "", ruleLatestPong, nil, ownPing("one"), ownPing("two")), []Event{pong("one"), pong("two")}),
		latest(right("W.5.8", "Thirty pings in one TCP write.", "", ruleLatestPong, nil, thirty...), pongs),
		between,
		right("W.5.10", "A Pong of 125 octets that nobody asked for, then a text message.", "The message comes back, and nothing is sent for the Pong.", ruleUnsolicited,
			[]Event{text(ownHello)}, control(wire.Pong, 125), ownText(ownHello)),
		failing("W.5.11", "A ping with RSV1 set.", ruleRSV, nil, reserved),
	}
}

// closingHandshake is W.6: what comes before and behind a Close, and a TCP
// connection that is closed on one side.
func closingHandshake() []*Case {
	echoes := func(n int) (wants []Want) {
		var events []Event
		for i := range n + 1 {
			wants = append([]Want{ends(OK, ByTester, "", events...)}, wants...)
			events = append(events, text(fmt.Sprintf("message %d", i)))
		}
		return wants
	}
	behind := func(id, what string, n int) *Case {
		c := &Case{
			ID: id, Description: what, Rule: ruleNoDataBehind, Close: byTester,
			Expectation: "The Close is answered, and no message comes behind the answer. What comes back before it is left open.",
			Want:        echoes(n),
		}
		for i := range n {
			c.Steps = append(c.Steps, ownText(fmt.Sprintf("message %d", i)))
		}
		c.Steps = append(c.Steps, SendClose{Code: 1000}, FailAfter{ownWait})
		return c
	}
	pending := &Case{
		ID: "W.6.3", Description: "The first fragment of a message, then a Close.", Rule: ruleCloseReply, Close: byTester,
		Expectation: "The Close is answered by a Close.", Want: []Want{ends(OK, ByTester, "")},
		Steps: []Step{part(wire.Text, "Hello, "), SendClose{Code: 1000}, FailAfter{ownWait}},
	}
	half := &Case{
		ID: "W.6.4", Description: "A Close, and behind it the end of what the tester sends: TCP is closed on this side only.", Rule: ruleCloseReply, Close: byTester,
		Expectation: "The Close is answered by a Close, as the peer can still send. Closing TCP without it is NON-STRICT.",
		Steps:       []Step{SendClose{Code: 1000}, EndWrite{}, FailAfter{ownWait}},
		Want: []Want{
			{Verdict: NonStrict, End: ByTester, Codes: []int{noCloseCode}, Unanswered: true, Dirty: true, Say: "did not answer a Close with the end of TCP behind it"},
			{Verdict: OK, End: ByTester, Dirty: true},
		},
	}
	gone := &Case{
		ID: "W.6.5", Description: "A text message, and behind it the end of what the tester sends, without a Close.", Rule: ruleTCP, Close: CloseRule{Codes: []uint16{1000, 1002}},
		Expectation: "The peer closes TCP as well, with or without an echo and a Close. Leaving it open for two seconds is NON-STRICT.",
		Steps:       []Step{ownText(ownHello), EndWrite{}, FailAfter{ownWait}},
		Want: []Want{
			{Verdict: OK, End: ByPeer, Events: []Event{text(ownHello)}, Dirty: true},
			{Verdict: OK, End: ByPeer, Dirty: true},
			{Verdict: NonStrict, Events: []Event{text(ownHello)}, Dirty: true, Say: "left TCP open although the tester had ended its side"},
			{Verdict: NonStrict, Dirty: true, Say: "left TCP open although the tester had ended its side"},
		},
	}
	return []*Case{
		behind("W.6.1", "A text message and a Close in one TCP write.", 1),
		behind("W.6.2", "Fifty text messages and a Close in one TCP write.", 50),
		pending, half, gone,
	}
}

// utf8AtOnce is W.7: UTF-8 across frames, and when what is not UTF-8 is refused.
func utf8AtOnce() []*Case {
	late := func(id, what string, steps ...Step) *Case {
		return &Case{
			ID: id, Description: what, Rule: ruleUTF8, Steps: append(steps, FailAfter{ownWait}), Close: CloseRule{Codes: []uint16{1007}},
			Expectation: "The peer fails the connection, best with 1007, as soon as it has the octets. Doing so when the message is complete is NON-STRICT.",
			Want: []Want{
				ends(OK, ByPeer, ""),
				{Verdict: NonStrict, End: ByPeer, Events: []Event{{Kind: WaitPassed, Tag: "the fault"}}, Say: "failed the connection only when the message was complete, a second behind the fault"},
			},
		}
	}
	wait := Wait{For: time.Second, Tag: "the fault"}
	withPing := late("W.7.2", "A fragment with octet ff, which no UTF-8 has, then a ping, and a second later the last fragment.",
		part(wire.Text, "Hello\xff"), ownPing("ping"), wait, rest("world!"))
	// The ping may be answered: it is behind a fault that the peer need not have seen.
	withPing.Want = append(withPing.Want,
		ends(OK, ByPeer, "", pong("ping")),
		Want{Verdict: NonStrict, End: ByPeer, Events: []Event{pong("ping"), {Kind: WaitPassed, Tag: "the fault"}}, Say: "failed the connection only when the message was complete, a second behind the fault"})
	whole := octets("Hello\xffworld!")
	euro := "\xe2\x82\xac"
	never := func(id, what string, frames ...Step) *Case {
		c := failing(id, what, ruleUTF8, nil, frames...)
		c.Close.Codes = []uint16{1007}
		return c
	}
	split := right("W.7.4", "A character in three fragments of one octet each, with a ping between them.", "The message comes back, and the ping is answered.", ruleText,
		[]Event{pong("ping"), text(euro)}, part(wire.Text, euro[:1]), ownPing("ping"), part(wire.Continuation, euro[1:2]), rest(euro[2:]))
	split.Want = append(split.Want, ends(OK, ByTester, "", text(euro), pong("ping")))
	return []*Case{
		late("W.7.1", "A fragment with octet ff, which no UTF-8 has, and a second later the last fragment.", part(wire.Text, "Hello\xff"), wait, rest("world!")),
		withPing,
		late("W.7.3", "A text frame with octet ff in it, whose last octets come a second later.", BeginFrame{whole}, Octets{6}, wait, Octets{6}),
		split,
		never("W.7.5", "A text message in one frame that ends inside a character.", ownText("price: 5 \xe2\x82")),
		never("W.7.6", "A text message in two fragments, the first of which ends inside a character, which the second does not go on with.", part(wire.Text, "\xe2\x82"), rest("world!")),
		right("W.7.7", "A character in two fragments with empty ones between them.", fitsAll, ruleText, []Event{text(euro)},
			part(wire.Text, euro[:2]), part(wire.Continuation, ""), part(wire.Continuation, ""), rest(euro[2:])),
		right("W.7.8", "A binary message that is not UTF-8.", fitsAll, ruleUnfragmented, []Event{binaryEvent(octets("\xff\xfe\xc0\x80"))},
			Frame{Opcode: wire.Binary, Fin: true, Payload: octets("\xff\xfe\xc0\x80")}),
	}
}

// limits is W.12: much of what is allowed. A peer may have limits, and say so.
func limits() []*Case {
	many := func(id, what string, n int, each string) *Case {
		c := right(id, what, "The message comes back, or the peer fails the connection with a Close 1008, 1009 or 1013, as it has limits.", ruleLimits, nil)
		c.Steps = []Step{part(wire.Text, each)}
		for range n - 2 {
			c.Steps = append(c.Steps, part(wire.Continuation, each))
		}
		c.Steps = append(c.Steps, rest(each), FailAfter{2 * ownWait})
		c.Want = []Want{
			{Verdict: OK, End: ByTester, Events: []Event{textEvent(repeated("*", n*len(each)))}},
			{Verdict: OK, End: ByPeer, Codes: []int{1008, 1009, 1013}},
		}
		c.Close.Codes = []uint16{1000, 1008, 1009, 1013}
		return c
	}
	pipelined := right("W.12.3", "A hundred text messages in one TCP write.", "All messages come back, in their order.", ruleUnfragmented, nil)
	pipelined.Steps, pipelined.Want = nil, nil
	var events []Event
	for i := range 100 {
		s := fmt.Sprintf("message %d", i)
		pipelined.Steps = append(pipelined.Steps, ownText(s))
		events = append(events, text(s))
	}
	pipelined.Steps = append(pipelined.Steps, FailAfter{2 * ownWait})
	pipelined.Want = []Want{ends(OK, ByTester, "", events...)}
	return []*Case{
		many("W.12.1", "A text message in a thousand fragments of one octet.", 1000, "*"),
		many("W.12.2", "A text message in a thousand fragments, all empty.", 1000, ""),
		pipelined,
	}
}
