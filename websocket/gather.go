package websocket

import (
	"sync/atomic"
	"time"
)

// A gathering is where the reader puts replies that wait for more of them. It
// appends without a lock: nobody else looks past what it has shown, and what is
// shown stays as it is. Whoever holds Websocket.mu may pull that into the queue.
type gathering struct {
	buf   *[]byte      // its memory, up to the capacity; nil if nothing is gathered. Set by the reader, under mu
	n     int32        // bytes in it; the reader's own
	shown atomic.Int32 // of those, what others may take; set by the reader
}

// pull moves what is shown of the gathered replies to the queue, or drops it
// behind a Close. The caller holds mu.
func (o *outbound) pull() {
	g := &o.gather
	shown := g.shown.Load()
	if shown == o.pulled {
		return
	}
	replies := (*g.buf)[o.pulled:shown]
	o.pulled = shown
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
	if o.pulled == 0 && o.queue == nil && !o.closing.Load() {
		*g.buf = (*g.buf)[:g.n] // as it is
		o.queue = g.buf
	} else {
		g.shown.Store(g.n)
		o.pull()
		giveBuffer(g.buf)
	}
	g.buf, g.n, o.pulled = nil, 0, 0
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
		c.mu.Lock()
		g.grow(size)
		c.mu.Unlock()
	}
	g.n = int32(len(c.appendMessage((*g.buf)[:g.n], msg)))
	c.in.gathered = true
}

// grow makes room for size bytes more. The caller is the reader, and holds
// Websocket.mu.
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

// flushGathered has written what the reader has gathered and queued, and waits
// for room if there is too much.
func (c *Websocket) flushGathered() {
	o := &c.out
	c.in.gathered = false
	if o.armed.Load() {
		o.armed.Store(false)
	}
	c.mu.Lock()
	o.collect()
	buf := c.takeTurn()
	c.mu.Unlock()
	if buf != nil {
		c.startWriting(buf)
	}
	c.waitRoom()
}

// flushInTime sees to it that what is gathered leaves in time while a handler is at
// work. There is something gathered.
func (c *Websocket) flushInTime() {
	c.out.show() // before the timer is looked at: either it flushes this, or it is armed anew
	if !c.out.armed.Load() {
		c.armFlush()
	}
}

// armFlush has what is gathered flushed after gatherDelay.
func (c *Websocket) armFlush() {
	o := &c.out
	o.armed.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.more()
	if m.flushTimer != nil {
		m.flushTimer.Reset(gatherDelay)
		return
	}
	m.flushTimer = time.AfterFunc(gatherDelay, func() {
		o.armed.Store(false) // what comes after this flush needs another one
		c.flush()
	})
}
