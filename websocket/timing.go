package websocket

import (
	"sync/atomic"
	"time"
)

// A clock has the deadlines of what is read. It is the reader's.
type clock struct {
	readTimeout    time.Duration // for a frame; none if 0
	messageTimeout time.Duration // for a message; none if 0

	frameBy   time.Time // the deadline of the current frame
	messageBy time.Time // and of the current message
	told      time.Time // what the transport was told

	wakes atomic.Int64 // when the connection is woken if it is parked: Unix time, ns; 0 if never
}

// frameEnds is told that a frame has passed, and whether it was the last one of a
// message.
func (k *clock) frameEnds(last bool) {
	k.frameBy = time.Time{}
	if last {
		k.messageBy = time.Time{}
	}
}

// next returns by when the next bytes must come, and whether that is news: the reader
// is about to wait, inside a message or not.
func (k *clock) next(inMessage bool) (by time.Time, news bool) {
	if inMessage && k.messageTimeout > 0 && k.messageBy.IsZero() {
		k.messageBy = time.Now().Add(k.messageTimeout)
	}
	if k.readTimeout > 0 && k.frameBy.IsZero() {
		k.frameBy = time.Now().Add(k.readTimeout)
	}
	by = k.frameBy
	if by.IsZero() || !k.messageBy.IsZero() && k.messageBy.Before(by) {
		by = k.messageBy
	}
	news = !by.Equal(k.told)
	k.told = by
	return by, news
}

// wakesAt reports whether the caller, behind whom the connection is parked, has to see
// to its being woken so as to keep the deadline by: nothing wakes it earlier.
func (k *clock) wakesAt(by int64) bool {
	for {
		at := k.wakes.Load()
		if at != 0 && at <= by {
			return false
		}
		if k.wakes.CompareAndSwap(at, by) {
			return true
		}
	}
}

// woken is told that it was.
func (k *clock) woken() { k.wakes.Store(0) }

// deadline returns what the transport was told. The clock may be nil here.
func (k *clock) deadline() (by time.Time) {
	if k != nil {
		by = k.told
	}
	return by
}
