package serve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	codeNormal      = 1000
	codeGoingAway   = 1001
	codeProtocol    = 1002
	codeNoStatus    = 1005
	codeAbnormal    = 1006
	codeBadPayload  = 1007
	codeTooLarge    = 1009
	codeInternal    = 1011
	reasonGoingAway = "server is going away"
)

// scratchSize is what a Handler has for a reply of its own.
const scratchSize = 64

// A hub is what the engines share: handler, options, and the connections.
type hub struct {
	handler Handler
	Options

	mu       sync.Mutex
	live     map[peer]struct{}
	pending  int           // requests that may still become connections, ends being told
	away     bool          // Shutdown has begun
	dropping bool          // and has given up waiting
	empty    chan struct{} // closed when nothing is left after that
	ended    totals        // of the connections that have left
}

// A peer is a connection of some engine.
type peer interface {
	// goAway sends a Close with 1001; it may block until the connection is dropped.
	goAway()
	// drop closes the transport: reads and writes under way fail.
	drop()
	counter() *counter
}

func newHub(h Handler, o Options) *hub {
	return &hub{handler: h, Options: o, live: map[peer]struct{}{}, empty: make(chan struct{})}
}

// enter registers p; the engine calls it after the 101 and then leave, once.
func (h *hub) enter(p peer) {
	if h.Events.Open != nil {
		h.Events.Open()
	}
	h.mu.Lock()
	h.live[p] = struct{}{}
	away, dropping := h.away, h.dropping
	h.mu.Unlock()
	switch {
	case dropping:
		p.drop()
	case away:
		go p.goAway()
	}
}

// begin counts a request in, unless Shutdown has begun.
func (h *hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.away {
		return false
	}
	h.pending++
	return true
}

// begun counts it out: it has become a connection, or never will.
func (h *hub) begun() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending--
	h.checkEmpty()
}

// leave takes p out, which has ended with code and err, and tells the event:
// Stats know of the end before, Shutdown waits until it is told.
func (h *hub) leave(p peer, code uint16, err error) {
	h.mu.Lock()
	delete(h.live, p)
	h.ended.count(p.counter())
	h.pending++
	h.mu.Unlock()
	if h.Events.Close != nil {
		h.Events.Close(code, err)
	}
	h.begun()
}

// checkEmpty closes the channel, once, when nothing is left after Shutdown has
// begun; the caller holds the lock.
func (h *hub) checkEmpty() {
	if !h.away || len(h.live) > 0 || h.pending > 0 {
		return
	}
	select {
	case <-h.empty:
	default:
		close(h.empty)
	}
}

// answered counts a message of p and tells the events.
func (h *hub) answered(c *counter, in, out int) {
	if h.Stats {
		c.add(in, out)
	}
	if h.Events.Message != nil {
		h.Events.Message(in, out)
	}
}

func (h *hub) refused(status int, err error) {
	if h.Events.Refused != nil {
		h.Events.Refused(status, err)
	}
}

func (h *hub) peers() []peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]peer, 0, len(h.live))
	for p := range h.live {
		all = append(all, p)
	}
	return all
}

// A server puts the checks that are the same for all before an engine.
type server struct {
	hub    *hub
	engine http.Handler
}

// ServeHTTP accepts the request or refuses it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.hub.begin() {
		s.refuse(w, http.StatusServiceUnavailable, errors.New("the server is shutting down"))
		return
	}
	defer s.hub.begun()
	if !s.hub.CheckOrigin(r) {
		s.refuseOrigin(w, r)
		return
	}
	s.engine.ServeHTTP(w, r)
}

func (s *server) refuseOrigin(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, http.StatusForbidden, fmt.Errorf("origin %q is not allowed", r.Header.Get("Origin")))
}

func (s *server) refuse(w http.ResponseWriter, status int, err error) {
	http.Error(w, err.Error(), status)
	s.hub.refused(status, err)
}

// Shutdown closes every connection.
func (s *server) Shutdown(ctx context.Context) error {
	h := s.hub
	h.mu.Lock()
	h.away = true
	h.checkEmpty()
	h.mu.Unlock()
	for _, p := range h.peers() {
		go p.goAway()
	}
	select {
	case <-h.empty:
		return nil
	case <-ctx.Done():
	}
	h.mu.Lock()
	h.dropping = true
	h.mu.Unlock()
	for _, p := range h.peers() {
		p.drop()
	}
	// With its transport closed each connection ends as soon as it is scheduled.
	select {
	case <-h.empty:
	case <-time.After(time.Second):
	}
	return ctx.Err()
}

// Stats adds up.
func (s *server) Stats() Stats {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := h.ended
	for p := range h.live {
		sum.count(p.counter())
	}
	return Stats{Connections: len(h.live), Messages: sum.messages, BytesIn: sum.in, BytesOut: sum.out}
}

// SameOrigin reports whether the request has no Origin header, and so comes
// from no web page, or one whose host and port are those that it asks for.
func SameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// A handlerError is an error that the Handler returned.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }
func (e *handlerError) Unwrap() error { return e.err }

// isOurs reports whether the Close for err is still to be sent: the handler
// asked for it, or a check of the engine's code did.
func isOurs(err error) bool {
	var asked *handlerError
	var check *CloseError
	return errors.As(err, &asked) || errors.As(err, &check)
}

// isTransport reports whether err tells that the connection failed or timed out,
// rather than that the peer broke a rule.
func isTransport(err error) bool {
	var failed net.Error
	return errors.As(err, &failed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// closing returns the code and reason by which err closes a connection.
func closing(err error) (uint16, string) {
	var c *CloseError
	if errors.As(err, &c) {
		return c.Code, cut(c.Reason)
	}
	return codeInternal, cut(err.Error())
}

// cut shortens a reason to what a Close frame holds (RFC 6455 §5.5.1).
func cut(reason string) string {
	const most = 123
	if len(reason) <= most {
		return reason
	}
	return strings.ToValidUTF8(reason[:most], "")
}

// A spy is a ResponseWriter that remembers the status and the connection that
// is hijacked, for libraries that do not give them away.
type spy struct {
	http.ResponseWriter
	status int
	conn   net.Conn
}

func (s *spy) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *spy) Hijack() (conn net.Conn, rw *bufio.ReadWriter, err error) {
	if h, ok := s.ResponseWriter.(http.Hijacker); ok {
		conn, rw, err = h.Hijack()
	} else {
		conn, rw, err = http.NewResponseController(s.ResponseWriter).Hijack()
	}
	s.conn = conn
	return conn, rw, err
}

func (s *spy) Unwrap() http.ResponseWriter { return s.ResponseWriter }
