package websocket

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
)

// errShutdown is what a connection is aborted with when Shutdown gives up.
var errShutdown = errors.New("server shut down")

// An HTTPHandler accepts WebSocket connections and serves them. Make one with
// [NewHandler]. Its methods may be called from any goroutine.
type HTTPHandler struct {
	handler Handler
	opts    *settings // shared by all connections
	values  serverValues

	fresh  wheel[awake]   // connections of which it is not known that they are busy
	awake  wheel[awake]   // those that were
	timed  wheel[*served] // parked ones that wait for no longer than a time
	parks  bool           // connections are parked
	parked atomic.Int64   // so many

	mu        sync.Mutex
	first     *served       // the connections, a list
	accepting int           // requests that are no connections yet
	goodbyes  int           // goroutines that send the Close of Shutdown
	closing   bool          // Shutdown was called
	aborting  bool          // and gave up waiting
	idle      chan struct{} // closed when nothing is left after Shutdown
}

// NewHandler returns an http.Handler that accepts connections as [Accept] does
// and serves them as [Websocket.Serve] does, with a handler that must not be
// nil. It answers a request that it refuses, with the status and the reason of
// the [HandshakeError].
//
// A connection is served on a goroutine of its own, so that the one of
// net/http, its stack and its buffers can go: ServeHTTP returns at once. The
// handler's context has the values of Options.Context, or of the server, and the
// connection itself by [ContextKey]; it outlives the request, and ends when the
// connection has ended, or when Shutdown gives up.
//
// A panic of the handler closes its connection with status 1011 and is logged
// as net/http does it: to the server's ErrorLog, with the stack, and not at all
// for http.ErrAbortHandler.
//
// http.Server.Shutdown does not know these connections: call
// [HTTPHandler.Shutdown] as well.
func NewHandler(handler Handler, opts Options) *HTTPHandler {
	if handler == nil {
		panic("websocket: NewHandler with a nil handler")
	}
	h := &HTTPHandler{handler: handler, opts: newSettings(opts), idle: make(chan struct{})}
	if h.parks = canPark && h.opts.ParkAfter > 0; h.parks {
		h.fresh.init(h.opts.ParkAfter/ticksFresh, 1, (*awake).sweepFresh)
		h.awake.init(h.opts.ParkAfter/ticksIdle, ticksIdle/2, (*awake).sweep)
		h.timed.init(max(h.opts.ReadTimeout, h.opts.MessageTimeout)/mostTicks, 1, wakeInTime)
	}
	return h
}

// Parked returns how many connections are parked: see [Options].ParkAfter.
func (h *HTTPHandler) Parked() int { return int(h.parked.Load()) }

// ServeHTTP accepts the connection and leaves it to a goroutine of its own. It
// refuses with 503 Service Unavailable once Shutdown was called.
func (h *HTTPHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.begin() {
		refuse(http.StatusServiceUnavailable, "the server is shutting down").Respond(w)
		return
	}
	s, refusal := h.accept(w, r)
	if refusal != nil {
		refusal.Respond(w)
		return
	}
	s.stayAwake(false)
	go s.serve(true)
}

// accept returns a connection that holds neither w nor r. Functions of the application
// may panic in it.
func (h *HTTPHandler) accept(w http.ResponseWriter, r *http.Request) (s *served, refusal *HandshakeError) {
	defer func() { h.begun(s) }()
	key, refusal := mayOpen(r, h.opts)
	if refusal != nil {
		return nil, refusal
	}
	accepted := &served{owner: h}
	accepted.ctx.init(h.values.of(r, h.opts.Context))
	ws := accepted.ws()
	if refusal := ws.accept(w, r, key, h.opts); refusal != nil {
		return nil, refusal
	}
	ws.begin()
	if h.opts.OnOpen != nil {
		ws.orAbort(func() { h.opts.OnOpen(ws, r) })
	}
	return accepted, nil
}

// Shutdown refuses new connections, sends a Close frame with status 1001 on all
// others, none of which can hold up the rest, and waits until each has ended.
// When ctx ends first, it cancels the handlers' contexts, drops what is left
// without more ado, not even waiting for OnClose, and returns ctx's error. It may
// be called any number of times, also at once; called from within a handler it
// waits for its caller. To call it when a server shuts down, see
// http.Server.RegisterOnShutdown.
func (h *HTTPHandler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	if !h.closing {
		h.closing = true
		for s := h.first; s != nil; s = s.next {
			h.sayGoodbye(s)
		}
		h.checkIdle()
	}
	h.mu.Unlock()

	select {
	case <-h.idle:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-h.idle: // too: nothing is left to drop
		return nil
	default:
	}
	h.abortAll()
	return ctx.Err()
}

// abortAll drops the connections that are left, and those still to come of
// requests that are being accepted.
func (h *HTTPHandler) abortAll() {
	var left []*served
	h.mu.Lock()
	h.aborting = true
	for s := h.first; s != nil; s = s.next {
		left = append(left, s)
	}
	h.mu.Unlock()
	for _, s := range left {
		go s.abort() // OnClose may take its time
	}
	for _, s := range left {
		<-s.ws().ending().done()
	}
}

// begin counts a request in, unless Shutdown was called.
func (h *HTTPHandler) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.accepting++
	return true
}

// begun counts the request out; s is the connection it became, or nil. It
// catches up on a Shutdown that was called meanwhile; on one that gave up,
// served.begin does.
func (h *HTTPHandler) begun(s *served) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepting--
	if s == nil {
		h.checkIdle()
		return
	}
	s.next = h.first
	if s.next != nil {
		s.next.prev = s
	}
	h.first = s
	if h.closing && !h.aborting {
		h.sayGoodbye(s)
	}
}

func (h *HTTPHandler) gaveUp() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.aborting
}

// ended takes s out of the list.
func (h *HTTPHandler) ended(s *served) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		h.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil // who keeps s keeps no other
	h.checkIdle()
}

// checkIdle wakes Shutdown when nothing is left. That stays so, since nothing
// new comes once closing is set. It needs h.mu.
func (h *HTTPHandler) checkIdle() {
	if h.closing && h.first == nil && h.accepting == 0 && h.goodbyes == 0 {
		select {
		case <-h.idle:
		default:
			close(h.idle)
		}
	}
}

// sayGoodbye sends the Close of a shutdown on a goroutine of its own, since a
// peer that does not read can block it. It needs h.mu.
func (h *HTTPHandler) sayGoodbye(s *served) {
	h.goodbyes++
	go func() {
		defer h.saidGoodbye()
		_ = s.ws().CloseWithStatus(StatusGoingAway, "")
	}()
}

func (h *HTTPHandler) saidGoodbye() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.goodbyes--
	h.checkIdle()
}
