// Command benchserver is the server that load tests point at: the paths of
// ntsd/websocket-benchmark and an echo path for conformance suites, on this
// module's websocket package or on gorilla, gobwas, coder or gws, so that one
// load test compares them.
//
//	go run ./benchserver -engine gws
//
// README.md tells what each path answers, what the limits do, and how to point
// a load generator at it. Everything that depends on a WebSocket library is in
// a folder of its own below internal/engine; this command adds paths, limits, metrics, the
// status page and the shutdown.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("benchserver", func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		return run(ctx, args, os.Getenv, stdout, stderr)
	})
}

// run serves until ctx ends, and returns nil after a shutdown.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, err := parse(args, getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
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
