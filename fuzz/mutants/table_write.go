package main

// writeMutants are bugs of the way from messages to bytes: of protocol.Writer, of the
// queue and the turn to write, and of the transport.
var writeMutants = []mutant{
	{
		name: "client-does-not-mask", kind: droppedCheck, rule: "client-frame-unmasked", in: "Mode.maskingKey",
		old: "m == ClientMode", new: "m != ClientMode", targets: reading,
	},
	{
		name: "fragments-continue-with-their-opcode", kind: stateNotReset, rule: "continuation-expected", in: "Fragments.Append",
		old: "f.rest, f.b0 = f.rest[f.most:], byte(OpcodeContinuation)", new: "f.rest = f.rest[f.most:]", targets: serving,
	},
	{
		name: "only-the-last-fragment-continues", kind: stateNotReset, rule: "continuation-expected", in: "Fragments.Append",
		old: "f.rest, f.b0 = f.rest[f.most:], byte(OpcodeContinuation)", new: "f.rest = f.rest[f.most:]\n\tif len(f.rest) <= f.most {\n\t\tf.b0 = byte(OpcodeContinuation)\n\t}", targets: serving,
	},
	{
		name: "long-message-written-twice", kind: stateNotReset, rule: "WriteMessage", in: "outbound.write",
		old: "buf.Bytes = buf.Bytes[:0]", new: "", targets: serving,
	},
	{
		name: "message-never-final", kind: wrongBytes, rule: "WriteMessage", in: "Fragments.Append",
		old: "finBit|f.b0, f.rest,", new: "finBit&^byte(len(f.rest)/f.most<<7)|f.b0, f.rest,", targets: serving,
	},
	{
		name: "invalid-text-written", kind: droppedCheck, rule: "WriteMessage", in: "link.WriteMessage",
		old: "!msg.Binary && !protocol.ValidUTF8(msg.Payload)", new: "false", targets: serving,
	},
	{
		name: "message-behind-the-close", kind: droppedCheck, rule: "close-ends", in: "outbound.begin",
		old: "q.writer.Closed()", new: "false", targets: serving,
	},
	{
		name: "control-frames-behind-the-close", kind: droppedCheck, rule: "close-ends", in: "Writer.Control",
		old: "if w.closed ||", new: "if w.closed && opcode == OpcodeClose ||", targets: serving,
	},
	{
		name: "close-not-noted", kind: stateLost, rule: "close-ends", in: "Writer.Control",
		old: "w.closed = opcode == OpcodeClose", new: "", targets: serving,
	},
	{
		name: "replies-follow-the-close", kind: droppedCheck, rule: "close-ends", in: "Writer.Message",
		old: "w.closed || ", new: "", targets: serving,
	},
	{
		name: "queue-taken-twice", kind: stateLost, rule: "Serve", in: "Writer.Take",
		old: "w.queue = nil", new: "", targets: serving,
	},
	{
		name: "queue-written-from-an-old-offset", kind: stateNotReset, rule: "writes", in: "outbound.keepWriting",
		old: "buf, n = o.lock().take(), 0", new: "buf = o.lock().take()", targets: serving,
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
		name: "short-write-taken-for-whole", kind: errorLost, rule: "writes", in: "writeAll",
		old: "n < len(p)", new: "n < 0", targets: serving,
	},
	{
		name: "write-error-swallowed", kind: errorLost, rule: "writes", in: "writeAll",
		old: "n, err := w.Write(p)", new: "n, err := w.Write(p)\n\tn, err = len(p), nil", targets: serving,
	},
	{
		name: "write-deadline-not-set", kind: noDeadline, rule: "WriteTimeout", in: "transport.write",
		old: "d.SetWriteDeadline(time.Now().Add(timeout))", new: "timeout", targets: serving,
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
		old: "err := o.owner.under().write(buf.Bytes[n:], o.owner.writeTimeout())\n\t\tbuf.Free()", new: "p := buf.Bytes[n:]\n\t\tbuf.Free()\n\t\terr := o.owner.under().write(p, o.owner.writeTimeout())", targets: serving,
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
		old: "c.in.gathered = true", new: "", targets: serving,
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
		name: "queue-lost-before-a-message", kind: stateLost, rule: "WriteMessage", in: "outbound.write",
		old: "withRoom(buf, ", new: "withRoom(nil, ", targets: serving,
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
		old: "write(p[n:], ", new: "write(p, ", targets: serving,
	},
	{
		name: "socket-end-not-noticed", kind: errorLost, rule: "read failures", in: "inbound.waitSocket",
		old: "err = io.EOF", new: "err = io.ErrNoProgress", targets: serving,
	},
	{
		name: "socket-read-loses-a-byte", kind: offByOne, rule: "read failures", in: "inbound.waitSocket",
		old: "Came(int(n))", new: "Came(int(n) &^ 1)", targets: serving,
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
		old: "context.AfterFunc(ctx, func() { _ = o.owner.cancelled(ctx) })", new: "context.AfterFunc(ctx, func() {})", targets: serving,
	},
	{
		name: "room-not-told", kind: notReleased, rule: "MaxPending", in: "queue.wakeRoom",
		old: "close(m.room)", new: "", targets: serving,
	},
	{
		name: "gathered-not-written-before-waiting", kind: droppedCheck, rule: "Serve", in: "Websocket.beforeWaiting",
		old: "if c.in.gathered {", new: "if false {", targets: serving,
	},
}
