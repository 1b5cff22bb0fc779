package main

// shortMutants are bugs of the way that short messages take (short.go).
var shortMutants = []mutant{
	{
		name: "short-message-beyond-the-limits", kind: droppedCheck, rule: "frame-too-large", in: "Websocket.mostShort",
		old: "c.opts.MaxFrameSize, c.opts.MaxMessageSize)", new: "c.opts.MaxMessageSize)", targets: reading,
	},
	{
		name: "short-message-beyond-the-message-limit", kind: droppedCheck, rule: "message-too-large", in: "Websocket.mostShort",
		old: "c.opts.MaxFrameSize, c.opts.MaxMessageSize)", new: "c.opts.MaxFrameSize)", targets: reading,
	},
	{
		name: "short-message-of-126", kind: wrongBoundary, rule: "length-not-minimal", in: "shortMost",
		old: "125", new: "126", targets: reading,
	},
	{
		name: "short-message-taken-as-binary", kind: wrongBytes, rule: "messages", in: "Websocket.serveShort",
		old: ", msg.Payload = b0 == shortBinary, payload", new: ", msg.Payload = true, payload", targets: serving,
	},
	{
		name: "short-frame-without-fin-taken-whole", kind: droppedCheck, rule: "messages", in: "short",
		old: "b[0] != shortText && b[0] != shortBinary {", new: "b[0]|finBit != shortText && b[0]|finBit != shortBinary {", targets: reading,
	},
	{
		name: "short-frame-with-rsv1-taken", kind: droppedCheck, rule: "rsv-bits-unsupported", in: "short",
		old: "b[0] != shortText && b[0] != shortBinary {", new: "b[0]&^byte(RSV1) != shortText && b[0] != shortBinary {", targets: reading,
	},
	{
		name: "short-text-not-checked", kind: droppedCheck, rule: "text-not-utf8", in: "Websocket.serveShort",
		old: "&& !validUTF8(payload) { // RFC 6455 §8.1", new: "&& len(payload) > 8 && !validUTF8(payload) {", targets: serving,
	},
	{
		name: "broken-short-text-unmasked-twice", kind: stateNotReset, rule: "text-not-utf8", in: "Websocket.serveShort",
		old: "unmask(payload, key) // as it was", new: "", targets: serving,
	},
	{
		name: "short-message-not-copied", kind: earlyReuse, rule: "messages", in: "Websocket.serveShort",
		old: "msg, payload = new(Message), append([]byte(nil), payload...", new: "msg = new(Message", targets: serving,
	},
	{
		name: "short-message-inside-a-fragmented-one", kind: droppedCheck, rule: "continuation-expected", in: "Websocket.serveShort",
		old: "in.buf == nil || in.fragmented || c.timed()", new: "in.buf == nil || c.timed()", targets: serving,
	},
	{
		name: "short-messages-do-not-stop-the-clock", kind: noDeadline, rule: "ReadTimeout", in: "Websocket.serveShort",
		old: "in.buf == nil || in.fragmented || c.timed()", new: "in.buf == nil || in.fragmented", targets: serving,
	},
	{
		name: "hooks-do-not-see-short-messages", kind: droppedCheck, rule: "hooks", in: "Websocket.serveShort",
		old: " || c.opts.Hooks.seeMessages() {", new: " {", targets: serving,
	},
	{
		name: "short-messages-served-behind-the-close", kind: droppedCheck, rule: "close-ends", in: "Websocket.serveShort",
		old: "for !o.closing.Load() {", new: "for {", targets: serving,
	},
	{
		name: "short-reply-waits-for-a-slow-handler", kind: noDeadline, rule: "Serve", in: "Websocket.serveShort",
		old: "if in.gathered {\n\t\t\tc.flushInTime()\n\t\t}", new: "", targets: serving,
	},
	{
		name: "panic-at-a-short-message-is-the-hooks", kind: wrongCode, rule: "Serve", in: "Websocket.serveShort",
		old: "in.handling = true\n", new: "", targets: serving,
	},
	{
		name: "changed-answer-taken-for-the-message", kind: wrongBytes, rule: "Serve", in: "Websocket.serveShort",
		old: "msg && same(msg, payload, b0 == shortBinary)", new: "msg", targets: serving,
	},
	{
		name: "error-at-a-short-message-swallowed", kind: errorLost, rule: "Serve", in: "Websocket.serveShort",
		old: "if err != nil {\n\t\t\tc.closeFor(err)", new: "if err != nil && reply != nil {\n\t\t\tc.closeFor(err)", targets: serving,
	},
	{
		name: "short-reply-beyond-its-memory", kind: offByOne, rule: "Serve", in: "outbound.gatherShort",
		old: "cap(*g.buf)-int(g.n) < 2+shortMost {", new: "cap(*g.buf)-int(g.n) < shortMost {", targets: serving,
	},
	{
		name: "short-reply-loses-its-tail", kind: offByOne, rule: "Serve", in: "outbound.gatherShort",
		old: "copy(frame[2:], payload)", new: "copy(frame[2:], payload[:len(payload)&^1])", targets: serving,
	},
	{
		name: "short-mask-not-turned", kind: wrongBytes, rule: "masking", in: "unmask",
		old: "bits.RotateLeft64(k, -8*n)", new: "bits.RotateLeft64(k, 0*n)", targets: serving,
	},
	{
		name: "short-mask-of-17-leaves-a-byte", kind: wrongBoundary, rule: "masking", in: "unmask",
		old: "if n < 8 || n > 16 {", new: "if n < 8 || n > 17 {", targets: serving,
	},
}
