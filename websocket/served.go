package websocket

import (
	"log"
	"net/http"
	"runtime"
	"time"
)

// maxPanicStack is how much of a panicking handler's stack is logged, as in
// net/http.
const maxPanicStack = 64 << 10

// served is a connection of an HTTPHandler. It holds nothing of the request: there may
// be very many, idle for very long.
type served struct {
	ctx        handlerContext // with the connection, on a net.Conn
	owner      *HTTPHandler
	prev, next *served
}

func (s *served) ws() *Websocket { return s.ctx.connection() }

// serve serves the connection until it has ended or is parked.
func (s *served) serve(first bool) {
	if first && !s.step(nil, true) {
		return
	}
	for {
		err := s.ws().wait()
		if err != errIdle {
			if !s.step(err, false) {
				return
			}
		} else if s.park() {
			return // from now on it may be another goroutine's
		}
	}
}

// park parks the connection, which was interrupted while it waited, unless that cannot be.
func (s *served) park() bool {
	by, clock := s.ws().goOn()
	if by.IsZero() {
		if s.tryPark() {
			return true
		}
	} else if ticks := s.owner.timed.until(by); ticks > 0 && s.tryPark() {
		if clock.wakesAt(by.UnixNano()) {
			s.owner.timed.add(s, ticks)
		}
		return true
	}
	s.stayAwake(true)
	return false
}

func (s *served) tryPark() bool {
	s.owner.parked.Add(1)
	if s.ws().park(s) {
		return true
	}
	s.owner.parked.Add(-1)
	return false
}

// unpark implements sleeper: the connection goes on to wait, whatever for.
func (s *served) unpark(slept time.Duration) {
	s.owner.parked.Add(-1)
	s.ws().awake()
	s.stayAwake(slept < s.owner.opts.ParkAfter)
	go s.serve(false)
}

// wakeInTime wakes the connection if it is parked, shortly before a time is up: only who
// is awake can have a deadline.
func wakeInTime(s **served) (again int) {
	(*s).ws().wakeInTime()
	return 0
}

// stayAwake has the connection swept from now on. One that is known to be busy at times is
// not parked as soon as another.
func (s *served) stayAwake(busy bool) {
	if !s.owner.parks || !s.ws().beIdle() {
		return
	}
	if busy {
		s.owner.awake.add(awake{served: s}, patience[0])
	} else {
		s.owner.fresh.add(awake{served: s}, 1)
	}
}

// awake is a connection that is not parked, for the sweep.
type awake struct {
	*served
	busy uint8 // how often the sweep found it busy: in fresh, or in patience
}

const (
	// ticksIdle and ticksFresh are how many ticks of the wheels awake and fresh
	// Options.ParkAfter has.
	ticksIdle  = 16
	ticksFresh = 4 * ticksIdle
	// freshSweeps is how often a connection is found busy before it counts as such.
	freshSweeps = 2
)

// patience is how long a busy connection is to be idle before it is parked, in ticks of
// the wheel: one that is busy again and again need not be looked at often.
var patience = [...]int{ticksIdle, 2 * ticksIdle, 3 * ticksIdle}

// sweep interrupts the wait of a connection that has been idle since the last time.
func (a *awake) sweep() (again int) {
	if a.ws().sweep() {
		return 0
	}
	a.busy = min(a.busy+1, uint8(len(patience)-1))
	return patience[a.busy]
}

// sweepFresh is sweep for a connection of which nothing is known, or that was idle for
// long: most of these stay so, and the fewer of them are awake at a time, the fewer
// goroutines there ever are: the memory of those that end does not all go back.
func (a *awake) sweepFresh() (again int) {
	if a.ws().sweep() {
		return 0
	}
	if a.busy++; a.busy < freshSweeps {
		return 1
	}
	a.owner.awake.add(awake{served: a.served}, patience[0])
	return 0
}

// step is that of Websocket. What it defers also sees a panic, and runtime.Goexit,
// behind which the connection is still closing.
func (s *served) step(err error, first bool) (more bool) {
	defer func() {
		if !more {
			s.end(recover())
		}
	}()
	if first && s.owner.gaveUp() {
		s.abort() // nobody else knows it yet
	}
	return s.ws().step(&s.ctx, s.owner.handler, err)
}

// end sees the connection off; reason is that of a panic, or nil.
func (s *served) end(reason any) {
	if reason != nil && reason != http.ErrAbortHandler {
		s.logPanic(reason)
	}
	s.ctx.cancel()
	if s.ws().ending().has() {
		s.leave()
		return
	}
	go s.leave()
}

// leave waits for the end of the last hook, and takes the connection out.
func (s *served) leave() {
	<-s.ws().ending().told()
	defer s.owner.ended(s)
	if s.owner.opts.OnEnd != nil {
		s.owner.opts.OnEnd(&s.ctx, s.ws())
	}
}

// abort ends the connection at once.
func (s *served) abort() {
	s.ctx.cancel()
	s.ws().abort(errShutdown)
}

// logPanic reports a handler's panic as net/http does.
func (s *served) logPanic(reason any) {
	stack := make([]byte, maxPanicStack)
	stack = stack[:runtime.Stack(stack, false)]
	logf := log.Printf
	if server, ok := s.ctx.Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		logf = server.ErrorLog.Printf
	}
	logf("websocket: panic serving %v: %v\n%s", s.ws().under().conn().RemoteAddr(), reason, stack)
}
