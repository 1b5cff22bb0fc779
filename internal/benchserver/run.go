// Package benchserver is the server that load tests point at, as a command: the
// paths of ntsd/websocket-benchmark and an echo path for conformance suites, on
// this module's websocket package or on gorilla, gobwas, coder, gws, nbio or x/net/websocket, so that one
// load test compares them.
//
// README.md in the folder benchserver tells what each path answers, what the
// limits do, and how to point a load generator at it. Everything that depends on a
// WebSocket library is in a folder of its own below internal/engine; this package
// adds paths, limits, metrics, the status page and the shutdown.
package benchserver

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// Run is the command, under the name that its help calls it by: it serves until
// ctx ends, and returns nil after a shutdown.
func Run(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	c, err := parse(name, args, os.Getenv, stdout)
	if err != nil {
		return err
	}
	for _, other := range engines.All() { // the process is this engine's alone
		if other.Name != c.engine && other.Leave != nil && !c.version {
			other.Leave()
		}
	}
	return serveAs(ctx, c, stdout, stderr)
}

func run(ctx context.Context, name string, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, err := parse(name, args, getenv, stdout)
	if err != nil {
		return err
	}
	return serveAs(ctx, c, stdout, stderr)
}

func serveAs(ctx context.Context, c *config, stdout, stderr io.Writer) error {
	if c.version {
		_, err := fmt.Fprintln(stdout, versionLine())
		return err
	}
	s, err := newServer(c, newLogger(stderr, c.debug))
	if err != nil {
		return err
	}
	return s.serve(ctx)
}
