package main

var (
	reading = []string{"Reassembly"}
	serving = []string{"Serve", "Reassembly"}
)

// readMutants are bugs of a connection's way from bytes to messages (inbound.go,
// parts.go, rules.go, timing.go).
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
		old: "h.b0&rsvBits", new: "h.b0&byte(RSV1)", targets: reading,
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
		old: "MaxMessageSize-c.size", new: "MaxMessageSize", targets: reading,
	},
	{
		name: "message-limit-refuses-itself", kind: wrongBoundary, rule: "message-too-large", in: "header.check",
		old: "h.length > c.limits.MaxMessageSize", new: "h.length >= c.limits.MaxMessageSize", targets: reading,
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
		name: "fragmented-text-may-end-in-a-character", kind: droppedCheck, rule: "text-not-utf8", in: "Reader.takePayload",
		old: "r.head.fin() && !r.binary && !m.text.complete()", new: "false", targets: reading,
	},
	{
		name: "fragment-must-not-end-in-a-character", kind: wrongBoundary, rule: "text-utf8-fragments", in: "Reader.takePayload",
		old: "r.head.fin() && !r.binary", new: "!r.binary", targets: reading,
	},
	{
		name: "text-state-kept-between-messages", kind: stateNotReset, rule: "text-utf8-fragments", in: "body.free",
		old: "body{}", new: "body{text: m.text}", targets: reading,
		survives: "a message that ends leaves the state at the beginning of a text, since it must be complete; only a failed connection leaves another one",
	},
	{
		name: "buffered-fragment-restarts-the-key", kind: stateLost, rule: "masking", in: "Reader.takePayload",
		old: "if !m.passed(space[:n], b[:n], r.binary) {", new: "key := m.key\n\t\tvalid := m.passed(space[:n], b[:n], r.binary)\n\t\tif m.key = key; !valid {", targets: reading,
	},
	{
		name: "fragment-at-hand-not-checked", kind: droppedCheck, rule: "text-not-utf8", in: "Reader.takePayload",
		old: "b[:n], r.binary)", new: "b[:n], r.binary || !r.head.fin())", targets: reading,
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
		name: "read-fragment-restarts-the-key", kind: stateLost, rule: "masking", in: "Reader.takePayload",
		old: "if !m.passed(p, p, r.binary) {", new: "key := m.key\n\t\tvalid := m.passed(p, p, r.binary)\n\t\tif m.key = key; !valid {", targets: reading,
	},
	{
		name: "fragmented-for-ever", kind: stateNotReset, rule: "fragments-joined", in: "Reader.next",
		old: "r.fragmented = false", new: "", targets: reading,
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
		name: "fragments-at-hand-not-timed", kind: stateNotReset, rule: "MessageTimeout", in: "Websocket.init",
		old: "opts.timesReads() || opts.Hooks", new: "opts.Hooks", targets: serving,
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
		old: "m.bytes...)", new: "m.bytes[:len(m.bytes)&^63]...)", targets: reading,
	},
	{
		name: "control-payload-not-unmasked", kind: droppedCheck, rule: "masking", in: "Reader.control",
		old: "mask(p, p, r.head.key)", new: "", targets: reading,
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
		old: "c.gathered = true", new: "", targets: serving,
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
		old: "event == protocol.FrameComes && c.reader.Last()", new: "event != protocol.FrameComes || c.reader.Last()", targets: serving,
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

// writeMutants are bugs of a connection's way from messages to bytes (outbound.go, turn.go,
// gather.go).
var writeMutants = []mutant{
	{
		name: "client-does-not-mask", kind: droppedCheck, rule: "client-frame-unmasked", in: "Mode.maskingKey",
		old: "m == ClientMode", new: "m != ClientMode", targets: reading,
	},
	{
		name: "fragments-continue-with-their-opcode", kind: stateNotReset, rule: "continuation-expected", in: "Fragments.Append",
		old: "f.rest, f.opcode = f.rest[f.most:], OpcodeContinuation", new: "f.rest = f.rest[f.most:]", targets: serving,
	},
	{
		name: "only-the-last-fragment-continues", kind: stateNotReset, rule: "continuation-expected", in: "Fragments.Append",
		old: "f.rest, f.opcode = f.rest[f.most:], OpcodeContinuation", new: "f.rest = f.rest[f.most:]\n\tif len(f.rest) <= f.most {\n\t\tf.opcode = OpcodeContinuation\n\t}", targets: serving,
	},
	{
		name: "long-message-written-twice", kind: stateNotReset, rule: "WriteMessage", in: "outbound.write",
		old: "buf.Bytes = buf.Bytes[:0]", new: "", targets: serving,
	},
	{
		name: "message-never-final", kind: wrongBytes, rule: "WriteMessage", in: "Fragments.Append",
		old: "finBit|byte(f.opcode), f.rest,", new: "finBit&^byte(len(f.rest)/f.most<<7)|byte(f.opcode), f.rest,", targets: serving,
	},
	{
		name: "invalid-text-written", kind: droppedCheck, rule: "WriteMessage", in: "link.WriteMessage",
		old: "!msg.Binary && !protocol.ValidUTF8(msg.Payload)", new: "false", targets: serving,
	},
	{
		name: "message-behind-the-close", kind: droppedCheck, rule: "close-ends", in: "outbound.write",
		old: "q.writer.Closed()", new: "false", targets: serving,
	},
	{
		name: "control-frames-behind-the-close", kind: droppedCheck, rule: "close-ends", in: "Writer.Control",
		old: "if w.closed {", new: "if w.closed && opcode == OpcodeClose {", targets: serving,
	},
	{
		name: "close-not-noted", kind: stateLost, rule: "close-ends", in: "Writer.Control",
		old: "w.closed = opcode == OpcodeClose", new: "", targets: serving,
	},
	{
		name: "replies-follow-the-close", kind: droppedCheck, rule: "close-ends", in: "Writer.Message",
		old: "if w.closed {", new: "if false {", targets: serving,
	},
	{
		name: "queue-taken-twice", kind: stateLost, rule: "Serve", in: "Writer.Take",
		old: "w.queue = nil", new: "", targets: serving,
	},
	{
		name: "written-buffer-written-again", kind: stateLost, rule: "Serve", in: "outbound.startWriting",
		old: "buf = nil\n", new: "", targets: serving,
	},
	{
		name: "control-frames-overtake-the-queue", kind: wrongOrder, rule: "Serve", in: "Writer.Control",
		old: "w.queue.Bytes = appendFrame(w.queue.Bytes, finBit|byte(opcode), payload, w.mode.maskingKey())", new: "w.queue.Bytes = append(appendFrame(nil, finBit|byte(opcode), payload, w.mode.maskingKey()), w.queue.Bytes...)", targets: serving,
	},
	{
		name: "direction-ended-before-all-is-written", kind: wrongOrder, rule: "close-ends", in: "outbound.shutWhenWritten",
		old: "q.drained() && !q.ended", new: "!q.ended", targets: serving,
	},
	{
		name: "gathered-replies-lost-in-growth", kind: offByOne, rule: "Serve", in: "Writer.grow",
		old: "b.Bytes...)", new: "b.Bytes[:len(b.Bytes)-1]...)", targets: serving,
	},
	{
		name: "timer-of-replies-runs-once", kind: noDeadline, rule: "Serve", in: "outbound.flushInTime",
		old: "o.armed.Store(false)", new: "", targets: serving,
	},
	{
		name: "turn-not-taken", kind: dataRace, rule: "WriteMessage", in: "outbound.waitTurn",
		old: "q.busy = true", new: "", targets: serving,
	},
	{
		name: "queue-read-without-its-lock", kind: dataRace, rule: "writes", in: "outbound.keepWriting", race: true,
		old: "o.lock().take(), 0\n\t\to.mu.Unlock()", new: "o.queue.take(), 0", targets: serving,
	},
	{
		name: "short-write-taken-for-whole", kind: errorLost, rule: "writes", in: "transport.write",
		old: "n < len(p)", new: "n < 0", targets: serving,
	},
	{
		name: "write-error-swallowed", kind: errorLost, rule: "writes", in: "transport.write",
		old: "n, err := t.src.Write(p)", new: "n, err := t.src.Write(p)\n\tn, err = len(p), nil", targets: serving,
	},
	{
		name: "write-deadline-not-set", kind: noDeadline, rule: "WriteTimeout", in: "transport.write",
		old: "d.SetWriteDeadline(time.Now().Add(t.writeTimeout))", new: "t.writeTimeout", targets: serving,
	},
	{
		name: "write-deadline-kept", kind: stateNotReset, rule: "WriteTimeout", in: "transport.write",
		old: "defer d.SetWriteDeadline(time.Time{})", new: "", targets: serving,
	},
	{
		name: "pending-without-bound", kind: droppedCheck, rule: "MaxPending", in: "outbound.waitRoom",
		old: "q.pending() <= most", new: "q.pending() >= 0", targets: serving,
	},
	{
		name: "buffer-given-back-before-it-is-written", kind: earlyReuse, rule: "writes", in: "outbound.keepWriting",
		old: "err := o.transport.write(buf.Bytes[n:])\n\t\tbuf.Free()", new: "p := buf.Bytes[n:]\n\t\tbuf.Free()\n\t\terr := o.transport.write(p)", targets: serving,
	},
	{
		name: "queued-bytes-lost-behind-a-write", kind: stateLost, rule: "writes", in: "outbound.nextTurn",
		old: "q.writer.Len() > 0", new: "q.writer.Len() > 1<<10", targets: serving,
	},
	{
		name: "queue-overwritten-when-it-grows", kind: stateLost, rule: "writes", in: "withRoom",
		old: "b.Bytes...)", new: "b.Bytes[:len(b.Bytes)/2]...)", targets: serving,
	},
	{
		name: "reply-waits-for-the-next-read", kind: stateLost, rule: "Serve", in: "Websocket.reply",
		old: "c.gathered = true", new: "", targets: serving,
	},
	{
		name: "changed-reply-not-checked", kind: droppedCheck, rule: "Serve", in: "Websocket.reply",
		old: "!unchanged && !msg.Binary", new: "false && !msg.Binary", targets: serving,
	},
	{
		name: "gathered-reply-has-no-timer", kind: noDeadline, rule: "Serve", in: "outbound.flushInTime",
		old: "AfterFunc(gatherDelay", new: "AfterFunc(time.Hour", targets: serving,
	},
	{
		name: "queue-flushed-while-another-writes", kind: wrongOrder, rule: "writes", in: "outbound.flush",
		old: "!q.busy && !q.ended", new: "!q.ended", targets: serving,
	},
	{
		name: "message-overtakes-the-queue", kind: wrongOrder, rule: "WriteMessage", in: "outbound.write",
		old: "buf, fragments := q.take(), q.writer", new: "var buf *protocol.Buffer\n\tfragments := q.writer", targets: serving,
	},
	{
		name: "short-reply-always-text", kind: wrongBytes, rule: "Serve", in: "Writer.Message",
		old: "b[n] = wholeBinary", new: "b[n] = wholeText", targets: serving,
	},
	{
		name: "short-reply-a-byte-early", kind: offByOne, rule: "Serve", in: "Writer.Message",
		old: "copy(b[n+2:], payload)", new: "copy(b[n+1:], payload)", targets: serving,
	},
	{
		name: "rest-behind-the-reader-loses-a-byte", kind: stateLost, rule: "writes", in: "outbound.writeBehind",
		old: "b.buf, b.n = buf, n", new: "b.buf, b.n = buf, n+1", targets: serving,
	},
	{
		name: "socket-write-taken-for-whole", kind: errorLost, rule: "writes", in: "outbound.startWriting",
		old: "n < len(buf.Bytes)", new: "n < 0", targets: serving,
	},
	{
		name: "socket-rest-from-its-beginning", kind: offByOne, rule: "writes", in: "outbound.startWriting",
		old: "o.writeBehind(buf, n)", new: "o.writeBehind(buf, 0)", targets: serving,
	},
	{
		name: "socket-message-written-on-from-its-beginning", kind: offByOne, rule: "writes", in: "outbound.writeWaiting",
		old: "o.transport.write(p[n:])", new: "o.transport.write(p)", targets: serving,
	},
	{
		name: "socket-end-not-noticed", kind: errorLost, rule: "read failures", in: "transport.waitSocket",
		old: "err = io.EOF", new: "err = io.ErrNoProgress", targets: serving,
	},
	{
		name: "socket-error-taken-for-its-end", kind: errorLost, rule: "read failures", in: "transport.waitSocket",
		old: `err = t.opError("read", syscall.Errno(-n))`, new: "err = io.EOF", targets: serving,
	},
	{
		name: "socket-gives-its-buffer-away", kind: earlyReuse, rule: "messages", in: "Reader.Release",
		old: "r.buf != nil && int(r.start) == len(r.buf.Bytes)", new: "r.buf != nil", targets: serving,
	},
	{
		name: "waiting-message-ends-the-connection", kind: droppedCheck, rule: "contexts", in: "outbound.waitTurn",
		old: "o.mu.Unlock()\n\t\treturn ctx.Err()", new: "o.mu.Unlock()\n\t\treturn o.owner.cancelled(ctx)", targets: serving,
	},
	{
		name: "turn-lost-with-a-context", kind: notReleased, rule: "contexts", in: "outbound.waitTurn",
		old: "m.turns = slices.Delete(m.turns, i, i+1)", new: "_ = i", targets: serving,
	},
	{
		name: "written-context-not-watched", kind: droppedCheck, rule: "contexts", in: "outbound.writeWaiting",
		old: "context.AfterFunc(ctx, func() { _ = o.owner.cancelled(ctx) })()", new: "func() {}()", targets: serving,
	},
	{
		name: "room-not-told", kind: notReleased, rule: "MaxPending", in: "outbound.nextTurn",
		old: "q.wakeRoom()", new: "", targets: serving,
	},
	{
		name: "gathered-not-written-before-waiting", kind: droppedCheck, rule: "Serve", in: "Websocket.beforeWaiting",
		old: "if c.gathered {", new: "if false {", targets: serving,
	},
}

// endMutants are bugs of the life and the end of a connection (conn.go, ending.go,
// serve.go, keepalive.go).
var endMutants = []mutant{
	{
		name: "close-answered-with-1005", kind: droppedCheck, rule: "close-payload", in: "sendable",
		old: "return StatusNormalClosure", new: "return code", targets: reading,
	},
	{
		name: "close-answered-with-1000", kind: wrongCode, rule: "close-status", in: "Websocket.endRead",
		old: "protocol.PeerCloses, closed.Code", new: "protocol.PeerCloses, StatusNormalClosure+0*closed.Code", targets: reading,
		survives: "",
	},
	{
		name: "failure-sends-no-close", kind: droppedCheck, rule: "failure-ends", in: "closing",
		old: "{Failed, SendClose | Settle", new: "{Failed, Settle", targets: reading,
	},
	{
		name: "failure-always-1002", kind: wrongCode, rule: "failure-ends", in: "Websocket.endRead",
		old: "protocol.PeerFails, code", new: "protocol.PeerFails, StatusProtocolError", targets: reading,
	},
	{
		name: "pongs-lost-at-the-end", kind: droppedCheck, rule: "ping-answered", in: "link.happens",
		old: "l.out.flush()", new: "", targets: serving,
	},
	{
		name: "failed-connection-not-drained", kind: droppedCheck, rule: "failure-ends", in: "transport.drain",
		old: "src != nil && most > 0", new: "src != nil && most < 0", targets: serving,
	},
	{
		name: "handler-error-always-1011", kind: wrongCode, rule: "Serve", in: "link.closeFor",
		old: "errorCode(err)", new: "StatusInternalError", targets: serving,
	},
	{
		name: "read-error-forgotten", kind: stateLost, rule: "ReadMessage", in: "ending.readEnds",
		old: "s.more().readErr = err", new: "_ = s", targets: serving,
	},
	{
		name: "read-error-without-its-lock", kind: dataRace, rule: "ReadMessage", in: "ending.readEnds", race: true,
		old: "s := e.lock()\n\tdefer e.mu.Unlock()", new: "s := &e.ends", targets: serving,
	},
	{
		name: "serve-goes-on-behind-its-close", kind: droppedCheck, rule: "close-ends", in: "Websocket.answer",
		old: "c.out.closed.Load()", new: "false", targets: serving,
	},
	{
		name: "handler-error-swallowed", kind: errorLost, rule: "Serve", in: "Websocket.answer",
		old: "if err != nil {\n\t\t\tc.closeFor", new: "if err != nil && reply != nil {\n\t\t\tc.closeFor", targets: serving,
	},
	{
		name: "panic-leaves-the-connection-open", kind: notReleased, rule: "Serve", in: "Websocket.leave",
		old: "c.closeFor(errPanic)", new: "_ = errPanic", targets: serving,
	},
	{
		name: "message-not-flushed-when-returned", kind: stateLost, rule: "ReadMessage", in: "Websocket.ReadMessage",
		old: "if c.gathered {", new: "if false {", targets: serving,
	},
	{
		name: "two-readers", kind: dataRace, rule: "ReadMessage", in: "ending.become",
		old: "s.reader != nobody || s.state", new: "s.state", targets: serving,
	},
	{
		name: "readers-role-kept", kind: notReleased, rule: "ReadMessage", in: "ending.leave",
		old: "s.reader = nobody", new: "", targets: serving,
	},
	{
		name: "transport-left-open", kind: notReleased, rule: "the end", in: "transport.close",
		old: "t.src.Close()", new: "t.src", targets: serving,
	},
	{
		name: "end-not-reported", kind: droppedCheck, rule: "OnClose", in: "teller.closed",
		old: "t.OnClose != nil", new: "t.OnClose != nil && err != nil", targets: serving,
	},
	{
		name: "serve-returns-before-the-end-is-reported", kind: wrongOrder, rule: "OnClose", in: "Websocket.step",
		old: "_ = c.endRead(err, true)\n\t<-c.end.told()", new: "go func() { _ = c.endRead(err, true) }()", targets: serving,
	},
	{
		name: "hooks-panic-leaves-the-connection-open", kind: notReleased, rule: "hooks", in: "Websocket.leave",
		old: "c.failHook()", new: "", targets: serving,
	},
	{
		name: "peers-close-not-settled", kind: stateLost, rule: "OnClose", in: "closing",
		old: "{CloseReceived, SendClose | Settle", new: "{CloseReceived, SendClose", targets: serving,
	},
	{
		name: "timeout-closes-with-1002", kind: wrongCode, rule: "ReadTimeout", in: "Websocket.endRead",
		old: "protocol.NewError(StatusPolicyViolation", new: "protocol.NewError(StatusProtocolError", targets: serving,
	},
	{
		name: "lingering-keeps-the-read-deadline", kind: stateNotReset, rule: "CloseTimeout", in: "Websocket.drain",
		old: "_ = c.transport.setReadDeadline(time.Time{})", new: "", targets: serving,
	},
	{
		name: "write-side-left-open-behind-a-failure", kind: notReleased, rule: "failure-ends", in: "Websocket.drain",
		old: "c.out.shutWhenWritten()", new: "", targets: serving,
	},
	{
		name: "context-forgotten-behind-a-failure", kind: wrongOrder, rule: "contexts", in: "Websocket.drain",
		old: "if shut {", new: "c.end.linger()\n\tif shut {", targets: serving,
	},
	{
		name: "second-close-sent", kind: droppedCheck, rule: "close-ends", in: "Writer.Control",
		old: "if w.closed {", new: "if w.closed && opcode != OpcodeClose {", targets: serving,
	},
	{
		name: "invalid-close-code-sent", kind: droppedCheck, rule: "CloseWithStatus", in: "Websocket.CloseWithStatus",
		old: "err != nil {", new: "err != nil && code == 0 {", targets: serving,
	},
	{
		name: "close-reason-dropped", kind: wrongBytes, rule: "CloseWithStatus", in: "Websocket.CloseWithStatus",
		old: "code, nil, reason)", new: `code, nil, "")`, targets: serving,
	},
	{
		name: "ping-forgets-its-context", kind: droppedCheck, rule: "Ping", in: "link.Ping",
		old: "case <-ctx.Done():\n\t\treturn ctx.Err()\n", new: "", targets: serving,
	},
	{
		name: "idle-peer-not-pinged", kind: droppedCheck, rule: "PingInterval", in: "link.keepAlive",
		old: "silent && l.control(OpcodePing, l.pings.number())", new: "silent", targets: serving,
	},
	{
		name: "keepalive-runs-once", kind: noDeadline, rule: "PingInterval", in: "pinger.ticked",
		old: "all.timer.Reset(all.interval)", new: "", targets: serving,
	},
	{
		name: "answering-peer-given-up", kind: wrongBoundary, rule: "PingInterval", in: "pinger.tick",
		old: "since == 0 && all.asked", new: "since <= 2 && all.asked", targets: serving,
	},
	{
		name: "ended-twice", kind: stateLost, rule: "OnClose", in: "ending.on",
		old: "s.state, do = s.state.On(event)", new: "state, action := s.state.On(event)\n\tif do = action; state != protocol.Ended {\n\t\ts.state = state\n\t}", targets: serving,
	},
	{
		name: "closing-handshake-without-bound", kind: noDeadline, rule: "CloseTimeout", in: "ending.bound",
		old: "time.AfterFunc(d, lost)", new: "time.AfterFunc(time.Hour, lost)", targets: serving,
	},
	{
		name: "context-not-watched", kind: droppedCheck, rule: "contexts", in: "ending.become",
		old: "if current {", new: "if current && done == nil {", targets: serving,
	},
	{
		name: "reading-without-its-lock", kind: dataRace, rule: "ReadMessage", in: "ending.leave", race: true,
		old: "s := e.lock()\n\tdefer e.mu.Unlock()", new: "s := &e.ends", targets: serving,
	},
	{
		name: "dead-peer-kept", kind: noDeadline, rule: "PingInterval", in: "pinger.tick",
		old: "since == 0 && all.asked", new: "false && all.asked", targets: serving,
	},
	{
		name: "pong-wakes-only-earlier-pings", kind: offByOne, rule: "Ping", in: "pinger.answered",
		old: "n <= number", new: "n < number", targets: serving,
	},
}
