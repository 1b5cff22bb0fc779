package websocket

import (
	"context"
	"sync/atomic"
	"time"
)

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

// A gathering is where the reader puts replies that wait for more of them. It
// appends without a lock: nobody else looks past what it has shown, and what is
// shown stays as it is. Whoever holds outbound.mu may pull that into the queue.
type gathering struct {
	buf    *[]byte      // its memory, up to the capacity; nil if nothing is gathered. Set by the reader, under mu
	n      int32        // bytes in it; the reader's own
	shown  atomic.Int32 // of those, what others may take; set by the reader
	pulled int32        // of those, what they have taken; guarded by mu
}

// pull moves what is shown of the gathered replies to the queue, or drops it
// behind a Close. The caller holds mu.
func (o *outbound) pull() {
	g := &o.gather
	shown := g.shown.Load()
	if shown == g.pulled {
		return
	}
	replies := (*g.buf)[g.pulled:shown]
	g.pulled = shown
	if !o.closing.Load() {
		q := o.grow(len(replies))
		*q = append(*q, replies...)
	}
}

// collect moves all that is gathered to the queue. The caller is the reader, and
// holds mu.
func (o *outbound) collect() {
	g := &o.gather
	if g.buf == nil {
		return
	}
	if g.pulled == 0 && o.queue == nil && !o.closing.Load() {
		*g.buf = (*g.buf)[:g.n] // as it is
		o.queue = g.buf
	} else {
		g.shown.Store(g.n)
		o.pull()
		giveBuffer(g.buf)
	}
	g.buf, g.n, g.pulled = nil, 0, 0
	g.shown.Store(0)
}

// show lets others take what is gathered. The caller is the reader.
func (o *outbound) show() { o.gather.shown.Store(o.gather.n) }

// gather appends msg, which takes at most size bytes, to what is gathered.
func (c *Websocket) gather(msg *Message, size int) {
	o := &c.out
	g := &o.gather
	if g.buf == nil || cap(*g.buf)-int(g.n) < size {
		if int(g.n)+size > gatherMost {
			c.flushGathered()
		}
		o.mu.Lock()
		g.grow(size)
		o.mu.Unlock()
	}
	g.n = int32(len(c.appendMessage((*g.buf)[:g.n], msg)))
	c.in.gathered = true
}

// grow makes room for size bytes more. The caller is the reader, and holds
// outbound.mu.
func (g *gathering) grow(size int) {
	old := g.buf
	if old == nil {
		g.buf = takeBuffer(max(size, gatherLeast))
		return
	}
	g.buf = takeBuffer(max(4*cap(*old), int(g.n)+size))
	copy((*g.buf)[:g.n], (*old)[:g.n])
	giveBuffer(old)
}

// queueReply queues msg, unless a Close went before.
func (c *Websocket) queueReply(msg *Message) bool {
	o := &c.out
	o.mu.Lock()
	if o.closing.Load() || o.err != nil {
		o.mu.Unlock()
		return false
	}
	o.collect()
	q := o.grow(c.wireSize(len(msg.Payload)))
	*q = c.appendMessage(*q, msg)
	full := len(*q) >= gatherMost
	o.mu.Unlock()
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
	if c.mode != ServerMode || in.socket == nil || n > c.opts.MaxFrameSize {
		return false
	}
	var wire []byte
	switch {
	case in.pooled != nil && len(in.body) == n && &in.body[0] == &payload[0]:
		wire = (*in.pooled)[headroom-h : headroom+n]
	case in.start >= n+h && &in.buf[in.start-n] == &payload[0]:
		wire = in.buf[in.start-n-h : in.start]
	default:
		return false
	}
	if in.gathered {
		c.flushGathered()
	}
	o.mu.Lock()
	if o.busy || o.queue != nil || o.closing.Load() || o.err != nil {
		o.mu.Unlock()
		return false
	}
	o.busy = true
	o.mu.Unlock()
	b0 := finBit | byte(OpcodeText)
	if in.binary {
		b0 = finBit | byte(OpcodeBinary)
	}
	putHeader(wire[:h], b0, n, Unmasked)
	written, err := in.socket.writeNow(wire)
	switch {
	case err != nil:
		_ = c.failWrite(context.Background(), err)
		return false
	case written < len(wire):
		rest := takeBuffer(len(wire) - written)
		*rest = append(*rest, wire[written:]...)
		o.mu.Lock()
		o.taken = len(*rest)
		o.mu.Unlock()
		c.in.gathered = true
		c.writeBehind(rest, 0)
	default:
		c.passTurn()
	}
	return true
}

// flushGathered has written what the reader has gathered and queued, and waits
// for room if there is too much.
func (c *Websocket) flushGathered() {
	if !c.in.gathered {
		return
	}
	o := &c.out
	c.in.gathered = false
	if o.armed.Load() {
		o.armed.Store(false)
	}
	o.mu.Lock()
	o.collect()
	buf := o.takeTurn()
	o.mu.Unlock()
	if buf != nil {
		c.startWriting(buf)
	}
	c.waitRoom()
}

// armFlush sees to it that what is gathered leaves in time while a handler is at
// work.
func (c *Websocket) armFlush() {
	o := &c.out
	if !c.in.gathered {
		return
	}
	o.show() // before the timer is looked at: either it flushes this, or it is armed anew
	if o.armed.Load() {
		return
	}
	o.armed.Store(true)
	if o.timer != nil {
		o.timer.Reset(gatherDelay)
		return
	}
	o.mu.Lock()
	o.timer = time.AfterFunc(gatherDelay, func() {
		o.armed.Store(false) // what comes after this flush needs another one
		c.flush()
	})
	o.mu.Unlock()
}

// same reports whether msg still is what the handler was given.
func same(msg *Message, payload []byte, binary bool) bool {
	return msg.Binary == binary && len(msg.Payload) == len(payload) &&
		(len(payload) == 0 || &msg.Payload[0] == &payload[0])
}
