package conform

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/internal/cli"
)

const testUsage = `%[1]s plays conformance cases with a WebSocket server, or with a client, that echoes.

usage: %[1]s [flags] URL                         a server: ws://host:port/path
       %[1]s [flags] -client 'COMMAND {url}'     a client: one process a case
       %[1]s [flags] -listen host:port           clients that connect as to Autobahn's fuzzingserver

The cases are those of the Autobahn suite and this project's own, W.*, which stand on
RFC 6455 alone. Exit status: 0 all passed, 1 failures (or the server died), 2 could not run.

flags:
`

// Test is the command wsproof test; name is how the user calls it. args are flags
// and the URL of a server. The error is as Run's.
func Test(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	c := &config{name: name, defaults: AllCases, engine: "core", role: "server", driver: "native", direct: true}
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	var server cli.ServerFlags
	server.Define(f)
	c.define(f, "o", "folder for the reports: index.html, index.json, summary.json and a JSON file a case (default: none)")
	f.BoolVar(&c.debug, "v", false, "print what the tester does and the wire log")
	f.Usage = func() {
		fmt.Fprintf(stdout, testUsage, name)
		f.PrintDefaults()
	}
	if err := cli.Parse(f, args, stdout); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	switch {
	case f.NArg() > 1:
		return cli.Usagef("one URL is wanted, and flags before it: %q (%s -h)", f.Args(), name)
	case f.NArg() == 1:
		client, err := server.Client(f.Arg(0), stderr)
		if err != nil {
			return err
		}
		c.target = f.Arg(0)
		c.dialing = func(t *conformance.Tester) {
			t.Header, t.Subprotocols, t.TLS = client.Header, client.Subprotocols, client.TLS
		}
	case c.client == "" && c.listen == "" && !c.list:
		return cli.Usagef("what is to be tested? Give the URL of a server, -client or -listen (%s -h)", name)
	}
	return c.run(ctx, stdout)
}

// AllCases are the cases that Test plays unless told otherwise: the original
// suite's that need no extension, and this project's own.
const AllCases = conformance.DefaultCases
