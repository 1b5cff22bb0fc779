package websocket

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// errEnded says that nothing is written any more; why is told in its place.
var errEnded = protocol.NewError(StatusNormalClosure, "connection ended", net.ErrClosed)

// waiting are those who wait, and what for.
type waiting struct {
	turns  []chan struct{} // for their turn to write, in their order
	idle   []chan struct{} // for all to be written
	room   chan struct{}   // to fit MaxPending again
	timer  *time.Timer     // flushes what is gathered
	behind behind
}

func (q *queue) more() *waiting {
	if q.waiting == nil {
		q.waiting = new(waiting)
	}
	return q.waiting
}

// waitTurn waits until nobody else writes. It returns ctx's error if that ends first,
// which does no harm, or errEnded.
func (o *outbound) waitTurn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q := o.lock()
	if q.ended || !q.busy {
		defer o.mu.Unlock()
		if q.ended {
			return errEnded
		}
		q.busy = true
		return nil
	}
	turn := make(chan struct{})
	m := q.more()
	m.turns = append(m.turns, turn)
	o.mu.Unlock()
	select {
	case <-turn:
		if err := ctx.Err(); err == nil {
			return o.turnCame()
		}
	case <-ctx.Done():
	}
	q = o.lock()
	if i := slices.Index(m.turns, turn); i >= 0 {
		m.turns = slices.Delete(m.turns, i, i+1)
		o.mu.Unlock()
		return ctx.Err()
	}
	ended := q.ended
	o.mu.Unlock()
	if !ended {
		o.passTurn() // it came at the same time
	}
	return ctx.Err()
}

// turnCame reports errEnded where a turn came because nothing is written any more.
func (o *outbound) turnCame() error {
	q := o.lock()
	defer o.mu.Unlock()
	if q.ended {
		return errEnded
	}
	return nil
}

// passTurn gives the turn to the next who waits, or, for what is queued, to a
// goroutine.
func (o *outbound) passTurn() {
	if o.nextTurn() {
		o.startWriting(nil)
	}
}

// nextTurn passes the turn on and reports whether it is left to the caller,
// because there is something queued and nobody waits. After the last byte it
// wakes those who wait for that.
func (o *outbound) nextTurn() bool {
	q := o.lock()
	q.taken = 0
	q.wakeRoom()
	m := q.waiting
	switch {
	case q.ended:
		q.busy = false
		q.wake()
		o.mu.Unlock()
		return false
	case m != nil && len(m.turns) > 0:
		close(m.turns[0])
		m.turns = slices.Delete(m.turns, 0, 1)
		o.mu.Unlock()
		return false
	case q.writer.Len() > 0:
		o.mu.Unlock()
		return true
	}
	q.busy = false
	shut := q.shut
	q.shut = false
	if shut {
		o.stop()
	}
	q.wake()
	o.mu.Unlock()
	if shut {
		o.shutNow()
	}
	return false
}

// allWritten returns a channel that is closed when all that was queued is written, or
// nothing is written any more; nil if that is so already.
func (o *outbound) allWritten() <-chan struct{} {
	q := o.lock()
	defer o.mu.Unlock()
	if q.drained() {
		return nil
	}
	ch := make(chan struct{})
	m := q.more()
	m.idle = append(m.idle, ch)
	return ch
}

// waitWritten waits until all that was queued is written, or nothing is any more.
func (o *outbound) waitWritten() {
	if written := o.allWritten(); written != nil {
		<-written
	}
}

// waitRoom waits while more than most bytes wait for the transport.
func (o *outbound) waitRoom(most int) {
	for {
		q := o.lock()
		if q.ended || !q.busy || q.pending() <= most {
			o.mu.Unlock()
			return
		}
		m := q.more()
		if m.room == nil {
			m.room = make(chan struct{})
		}
		room := m.room
		o.mu.Unlock()
		<-room
	}
}

// wake wakes everybody who waits: at the end, or since all is written, when nobody
// waits for a turn.
func (q *queue) wake() {
	m := q.waiting
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
	q.wakeRoom()
}

// wakeRoom wakes those who wait for room.
func (q *queue) wakeRoom() {
	if m := q.waiting; m != nil && m.room != nil {
		close(m.room)
		m.room = nil
	}
}
