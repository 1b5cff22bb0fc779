// Command benchserver is the server that load tests point at: the paths of
// ntsd/websocket-benchmark and an echo path for conformance suites, on this
// module's websocket package or on another library.
//
//	go run ./benchserver -engine gws
//
// README.md tells what each path answers. It is wsproof serve under a name of its
// own.
package main

import (
	"context"
	"io"

	"github.com/wsproof/wsproof/internal/benchserver"
	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("benchserver", func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		return benchserver.Run(ctx, "benchserver", args, stdout, stderr)
	})
}
