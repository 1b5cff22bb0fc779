package conform

import (
	"context"
	"flag"
	"io"

	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/internal/cli"
)

const testHelp = `usage: {name} URL [flags]
       {name} -client 'COMMAND {url}' [flags]   or   -listen host:port

Plays conformance cases with a server, or a client, that echoes: those of the
Autobahn suite, and this project's own, W.*, which stand on RFC 6455 alone.

  -cases LIST       such as 5.7,6.12.*,W.* or -9.* (default: 1 to 10 and W.*)
  -o DIR            reports: index.html, index.json, summary.json, a file a case
  -junit FILE       the verdicts as JUnit XML;  -json: events, one a line
  -known FILE       pass on these failures, fail on others and on rows that hold
                    no more;  -write-known FILE: write it
  -jobs N           cases at once, fewer where the peer is slow (default 48)
  -patience F       times the time that the peer has (default 1)
  -max-message N    skip cases with longer messages, in octets
  -agent NAME       the peer's name in reports
  -list, -v, -open  list the cases; print the wire; open the report
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
	f.Usage = func() { cli.Help(stdout, testHelp+cli.ServerHelp, f) }
	rest, err := cli.ParseAll(f, args, stdout)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		c.target, rest = rest[0], rest[1:]
	}
	switch {
	case len(rest) > 0:
		return cli.Usagef("unexpected argument %q (%s -h tells more)", rest[0], name)
	case c.target != "":
		client, err := server.Client(c.target, stderr)
		if err != nil {
			return err
		}
		c.dialing = func(t *conformance.Tester) {
			t.Header, t.Subprotocols, t.TLS = client.Header, client.Subprotocols, client.TLS
		}
	case c.client == "" && c.listen == "" && !c.list:
		return cli.Usagef("what is to be tested? Give the URL of a server, -client or -listen (%s -h tells more)", name)
	}
	return c.run(ctx, stdout)
}

// AllCases are the cases that Test plays unless told otherwise: the original
// suite's that need no extension, and this project's own.
const AllCases = conformance.DefaultCases + ",W.*"
