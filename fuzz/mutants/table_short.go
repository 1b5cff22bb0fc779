package main

// shortMutants are bugs of the way that short messages and their replies take.
var shortMutants = []mutant{
	{
		name: "short-message-beyond-the-limits", kind: droppedCheck, rule: "frame-too-large", in: "Reader.glanceMessage",
		old: "|| n > r.limits.MaxFrameSize", new: "", targets: reading,
	},
	{
		name: "short-message-beyond-the-message-limit", kind: droppedCheck, rule: "message-too-large", in: "Reader.glanceMessage",
		old: "|| n > r.limits.MaxMessageSize", new: "", targets: reading,
	},
	{
		name: "short-message-of-126", kind: wrongBoundary, rule: "length-not-minimal", in: "shortMost",
		old: "125", new: "126", targets: reading,
	},
	{
		name: "short-message-taken-as-binary", kind: wrongBytes, rule: "messages", in: "Reader.glanceMessage",
		old: "r.binary = binary", new: "r.binary = true", targets: serving,
	},
	{
		name: "short-frame-without-fin-taken-whole", kind: droppedCheck, rule: "messages", in: "Reader.glanceMessage",
		old: "b[0] != wholeText && b[0] != wholeBinary", new: "b[0]|finBit != wholeText && b[0]|finBit != wholeBinary", targets: reading,
	},
	{
		name: "short-frame-with-rsv1-taken", kind: droppedCheck, rule: "rsv-bits-unsupported", in: "Reader.glanceMessage",
		old: "b[0] != wholeText", new: "b[0]&^byte(RSV1) != wholeText", targets: reading,
	},
	{
		name: "short-text-not-checked", kind: droppedCheck, rule: "text-not-utf8", in: "Reader.glanceMessage",
		old: "!binary && !ValidUTF8(b)", new: "!binary && len(b) > 8 && !ValidUTF8(b)", targets: serving,
	},
	{
		name: "broken-short-text-unmasked-twice", kind: stateNotReset, rule: "text-not-utf8", in: "Reader.glanceMessage",
		old: "mask(b, b, key) // as it was", new: "", targets: serving,
	},
	{
		name: "short-message-not-copied", kind: earlyReuse, rule: "messages", in: "Reader.Next",
		old: "if r.Own {", new: "if false {", targets: serving,
	},
	{
		name: "short-message-inside-a-fragmented-one", kind: droppedCheck, rule: "continuation-expected", in: "Reader.Next",
		old: "r.body == nil && r.buf", new: "r.buf", targets: serving,
	},
	{
		name: "short-messages-do-not-stop-the-clock", kind: noDeadline, rule: "ReadTimeout", in: "Reader.Next",
		old: "&& !r.EachFrame", new: "", targets: serving,
	},
	{
		name: "hooks-do-not-see-short-messages", kind: droppedCheck, rule: "hooks", in: "settings.reader",
		old: "s.timesReads() || s.Hooks.OnReadFrame != nil", new: "s.timesReads()", targets: serving,
	},
	{
		name: "close-not-told-to-serve", kind: droppedCheck, rule: "close-ends", in: "outbound.control",
		old: "o.closed.Store(q.writer.Closed())", new: "", targets: serving,
	},
	{
		name: "reply-waits-for-a-slow-handler", kind: noDeadline, rule: "Serve", in: "Websocket.answer",
		old: "c.out.flushInTime()", new: "", targets: serving,
	},
	{
		name: "panic-of-a-handler-is-the-hooks", kind: wrongCode, rule: "Serve", in: "Websocket.answer",
		old: "*handling = true", new: "", targets: serving,
	},
	{
		name: "changed-answer-taken-for-the-message", kind: wrongBytes, rule: "Serve", in: "Websocket.answer",
		old: "reply == msg && msg.Binary == binary && same(msg.Payload, payload)", new: "reply == msg", targets: serving,
	},
	{
		name: "invalid-reply-swallowed", kind: errorLost, rule: "Serve", in: "Websocket.answer",
		old: "err = c.reply(reply, unchanged)", new: "_ = c.reply(reply, unchanged)", targets: serving,
	},
	{
		name: "short-reply-beyond-its-memory", kind: offByOne, rule: "Serve", in: "Writer.Message",
		old: "cap(b)-n < 2+len(payload)", new: "cap(b)-n < len(payload)", targets: serving,
	},
	{
		name: "short-reply-loses-its-tail", kind: offByOne, rule: "Serve", in: "Writer.Message",
		old: "copy(b[n+2:], payload)", new: "copy(b[n+2:], payload[:len(payload)&^1])", targets: serving,
	},
	{
		name: "key-not-turned-behind-a-piece", kind: wrongBytes, rule: "masking", in: "maskBy",
		old: "next := turnKey(key, n)", new: "next := key", targets: masking,
	},
	{
		name: "mask-of-17-leaves-a-byte", kind: wrongBoundary, rule: "masking", in: "maskBy",
		old: "n <= 16", new: "n <= 17", targets: masking,
	},
}
