// Command connbench measures whole connections over loopback: echo servers in
// processes of their own, at GOMAXPROCS=1 and on a processor of their own, and
// the load generator in this process on another one. It prints Go benchmark
// lines:
//
//	go run ./bench/connbench -engines 'tcp|core|gobwas' -cases 'conns=64/inflight=1/size=125B' -count 10
//	go run ./bench/connbench -memory 5000
//	go run ./bench/connbench -memory 5000 -idle 1m -wake -engines '^core/(readme|awake)$'
//
// cpu-ns/op, B/op and allocs/op are the server's, a message (CPU time by
// getrusage); segments/op is how many TCP segments the answers came in, by the
// generator's kernel: one for each write that is no longer than a segment; ns/op is
// the wall time of the whole, loadgen-cpu-ns/op the generator's own cost.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"time"

	"github.com/wsproof/wsproof/bench/echo"
	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("connbench", func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		return run(ctx, args, os.Stdin, stdout, stderr)
	})
}

type options struct {
	engines, cases *regexp.Regexp
	count          int
	first          int // of the rotation
	slice, warmup  time.Duration
	memory         int
	dials          int
	idle           time.Duration
	wake           bool
	pin            bool
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == "serve" { // the child process
		e, err := echo.Find(args[1])
		if err != nil {
			return err
		}
		return echo.Control(e, stdin, stdout)
	}
	if len(args) > 0 && args[0] == "idle" { // another one
		return runIdle(ctx, args[1:], stdin, stdout)
	}
	fs := flag.NewFlagSet("connbench", flag.ContinueOnError)
	var o options
	engines := fs.String("engines", "/(plain|best|readme|flush|answer|listener)$", "`regexp` of the engines to run, by library/api")
	cases := fs.String("cases", defaultCases, "`regexp` of the cases to run, by their names")
	fs.IntVar(&o.count, "count", 1, "how often to run each case; the engines take turns within a case")
	fs.IntVar(&o.first, "first", 0, "`rotation` of the engines' order to begin with")
	fs.DurationVar(&o.slice, "slice", 300*time.Millisecond, "how long a case runs on an engine")
	fs.DurationVar(&o.warmup, "warmup", 60*time.Millisecond, "how long it runs before that")
	fs.IntVar(&o.memory, "memory", 0, "measure memory with this many idle `connections` instead")
	fs.IntVar(&o.dials, "dials", 1, "how many connections are opened at a time before memory is measured")
	fs.DurationVar(&o.idle, "idle", 10*time.Second, "how long connections stay idle before memory is measured")
	fs.BoolVar(&o.wake, "wake", false, "measure the first answer of each idle connection, too, with -memory")
	fs.BoolVar(&o.pin, "pin", true, "pin server and generator to a processor each, where the system can")
	list := fs.Bool("list", false, "list engines and cases")
	fs.Usage = func() {
		fmt.Fprint(stdout, "usage: connbench [flags]\n\n")
		fs.PrintDefaults()
	}
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return cli.Usagef("unexpected argument %q", fs.Arg(0))
	}
	if o.count < 1 || o.slice <= 0 || o.warmup < 0 || o.memory < 0 || o.first < 0 || o.idle < 0 || o.dials < 1 {
		return cli.Usagef("-count, -slice and -dials must be positive, the other numbers not negative")
	}
	if o.wake && o.memory == 0 {
		return cli.Usagef("-wake goes with -memory")
	}
	var err error
	if o.engines, err = regexp.Compile(*engines); err != nil {
		return cli.Usagef("-engines: %w", err)
	}
	if o.cases, err = regexp.Compile(*cases); err != nil {
		return cli.Usagef("-cases: %w", err)
	}
	chosen := o.chosen()
	if len(chosen) == 0 {
		return cli.Usagef("-engines %q matches none; -list names them", *engines)
	}
	if *list {
		for _, e := range echo.Engines() {
			fmt.Fprintln(stdout, e.Name())
		}
		for _, c := range allCases() {
			fmt.Fprintln(stdout, c.name)
		}
		return nil
	}
	pinned := false
	if o.pin && o.memory == 0 {
		if pinned, err = pinSelf(); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "goos: %s\ngoarch: %s\npkg: github.com/wsproof/wsproof/bench/connbench\nserver-gomaxprocs: 1\npinned: %v\n",
		runtime.GOOS, runtime.GOARCH, pinned)
	if o.memory > 0 {
		return o.runMemory(ctx, chosen, stdout, stderr)
	}
	return o.runCases(ctx, chosen, pinned, stdout, stderr)
}

func (o *options) chosen() []echo.Engine {
	var chosen []echo.Engine
	for _, e := range echo.Engines() {
		if o.engines.MatchString(e.Name()) {
			chosen = append(chosen, e)
		}
	}
	return chosen
}
