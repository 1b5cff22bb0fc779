// Command explain replays inputs of the fuzz targets and tells them in words.
//
//	go run ./fuzz/explain fuzz/testdata/fuzz/<target>/<file>…
//
// It is wsproof explain under a name of its own.
package main

import (
	"context"
	"io"
	"os"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/explain"
)

func main() {
	cli.Main("explain", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
		return explain.Run(ctx, "explain", args, os.Stdin, stdout)
	})
}
