// Package wsload is the load generator as a command: its flags, and what it
// prints. The work is package bench/load's.
package wsload

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/internal/cli"
)

const help = `usage: {name} [flags] URL   (or -url URL)

Sends messages to a WebSocket server, checks every answer, and prints throughput
and latencies. URL is ws, wss, or tcp://host:port for an echo of bytes. Modes:
  echo     -size BYTES (125) each, -text or binary, sent back     (any path)
  plain    text "number: N", sent back            (ntsd/websocket-benchmark)
  json     text {"number": N}, answered with N+1 or N+2              (same)
  binary   4 bytes little-endian, the same rule                      (same)
  connect  opens and closes connections

  -mode MODE           of these (echo)
  -conns N             connections (16)
  -inflight N          messages that each keeps on their way (1)
  -rate N              messages a second in all: latencies count from when due
  -async -messages N   send N (100000) before reading, on each connection
  -messages N          most messages a connection
  -duration TIME -warmup TIME   to send (5s), and before that uncounted (0s)
  -compression         compress messages by permessage-deflate, without context
                       takeover; a server that declines is an error
  -patience TIME       for a connection, and for the last answers (10s)
  -format table|bench|json   of the result (bench: as Go's benchmarks);  -json
  -o DIR -junit FILE   DIR/load.json as well; a test that fails as the load does
`

// Run is the command, under the name that its help calls it by. The error is a
// finding where a handshake was refused, an answer was wrong, or a message or a
// connection was lost.
func Run(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.Usage = func() { cli.Help(stdout, help+cli.ServerHelp, fs) }
	var c load.Config
	var server cli.ServerFlags
	server.Define(fs)
	fs.StringVar(&c.URL, "url", "", "")
	mode := fs.String("mode", "echo", "")
	fs.IntVar(&c.Conns, "conns", 16, "")
	fs.IntVar(&c.InFlight, "inflight", 1, "")
	fs.Float64Var(&c.Rate, "rate", 0, "")
	fs.BoolVar(&c.Async, "async", false, "")
	fs.IntVar(&c.Messages, "messages", 0, "")
	fs.IntVar(&c.Size, "size", 125, "")
	fs.BoolVar(&c.Text, "text", false, "")
	fs.BoolVar(&c.Compression, "compression", false, "")
	fs.DurationVar(&c.Duration, "duration", 5*time.Second, "")
	fs.DurationVar(&c.Warmup, "warmup", 0, "")
	fs.DurationVar(&c.Patience, "patience", 10*time.Second, "")
	format := fs.String("format", "table", "")
	asJSON := fs.Bool("json", false, "")
	dir, junit := fs.String("o", "", ""), fs.String("junit", "", "")
	rest, err := cli.ParseAll(fs, args, stdout)
	if err != nil {
		return err
	}
	if c.URL == "" && len(rest) > 0 {
		c.URL, rest = rest[0], rest[1:]
	}
	if err := cli.Check(fs, cli.Range{Flag: "conns", Least: 1, Most: load.MostConns}, cli.Range{Flag: "inflight", Least: 1},
		cli.Range{Flag: "duration", Least: 1}, cli.Range{Flag: "patience", Least: 1}); err != nil {
		return err
	}
	switch {
	case len(rest) > 0:
		return cli.Usagef("unexpected argument %q", rest[0])
	case c.URL == "":
		return cli.Usagef("the URL of a server is missing; %s -h tells more", name)
	case *asJSON && *format != "table" && *format != "json":
		return cli.Usagef("-json is -format json, not %s", *format)
	case *format != "table" && *format != "bench" && *format != "json":
		return cli.Usagef("-format %q is neither table, bench nor json", *format)
	case int64(c.Conns) > cli.OpenFiles():
		return cli.Usagef("-conns %d: this process may open %d files (ulimit -n)", c.Conns, cli.OpenFiles())
	case *junit != "" && cli.Writable(*junit) != nil:
		return cli.Writable(*junit)
	case c.Async && c.Warmup > 0:
		return cli.Usagef("-warmup does not go with -async: no part of a session can be left out")
	}
	if *asJSON {
		*format = "json"
	}
	c.Mode = load.Mode(*mode)
	if !strings.HasPrefix(c.URL, "tcp:") {
		client, err := server.Client(c.URL, stderr)
		if err != nil {
			return err
		}
		c.Header, c.Subprotocols, c.TLS = client.Header, client.Subprotocols, client.TLS
	}
	c.Progress = func(s load.Snapshot) {
		line := fmt.Sprintf("%3.0fs  %10.0f/s", s.Elapsed.Seconds(), float64(s.Messages)/s.Elapsed.Seconds())
		if s.Latency.TotalCount() > 0 {
			line += "  " + load.Percentiles(s.Latency)
		}
		if n := s.Failures.Total(); n > 0 {
			line += fmt.Sprintf("  %d failures", n)
		}
		fmt.Fprintln(stderr, line)
	}
	r, err := load.Run(ctx, c)
	switch {
	case errors.Is(err, load.ErrConfig):
		return cli.Usage(err)
	case r == nil:
		return err
	case errors.Is(err, load.ErrFailures):
		err = cli.Finding(err)
	}
	write := r.WriteTable
	switch *format {
	case "bench":
		write = r.WriteBench
	case "json":
		write = r.WriteJSON
	}
	if failed := keep(r, *dir, *junit, err); failed != nil {
		return failed
	}
	return errors.Join(write(stdout), err)
}
