package websocket

import (
	"context"
	"slices"
)

// waitTurn waits until nobody else writes.
func (c *Websocket) waitTurn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o := &c.out
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return c.endCause(nil)
	}
	if !o.busy {
		o.busy = true
		c.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	m := c.more()
	m.turns = append(m.turns, turn)
	c.mu.Unlock()
	select {
	case <-turn:
		c.mu.Lock()
		ended := c.ended
		c.mu.Unlock()
		if ended {
			return c.endCause(nil)
		}
		if ctx.Err() == nil {
			return nil
		}
	case <-ctx.Done():
	}
	c.mu.Lock()
	if i := slices.Index(m.turns, turn); i >= 0 {
		m.turns = slices.Delete(m.turns, i, i+1)
		c.mu.Unlock()
		return ctx.Err()
	}
	ended := c.ended
	c.mu.Unlock()
	if !ended {
		c.passTurn() // it came at the same time
	}
	return ctx.Err()
}

// passTurn gives the turn to the next who waits, or, for what is queued, to a
// goroutine.
func (c *Websocket) passTurn() {
	if c.nextTurn() {
		c.startWriting(nil)
	}
}

// nextTurn passes the turn on and reports whether it is left to the caller,
// because there is something queued and nobody waits. After the last byte it
// wakes those who wait for that.
func (c *Websocket) nextTurn() bool {
	o := &c.out
	c.mu.Lock()
	o.taken = 0
	c.wakeRoom()
	switch {
	case c.ended:
		o.busy = false
		c.wake()
		c.mu.Unlock()
		return false
	case c.seldom != nil && len(c.seldom.turns) > 0:
		next := c.seldom.turns[0]
		c.seldom.turns = slices.Delete(c.seldom.turns, 0, 1)
		close(next)
		c.mu.Unlock()
		return false
	case o.queue != nil:
		c.mu.Unlock()
		return true
	}
	o.busy = false
	fin := o.fin
	o.fin = false
	c.wake()
	c.mu.Unlock()
	if fin {
		c.closeWrite()
	}
	return false
}

// takeTurn takes the turn and the queue, or returns nil if there is nothing to
// do or somebody does it. The caller holds mu.
func (c *Websocket) takeTurn() *[]byte {
	o := &c.out
	if o.queue == nil || o.busy || c.ended {
		return nil
	}
	o.busy = true
	return o.take()
}

// allWritten reports whether all that was queued is written, or the connection has
// ended.
func (c *Websocket) allWritten() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drained()
}

// drained is allWritten; the caller holds mu.
func (c *Websocket) drained() bool {
	o := &c.out
	o.pull()
	return c.ended || !o.busy && o.queue == nil
}

// whenWritten returns a channel that is closed when all that was queued is
// written, or the connection has ended.
func (c *Websocket) whenWritten() <-chan struct{} {
	ch := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drained() {
		close(ch)
	} else {
		m := c.more()
		m.idle = append(m.idle, ch)
	}
	return ch
}

// waitRoom waits while more than MaxPending bytes wait for the transport.
func (c *Websocket) waitRoom() {
	o := &c.out
	for {
		c.mu.Lock()
		if c.ended || !o.busy || o.pending() <= c.opts.MaxPending {
			c.mu.Unlock()
			return
		}
		m := c.more()
		if m.room == nil {
			m.room = make(chan struct{})
		}
		room := m.room
		c.mu.Unlock()
		<-room
	}
}

// wake wakes everybody who waits. The caller holds mu.
func (c *Websocket) wake() {
	m := c.seldom
	if m == nil {
		return
	}
	for _, ch := range m.turns {
		close(ch)
	}
	for _, ch := range m.idle {
		close(ch)
	}
	m.turns, m.idle = nil, nil
	c.wakeRoom()
}

// wakeRoom wakes those who wait for room. The caller holds mu.
func (c *Websocket) wakeRoom() {
	if m := c.seldom; m != nil && m.room != nil {
		close(m.room)
		m.room = nil
	}
}
