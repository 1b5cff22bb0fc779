package model

import (
	"encoding/binary"
	"slices"
)

// Read is what a reader of the role makes of the transcript: it fails the
// connection at the first rule that is broken, and text at the first byte that
// cannot be right (RFC 6455 §8.1).
func Read(role Role, limits Limits, input []byte) Outcome {
	return read(role, limits, nil, input, nil)
}

// ReadCompressed is Read on a connection for which permessage-deflate was
// negotiated, with the rules of without turned off.
func ReadCompressed(role Role, limits Limits, deflate Deflate, input []byte, without ...Rule) Outcome {
	return read(role, limits, &deflate, input, without)
}

// ReadLate is Read for readers that look at text only when the message is
// complete. RFC 6455 leaves that open (§5.6: "Invalid UTF-8 in reassembled
// messages is handled as described in Section 8.1").
func ReadLate(role Role, limits Limits, input []byte) Outcome {
	return read(role, limits, nil, input, off{TextNotUTF8FailFast})
}

// ReadWithout is Read with some rules turned off: what turns red then shows that
// the rule is looked at.
func ReadWithout(role Role, limits Limits, input []byte, without ...Rule) Outcome {
	return read(role, limits, nil, input, without)
}

// off are the rules that are turned off.
type off []Rule

func (o off) on(rule Rule) bool { return !slices.Contains(o, rule) }

// A breach is what one frame breaks: the first rule, and the close codes that
// fit it or any of the others.
type breach struct {
	rule  Rule
	codes []uint16
}

func (b *breach) add(rule Rule) {
	if b.rule == "" {
		b.rule = rule
	}
	info, _ := rule.Info()
	for _, code := range info.Codes {
		if !slices.Contains(b.codes, code) {
			b.codes = append(b.codes, code)
		}
	}
}

// broken is the breach of one rule.
func broken(rule Rule) breach {
	var b breach
	b.add(rule)
	return b
}

// addTooLong adds the rules of a payload that is longer than the limit.
func (b *breach) addTooLong(h *header, limit int, without off) {
	if !h.hasLength {
		return
	}
	// "the most significant bit MUST be 0" (§5.2)
	if without.on(LengthTopBit) && h.form == 8 && h.length>>63 != 0 {
		b.add(LengthTopBit)
		return
	}
	// "Implementations [...] MUST protect themselves against exceeding those limits" (§10.4)
	if without.on(FrameTooLarge) && h.length > uint64(max(limit, 0)) {
		b.add(FrameTooLarge)
	}
}

// A conversation is the state of a reader between two frames.
type conversation struct {
	role    Role
	limits  Limits
	without off

	open    bool    // a fragmented message is under way
	message Message // its fragments so far
	text    text    // where its text stands

	deflate    *Deflate  // nil: not negotiated
	context    []byte    // the window of the messages that were compressed
	compressed *inflater // the message that is under way, if it is one
	late       Rule      // what it breaks, with DeflateFailFast turned off
}

// breaks returns what the header breaks, as far as it has arrived.
func (c *conversation) breaks(h *header) breach {
	var b breach
	on := c.without.on
	// "The server MUST close the connection upon receiving a frame that is not masked." (§5.1)
	if on(ClientFrameUnmasked) && c.role == Server && h.hasSecond && !h.masked {
		b.add(ClientFrameUnmasked)
	}
	// "A client MUST close a connection if it detects a masked frame." (§5.1)
	if on(ServerFrameMasked) && c.role == Client && h.hasSecond && h.masked {
		b.add(ServerFrameMasked)
	}
	// "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values." (§5.2)
	rsv := h.rsv
	if c.deflate != nil && h.compressed() {
		rsv = c.rsv1(h, &b)
	}
	if on(RSVBitsUnsupported) && h.hasFirst && rsv != 0 {
		b.add(RSVBitsUnsupported)
	}
	// "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_." (§5.2)
	if on(OpcodeUnknown) && h.hasFirst && (h.opcode >= 0x3 && h.opcode <= 0x7 || h.opcode >= 0xB) {
		b.add(OpcodeUnknown)
	}
	// "All control frames MUST have a payload length of 125 bytes or less" (§5.5)
	if on(ControlFrameTooLarge) && h.control() && (h.length > 125 || !h.hasLength && h.form != 0) {
		b.add(ControlFrameTooLarge)
	}
	// "and MUST NOT be fragmented." (§5.5)
	if on(ControlFrameFragmented) && h.hasFirst && h.control() && !h.fin {
		b.add(ControlFrameFragmented)
	}
	// "in all cases, the minimal number of bytes MUST be used to encode the length" (§5.2)
	if on(LengthNotMinimal) && !h.minimal() {
		b.add(LengthNotMinimal)
	}
	b.addTooLong(h, c.limits.Frame, c.without)
	// "a single frame with the FIN bit clear and an opcode other than 0, followed
	// by zero or more frames with the FIN bit clear and the opcode set to 0" (§5.4)
	if on(ContinuationUnexpected) && h.hasFirst && h.opcode == 0x0 && !c.open {
		b.add(ContinuationUnexpected)
	}
	// "The fragments of one message MUST NOT be interleaved between the fragments
	// of another message" (§5.4)
	if on(ContinuationExpected) && h.hasFirst && (h.opcode == 0x1 || h.opcode == 0x2) && c.open {
		b.add(ContinuationExpected)
	}
	// "or total message size after reassembly from multiple frames" (§10.4)
	if c.compresses(h) {
		c.addCompressedTooLarge(h, &b)
	} else if on(MessageTooLarge) && h.hasLength && !h.control() && h.length < 1<<63 &&
		uint64(len(c.message.Payload))+h.length > uint64(max(c.limits.Message, 0)) {
		b.add(MessageTooLarge)
	}
	return b
}

// closeBreaks returns what a Close of length bytes breaks, as far as its payload
// has arrived.
func closeBreaks(length uint64, payload []byte, without off) breach {
	var b breach
	// "If there is a body, the first two bytes of the body MUST be a 2-byte
	// unsigned integer [...] representing a status code" (§5.5.1)
	if without.on(ClosePayloadInvalid) && length == 1 {
		b.add(ClosePayloadInvalid)
	}
	if len(payload) < 2 {
		return b
	}
	code := binary.BigEndian.Uint16(payload)
	// A code is "defined in Section 7.4": the ranges of §7.4.2 in use are those from
	// 1000 to 4999.
	if without.on(CloseStatusInvalid) && (code < 1000 || code >= 5000) {
		b.add(CloseStatusInvalid)
	}
	// 1004 is "Reserved"; 1005, 1006 and 1015 "MUST NOT be set as a status code in
	// a Close control frame by an endpoint" (§7.4.1); 1016 to 2999 are "reserved
	// for definition by this protocol, its future revisions, and extensions"
	// (§7.4.2). 1012 to 1014 have since been registered.
	if without.on(CloseStatusReserved) && (code >= 1004 && code <= 1006 || code >= 1015 && code <= 2999) {
		b.add(CloseStatusReserved)
	}
	// "the body MAY contain UTF-8-encoded data with value /reason/" (§5.5.1, §8.1)
	invalid := invalidAt(payload[2:])
	if uint64(len(payload)) < length && invalid == len(payload)-2 {
		invalid = -1 // the rest of the character may still come
	}
	if without.on(CloseReasonNotUTF8) && invalid >= 0 {
		b.add(CloseReasonNotUTF8)
	}
	return b
}

func read(role Role, limits Limits, deflate *Deflate, input []byte, without off) Outcome {
	c := conversation{role: role, limits: limits, without: without, deflate: deflate}
	var out Outcome
	fail := func(b breach, at int) Outcome {
		out.End, out.Rule, out.Codes, out.Offset = Failed, b.rule, b.codes, at
		return out
	}
	wait := func(b breach, at int) Outcome {
		out.Rule, out.Codes, out.Offset = b.rule, b.codes, at
		return out
	}
	at := 0 // where the frame begins
	for {
		h := parse(input[at:])
		b := c.breaks(&h)
		if !h.whole {
			return wait(b, at)
		}
		if b.rule != "" {
			return fail(b, at+h.size)
		}
		payload, complete := h.payload(input[at:], without.on(PayloadUnmasked))
		end := at + h.size + len(payload)

		if h.control() {
			b = breach{}
			if h.opcode == 0x8 {
				b = closeBreaks(h.length, payload, without)
			}
			if !complete {
				return wait(b, at)
			}
			if b.rule != "" {
				return fail(b, end)
			}
			if !without.on(ControlBetween) {
				c.open, c.message, c.text = false, Message{}, text{}
			}
			if !without.on(ContextControl) {
				c.context = append(c.context, payload...)
			}
			// "an endpoint MUST send a Pong frame in response" with "identical
			// 'Application data'" (§5.5.2, §5.5.3). A pong is owed nothing: "A
			// response to an unsolicited Pong frame is not expected."
			if h.opcode == 0x9 && without.on(PingAnswered) {
				out.Pongs = append(out.Pongs, payload)
			}
			if h.opcode == 0x8 && without.on(CloseEnds) {
				return closed(out, payload, end)
			}
			at = end
			continue
		}

		if h.opcode == 0x1 || h.opcode == 0x2 {
			c.open, c.message, c.text = true, Message{Binary: h.opcode == 0x2}, text{}
			c.begin(&h)
		}
		if h.opcode > 0x2 || !c.open {
			// A rule is turned off, or this would have failed above.
			if !complete {
				return wait(breach{}, at)
			}
			at = end
			continue
		}

		// "a particular text frame might include a partial UTF-8 sequence; however,
		// the whole message MUST contain valid UTF-8." (§5.6)
		checked := !c.message.Binary && without.on(TextNotUTF8)
		if c.compressed != nil {
			if b, octet := c.inflate(payload, h.fin && complete, checked); b.rule != "" {
				return fail(b, at+h.size+octet)
			}
			payload = nil // what it gives is in c.message
		} else if checked && without.on(TextNotUTF8FailFast) {
			for i := range payload {
				if !c.text.add(payload[i]) {
					return fail(broken(TextNotUTF8), at+h.size+i+1)
				}
			}
		}
		if !complete {
			return wait(breach{}, at)
		}
		if !without.on(FragmentsJoined) {
			c.message.Payload = nil
		}
		c.message.Payload = append(c.message.Payload, payload...)
		if h.fin {
			c.end()
			whole := c.text.whole()
			if !without.on(TextNotUTF8FailFast) {
				whole = ValidUTF8(c.message.Payload)
			}
			if checked && !whole {
				return fail(broken(TextNotUTF8), end)
			}
			out.Messages = append(out.Messages, c.message)
			c.open, c.message, c.text = false, Message{}, text{}
		}
		at = end
	}
}

// closed is the outcome of a valid Close. "When sending a Close frame in
// response, the endpoint typically echos the status code it received." (§5.5.1)
func closed(out Outcome, payload []byte, end int) Outcome {
	out.End, out.Offset = Closed, end
	if len(payload) < 2 {
		// "1005 is [...] designated for use in applications expecting a status code
		// to indicate that no status code was actually present." (§7.4.1)
		out.Code, out.Codes = 1005, []uint16{1000, 1005}
		return out
	}
	out.Code, out.Reason = binary.BigEndian.Uint16(payload), string(payload[2:])
	out.Codes = []uint16{out.Code}
	if out.Code != 1000 {
		out.Codes = append(out.Codes, 1000)
	}
	return out
}
