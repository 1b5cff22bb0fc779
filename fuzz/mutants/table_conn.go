package main

var (
	reading = []string{"Reassembly"}
	serving = []string{"Serve", "Reassembly"}
)

// readMutants are bugs of a connection's way from bytes to messages (inbound.go,
// parts.go, rules.go, timing.go).
var readMutants = []mutant{
	{
		name: "connection-takes-masked-server-frame", kind: droppedCheck, rule: "server-frame-masked", in: "Websocket.checkHeader",
		old: "h.masked() == (c.mode == ClientMode) { // RFC 6455 §5.1", new: "!h.masked() && c.mode == ServerMode {", targets: reading,
	},
	{
		name: "connection-takes-unmasked-client-frame", kind: droppedCheck, rule: "client-frame-unmasked", in: "Websocket.checkHeader",
		old: "== (c.mode == ClientMode) { // RFC 6455 §5.1", new: "&& c.mode == ClientMode {", targets: reading,
	},
	{
		name: "connection-takes-rsv2-and-rsv3", kind: droppedCheck, rule: "rsv-bits-unsupported", in: "Websocket.checkHeader",
		old: "if h.b0&rsvBits != 0 {", new: "if h.b0&byte(RSV1) != 0 {", targets: reading,
	},
	{
		name: "connection-takes-unknown-opcodes", kind: droppedCheck, rule: "opcode-unknown", in: "Websocket.checkHeader",
		old: ": // RFC 6455 §5.2\n\t\treturn ErrOpcodeUnknown", new: ":", targets: reading,
	},
	{
		name: "control-frame-of-126-taken", kind: offByOne, rule: "control-frame-too-large", in: "Websocket.checkHeader",
		old: "if h.length > maxControlPayload {", new: "if h.length > maxControlPayload+1 {", targets: reading,
	},
	{
		name: "fragmented-control-frame-taken", kind: droppedCheck, rule: "control-frame-fragmented", in: "Websocket.checkHeader",
		old: "if !h.fin() {\n\t\t\treturn ErrControlFrameFragmented\n\t\t}", new: "", targets: reading,
	},
	{
		name: "connection-skips-minimal-length", kind: droppedCheck, rule: "length-not-minimal", in: "Websocket.checkHeader",
		old: "if !h.minimal() { // RFC 6455 §5.2", new: "if false {", targets: reading,
	},
	{
		name: "frame-limit-is-the-message-limit", kind: wrongBoundary, rule: "frame-too-large", in: "Websocket.checkHeader",
		old: "if h.tooLong(c.opts.MaxFrameSize) {", new: "if h.tooLong(c.opts.MaxMessageSize) {", targets: reading,
	},
	{
		name: "message-inside-a-message-taken", kind: droppedCheck, rule: "continuation-expected", in: "Websocket.checkHeader",
		old: "if (op == OpcodeContinuation) != c.in.", new: "if op == OpcodeContinuation && !c.in.", targets: reading,
	},
	{
		name: "continuation-of-nothing-taken", kind: droppedCheck, rule: "continuation-unexpected", in: "Websocket.checkHeader",
		old: "if (op == OpcodeContinuation) != c.in.", new: "if op != OpcodeContinuation && c.in.", targets: reading,
	},
	{
		name: "message-limit-per-frame", kind: droppedCheck, rule: "message-too-large", in: "Websocket.checkHeader",
		old: "if h.length > c.opts.MaxMessageSize-so {", new: "if h.length > c.opts.MaxMessageSize-so&0 {", targets: reading,
	},
	{
		name: "message-limit-refuses-itself", kind: wrongBoundary, rule: "message-too-large", in: "Websocket.checkHeader",
		old: "if h.length > c.opts.MaxMessageSize-so {", new: "if h.length >= c.opts.MaxMessageSize-so {", targets: reading,
	},
	{
		name: "whole-text-not-checked", kind: droppedCheck, rule: "text-not-utf8", in: "Websocket.readWhole",
		old: "!in.binary && !validUTF8(p) { // RFC 6455 §8.1", new: "false {", targets: reading,
	},
	{
		name: "whole-message-not-copied", kind: earlyReuse, rule: "messages", in: "Websocket.readWhole",
		old: "if !reuse {\n\t\tp = append([]byte(nil), p...)\n\t}", new: "", targets: reading,
	},
	{
		name: "pooled-message-not-copied", kind: earlyReuse, rule: "messages", in: "inbound.takeBody",
		old: "return append([]byte(nil), p.body...)", new: "return p.body", targets: reading,
	},
	{
		name: "text-checked-when-complete", kind: droppedCheck, rule: "text-not-utf8-at-once", in: "Websocket.readRest",
		old: "!parts.text.valid(space[:got]) { // RFC 6455 §8.1", new: "in.h.fin() && len(parts.body) == want && !validUTF8(parts.body) {", targets: reading,
	},
	{
		name: "text-checked-when-the-frame-is-complete", kind: wrongBoundary, rule: "text-not-utf8-at-once", in: "Websocket.readRest",
		old: "!parts.text.valid(space[:got]) { // RFC 6455 §8.1", new: "len(parts.body) == want && !parts.text.valid(parts.body[first:]) {", targets: reading,
	},
	{
		name: "fragmented-text-may-end-in-a-character", kind: droppedCheck, rule: "text-not-utf8", in: "Websocket.readFragment",
		old: "final && !in.binary && !parts.text.complete() { // RFC 6455 §8.1", new: "false {", targets: reading,
	},
	{
		name: "fragment-must-not-end-in-a-character", kind: wrongBoundary, rule: "text-utf8-fragments", in: "Websocket.readFragment",
		old: "final && !in.binary && !parts.text.complete() { // RFC 6455 §8.1", new: "!in.binary && !parts.text.complete() {", targets: reading,
	},
	{
		name: "text-state-kept-between-messages", kind: stateNotReset, rule: "text-utf8-fragments", in: "inbound.dropParts",
		old: "*p = parts{}\n", new: "p.body, p.pooled = nil, nil\n", targets: reading,
		survives: "a message that ends leaves the state at the beginning of a text, since it must be complete; only a failed connection leaves another one",
	},
	{
		name: "buffered-fragment-restarts-the-key", kind: stateLost, rule: "masking", in: "Websocket.readRest",
		old: "key = mask(space, b[:got], key)", new: "mask(space, b[:got], key)", targets: reading,
	},
	{
		name: "fragment-at-hand-not-checked", kind: droppedCheck, rule: "text-not-utf8", in: "Websocket.readFragment",
		old: "!in.binary && !parts.text.valid(parts.body[first:]) { // RFC 6455 §8.1", new: "final && !in.binary && !parts.text.valid(parts.body[first:]) {", targets: reading,
	},
	{
		name: "fragment-at-hand-left-in-the-buffer", kind: offByOne, rule: "fragments-joined", in: "Websocket.readFragment",
		old: "in.buf.start += n", new: "in.buf.start += n &^ 1", targets: reading,
	},
	{
		name: "frame-deadline-kept", kind: stateNotReset, rule: "ReadTimeout", in: "Websocket.endAndTell",
		old: "t.frameBy = time.Time{}\n", new: "", targets: serving,
	},
	{
		name: "read-fragment-restarts-the-key", kind: stateLost, rule: "masking", in: "Websocket.readRest",
		old: "key = mask(space[:got], space[:got], key)", new: "mask(space[:got], space[:got], key)", targets: reading,
	},
	{
		name: "fragmented-for-ever", kind: stateNotReset, rule: "fragments-joined", in: "inbound.endParts",
		old: "in.fragmented = false\n", new: "", targets: reading,
	},
	{
		name: "message-keeps-the-one-before", kind: stateNotReset, rule: "fragments-joined", in: "inbound.dropParts",
		old: "*p = parts{}\n\tallParts.Put(p)\n\tin.parts =", new: "p.pooled =", targets: reading,
	},
	{
		name: "fragments-at-hand-over-the-message-limit", kind: droppedCheck, rule: "message-too-large", in: "Websocket.takeFragments",
		old: ":= min(cap(body), c.opts.MaxMessageSize)", new: ":= cap(body)", targets: reading,
	},
	{
		name: "fragments-at-hand-over-the-frame-limit", kind: droppedCheck, rule: "frame-too-large", in: "Websocket.takeFragments",
		old: "|| n > c.opts.MaxFrameSize || n > most", new: "|| n > most", targets: reading,
	},
	{
		name: "fragments-at-hand-of-any-length-form", kind: droppedCheck, rule: "length-not-minimal", in: "Websocket.takeFragments",
		old: "if n <= 125 {", new: "if false {", targets: reading,
	},
	{
		name: "fragments-at-hand-with-rsv-bits", kind: droppedCheck, rule: "rsv-bits-unsupported", in: "Websocket.takeFragments",
		old: "b[0]&^finBit == byte(OpcodeContinuation)", new: "b[0]&opcodeBits == byte(OpcodeContinuation)", targets: reading,
	},
	{
		name: "fragments-at-hand-may-end-in-a-character", kind: droppedCheck, rule: "text-not-utf8", in: "Websocket.takeFragments",
		old: "(payload) || final && !text.complete() {", new: "(payload) {", targets: reading,
	},
	{
		name: "fragments-at-hand-lose-the-text-state", kind: stateLost, rule: "text-utf8-fragments", in: "Websocket.takeFragments",
		old: "p.text =", new: "_ =", targets: reading,
	},
	{
		name: "fragments-at-hand-not-told", kind: droppedCheck, rule: "hooks", in: "Websocket.takeFragments",
		old: " || c.opts.Hooks.OnReadFrame != nil {", new: " {", targets: serving,
	},
	{
		name: "fragments-at-hand-not-timed", kind: stateNotReset, rule: "MessageTimeout", in: "Websocket.takeFragments",
		old: "c.timed() || c.opts", new: "c.opts", targets: serving,
	},
	{
		name: "fragments-at-hand-left-in-the-buffer", kind: offByOne, rule: "fragments-joined", in: "Websocket.takeFragments",
		old: "in.buf.start = len(in.buf.bytes) - len(b)", new: "in.buf.start = len(in.buf.bytes) - len(b)&^1", targets: reading,
	},
	{
		name: "fragments-at-hand-for-ever", kind: stateNotReset, rule: "fragments-joined", in: "Websocket.takeFragments",
		old: "if last {", new: "if last && !in.binary {", targets: reading,
	},
	{
		name: "kind-of-the-continuation", kind: stateLost, rule: "fragments-joined", in: "Websocket.takeMessage",
		old: "if op := in.h.opcode(); op != OpcodeContinuation {\n\t\t\tin.binary = op == OpcodeBinary",
		new: "in.binary = in.h.opcode() == OpcodeBinary\n\t\tif op := in.h.opcode(); op != OpcodeContinuation {", targets: reading,
	},
	{
		name: "moved-buffer-keeps-its-start", kind: stateNotReset, rule: "messages", in: "Websocket.room",
		old: "(b.bytes, b.bytes[b.start:])]\n\t\tb.start = 0", new: "(b.bytes, b.bytes[b.start:])]", targets: reading,
	},
	{
		name: "pipelined-bytes-lost", kind: stateLost, rule: "Accept", in: "inbound.preload",
		old: "in.buf.bytes = append(in.buf.bytes, unread...)", new: "", targets: []string{"Handshake"},
	},
	{
		name: "grown-message-loses-its-beginning", kind: stateLost, rule: "fragments-joined", in: "parts.grow",
		old: "((*grown)[headroom:headroom], p.body...)", new: "((*grown)[headroom:headroom], p.body[:len(p.body)&^63]...)", targets: reading,
	},
	{
		name: "control-payload-not-unmasked", kind: droppedCheck, rule: "masking", in: "Websocket.readControl",
		old: "mask(p, p, in.h.key)\n\tvar closed *", new: "var closed *", targets: reading,
	},
	{
		name: "control-frame-waits-for-one-more-byte", kind: offByOne, rule: "ping-answered", in: "Websocket.readControl",
		old: "for len(in.buffered()) < n {", new: "for len(in.buffered()) <= n {", targets: reading,
	},
	{
		name: "pong-without-payload", kind: wrongBytes, rule: "ping-answered", in: "Websocket.readControl",
		old: "if c.queueControl(OpcodePong, p) {", new: "if c.queueControl(OpcodePong, nil) {", targets: reading,
	},
	{
		name: "pong-waits-for-other-writes", kind: stateLost, rule: "ping-answered", in: "Websocket.readControl",
		old: "if c.queueControl(OpcodePong, p) {\n\t\t\tin.gathered = true\n\t\t}", new: "c.queueControl(OpcodePong, p)", targets: serving,
	},
	{
		name: "pong-answered", kind: wrongBytes, rule: "pong-ignored", in: "Websocket.readControl",
		old: "c.ponged(p)", new: "c.queueControl(OpcodePong, p)", targets: reading,
	},
	{
		name: "broken-close-taken-as-1000", kind: errorLost, rule: "close-status-invalid", in: "Websocket.readControl",
		old: "(p); err != nil {\n\t\t\treturn err\n\t\t}", new: "(p); err != nil {\n\t\t\tclosed = &CloseError{Code: StatusNormalClosure}\n\t\t}", targets: reading,
	},
	{
		name: "read-timeout-runs-anew-with-each-byte", kind: noDeadline, rule: "ReadTimeout", in: "Websocket.setDeadline",
		old: ".ReadTimeout > 0 && t.frameBy.IsZero() {", new: ".ReadTimeout > 0 {", targets: serving,
	},
	{
		name: "message-timeout-runs-anew-with-each-fragment", kind: noDeadline, rule: "MessageTimeout", in: "Websocket.timeMessage",
		old: "> 0 && c.clocks.timing.messageBy.IsZero() {", new: "> 0 {", targets: serving,
	},
	{
		name: "read-deadline-not-set", kind: noDeadline, rule: "ReadTimeout", in: "Websocket.setDeadline",
		old: "return t.transport.SetReadDeadline(by)", new: "return nil", targets: serving,
	},
	{
		name: "message-deadline-kept", kind: stateNotReset, rule: "MessageTimeout", in: "Websocket.endAndTell",
		old: "t.messageBy = time.Time{}\n", new: "", targets: serving,
	},
	{
		name: "message-deadline-ends-with-a-ping", kind: stateNotReset, rule: "MessageTimeout", in: "Websocket.endAndTell",
		old: ".h.fin() && !c.in.h.opcode().isControl() {", new: ".h.fin() {", targets: serving,
	},
	{
		name: "dripped-header-has-no-message-deadline", kind: noDeadline, rule: "MessageTimeout", in: "Websocket.takeMessage",
		old: "b := in.buffered(); len(b) > 0 && !Opcode(b[0]&opcodeBits).isControl()", new: "false", targets: serving,
	},
	{
		name: "later-deadline-wins", kind: wrongBoundary, rule: "MessageTimeout", in: "Websocket.setDeadline",
		old: ".IsZero() && t.messageBy.Before(by)", new: ".IsZero() && by.Before(t.messageBy)", targets: serving,
	},
	{
		name: "endless-empty-reads", kind: droppedCheck, rule: "read failures", in: "Websocket.readStream",
		old: "for range noProgress {", new: "for {", targets: serving,
	},
}

// writeMutants are bugs of a connection's way from messages to bytes (outbound.go, turn.go,
// gather.go).
var writeMutants = []mutant{
	{
		name: "client-does-not-mask", kind: droppedCheck, rule: "client-frame-unmasked", in: "Websocket.maskingKey",
		old: "if c.mode == ClientMode {", new: "if c.mode != ClientMode {", targets: reading,
	},
	{
		name: "reply-continues-with-its-opcode", kind: stateNotReset, rule: "continuation-expected", in: "Websocket.appendMessage",
		old: "b0, rest = byte(OpcodeContinuation), rest[c", new: "rest = rest[c", targets: serving,
	},
	{
		name: "message-continues-with-its-opcode", kind: stateNotReset, rule: "continuation-expected", in: "Websocket.writeWhole",
		old: "b0 = byte(OpcodeContinuation)\n", new: "", targets: serving,
	},
	{
		name: "long-message-written-twice", kind: stateNotReset, rule: "WriteMessage", in: "Websocket.writeWhole",
		old: "*buf = (*buf)[:0]\n", new: "", targets: serving,
	},
	{
		name: "message-never-final", kind: wrongBytes, rule: "WriteMessage", in: "Websocket.writeWhole",
		old: "if n == len(rest) {", new: "if n == len(rest) && len(rest) < c.opts.MaxFrameSize {", targets: serving,
	},
	{
		name: "invalid-text-written", kind: droppedCheck, rule: "WriteMessage", in: "Websocket.WriteMessage",
		old: "if !msg.Binary && !validUTF8(msg.Payload) {\n\t\treturn ErrInvalidFramePayload\n\t}\n\tif", new: "if", targets: serving,
	},
	{
		name: "message-behind-the-close", kind: droppedCheck, rule: "close-ends", in: "Websocket.WriteMessage",
		old: "if c.out.closing.Load() {\n\t\tc.mu.Unlock()\n\t\tc.passTurn()\n\t\treturn errClosed\n\t}", new: "", targets: serving,
	},
	{
		name: "control-frames-behind-the-close", kind: droppedCheck, rule: "close-ends", in: "Websocket.queueControl",
		old: "if o.closing.Load() {", new: "if o.closing.Load() && opcode == OpcodeClose {", targets: serving,
	},
	{
		name: "close-not-noted", kind: stateLost, rule: "close-ends", in: "Websocket.queueControl",
		old: "if opcode == OpcodeClose {\n\t\to.closing.Store(true)\n\t}\n", new: "", targets: serving,
	},
	{
		name: "gathered-replies-follow-the-close", kind: droppedCheck, rule: "close-ends", in: "outbound.pull",
		old: "if !o.closing.Load() {", new: "{", targets: serving,
	},
	{
		name: "gathered-replies-pulled-twice", kind: stateLost, rule: "Serve", in: "outbound.pull",
		old: "o.pulled = shown\n", new: "", targets: serving,
	},
	{
		name: "pulled-replies-sent-again", kind: stateLost, rule: "Serve", in: "outbound.collect",
		old: "if o.pulled == 0 && o.queue == nil && !o.", new: "if o.queue == nil && !o.", targets: serving,
	},
	{
		name: "gathered-replies-overtaken-by-a-pong", kind: stateLost, rule: "Serve", in: "Websocket.readControl",
		old: "c.out.show() // the replies before it go first\n", new: "", targets: serving,
	},
	{
		name: "gathered-replies-lost-at-the-end", kind: stateLost, rule: "Serve", in: "Websocket.endRead",
		old: "c.out.show() // replies to what came before it still go out\n", new: "", targets: serving,
	},
	{
		name: "gathered-replies-lost-in-growth", kind: offByOne, rule: "Serve", in: "gathering.grow",
		old: "copy((*g.buf)[:g.n], (*old)[:g.n])", new: "copy((*g.buf)[:g.n], (*old)[:g.n-1])", targets: serving,
	},
	{
		name: "gathered-replies-shown-too-late", kind: noDeadline, rule: "Serve", in: "Websocket.flushInTime",
		old: "c.out.show() // before the timer is looked at: either it flushes this, or it is armed anew\n", new: "", targets: serving,
	},
	{
		name: "turn-not-taken", kind: dataRace, rule: "WriteMessage", in: "Websocket.waitTurn",
		old: "if !o.busy {\n\t\to.busy = true", new: "if !o.busy {", targets: serving,
	},
	{
		name: "queue-read-without-its-lock", kind: dataRace, rule: "writes", in: "Websocket.keepWriting", race: true,
		old: "c.mu.Lock()\n\t\tbuf, n = c.out.take(), 0\n\t\tc.mu.Unlock()", new: "buf, n = c.out.take(), 0", targets: serving,
	},
	{
		name: "short-write-taken-for-whole", kind: errorLost, rule: "writes", in: "Websocket.writeWaiting",
		old: "if err == nil && n < len(p) {", new: "if err == nil && n < 0 {", targets: serving,
	},
	{
		name: "write-error-swallowed", kind: errorLost, rule: "writes", in: "Websocket.writeWaiting",
		old: "n, err := c.src.Write(p)", new: "n, err := c.src.Write(p)\n\tn, err = len(p), nil", targets: serving,
	},
	{
		name: "write-deadline-not-set", kind: noDeadline, rule: "WriteTimeout", in: "Websocket.writeWaiting",
		old: "transport.SetWriteDeadline(time.Now().Add(timeout))", new: "timeout", targets: serving,
	},
	{
		name: "write-deadline-kept", kind: stateNotReset, rule: "WriteTimeout", in: "Websocket.writeWaiting",
		old: "defer transport.SetWriteDeadline(time.Time{})", new: "", targets: serving,
	},
	{
		name: "pending-without-bound", kind: droppedCheck, rule: "MaxPending", in: "Websocket.waitRoom",
		old: "|| o.pending() <= c.opts.MaxPending {", new: "|| o.pending() >= 0 {", targets: serving,
	},
	{
		name: "buffer-given-back-before-it-is-written", kind: earlyReuse, rule: "writes", in: "Websocket.keepWriting",
		old: "err := c.writeWaiting((*buf)[n:])\n\t\tgiveBuffer(buf", new: "p := (*buf)[n:]\n\t\tgiveBuffer(buf)\n\t\terr := c.writeWaiting(p", targets: serving,
	},
	{
		name: "queued-bytes-lost-behind-a-write", kind: stateLost, rule: "writes", in: "Websocket.nextTurn",
		old: "case o.queue != nil:", new: "case o.queue != nil && len(*o.queue) > 1<<10:", targets: serving,
	},
	{
		name: "queue-overwritten-when-it-grows", kind: stateLost, rule: "writes", in: "outbound.grow",
		old: "*grown = append(*grown, b...)", new: "*grown = append(*grown, b[:len(b)/2]...)", targets: serving,
	},
	{
		name: "reply-waits-for-the-next-read", kind: stateLost, rule: "Serve", in: "Websocket.queueReply",
		old: "c.mu.Unlock()\n\tc.in.gathered = true", new: "c.mu.Unlock()", targets: serving,
	},
	{
		name: "changed-reply-not-checked", kind: droppedCheck, rule: "Serve", in: "Websocket.reply",
		old: "!unchanged && !msg.Binary && !validUTF8(msg.Payload)", new: "false", targets: serving,
	},
	{
		name: "gathered-reply-has-no-timer", kind: noDeadline, rule: "Serve", in: "Websocket.armFlush",
		old: "= time.AfterFunc(gatherDelay, func() {", new: "= time.AfterFunc(time.Hour, func() {", targets: serving,
	},
	{
		name: "reply-in-place-over-a-queue", kind: wrongOrder, rule: "Serve", in: "Websocket.replyInPlace",
		old: "if o.busy || o.queue != nil || o.closing.Load() {\n\t\tc.mu.Unlock()\n\t\treturn false\n\t}\n\to", new: "o", targets: serving,
	},
	{
		name: "reply-in-place-overtakes-gathered-ones", kind: wrongOrder, rule: "Serve", in: "Websocket.replyInPlace",
		old: "if in.gathered {\n\t\tc.flushGathered()\n\t}\n\tc.", new: "c.", targets: serving,
	},
	{
		name: "reply-in-place-always-text", kind: wrongBytes, rule: "Serve", in: "Websocket.replyInPlace",
		old: "b0 = finBit | byte(OpcodeBinary", new: "b0 = finBit | byte(OpcodeText", targets: serving,
	},
	{
		name: "reply-in-place-a-byte-early", kind: offByOne, rule: "Serve", in: "Websocket.replyInPlace",
		old: ".buf.bytes[in.buf.start-n-h : in.buf.start]", new: ".buf.bytes[in.buf.start-n-h : in.buf.start-1]", targets: serving,
	},
	{
		name: "rest-of-a-reply-in-place-lost", kind: stateLost, rule: "Serve", in: "Websocket.replyInPlace",
		old: "*rest = append(*rest, wire[written:]...)", new: "*rest = append(*rest, wire[written+1:]...)", targets: serving,
	},
	{
		name: "socket-write-taken-for-whole", kind: errorLost, rule: "writes", in: "Websocket.startWriting",
		old: "if n < len(*buf) {\n\t\t\tc.writeBehind(buf, n)\n\t\t\treturn\n\t\t}", new: "_ = n", targets: serving,
	},
	{
		name: "socket-rest-from-its-beginning", kind: offByOne, rule: "writes", in: "Websocket.startWriting",
		old: "c.writeBehind(buf, n", new: "c.writeBehind(buf, 0", targets: serving,
	},
	{
		name: "socket-message-written-on-from-its-beginning", kind: offByOne, rule: "writes", in: "Websocket.write",
		old: "p = p[n:]\n", new: "", targets: serving,
	},
	{
		name: "socket-end-not-noticed", kind: errorLost, rule: "read failures", in: "Websocket.finishRead",
		old: "err = io.EOF\n", new: "err = io.ErrNoProgress\n", targets: serving,
	},
	{
		name: "socket-end-within-a-payload-not-noticed", kind: errorLost, rule: "read failures", in: "Websocket.readSocket",
		old: "return 0, io.EOF\n", new: "return 0, io.ErrNoProgress\n", targets: serving,
	},
	{
		name: "socket-gives-its-buffer-away", kind: earlyReuse, rule: "messages", in: "inbound.release",
		old: "if b.start < len(b.bytes) {\n\t\treturn\n\t}\n\tif", new: "if", targets: serving,
	},
	{
		name: "waiting-message-ends-the-connection", kind: droppedCheck, rule: "contexts", in: "Websocket.waitTurn",
		old: "c.mu.Unlock()\n\t\treturn ctx.Err()", new: "c.mu.Unlock()\n\t\treturn c.cancelled(ctx)", targets: serving,
	},
	{
		name: "turn-lost-with-a-context", kind: notReleased, rule: "contexts", in: "Websocket.waitTurn",
		old: "m.turns = slices.Delete(m.turns, i, i+1)\n", new: "_ = i\n", targets: serving,
	},
	{
		name: "written-context-not-watched", kind: droppedCheck, rule: "contexts", in: "Websocket.write",
		old: "context.AfterFunc(ctx, func() { c.cancelled(ctx) })", new: "func() {}", targets: serving,
	},
	{
		name: "room-not-told", kind: notReleased, rule: "MaxPending", in: "Websocket.nextTurn",
		old: "o.taken = 0\n\tc.wakeRoom()", new: "o.taken = 0", targets: serving,
	},
	{
		name: "gathered-not-written-before-waiting", kind: droppedCheck, rule: "Serve", in: "Websocket.beforeWaiting",
		old: "if c.in.gathered {\n\t\tc.flushGathered()\n\t}\n\tif", new: "if", targets: serving,
	},
}

// endMutants are bugs of the life and the end of a connection (conn.go, ending.go,
// serve.go, keepalive.go).
var endMutants = []mutant{
	{
		name: "close-answered-with-1005", kind: droppedCheck, rule: "close-payload", in: "Websocket.answerClose",
		old: "Code\n\tif code == StatusNoStatusRcvd {\n\t\tcode = StatusNormalClosure\n\t}", new: "Code", targets: reading,
	},
	{
		name: "close-answered-with-1000", kind: wrongCode, rule: "close-status", in: "Websocket.answerClose",
		old: `c.sendClose(code, "")`, new: `c.sendClose(StatusNormalClosure, "")`, targets: reading,
		survives: "",
	},
	{
		name: "failure-sends-no-close", kind: droppedCheck, rule: "failure-ends", in: "Websocket.fail",
		old: "c.sendClose(sendable(code), reason)", new: "_ = reason", targets: reading,
	},
	{
		name: "failure-always-1002", kind: wrongCode, rule: "failure-ends", in: "Websocket.fail",
		old: "c.sendClose(sendable(code), reason)", new: "c.sendClose(StatusProtocolError, reason)", targets: reading,
	},
	{
		name: "pongs-lost-at-the-end", kind: droppedCheck, rule: "ping-answered", in: "Websocket.endRead",
		old: "c.boundClose(StatusAbnormalClose, err)\n\t\tc.flush()\n\t\t<-c.whenWritten()", new: "", targets: serving,
	},
	{
		name: "failed-connection-not-drained", kind: droppedCheck, rule: "failure-ends", in: "Websocket.lingerThenEnd",
		old: "for left := c.opts.LingerBytes; left > 0; {", new: "for left := 0; left > 0; {", targets: serving,
	},
	{
		name: "handler-error-always-1011", kind: wrongCode, rule: "Serve", in: "Websocket.closeFor",
		old: "code, reason := errorCode(err), err.Error()", new: "code, reason := StatusInternalError, err.Error()", targets: serving,
	},
	{
		name: "read-error-forgotten", kind: stateLost, rule: "ReadMessage", in: "Websocket.setReadErr",
		old: "c.more().readErr = err\n", new: "", targets: serving,
	},
	{
		name: "read-error-without-its-lock", kind: dataRace, rule: "ReadMessage", in: "Websocket.setReadErr", race: true,
		old: "mu.Lock()\n\tc.more().readErr = err\n\tc.mu.Unlock()", new: "more().readErr = err", targets: serving,
	},
	{
		name: "serve-goes-on-behind-its-close", kind: droppedCheck, rule: "close-ends", in: "Websocket.serveBuffered",
		old: "if !c.out.closing.Load() { // no data may follow our Close", new: "{", targets: serving,
	},
	{
		name: "handler-error-swallowed", kind: errorLost, rule: "Serve", in: "Websocket.serveMessage",
		old: "if err != nil {\n\t\tc.closeFor(err)", new: "if err != nil && reply != nil {\n\t\tc.closeFor(err)", targets: serving,
	},
	{
		name: "panic-leaves-the-connection-open", kind: notReleased, rule: "Serve", in: "Websocket.leaveServing",
		old: "c.closeFor(errPanic)", new: "_ = errPanic", targets: serving,
	},
	{
		name: "message-not-flushed-when-returned", kind: stateLost, rule: "ReadMessage", in: "Websocket.nextMessage",
		old: "if c.in.gathered {\n\t\tc.flush() // and the next wait sees whether there is too much\n\t}", new: "", targets: serving,
	},
	{
		name: "two-readers", kind: dataRace, rule: "ReadMessage", in: "Websocket.takeReader",
		old: "if c.reading || c.ended {", new: "if c.ended {", targets: serving,
	},
	{
		name: "readers-role-kept", kind: notReleased, rule: "ReadMessage", in: "Websocket.giveReader",
		old: "c.reading = c.lingering", new: "c.reading = c.reading || c.lingering", targets: serving,
	},
	{
		name: "transport-left-open", kind: notReleased, rule: "the end", in: "Websocket.end",
		old: "_ = c.src.Close()", new: "_ = c.src", targets: serving,
	},
	{
		name: "end-not-reported", kind: droppedCheck, rule: "OnClose", in: "Websocket.end",
		old: "hook(c.opened.key, code, err)", new: "if err != nil {\n\t\t\thook(c.opened.key, code, err)\n\t\t}", targets: serving,
	},
	{
		name: "serve-returns-before-the-end-is-reported", kind: wrongOrder, rule: "OnClose", in: "Websocket.endServing",
		old: "c.endRead(err, true)\n\tc.awaitHook(", new: "go c.endRead(err, true", targets: serving,
	},
	{
		name: "hooks-panic-leaves-the-connection-open", kind: notReleased, rule: "hooks", in: "Websocket.leaveServing",
		old: "if !c.in.handling {\n\t\tc.failHook()", new: "if !c.in.handling {", targets: serving,
	},
	{
		name: "peers-close-not-settled", kind: stateLost, rule: "OnClose", in: "Websocket.answerClose",
		old: "c.settle(closed.Code, nil)\n", new: "", targets: serving,
	},
	{
		name: "timeout-closes-with-1002", kind: wrongCode, rule: "ReadTimeout", in: "Websocket.endRead",
		old: "&Error{code: StatusPolicyViolation, text:", new: "&Error{code: StatusProtocolError, text:", targets: serving,
	},
	{
		name: "lingering-keeps-the-read-deadline", kind: stateNotReset, rule: "CloseTimeout", in: "Websocket.lingerThenEnd",
		old: "c.dropDeadline() // boundClose bounds it", new: "", targets: serving,
	},
	{
		name: "write-side-left-open-behind-a-failure", kind: notReleased, rule: "failure-ends", in: "Websocket.fail",
		old: "reason)\n\tc.finishWriting()", new: "reason)", targets: serving,
	},
	{
		name: "context-forgotten-behind-a-failure", kind: wrongOrder, rule: "contexts", in: "Websocket.lingerThenEnd",
		old: "written := c.whenWritten()\n", new: "written := c.whenWritten()\n\t\tc.setLingering()\n", targets: serving,
	},
	{
		name: "second-close-sent", kind: droppedCheck, rule: "close-ends", in: "Websocket.queueControl",
		old: "if o.closing.Load() {", new: "if o.closing.Load() && opcode != OpcodeClose {", targets: serving,
	},
	{
		name: "invalid-close-code-sent", kind: droppedCheck, rule: "CloseWithStatus", in: "Websocket.CloseWithStatus",
		old: "if err := checkCloseStatus(code); err != nil {\n\t\t\treturn err\n\t\t}", new: "_ = checkCloseStatus", targets: serving,
	},
	{
		name: "close-reason-dropped", kind: wrongBytes, rule: "CloseWithStatus", in: "Websocket.CloseWithStatus",
		old: "first = c.sendClose(code, reason)", new: `first = c.sendClose(code, "")`, targets: serving,
	},
	{
		name: "ping-forgets-its-context", kind: droppedCheck, rule: "Ping", in: "Websocket.Ping",
		old: "<-ctx.Done():\n\t\treturn ctx.Err()\n\tcase <-", new: "<-", targets: serving,
	},
	{
		name: "idle-peer-not-pinged", kind: droppedCheck, rule: "PingInterval", in: "Websocket.keepAlive",
		old: "= idle && c.queueControl(OpcodePing, nil)", new: "= idle", targets: serving,
	},
	{
		name: "keepalive-runs-once", kind: noDeadline, rule: "PingInterval", in: "Websocket.keepAlive",
		old: "k.timer.Reset(c.opts.PingInterval)", new: "", targets: serving,
	},
	{
		name: "answering-peer-given-up", kind: wrongBoundary, rule: "PingInterval", in: "Websocket.keepAlive",
		old: "if since == 0 && k.ping && reads%2 == 1 {", new: "if since <= 2 && k.ping && reads%2 == 1 {", targets: serving,
	},
	{
		name: "ended-twice", kind: stateLost, rule: "OnClose", in: "Websocket.end",
		old: "c.ended, m.endErr = true, err", new: "m.endErr = err", targets: serving,
	},
	{
		name: "closing-handshake-without-bound", kind: noDeadline, rule: "CloseTimeout", in: "Websocket.boundClose",
		old: "time.AfterFunc(c.opts.CloseTimeout, func()", new: "time.AfterFunc(time.Hour, func()", targets: serving,
	},
	{
		name: "context-not-watched", kind: droppedCheck, rule: "contexts", in: "Websocket.watch",
		old: "if current {\n\t\t\tc.cancelled(ctx)\n\t\t}", new: "_ = current", targets: serving,
	},
	{
		name: "reading-without-its-lock", kind: dataRace, rule: "ReadMessage", in: "Websocket.giveReader", race: true,
		old: "mu.Lock()\n\tc.reading = c.lingering\n\tc.mu.Unlock()", new: "reading = c.lingering", targets: serving,
	},
	{
		name: "dead-peer-kept", kind: noDeadline, rule: "PingInterval", in: "Websocket.keepAlive",
		old: "if since == 0 && k.ping && reads%2 == 1 {", new: "if false {", targets: serving,
	},
	{
		name: "pong-wakes-only-earlier-pings", kind: offByOne, rule: "Ping", in: "Websocket.ponged",
		old: "if n <= number && number <= c.seldom.pings.", new: "if n < number && number <= c.seldom.pings.", targets: serving,
	},
}
