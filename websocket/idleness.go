package websocket

import (
	"errors"
	"runtime"
	"sync/atomic"
)

// errIdle is what the wait of an idle connection is interrupted with.
var errIdle = errors.New("websocket: idle")

// An idleness is between the reader of a connection and the sweep that looks for idle
// ones. The reader of a busy connection only looks at it: it has something to write when
// the sweep was there.
//
//	       sweep           sweep                     sweep
//	busy ─────────▶ seen ─────────▶ interrupting ─────────▶ interrupted
//	  ▲   bytes      │                                           │ reader
//	  └──────────────┴───────────────────────────────────────────┘
//
// The sweep interrupts the wait of the reader, which for that moment has a deadline in
// the past; nothing else that the connection does may meet it: see stop.
type idleness struct{ state atomic.Uint32 }

// The states of an idleness.
const (
	busy         = iota // bytes have come since the sweep was there
	seen                // none have
	interrupting        // the sweep is about to end the wait
	interrupted         // it has done so
	stopped             // there is no reader that may be interrupted
)

// came is told by the reader that bytes have come.
func (i *idleness) came() {
	if i.state.Load() == seen {
		i.state.CompareAndSwap(seen, busy)
	}
}

// begin begins a time without bytes.
func (i *idleness) begin() { i.state.CompareAndSwap(busy, seen) }

// sweep is begin, and reports whether a time without bytes has passed: then the caller
// ends the wait and calls interrupted.
func (i *idleness) sweep() (idle bool) {
	if i.state.CompareAndSwap(seen, interrupting) {
		return true
	}
	i.begin()
	return false
}

// interrupted is told that the wait has been ended, or will be as soon as it begins.
func (i *idleness) interrupted() { i.state.Store(interrupted) }

// wasInterrupted reports whether the sweep has ended the wait, or is about to.
func (i *idleness) wasInterrupted() bool {
	s := i.state.Load()
	return s == interrupting || s == interrupted
}

// over reports whether stop was called.
func (i *idleness) over() bool { return i.state.Load() == stopped }

// goOn is called by the reader, which was interrupted: when it returns, nothing
// interrupts it before begin.
func (i *idleness) goOn() { i.leave(busy) }

// stop is called by the reader before it does anything else than to wait for messages,
// and reports whether it has to lift the deadline of an interruption.
func (i *idleness) stop() (lift bool) { return i.leave(stopped) }

func (i *idleness) leave(to uint32) (was bool) {
	for {
		switch s := i.state.Load(); {
		case s == interrupting:
			runtime.Gosched() // for a moment
		case i.state.CompareAndSwap(s, to):
			return s == interrupted
		}
	}
}
