package main

var (
	reading = []string{"Reassembly"}
	serving = []string{"Serve", "Reassembly"}
)

// readMutants are bugs of the way from bytes to messages: of protocol.Reader and its
// rules, and of the clock of a connection.
var readMutants = []mutant{
	{
		name: "connection-takes-masked-server-frame", kind: droppedCheck, rule: "server-frame-masked", in: "header.check",
		old: "h.masked() == (c.mode == ClientMode)", new: "!h.masked() && c.mode == ServerMode", targets: reading,
	},
	{
		name: "connection-takes-unmasked-client-frame", kind: droppedCheck, rule: "client-frame-unmasked", in: "header.check",
		old: "== (c.mode == ClientMode)", new: "&& c.mode == ClientMode", targets: reading,
	},
	{
		name: "connection-takes-rsv2-and-rsv3", kind: droppedCheck, rule: "rsv-bits-unsupported", in: "header.check",
		old: "h.rsv() != 0", new: "h.rsv()&byte(RSV1) != 0", targets: reading,
	},
	{
		name: "connection-takes-unknown-opcodes", kind: droppedCheck, rule: "opcode-unknown", in: "header.check",
		old: "return ErrOpcodeUnknown", new: "", targets: reading,
	},
	{
		name: "control-frame-of-126-taken", kind: offByOne, rule: "control-frame-too-large", in: "header.check",
		old: "> maxControlPayload", new: "> maxControlPayload+1", targets: reading,
	},
	{
		name: "fragmented-control-frame-taken", kind: droppedCheck, rule: "control-frame-fragmented", in: "header.check",
		old: "!h.fin()", new: "false", targets: reading,
	},
	{
		name: "connection-skips-minimal-length", kind: droppedCheck, rule: "length-not-minimal", in: "header.check",
		old: "!h.minimal()", new: "false", targets: reading,
	},
	{
		name: "frame-limit-is-the-message-limit", kind: wrongBoundary, rule: "frame-too-large", in: "header.check",
		old: "h.tooLong(c.limits.MaxFrameSize)", new: "h.tooLong(c.limits.MaxMessageSize)", targets: reading,
	},
	{
		name: "message-inside-a-message-taken", kind: droppedCheck, rule: "continuation-expected", in: "header.check",
		old: "(op == OpcodeContinuation) != c.fragmented", new: "op == OpcodeContinuation && !c.fragmented", targets: reading,
	},
	{
		name: "continuation-of-nothing-taken", kind: droppedCheck, rule: "continuation-unexpected", in: "header.check",
		old: "(op == OpcodeContinuation) != c.fragmented", new: "op != OpcodeContinuation && c.fragmented", targets: reading,
	},
	{
		name: "message-limit-per-frame", kind: droppedCheck, rule: "message-too-large", in: "header.check",
		old: "h.length() > most-c.size", new: "h.length() > most", targets: reading,
	},
	{
		name: "message-limit-refuses-itself", kind: wrongBoundary, rule: "message-too-large", in: "header.check",
		old: "h.length() > most-c.size", new: "h.length() >= most-c.size", targets: reading,
	},
	{
		name: "whole-text-not-checked", kind: droppedCheck, rule: "text-not-utf8", in: "Reader.whole",
		old: "!r.binary && !ValidUTF8(p)", new: "false", targets: reading,
	},
	{
		name: "whole-message-not-copied", kind: earlyReuse, rule: "messages", in: "Reader.whole",
		old: "if r.Own {", new: "if false {", targets: reading,
	},
	{
		name: "pooled-message-not-copied", kind: earlyReuse, rule: "messages", in: "body.take",
		old: "own && m.buffer != nil", new: "false", targets: reading,
	},
	{
		name: "text-checked-when-complete", kind: droppedCheck, rule: "text-not-utf8-at-once", in: "body.passed",
		old: "m.text.valid(dst)", new: "m.text.valid(dst) || true", targets: reading,
	},
	{
		name: "text-checked-when-the-frame-is-complete", kind: wrongBoundary, rule: "text-not-utf8-at-once", in: "body.passed",
		old: "m.text.valid(dst)", new: "m.text.valid(dst) || m.left > 0", targets: reading,
	},
	{
		name: "fragmented-text-may-end-in-a-character", kind: droppedCheck, rule: "text-not-utf8", in: "body.append",
		old: "m.left == 0 && last && !binary && !m.text.complete()", new: "false", targets: reading,
	},
	{
		name: "fragment-must-not-end-in-a-character", kind: wrongBoundary, rule: "text-utf8-fragments", in: "body.append",
		old: "m.left == 0 && last && !binary", new: "m.left == 0 && !binary", targets: reading,
	},
	{
		name: "text-state-kept-between-messages", kind: stateNotReset, rule: "text-utf8-fragments", in: "body.free",
		old: "body{}", new: "body{text: m.text}", targets: reading,
		survives: "a message that ends leaves the state at the beginning of a text, since it must be complete; only a failed connection leaves another one",
	},
	{
		name: "buffered-fragment-restarts-the-key", kind: stateLost, rule: "masking", in: "body.append",
		old: "if !m.passed(space[:len(p)], p, binary) {", new: "key := m.key\n\t\tvalid := m.passed(space[:len(p)], p, binary)\n\t\tif m.key = key; !valid {", targets: reading,
	},
	{
		name: "fragment-at-hand-not-checked", kind: droppedCheck, rule: "text-not-utf8", in: "body.append",
		old: "space[:len(p)], p, binary)", new: "space[:len(p)], p, binary || !last)", targets: reading,
	},
	{
		name: "fragment-at-hand-left-in-the-buffer", kind: offByOne, rule: "fragments-joined", in: "Reader.takePayload",
		old: "r.start += int32(n)", new: "r.start += int32(n &^ 1)", targets: reading,
	},
	{
		name: "frame-deadline-kept", kind: stateNotReset, rule: "ReadTimeout", in: "clock.frameEnds",
		old: "k.frameBy = time.Time{}", new: "", targets: serving,
	},
	{
		name: "read-fragment-restarts-the-key", kind: stateLost, rule: "masking", in: "body.append",
		old: "if !m.passed(p, p, binary) {", new: "key := m.key\n\t\tvalid := m.passed(p, p, binary)\n\t\tif m.key = key; !valid {", targets: reading,
	},
	{
		name: "fragmented-for-ever", kind: stateNotReset, rule: "fragments-joined", in: "Reader.next",
		old: "r.fragmented = !r.told", new: "", targets: reading,
	},
	{
		name: "message-keeps-the-one-before", kind: stateNotReset, rule: "fragments-joined", in: "Reader.next",
		old: "r.body.free()\n\t\tr.body = nil", new: "", targets: reading,
	},
	{
		name: "fragments-at-hand-over-the-message-limit", kind: droppedCheck, rule: "message-too-large", in: "Reader.glanceFragments",
		old: "min(cap(bytes), r.limits.MaxMessageSize)", new: "cap(bytes)", targets: reading,
	},
	{
		name: "fragments-at-hand-over-the-frame-limit", kind: droppedCheck, rule: "frame-too-large", in: "Reader.glanceFragments",
		old: "n > r.limits.MaxFrameSize || ", new: "", targets: reading,
	},
	{
		name: "fragments-at-hand-of-any-length-form", kind: droppedCheck, rule: "length-not-minimal", in: "Reader.glanceFragments",
		old: "n <= shortMost", new: "false", targets: reading,
	},
	{
		name: "fragments-at-hand-with-rsv-bits", kind: droppedCheck, rule: "rsv-bits-unsupported", in: "Reader.glanceFragments",
		old: "b[0]&^finBit == byte(OpcodeContinuation)", new: "b[0]&opcodeBits == byte(OpcodeContinuation)", targets: reading,
	},
	{
		name: "fragments-at-hand-may-end-in-a-character", kind: droppedCheck, rule: "text-not-utf8", in: "Reader.glanceFragments",
		old: "|| final && !text.complete()", new: "", targets: reading,
	},
	{
		name: "fragments-at-hand-lose-the-text-state", kind: stateLost, rule: "text-utf8-fragments", in: "Reader.glanceFragments",
		old: "m.text = text", new: "_ = text", targets: reading,
	},
	{
		name: "fragments-at-hand-not-told", kind: droppedCheck, rule: "hooks", in: "Reader.next",
		old: "r.mode == ServerMode && !r.EachFrame &&", new: "r.mode == ServerMode &&", targets: serving,
	},
	{
		name: "fragments-at-hand-not-timed", kind: stateNotReset, rule: "MessageTimeout", in: "settings.reader",
		old: "s.timesReads() || s.Hooks", new: "s.Hooks", targets: serving,
	},
	{
		name: "fragments-at-hand-left-in-the-buffer", kind: offByOne, rule: "fragments-joined", in: "Reader.glanceFragments",
		old: "int32(start - len(b))", new: "int32(start - len(b)&^1)", targets: reading,
	},
	{
		name: "fragments-at-hand-for-ever", kind: stateNotReset, rule: "fragments-joined", in: "Reader.complete",
		old: "r.fragmented = false", new: "r.fragmented = r.binary", targets: reading,
	},
	{
		name: "kind-of-the-continuation", kind: stateLost, rule: "fragments-joined", in: "Reader.next",
		old: "if op := h.opcode(); op != OpcodeContinuation {", new: "op := h.opcode()\n\t\t\tr.binary = op == OpcodeBinary\n\t\t\tif op != OpcodeContinuation {", targets: reading,
	},
	{
		name: "moved-buffer-keeps-its-start", kind: stateNotReset, rule: "messages", in: "Reader.Space",
		old: "b.Bytes[r.start:])]\n\t\tr.start = 0", new: "b.Bytes[r.start:])]", targets: reading,
	},
	{
		name: "pipelined-bytes-lost", kind: stateLost, rule: "Accept", in: "Reader.Preload",
		old: "r.buf.Bytes = append(r.buf.Bytes, unread...)", new: "", targets: []string{"Handshake"},
	},
	{
		name: "grown-message-loses-its-beginning", kind: stateLost, rule: "fragments-joined", in: "body.grow",
		old: "m.bytes...)", new: "m.bytes[:len(m.bytes)-1]...)", targets: reading,
	},
	{
		name: "control-payload-not-unmasked", kind: droppedCheck, rule: "masking", in: "Reader.control",
		old: "mask(p, p, r.head.key())", new: "", targets: reading,
	},
	{
		name: "control-frame-waits-for-one-more-byte", kind: offByOne, rule: "ping-answered", in: "Reader.control",
		old: "len(b) < size+n", new: "len(b) <= size+n", targets: reading,
	},
	{
		name: "pong-without-payload", kind: wrongBytes, rule: "ping-answered", in: "Websocket.passed",
		old: "c.control(OpcodePong, payload)", new: "c.control(OpcodePong, nil)", targets: reading,
	},
	{
		name: "pong-waits-for-other-writes", kind: stateLost, rule: "ping-answered", in: "Websocket.passed",
		old: "c.in.gathered = true", new: "", targets: serving,
	},
	{
		name: "pong-answered", kind: wrongBytes, rule: "pong-ignored", in: "Websocket.passed",
		old: "c.pings.answered(payload)", new: "c.control(OpcodePong, payload)", targets: reading,
	},
	{
		name: "broken-close-taken-as-1000", kind: errorLost, rule: "close-status-invalid", in: "Reader.control",
		old: "return NeedMore, nil, err", new: "p = []byte{0x03, 0xE8}", targets: reading,
	},
	{
		name: "read-timeout-runs-anew-with-each-byte", kind: noDeadline, rule: "ReadTimeout", in: "clock.next",
		old: "k.readTimeout > 0 && k.frameBy.IsZero()", new: "k.readTimeout > 0", targets: serving,
	},
	{
		name: "message-timeout-runs-anew-with-each-fragment", kind: noDeadline, rule: "MessageTimeout", in: "clock.next",
		old: "k.messageTimeout > 0 && k.messageBy.IsZero()", new: "k.messageTimeout > 0", targets: serving,
	},
	{
		name: "read-deadline-not-set", kind: noDeadline, rule: "ReadTimeout", in: "transport.setReadDeadline",
		old: "return d.SetReadDeadline(by)", new: "_ = d", targets: serving,
	},
	{
		name: "message-deadline-kept", kind: stateNotReset, rule: "MessageTimeout", in: "clock.frameEnds",
		old: "k.messageBy = time.Time{}", new: "", targets: serving,
	},
	{
		name: "message-deadline-ends-with-a-ping", kind: stateNotReset, rule: "MessageTimeout", in: "Websocket.passed",
		old: "event == protocol.FrameComes && c.reader().Last()", new: "event != protocol.FrameComes || c.reader().Last()", targets: serving,
	},
	{
		name: "dripped-header-has-no-message-deadline", kind: noDeadline, rule: "MessageTimeout", in: "Reader.InMessage",
		old: "len(b) > 0", new: "len(b) < 0", targets: serving,
	},
	{
		name: "later-deadline-wins", kind: wrongBoundary, rule: "MessageTimeout", in: "clock.next",
		old: "k.messageBy.Before(by)", new: "by.Before(k.messageBy)", targets: serving,
	},
	{
		name: "endless-empty-reads", kind: droppedCheck, rule: "read failures", in: "ReadSome",
		old: "for range noProgress {", new: "for {", targets: serving,
	},
}
