package websocket

import (
	"sync"
	"time"
)

// A rota has those that are due once an interval, which is the same for all: so they are due
// in the order in which they came, a list, and one timer for the first will do. Who is due
// leaves the list, and comes back when it is done.
type rota struct {
	mu       sync.Mutex
	interval time.Duration
	list     turn // a ring: next is the first, prev the last; nil before anybody came
	timer    *time.Timer
}

// A turn is one's place in a rota. It is nowhere, and nobody's, until the first add.
type turn struct {
	who        dutiful
	due        time.Time
	prev, next *turn // nil while it is nowhere
	over       bool
}

// dutiful is who has a turn: it is told on a goroutine of its own when that is due.
type dutiful interface{ keepAlive() }

// add has who told when an interval has passed from now, unless its turn is over or there is
// no interval.
func (r *rota) add(t *turn, who dutiful) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.over || r.interval <= 0 {
		return
	}
	if r.list.next == nil {
		r.list.prev, r.list.next = &r.list, &r.list
	}
	t.leave()
	t.who, t.due = who, time.Now().Add(r.interval)
	t.prev, t.next = r.list.prev, &r.list
	t.prev.next, t.next.prev = t, t
	if r.list.next == t {
		r.arm(r.interval)
	}
}

// remove has t be over.
func (r *rota) remove(t *turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.over = true
	t.leave()
	if r.timer != nil && r.list.next == &r.list {
		r.timer.Stop()
	}
}

func (t *turn) leave() {
	if t.next != nil {
		t.prev.next, t.next.prev = t.next, t.prev
		t.prev, t.next = nil, nil
	}
}

func (r *rota) arm(wait time.Duration) {
	if r.timer == nil {
		r.timer = time.AfterFunc(wait, r.tell)
	} else {
		r.timer.Reset(wait)
	}
}

// tell tells all who are due.
func (r *rota) tell() {
	for who := r.take(); who != nil; who = r.take() {
		go who.keepAlive() // a hook may take its time
	}
}

// take takes the first off, if it is due; if not, the timer is set to it.
func (r *rota) take() dutiful {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.list.next
	if t == &r.list {
		return nil
	}
	if wait := time.Until(t.due); wait > 0 {
		r.arm(wait)
		return nil
	}
	t.leave()
	return t.who
}
