// Command wsload makes load on a WebSocket server and tells how it answers.
//
//	go run ./bench/wsload -url ws://127.0.0.1:9001 -mode plain -conns 16 -duration 5s
//
// Every answer is checked. It exits with 1 if a handshake was refused, an
// answer was wrong, or a message or a connection was lost, and with 2 if it was
// called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("wsload", run)
}

const usage = `usage: wsload -url ws://host:port[/path] [flags]

wsload sends messages to a WebSocket server, checks every answer, and prints
throughput and latencies. Modes:

  echo     messages of -size bytes, which the server sends back
  plain    text "number: N", sent back            (ntsd/websocket-benchmark, path /plain)
  json     text {"number": N}, answered N+1 or N+2 (path /json)
  binary   4 bytes little-endian, the same rule    (path /binary)
  connect  opens and closes connections            (path /)

Without -rate the loop is closed: each connection keeps -inflight messages on
their way. With -rate messages are due at fixed times and latencies count from
then. With -async each connection sends 100,000 messages before it reads. A URL
tcp://host:port is a plain TCP server that sends back every byte.

`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("wsload", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprint(stdout, usage)
		fs.PrintDefaults()
	}
	var c load.Config
	fs.StringVar(&c.URL, "url", "", "the `server`, such as ws://127.0.0.1:9001")
	mode := fs.String("mode", "echo", "what to send: plain, json, binary, connect or echo")
	fs.IntVar(&c.Conns, "conns", 16, "`number` of connections")
	fs.IntVar(&c.InFlight, "inflight", 1, "`messages` that each connection keeps on their way")
	fs.Float64Var(&c.Rate, "rate", 0, "messages (or connections) a `second` in all; 0: closed loop")
	fs.BoolVar(&c.Async, "async", false, "send all messages before reading the answers")
	fs.IntVar(&c.Messages, "messages", 0, "`most` messages a connection; with -async those of a session (default 100000 there)")
	fs.IntVar(&c.Size, "size", 125, "`bytes` of a message in mode echo")
	fs.BoolVar(&c.Text, "text", false, "text messages in mode echo; otherwise binary")
	fs.DurationVar(&c.Duration, "duration", 5*time.Second, "how long to send")
	fs.DurationVar(&c.Warmup, "warmup", 0, "how long to send before counting begins")
	fs.DurationVar(&c.Patience, "patience", 10*time.Second, "how long to wait for a connection, and for the last answers")
	format := fs.String("format", "table", "of the result: table, or bench for Go benchmark lines")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	switch {
	case fs.NArg() > 0:
		return cli.Usagef("unexpected argument %q", fs.Arg(0))
	case c.URL == "":
		return cli.Usagef("-url is missing; wsload -h tells more")
	case *format != "table" && *format != "bench":
		return cli.Usagef("-format %q is neither table nor bench", *format)
	case c.Conns < 1 || c.InFlight < 1 || c.Duration <= 0 || c.Patience <= 0:
		return cli.Usagef("-conns, -inflight, -duration and -patience must be positive")
	case c.Async && c.Warmup > 0:
		return cli.Usagef("-warmup does not go with -async: no part of a session can be left out")
	}
	c.Mode = load.Mode(*mode)
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
	if *format == "bench" {
		write = r.WriteBench
	}
	return errors.Join(write(stdout), err)
}
