// Package serve has what the engines' servers share. There is one server a
// library, by the library's best public API, for benchserver, bench and
// conformance: the same Handler answers on every engine, with the same checks
// and limits, and without compression unless it is asked for.
//
// What is the same for all: the origin check, the limits, text checked as
// UTF-8 (by the library where it does so, by the engine's code as the bytes
// arrive where it is left to the application), message buffers that are pooled
// where the API lets the application provide them, a fresh goroutine a
// connection so that net/http's own can go, no copy between a message and a
// reply that aliases it.
//
// What differs is the library's: gws owns the read loop, checks UTF-8 of the
// complete message and of each reply (as the core does, but for one in the same
// slice as the message), and closes TCP right behind its Close frame; coder waits
// up to 5 s for the peer's Close, the core 2 s; gorilla, coder and gws tell nothing
// of fragments, so that a fragmented message has the ReadTimeout of one frame;
// the others write each reply at once (see [Options.Gather]);
// the core gathers.
package serve

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// A Handler answers one message. The payload is the Handler's during the call,
// which may change it as long as text remains UTF-8. The reply, of the same kind
// as the message, may alias the payload or be appended to scratch[:0], 64 bytes
// that the connection keeps between calls; a nil reply sends nothing. An error
// that wraps a *CloseError closes the connection with its code and reason, any
// other one with 1011. A Handler is called by many connections at once, by each
// for one message at a time.
type Handler func(scratch []byte, binary bool, payload []byte) (reply []byte, err error)

// Echo answers each message with itself.
func Echo(_ []byte, _ bool, payload []byte) ([]byte, error) {
	if payload == nil {
		payload = []byte{}
	}
	return payload, nil
}

// A CloseError asks for the connection to be closed.
type CloseError struct {
	Code   uint16
	Reason string
}

// Error returns code and reason.
func (e *CloseError) Error() string { return fmt.Sprintf("close %d: %s", e.Code, e.Reason) }

// Options are the same for every engine.
type Options struct {
	// MaxMessage is the longest message and frame, in bytes. Default: 16 MiB.
	MaxMessage int
	// ReadTimeout is the longest time to wait for a frame, be it a ping. Default: none.
	ReadTimeout time.Duration
	// CheckOrigin decides whether a request may connect. Default: same origin.
	CheckOrigin func(r *http.Request) bool
	// SkipUTF8 leaves text unchecked where the library leaves the check to the
	// application (gorilla, gobwas, coder). Default: every engine checks.
	SkipUTF8 bool
	// Gather makes gobwas write replies only when it has read all that it has
	// buffered: what an application can build on its frames, though the library
	// itself has nothing for it. No effect on the other engines.
	Gather bool
	// Compression makes the server accept permessage-deflate (RFC 7692), with context
	// takeover where the library has it.
	Compression bool
	// CompressAll is Compression with the largest windows, and without a threshold where
	// the library lets its user choose: for benchmarks, where all do the same work.
	CompressAll bool
	// Stats makes the server count messages and bytes for its Stats: three plain
	// additions a message, to memory of the connection's own.
	Stats bool
	// Events are told what happens. Nil functions cost nothing.
	Events Events
}

// Events see the life of the connections.
type Events struct {
	// Open is called after the 101.
	Open func()
	// Message is called for each message answered, with the payload bytes in and out.
	Message func(in, out int)
	// Close is called once a connection, when it has ended: with the code that the
	// peer closed it with (1005 for an empty Close), else the one that this side
	// closed it with, else 1006; and the error, nil after a clean close.
	Close func(code uint16, err error)
	// Refused is called for each refused handshake, with the HTTP status, 0 if the
	// client was gone before it could be answered. Each request ends in exactly
	// one call of Open or of Refused.
	Refused func(status int, err error)
}

// A Server accepts WebSocket connections on each request that it is given.
type Server interface {
	http.Handler
	// Shutdown closes every connection with 1001 and waits for their end, all
	// events told, or for the context's; then it drops what is left and returns the
	// context's error.
	// From its call on every request is refused with 503.
	Shutdown(ctx context.Context) error
	// Stats returns what happened since the server was made.
	Stats() Stats
}

// Stats are sums over all connections of a server, those that have ended
// included.
type Stats struct {
	// Connections is the number of connections now.
	Connections int
	// Parked is how many of them hold no goroutine, where the engine tells: see
	// Hub.CountParked.
	Parked int
	// Messages, BytesIn and BytesOut count messages answered and their payloads;
	// they stay at zero without Options.Stats.
	Messages, BytesIn, BytesOut uint64
}

// New returns a server on an engine that answers with h.
func New(engine func(*Hub) http.Handler, h Handler, o Options) Server {
	if o.MaxMessage <= 0 {
		o.MaxMessage = 16 << 20
	}
	o.Compression = o.Compression || o.CompressAll
	if o.CheckOrigin == nil {
		o.CheckOrigin = SameOrigin
	}
	hub := NewHub(h, o)
	return &server{hub: hub, engine: engine(hub)}
}
