// Package echo has the echo servers that are measured over loopback: every
// library by the best of its public API and as its README shows it, with the
// same limit of a message and no compression, and a plain TCP server that
// parses nothing, to compare with.
//
// Those that are not readme check that text is UTF-8, and have a read buffer
// as large as the core's own wherever their user can choose one. Those that are
// readme do what the library does by itself: gorilla, coder and gws then take
// text as it is.
package echo

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

// readBuffer is the size of a read buffer where the user chooses it: that of
// the core, which offers no choice.
const readBuffer = 16 << 10

var errUTF8 = errors.New("echo: text is not UTF-8")

// most is the longest message that every server takes, in bytes.
const most = 16 << 20

// An Engine is a kind of server: a library, and the way it is used.
type Engine struct {
	Lib, API string
	// serve answers the connections of the listener until that is closed.
	serve func(net.Listener) error
}

// Name is what Find takes, such as core/best.
func (e Engine) Name() string { return e.Lib + "/" + e.API }

// Serve answers the connections of l until l is closed.
func (e Engine) Serve(l net.Listener) error { return e.serve(l) }

// WebSocket reports whether clients have to shake hands.
func (e Engine) WebSocket() bool { return e.Lib != "tcp" }

// Engines are all there is. The ways: best is the fastest found that a user
// would write with the public API, readme what the README (or the example it
// points to) shows, flush gathers replies by hand, flushtuned does so as fast as
// could be found, listener upgrades without net/http, answer replies with a
// message of its own instead of the one that came, and serve is the library in this repository's common server of
// package serve.
func Engines() []Engine {
	all := []Engine{
		{"tcp", "plain", servePlain},
		{"core", "best", onHTTP(coreBest)},
		{"core", "readme", onHTTP(coreReadme)},
		{"core", "answer", onHTTP(coreAnswer)},
		{"gobwas", "best", onHTTP(gobwasBest)},
		{"gobwas", "flush", onHTTP(gobwasFlush)},
		{"gobwas", "flushtuned", onHTTP(gobwasFlushTuned)},
		{"gobwas", "readme", onHTTP(gobwasReadme)},
		{"gobwas", "listener", gobwasListener},
		{"gorilla", "best", onHTTP(gorillaBest)},
		{"gorilla", "readme", onHTTP(gorillaReadme)},
		{"coder", "best", onHTTP(coderBest)},
		{"coder", "readme", onHTTP(coderReadme)},
		{"gws", "best", onHTTP(gwsBest)},
		{"gws", "readme", onHTTP(gwsReadme)},
	}
	for _, e := range engines.All() {
		all = append(all, Engine{e.Name, "serve", onHTTP(func() http.Handler {
			return e.NewServer(serve.Echo, serve.Options{MaxMessage: most})
		})})
	}
	return all
}

// Find returns the engine of that name.
func Find(name string) (Engine, error) {
	all := Engines()
	i := slices.IndexFunc(all, func(e Engine) bool { return e.Name() == name })
	if i < 0 {
		return Engine{}, fmt.Errorf("echo: there is no engine %q", name)
	}
	return all[i], nil
}

func onHTTP(handler func() http.Handler) func(net.Listener) error {
	return func(l net.Listener) error {
		s := &http.Server{Handler: handler(), ReadHeaderTimeout: 10 * time.Second}
		return s.Serve(l)
	}
}

// servePlain sends back what comes, whatever it is: a goroutine a connection and
// a buffer that takes the largest message of the benchmarks at once, since with
// less it would need more system calls than a WebSocket server does.
func servePlain(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 128<<10)
			for {
				n, err := c.Read(buf)
				if n > 0 {
					if _, err := c.Write(buf[:n]); err != nil {
						return
					}
				}
				if err != nil {
					return
				}
			}
		}()
	}
}
