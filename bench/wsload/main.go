// Command wsload makes load on a WebSocket server and tells how it answers.
//
//	go run ./bench/wsload -mode plain -conns 16 -duration 5s ws://127.0.0.1:9001
//
// Every answer is checked. It exits with 1 if a handshake was refused, an
// answer was wrong, or a message or a connection was lost, and with 2 if it could
// not run. It is wsproof load under a name of its own.
package main

import (
	"context"
	"io"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/wsload"
)

func main() {
	cli.Main("wsload", func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		return wsload.Run(ctx, "wsload", args, stdout, stderr)
	})
}
