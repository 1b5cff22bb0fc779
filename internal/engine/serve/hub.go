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

// The codes of a Close (RFC 6455 §7.4.1) that engines report and send.
const (
	CodeNormal     = 1000
	CodeGoingAway  = 1001
	CodeProtocol   = 1002
	CodeNoStatus   = 1005
	CodeAbnormal   = 1006
	CodeBadPayload = 1007
	CodeTooLarge   = 1009
	CodeInternal   = 1011
)

// ReasonGoingAway is the reason of the Close that [Peer.GoAway] sends.
const ReasonGoingAway = "server is going away"

// ScratchSize is what a Handler has for a reply of its own.
const ScratchSize = 64

// A Hub is what the engines share: handler, options, and the connections.
type Hub struct {
	Handler Handler
	Options

	mu       sync.Mutex
	live     map[Peer]struct{}
	pending  int           // requests that may still become connections, ends being told
	away     bool          // Shutdown has begun
	dropping bool          // and has given up waiting
	empty    chan struct{} // closed when nothing is left after that
	ended    totals        // of the connections that have left
	atEnd    func()        // see AtEnd
	parked   func() int    // see CountParked
}

// A Peer is a connection of some engine.
type Peer interface {
	// GoAway sends a Close with 1001; it may block until the connection is dropped.
	GoAway()
	// Drop closes the transport: reads and writes under way fail.
	Drop()
	// Counter returns what counts the connection's messages: the same each time.
	Counter() *Counter
}

// NewHub returns a Hub without connections.
func NewHub(h Handler, o Options) *Hub {
	return &Hub{Handler: h, Options: o, live: map[Peer]struct{}{}, empty: make(chan struct{})}
}

// AtEnd has f called when Shutdown is about to return: an engine gives back then
// what it holds for all its connections.
func (h *Hub) AtEnd(f func()) { h.atEnd = f }

// CountParked has f tell how many connections hold no goroutine because nothing comes.
func (h *Hub) CountParked(f func() int) { h.parked = f }

// Enter registers p; the engine calls it after the 101 and then Leave, once.
func (h *Hub) Enter(p Peer) {
	if h.Events.Open != nil {
		h.Events.Open()
	}
	h.mu.Lock()
	h.live[p] = struct{}{}
	away, dropping := h.away, h.dropping
	h.mu.Unlock()
	switch {
	case dropping:
		p.Drop()
	case away:
		go p.GoAway()
	}
}

// begin counts a request in, unless Shutdown has begun.
func (h *Hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.away {
		return false
	}
	h.pending++
	return true
}

// begun counts it out: it has become a connection, or never will.
func (h *Hub) begun() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending--
	h.checkEmpty()
}

// Leave takes p out, which has ended with code and err, and tells the event:
// Stats know of the end before, Shutdown waits until it is told.
func (h *Hub) Leave(p Peer, code uint16, err error) {
	h.mu.Lock()
	delete(h.live, p)
	h.ended.count(p.Counter())
	h.pending++
	h.mu.Unlock()
	if h.Events.Close != nil {
		h.Events.Close(code, err)
	}
	h.begun()
}

// checkEmpty closes the channel, once, when nothing is left after Shutdown has
// begun; the caller holds the lock.
func (h *Hub) checkEmpty() {
	if !h.away || len(h.live) > 0 || h.pending > 0 {
		return
	}
	select {
	case <-h.empty:
	default:
		close(h.empty)
	}
}

// Answered counts a message of p and tells the events.
func (h *Hub) Answered(c *Counter, in, out int) {
	if h.Stats {
		c.add(in, out)
	}
	if h.Events.Message != nil {
		h.Events.Message(in, out)
	}
}

// Refused tells the event of a handshake that was refused.
func (h *Hub) Refused(status int, err error) {
	if h.Events.Refused != nil {
		h.Events.Refused(status, err)
	}
}

func (h *Hub) peers() []Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Peer, 0, len(h.live))
	for p := range h.live {
		all = append(all, p)
	}
	return all
}

// A server puts the checks that are the same for all before an engine.
type server struct {
	hub    *Hub
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
	s.hub.Refused(status, err)
}

// Shutdown closes every connection.
func (s *server) Shutdown(ctx context.Context) error {
	h := s.hub
	if h.atEnd != nil {
		defer h.atEnd()
	}
	h.mu.Lock()
	h.away = true
	h.checkEmpty()
	h.mu.Unlock()
	for _, p := range h.peers() {
		go p.GoAway()
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
		p.Drop()
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
	parked := 0
	if h.parked != nil {
		parked = h.parked()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := h.ended
	for p := range h.live {
		sum.count(p.Counter())
	}
	return Stats{Connections: len(h.live), Parked: parked, Messages: sum.messages, BytesIn: sum.in, BytesOut: sum.out}
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

// Asked wraps an error that the Handler returned, for [Ours].
func Asked(err error) error { return &handlerError{err} }

type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }
func (e *handlerError) Unwrap() error { return e.err }

// Ours reports whether the Close for err is still to be sent: the handler
// asked for it, or a check of the engine's code did.
func Ours(err error) bool {
	var asked *handlerError
	var check *CloseError
	return errors.As(err, &asked) || errors.As(err, &check)
}

// TransportFailed reports whether err tells that the connection failed or timed out,
// rather than that the peer broke a rule.
func TransportFailed(err error) bool {
	var failed net.Error
	return errors.As(err, &failed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// Closing returns the code and reason by which err closes a connection.
func Closing(err error) (uint16, string) {
	var c *CloseError
	if errors.As(err, &c) {
		return c.Code, Cut(c.Reason)
	}
	return CodeInternal, Cut(err.Error())
}

// Cut shortens a reason to what a Close frame holds (RFC 6455 §5.5.1).
func Cut(reason string) string {
	const most = 123
	if len(reason) <= most {
		return reason
	}
	return strings.ToValidUTF8(reason[:most], "")
}

// A Spy is a ResponseWriter that remembers the status, what a refusal says, and the
// connection that is hijacked, for libraries that do not give them away.
type Spy struct {
	http.ResponseWriter
	Status int      // 0: none was written
	Reason string   // of a refusal
	Conn   net.Conn // nil: it was not hijacked
}

func (s *Spy) Write(p []byte) (int, error) {
	if s.Status >= 400 {
		s.Reason += string(p)
	}
	return s.ResponseWriter.Write(p)
}

func (s *Spy) WriteHeader(status int) {
	if s.Status == 0 {
		s.Status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *Spy) Hijack() (conn net.Conn, rw *bufio.ReadWriter, err error) {
	if h, ok := s.ResponseWriter.(http.Hijacker); ok {
		conn, rw, err = h.Hijack()
	} else {
		conn, rw, err = http.NewResponseController(s.ResponseWriter).Hijack()
	}
	s.Conn = conn
	return conn, rw, err
}

func (s *Spy) Unwrap() http.ResponseWriter { return s.ResponseWriter }
