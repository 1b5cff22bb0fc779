package websocket

import (
	"context"
	"slices"
)

// waiting are those who wait for the transport.
type waiting struct {
	turns []chan struct{} // for their turn to write, in their order
	idle  []chan struct{} // for all to be written
	room  chan struct{}   // for what waits to fit MaxPending again
}

// waiters returns the waiters, to add one. The caller holds mu.
func (o *outbound) waiters() *waiting {
	if o.waiting == nil {
		o.waiting = new(waiting)
	}
	return o.waiting
}

// waitTurn waits until nobody else writes.
func (c *Websocket) waitTurn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o := &c.out
	o.mu.Lock()
	if o.err != nil {
		defer o.mu.Unlock()
		return o.err
	}
	if !o.busy {
		o.busy = true
		o.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	w := o.waiters()
	w.turns = append(w.turns, turn)
	o.mu.Unlock()
	select {
	case <-turn:
		o.mu.Lock()
		err := o.err
		o.mu.Unlock()
		if err != nil || ctx.Err() == nil {
			return err
		}
	case <-ctx.Done():
	}
	o.mu.Lock()
	if i := slices.Index(w.turns, turn); i >= 0 {
		w.turns = slices.Delete(w.turns, i, i+1)
		o.mu.Unlock()
		return ctx.Err()
	}
	ended := o.err != nil
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
	case o.err != nil:
		o.busy = false
		o.wake()
		o.mu.Unlock()
		return false
	case o.waiting != nil && len(o.waiting.turns) > 0:
		next := o.waiting.turns[0]
		o.waiting.turns = slices.Delete(o.waiting.turns, 0, 1)
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
	if o.queue == nil || o.busy || o.err != nil {
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
	return o.err != nil || !o.busy && o.queue == nil
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
		w := o.waiters()
		w.idle = append(w.idle, ch)
	}
	return ch
}

// waitRoom waits while more than MaxPending bytes wait for the transport.
func (c *Websocket) waitRoom() {
	o := &c.out
	for {
		o.mu.Lock()
		if o.err != nil || !o.busy || o.pending() <= c.opts.MaxPending {
			o.mu.Unlock()
			return
		}
		w := o.waiters()
		if w.room == nil {
			w.room = make(chan struct{})
		}
		room := w.room
		o.mu.Unlock()
		<-room
	}
}

// wake wakes everybody who waits. The caller holds mu.
func (o *outbound) wake() {
	w := o.waiting
	if w == nil {
		return
	}
	for _, ch := range w.turns {
		close(ch)
	}
	for _, ch := range w.idle {
		close(ch)
	}
	w.turns, w.idle = nil, nil
	o.wakeRoom()
}

// wakeRoom wakes those who wait for room. The caller holds mu.
func (o *outbound) wakeRoom() {
	if w := o.waiting; w != nil && w.room != nil {
		close(w.room)
		w.room = nil
	}
}
