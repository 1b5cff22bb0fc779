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
	o.mu.Lock()
	if o.ended {
		o.mu.Unlock()
		return c.endCause(nil)
	}
	if !o.busy {
		o.busy = true
		o.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	d := o.delays()
	d.turns = append(d.turns, turn)
	o.mu.Unlock()
	select {
	case <-turn:
		o.mu.Lock()
		ended := o.ended
		o.mu.Unlock()
		if ended {
			return c.endCause(nil)
		}
		if ctx.Err() == nil {
			return nil
		}
	case <-ctx.Done():
	}
	o.mu.Lock()
	if i := slices.Index(d.turns, turn); i >= 0 {
		d.turns = slices.Delete(d.turns, i, i+1)
		o.mu.Unlock()
		return ctx.Err()
	}
	ended := o.ended
	o.mu.Unlock()
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
	o.mu.Lock()
	o.taken = 0
	o.wakeRoom()
	switch {
	case o.ended:
		o.busy = false
		o.wake()
		o.mu.Unlock()
		return false
	case o.delayed != nil && len(o.delayed.turns) > 0:
		next := o.delayed.turns[0]
		o.delayed.turns = slices.Delete(o.delayed.turns, 0, 1)
		close(next)
		o.mu.Unlock()
		return false
	case o.queue != nil:
		o.mu.Unlock()
		return true
	}
	o.busy = false
	fin := o.fin
	o.fin = false
	o.wake()
	o.mu.Unlock()
	if fin {
		c.closeWrite()
	}
	return false
}

// takeTurn takes the turn and the queue, or returns nil if there is nothing to
// do or somebody does it. The caller holds mu.
func (o *outbound) takeTurn() *[]byte {
	if o.queue == nil || o.busy || o.ended {
		return nil
	}
	o.busy = true
	return o.take()
}

// allWritten reports whether all that was queued is written, or the connection has
// ended.
func (c *Websocket) allWritten() bool {
	o := &c.out
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.drained()
}

// drained is allWritten; the caller holds mu.
func (o *outbound) drained() bool {
	o.pull()
	return o.ended || !o.busy && o.queue == nil
}

// whenWritten returns a channel that is closed when all that was queued is
// written, or the connection has ended.
func (c *Websocket) whenWritten() <-chan struct{} {
	o := &c.out
	ch := make(chan struct{})
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.drained() {
		close(ch)
	} else {
		d := o.delays()
		d.idle = append(d.idle, ch)
	}
	return ch
}

// waitRoom waits while more than MaxPending bytes wait for the transport.
func (c *Websocket) waitRoom() {
	o := &c.out
	for {
		o.mu.Lock()
		if o.ended || !o.busy || o.pending() <= c.opts.MaxPending {
			o.mu.Unlock()
			return
		}
		d := o.delays()
		if d.room == nil {
			d.room = make(chan struct{})
		}
		room := d.room
		o.mu.Unlock()
		<-room
	}
}

// wake wakes everybody who waits. The caller holds mu.
func (o *outbound) wake() {
	d := o.delayed
	if d == nil {
		return
	}
	for _, ch := range d.turns {
		close(ch)
	}
	for _, ch := range d.idle {
		close(ch)
	}
	d.turns, d.idle = nil, nil
	o.wakeRoom()
}

// wakeRoom wakes those who wait for room. The caller holds mu.
func (o *outbound) wakeRoom() {
	if d := o.delayed; d != nil && d.room != nil {
		close(d.room)
		d.room = nil
	}
}
