// Package echo has the echo servers that are measured over loopback: every
// library by the best of its public API and as its README shows it, as its
// folder below internal/engine has them, with the same limit of a message and
// no compression, and a plain TCP server that parses nothing, to compare with.
package echo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/internal/engine/task"
)

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

// Compresses reports whether it is there for clients that compress.
func (e Engine) Compresses() bool { return e.API == "deflate" }

// WebSocket reports whether clients have to shake hands.
func (e Engine) WebSocket() bool { return e.Lib != "tcp" }

// Engines are all there is: plain TCP, the ways of each library (see
// [task.Echo]), each library in the common server of package serve, and those that
// compress there with permessage-deflate.
func Engines() []Engine {
	list := []Engine{{"tcp", "plain", servePlain}}
	for _, e := range engines.All() {
		for _, way := range e.Tasks.Echo {
			list = append(list, Engine{e.Name, way.API, way.Serve})
		}
	}
	for _, e := range engines.All() {
		list = append(list, Engine{e.Name, "serve", common(&e, serve.Options{MaxMessage: task.Most})})
	}
	for _, e := range engines.All() {
		if e.Compresses() {
			list = append(list, Engine{e.Name, "deflate", common(&e, serve.Options{MaxMessage: task.Most, CompressAll: true})})
		}
	}
	return list
}

// common runs the common server on an engine.
func common(e *engine.Engine, o serve.Options) func(net.Listener) error {
	return func(l net.Listener) error {
		s := e.NewServer(serve.Echo, o)
		err := task.OnHTTP(func() http.Handler { return s })(l)
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.Shutdown(ended) // drops what is left
		return err
	}
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
