package websocket

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

var (
	errTimeout  = os.ErrDeadlineExceeded
	errClosed   = protocol.NewError(StatusNormalClosure, "connection closed", net.ErrClosed)
	errReader   = protocol.NewError(StatusInternalError, "another goroutine is reading", nil)
	errPanic    = protocol.NewError(StatusInternalError, "the handler panicked", nil)
	errHook     = protocol.NewError(StatusInternalError, "a hook panicked", nil)
	errNoAnswer = protocol.NewError(StatusAbnormalClose, "the peer did not answer the Close in time", errTimeout)
	errDead     = protocol.NewError(StatusAbnormalClose, "the peer did not answer a ping within the ping interval", errTimeout)
)

// closedHere is what reading ended with where this side has closed, and nobody read: it
// wraps the peer's answer, and net.ErrClosed.
type closedHere struct{ answer *CloseError }

func (e *closedHere) Error() string   { return errClosed.Error() }
func (e *closedHere) Unwrap() []error { return []error{e.answer, net.ErrClosed} }

// A role is what whoever reads the connection reads it for.
type role uint8

const (
	nobody     role = iota
	messages        // ReadMessage or Serve
	discarding      // CloseWithStatus, for the answer to its Close
	lingering       // only for the peer to go
)

// An ending is how far the end of a connection has come (RFC 6455 §7), what the
// application is told of it, and who reads until then. Its methods may be called by any
// goroutine; what needs its lock is a method of what lock returns.
type ending struct {
	mu   sync.Mutex
	ends ends // what lock returns
}

type ends struct {
	state   protocol.State
	reader  role
	settled bool       // code and seldom.err are decided
	code    StatusCode // what OnClose is told
	seldom  *seldom    // nil until it is needed
}

// seldom has what an idle connection does not need.
type seldom struct {
	err     error       // why the connection has ended; nil after a clean close
	readErr error       // what reading ended with
	timer   *time.Timer // bounds closing
	done    signal      // the transport is closed
	told    signal      // OnClose has been told, and has returned
	then    func()      // called when done was given; may be nil
	watch   watch       // of the read that is under way
}

// A signal is given once. What is closed by it is made for who waits for it.
type signal struct {
	given bool
	ch    chan struct{}
}

func (s *signal) give() {
	s.given = true
	if s.ch != nil {
		close(s.ch)
	}
}

func (s *signal) wait() <-chan struct{} {
	if s.ch == nil {
		s.ch = make(chan struct{})
		if s.given {
			close(s.ch)
		}
	}
	return s.ch
}

func (e *ending) lock() *ends {
	e.mu.Lock()
	return &e.ends
}

func (e *ends) more() *seldom {
	if e.seldom == nil {
		e.seldom = new(seldom)
	}
	return e.seldom
}

// on applies an event: see protocol.State. sendClose queues the Close, and is called
// under the lock, so that nobody takes the connection for closed before.
func (e *ending) on(event protocol.ClosingEvent, code StatusCode, err error, sendClose func()) (do protocol.Action) {
	s := e.lock()
	defer e.mu.Unlock()
	s.state, do = s.state.On(event)
	if do&protocol.SendClose != 0 {
		sendClose()
	}
	if do&protocol.Settle != 0 && !s.settled {
		s.settle(code, err)
	}
	return do
}

func (e *ends) settle(code StatusCode, err error) { e.settled, e.code, e.more().err = true, code, err }

// has reports whether the connection has ended, is how far its end has come.
func (e *ending) has() bool { return e.is(protocol.Ended) }

func (e *ending) is(state protocol.State) bool {
	s := e.lock()
	defer e.mu.Unlock()
	return s.state == state
}

// bound calls lost after d, unless a bound runs.
func (e *ending) bound(d time.Duration, lost func()) {
	s := e.lock()
	defer e.mu.Unlock()
	if m := s.more(); m.timer == nil && s.state != protocol.Ended {
		m.timer = time.AfterFunc(d, lost)
	}
}

// finish stops what runs for the end, which has come, and returns what OnClose is told.
func (e *ending) finish() (code StatusCode, err error) {
	s := e.lock()
	defer e.mu.Unlock()
	m := s.more()
	if m.timer != nil {
		m.timer.Stop()
	}
	m.watch.end()
	return s.code, m.err
}

// signalDone says that the transport is closed, signalTold that OnClose has returned.
func (e *ending) signalDone() {
	m := e.lock().more()
	m.done.give()
	then := m.then
	e.mu.Unlock()
	if then != nil {
		then()
	}
}

// afterwards has f called when signalDone was; at once, if it was.
func (e *ending) afterwards(f func()) {
	m := e.lock().more()
	given := m.done.given
	m.then = f
	e.mu.Unlock()
	if given {
		f()
	}
}

func (e *ending) signalTold() {
	s := e.lock()
	defer e.mu.Unlock()
	s.more().told.give()
}

// done and told return what is closed by these signals.
func (e *ending) done() <-chan struct{} {
	s := e.lock()
	defer e.mu.Unlock()
	return s.more().done.wait()
}

func (e *ending) told() <-chan struct{} {
	s := e.lock()
	defer e.mu.Unlock()
	return s.more().told.wait()
}

// why returns what the connection has ended with, or nil if it has not.
func (e *ending) why() error {
	s := e.lock()
	defer e.mu.Unlock()
	if s.state != protocol.Ended {
		return nil
	}
	if err := s.seldom.err; err != nil {
		return err
	}
	return errClosed
}

// orWhy returns err, or why the connection was ended by someone else, which is why err
// came up.
func (e *ending) orWhy(err error) error {
	if why := e.why(); why != nil {
		return why
	}
	return err
}

// last returns what reading has ended with, or else why.
func (e *ending) last() error {
	s := e.lock()
	if m := s.seldom; m != nil && m.readErr != nil {
		defer e.mu.Unlock()
		return m.readErr
	}
	e.mu.Unlock()
	return e.why()
}

// readEnds is told what reading has ended with: the peer's Close, to who closed and
// reads for the answer, says that this side has.
func (e *ending) readEnds(err error) {
	s := e.lock()
	defer e.mu.Unlock()
	if answer, ok := err.(*CloseError); ok && s.reader == discarding {
		err = &closedHere{answer}
	}
	s.more().readErr = err
}

// An owner is told that the context of a read under way has ended.
type owner interface {
	cancelled(ctx context.Context) error
}

// become gives the caller the role of the reader, for messages or discarding, unless
// somebody has it or the connection has ended. When ctx ends while the caller reads,
// owner is told.
func (e *ending) become(r role, ctx context.Context, owner owner) bool {
	s := e.lock()
	defer e.mu.Unlock()
	if s.reader != nobody || s.state == protocol.Ended {
		return false
	}
	s.reader = r
	done := ctx.Done()
	if done == nil && s.seldom == nil || s.more().watch.done == done {
		return true
	}
	s.seldom.watch.begin(ctx, func() {
		s := e.lock()
		current := s.reader != nobody && s.reader != lingering && s.seldom.watch.done == done
		e.mu.Unlock()
		if current {
			_ = owner.cancelled(ctx)
		}
	})
	return true
}

// leave gives the role back, unless somebody lingers in it.
func (e *ending) leave() {
	s := e.lock()
	defer e.mu.Unlock()
	if s.reader != lingering {
		s.reader = nobody
	}
}

// linger keeps the role for a goroutine that sees to the end.
func (e *ending) linger() {
	s := e.lock()
	defer e.mu.Unlock()
	s.reader = lingering
}

// reads reports whether somebody reads for r, and the connection has not ended.
func (e *ending) reads(r role) bool {
	s := e.lock()
	defer e.mu.Unlock()
	return s.reader == r && s.state != protocol.Ended
}

// A watch calls a function when the context of a read that is under way has ended. It
// stays registered from one read to the next with the same context, so that reading in
// a loop costs one registration.
type watch struct {
	done <-chan struct{}
	stop func() bool
}

func (w *watch) begin(ctx context.Context, ended func()) {
	w.end()
	if w.done = ctx.Done(); w.done != nil {
		w.stop = context.AfterFunc(ctx, ended)
	}
}

func (w *watch) end() {
	if w.stop != nil {
		w.stop()
	}
	*w = watch{}
}

// await waits for ch, but no longer than d.
func await(ch <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ch:
	case <-timer.C:
	}
}
