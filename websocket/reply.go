package websocket

import "context"

// reply queues msg, a handler's answer. It is not checked if it came back
// unchanged. The caller is the reader.
func (c *Websocket) reply(msg *Message, unchanged bool) error {
	if !unchanged && !msg.Binary && !validUTF8(msg.Payload) {
		return ErrInvalidFramePayload
	}
	if c.out.closing.Load() {
		return nil
	}
	if unchanged && len(msg.Payload) >= inPlaceLeast && c.replyInPlace(msg.Payload) {
		c.tellWritten(msg)
		return nil
	}
	if size := c.wireSize(len(msg.Payload)); size <= gatherMost && !c.opts.Hooks.seeMessages() {
		c.gather(msg, size)
	} else if c.queueReply(msg) {
		c.tellWritten(msg)
	}
	return nil
}

// seeMessages reports whether there are hooks that run between a reply and the
// next handler. What the write hooks see must be sent, and a read hook may close:
// with them, each reply is queued at once.
func (h *Hooks) seeMessages() bool {
	return h.OnReadFrame != nil || h.OnReadMessage != nil || h.OnWriteFrame != nil || h.OnWriteMessage != nil
}

// queueReply queues msg, unless a Close went before.
func (c *Websocket) queueReply(msg *Message) bool {
	o := &c.out
	c.mu.Lock()
	if o.closing.Load() {
		c.mu.Unlock()
		return false
	}
	o.collect()
	q := o.grow(c.wireSize(len(msg.Payload)))
	*q = c.appendMessage(*q, msg)
	full := len(*q) >= gatherMost
	c.mu.Unlock()
	c.in.gathered = true
	if full {
		c.flushGathered()
	}
	return true
}

// replyInPlace sends payload, which is the message just read, from where it was
// read to: the reply's header fits before it, in place of the longer one that it
// came with. It reports whether it could.
func (c *Websocket) replyInPlace(payload []byte) bool {
	in, o := &c.in, &c.out
	n := len(payload)
	h := headerSize(n, Unmasked)
	if c.mode != ServerMode || !c.socket.there() || n > c.opts.MaxFrameSize {
		return false
	}
	var wire []byte
	switch {
	case in.parts != nil && in.parts.pooled != nil && len(in.parts.body) == n && &in.parts.body[0] == &payload[0]:
		wire = (*in.parts.pooled)[headroom-h : headroom+n]
	case in.buf != nil && in.buf.start >= n+h && &in.buf.bytes[in.buf.start-n] == &payload[0]:
		wire = in.buf.bytes[in.buf.start-n-h : in.buf.start]
	default:
		return false
	}
	if in.gathered {
		c.flushGathered()
	}
	c.mu.Lock()
	if o.busy || o.queue != nil || o.closing.Load() {
		c.mu.Unlock()
		return false
	}
	o.busy = true
	c.mu.Unlock()
	b0 := finBit | byte(OpcodeText)
	if in.binary {
		b0 = finBit | byte(OpcodeBinary)
	}
	putHeader(wire[:h], b0, n, Unmasked)
	written, err := c.writeNow(wire)
	switch {
	case err != nil:
		_ = c.failWrite(context.Background(), err)
		return false
	case written < len(wire):
		rest := takeBuffer(len(wire) - written)
		*rest = append(*rest, wire[written:]...)
		c.mu.Lock()
		o.taken = len(*rest)
		c.mu.Unlock()
		c.in.gathered = true
		c.writeBehind(rest, 0)
	default:
		c.passTurn()
	}
	return true
}

// same reports whether msg still is what the handler was given.
func same(msg *Message, payload []byte, binary bool) bool {
	return msg.Binary == binary && len(msg.Payload) == len(payload) &&
		(len(payload) == 0 || &msg.Payload[0] == &payload[0])
}
