// Package serve has one server a library, each by the library's best public
// API, for benchserver, bench and conformance: the same Handler answers on the
// core, gorilla, gobwas, coder and gws, with the same checks (UTF-8) and limits
// and without compression.
package serve

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// A Handler answers one message. The payload is valid during the call. The
// reply, of the same kind as the message, may alias the payload or be appended
// to scratch[:0], memory that the connection keeps between calls; a nil reply
// sends nothing. An error that wraps a *CloseError closes the connection with
// its code and reason, any other one with 1011.
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
	// ReadTimeout is the longest time to wait for a frame. Default: none.
	ReadTimeout time.Duration
	// CheckOrigin decides whether a request may connect. Default: same origin.
	CheckOrigin func(r *http.Request) bool
	// Events are told what happens. Nil functions cost nothing.
	Events Events
}

// Events see the life of the connections.
type Events struct {
	// Open is called after the 101.
	Open func()
	// Message is called for each message answered, with the payload bytes in and out.
	Message func(in, out int)
	// Close is called once a connection: with the close code that ended it (1006
	// if none) and the error, nil after a clean close.
	Close func(code uint16, err error)
	// Refused is called for each refused handshake, with the HTTP status.
	Refused func(status int, err error)
}

// A Server accepts WebSocket connections on each request that it is given.
type Server interface {
	http.Handler
	// Shutdown closes every connection with 1001 and waits for their end, or for
	// the context's; then it drops what is left.
	Shutdown(ctx context.Context) error
}
