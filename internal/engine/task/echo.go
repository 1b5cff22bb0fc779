package task

import (
	"net"
	"net/http"
	"time"
)

// An Echo is an echo server that is measured, and the way in which it uses its
// library. The ways: best is the fastest found that a user would write with the
// public API, readme what the README (or the example it points to) shows, flush
// gathers replies by hand, flushtuned does so as fast as could be found, listener
// upgrades without net/http, answer replies with a message of its own instead of
// the one that came.
//
// All have the same limit of a message, [Most], and no compression. Those that
// are not readme check that text is UTF-8, and have a read buffer of
// [EchoReadBuffer] wherever their user can choose one. Those that are readme do
// what the library does by itself: some then take text as it is.
type Echo struct {
	API string
	// Serve answers the connections of the listener until that is closed.
	Serve func(net.Listener) error
}

// EchoReadBuffer is the size of a server's read buffer where the user chooses
// it, in bytes: that of the core, which offers no choice.
const EchoReadBuffer = 16 << 10

// OnHTTP serves a handler by net/http.
func OnHTTP(handler func() http.Handler) func(net.Listener) error {
	return func(l net.Listener) error {
		s := &http.Server{Handler: handler(), ReadHeaderTimeout: 10 * time.Second}
		return s.Serve(l)
	}
}
