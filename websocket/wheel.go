package websocket

import (
	"math/bits"
	"sync"
	"time"
)

const (
	// wheelBuckets is how many ticks ahead a wheel sees.
	wheelBuckets = 64
	// mostTicks is how many ticks ahead things may be put.
	mostTicks = wheelBuckets - 12
	// mostSpare bounds the memory that a wheel keeps for later, in things.
	mostSpare = 1 << 10
)

// A wheel visits things from time to time, many of them by one timer, which runs only
// while there are any. A thing stands in the bucket of the tick at which it is due, and a
// bucket is visited as a whole: nothing is sorted, and what happens between two visits
// costs nothing. Where the timer is late by more than a turn, things may be visited early.
type wheel[T any] struct {
	tick time.Duration
	// together is how many ticks are visited at once of what is not due so soon.
	together int64
	// visit returns in how many ticks the thing is due again, or 0 if it leaves the wheel.
	// It has the lock: it must not call the wheel.
	visit func(*T) (again int)

	mu      sync.Mutex
	base    time.Time // of tick 0
	done    int64     // the tick that was visited last
	filled  uint64    // which buckets have something: a bit each
	buckets [wheelBuckets][]T
	spare   []T // memory for the next bucket
	timer   *time.Timer
	armed   int64 // the tick that the timer is set to; 0 if it is not
}

// leastTick bounds what wheels cost.
const leastTick = 250 * time.Microsecond

func (w *wheel[T]) init(tick time.Duration, together int, visit func(*T) (again int)) {
	w.tick, w.together, w.visit = max(tick, leastTick), int64(together), visit
}

// until returns how many ticks a thing may be added with to be visited before by.
func (w *wheel[T]) until(by time.Time) (ticks int) {
	return int(min(time.Until(by)/w.tick-2, mostTicks))
}

// add has thing visited when so many ticks have passed: at least 1, at most mostTicks.
func (w *wheel[T]) add(thing T, ticks int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.filled == 0 {
		w.base, w.done = time.Now(), 0
	}
	now := w.now()
	w.done = max(w.done, min(now, w.next()-1)) // nothing was due meanwhile
	w.put(thing, now, ticks)
	w.arm()
}

// now is the current tick.
func (w *wheel[T]) now() int64 { return int64(time.Since(w.base) / w.tick) }

// put puts thing into the bucket of the tick that begins when so many have passed.
func (w *wheel[T]) put(thing T, now int64, ticks int) {
	due := now + int64(ticks) + 1
	if t := w.together; int64(ticks) >= t {
		due = (due + t - 1) / t * t
	}
	i := min(due, w.done+wheelBuckets) % wheelBuckets
	if w.buckets[i] == nil {
		w.buckets[i], w.spare = w.spare, nil
	}
	w.buckets[i] = append(w.buckets[i], thing)
	w.filled |= 1 << i
}

// next is the tick of the next bucket that has something, or far away.
func (w *wheel[T]) next() int64 {
	next := w.done + 1
	return next + int64(bits.TrailingZeros64(bits.RotateLeft64(w.filled, -int(next%wheelBuckets))))
}

// arm sets the timer to the next bucket that has something.
func (w *wheel[T]) arm() {
	if w.filled == 0 {
		w.armed = 0
		return
	}
	next := w.next()
	if next == w.armed {
		return
	}
	w.armed = next
	wait := time.Until(w.base.Add(time.Duration(next) * w.tick))
	if w.timer == nil {
		w.timer = time.AfterFunc(wait, w.turn)
	} else {
		w.timer.Reset(wait)
	}
}

// turn visits what is due.
func (w *wheel[T]) turn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	for range min(now-w.done, wheelBuckets) {
		w.done++
		w.visitAll(w.done%wheelBuckets, now)
	}
	w.done = max(w.done, now)
	w.armed = 0
	w.arm()
}

// visitAll empties bucket i.
func (w *wheel[T]) visitAll(i, now int64) {
	if w.filled&(1<<i) == 0 {
		return
	}
	things := w.buckets[i]
	w.buckets[i] = nil
	w.filled &^= 1 << i
	for j := range things {
		if again := w.visit(&things[j]); again > 0 {
			w.put(things[j], now, again)
		}
	}
	clear(things)
	if cap(things) <= mostSpare {
		w.spare = things[:0]
	}
}
