package websocket

import (
	"errors"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// errIdle is what the wait of an idle connection is interrupted with.
var errIdle = errors.New("websocket: idle")

// A parking is how far a connection of a NewHandler is from being parked: all that its reader,
// the sweep that looks for idle connections, and whoever wakes a parked one have between
// them, in one word. The reader of a busy connection only looks at it: it has something to
// write when the sweep was there.
//
//	       sweep           sweep                     sweep
//	busy ─────────▶ seen ─────────▶ interrupting ─────────▶ interrupted
//	  ▲   came       │                                           │ goOn, by the reader
//	  ├──────────────┴───────────────────────────────────────────┘
//	  │ park, by the reader
//	  ▼ awake, by who was woken
//	a ticket: parked
//
// The sweep interrupts the wait of the reader, which for that moment has a deadline in
// the past; nothing else that the connection does may meet it: see stop.
type parking struct{ state atomic.Uint64 }

// The states of a parking. Whatever is larger is a ticket: see lot.
const (
	busy         = iota // bytes have come since the sweep was there
	seen                // none have
	interrupting        // the sweep is about to end the wait
	interrupted         // it has done so
	stopped             // there is no reader that may be interrupted
)

// came is told by the reader that bytes have come.
func (p *parking) came() {
	if p.state.Load() == seen {
		p.state.CompareAndSwap(seen, busy)
	}
}

// begin begins a time without bytes.
func (p *parking) begin() { p.state.CompareAndSwap(busy, seen) }

// sweep interrupts the wait of the reader on src, which has deadlines, if nothing has come
// since it, or begin, was called. It is not to be called any more if that is so, or the
// reader may not be interrupted any more.
func (p *parking) sweep(src deadliner) (over bool) {
	switch {
	case p.state.CompareAndSwap(seen, interrupting):
		_ = src.SetReadDeadline(time.Unix(1, 0))
		p.state.Store(interrupted)
		return true
	case p.state.Load() == stopped:
		return true
	}
	p.begin()
	return false
}

// wasInterrupted reports whether the sweep has ended the wait, or is about to.
func (p *parking) wasInterrupted() bool {
	s := p.state.Load()
	return s == interrupting || s == interrupted
}

// goOn is called by the reader, which was interrupted: when it returns, nothing
// interrupts it before begin.
func (p *parking) goOn() { p.leave(busy) }

// stop is called by the reader before it does anything else than to wait for messages,
// and reports whether it has to lift the deadline of an interruption.
func (p *parking) stop() (lift bool) { return p.leave(stopped) }

func (p *parking) leave(to uint64) (was bool) {
	for {
		switch s := p.state.Load(); {
		case s == interrupting:
			runtime.Gosched() // for a moment
		case p.state.CompareAndSwap(s, to):
			return s == interrupted
		}
	}
}

// park has who, whose parking this is, and who goes on behind goOn, woken when the socket
// is readable. From then on who belongs to who is woken. Where that cannot be, park returns
// false.
func (p *parking) park(socket syscall.RawConn, who *served) bool {
	if parked.park(socket, &p.state, who) {
		return true
	}
	p.awake()
	return false
}

// awake is called by who is woken.
func (p *parking) awake() { p.state.Store(busy) }

// wake wakes who is parked.
func (p *parking) wake() {
	if s := p.state.Load(); s > stopped {
		parked.wake(ticket(s))
	}
}
