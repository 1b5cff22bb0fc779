// Package echo has the echo servers that are measured over loopback: every
// library by the best of its public API and as its README shows it, with the
// same limit of a message and no compression, and a plain TCP server that
// parses nothing as the limit of what can be reached.
package echo

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/wsproof/wsproof/internal/peers/serve"
)

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
// could be found, and serve is the library in this repository's common server of
// package serve.
func Engines() []Engine {
	all := []Engine{
		{"tcp", "plain", servePlain},
		{"core", "best", onHTTP(coreBest)},
		{"core", "readme", onHTTP(coreReadme)},
		{"gobwas", "best", onHTTP(gobwasBest)},
		{"gobwas", "flush", onHTTP(gobwasFlush)},
		{"gobwas", "flushtuned", onHTTP(gobwasFlushTuned)},
		{"gobwas", "readme", onHTTP(gobwasReadme)},
		{"gorilla", "best", onHTTP(gorillaBest)},
		{"gorilla", "readme", onHTTP(gorillaReadme)},
		{"coder", "best", onHTTP(coderBest)},
		{"coder", "readme", onHTTP(coderReadme)},
		{"gws", "best", onHTTP(gwsBest)},
		{"gws", "readme", onHTTP(gwsReadme)},
	}
	for _, lib := range serve.Engines() {
		all = append(all, Engine{lib, "serve", onHTTP(func() http.Handler {
			h, err := serve.New(lib, serve.Echo, serve.Options{MaxMessage: most})
			if err != nil {
				panic(err) // the name is serve's own
			}
			return h
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

// servePlain sends back what comes, whatever it is: a goroutine and a buffer of
// 8 KiB a connection.
func servePlain(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 8<<10)
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
