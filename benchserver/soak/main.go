// Command soak holds benchserver to what a host expects of it: many idle
// connections in little memory, slow senders dropped while others are served, no
// goroutine left when a load dies, no answer lost however a client ends its
// connection, over TLS and TCP, and minutes of mixed load with random
// disconnects with flat memory and a quiet log.
//
//	make soak
//
// It starts the server as a process of its own and exits with 1 where a bound is
// broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/benchserver/internal/child"
	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("soak", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
		return run(ctx, args, stdout)
	})
}

// A soak is one call of the command.
type soak struct {
	ctx        context.Context
	out        io.Writer
	dir        string
	file       string // benchserver
	engine     string
	idle, drip int
	workers    int
	kill       int
	duration   time.Duration
	seed       uint64
}

var checks = []struct {
	name string
	run  func(*soak) error
}{
	{"idle", (*soak).checkIdle},
	{"drip", (*soak).checkDrip},
	{"kill", (*soak).checkKill},
	{"endings", (*soak).checkEndings},
	{"mixed", (*soak).checkMixed},
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s := &soak{ctx: ctx, out: out}
	var names []string
	for _, c := range checks {
		names = append(names, c.name)
	}
	fs := flag.NewFlagSet("soak", flag.ContinueOnError)
	wanted := fs.String("checks", strings.Join(names, ","), "which of them")
	fs.StringVar(&s.engine, "engine", "core", "of the server")
	fs.IntVar(&s.idle, "idle", 10000, "idle `connections`")
	fs.IntVar(&s.drip, "drip", 2000, "`connections` that drip a byte a second")
	fs.IntVar(&s.kill, "kill", 128, "`connections` of the load that is killed")
	fs.IntVar(&s.workers, "workers", 32, "`connections` at once of the mixed load and the endings")
	fs.DurationVar(&s.duration, "duration", 5*time.Minute, "of the mixed load; the endings take two fifths of that")
	fs.Uint64Var(&s.seed, "seed", 1, "of the mixed load's random choices")
	if err := cli.Parse(fs, args, out); err != nil {
		return err
	}
	for _, name := range []string{"idle", "drip", "kill", "workers"} {
		if err := cli.Check(fs, cli.Range{Flag: name, Least: 1, Most: load.MostConns}); err != nil {
			return err
		}
	}
	if err := cli.Check(fs, cli.Range{Flag: "duration", Least: 1}); err != nil {
		return err
	}
	for name := range strings.SplitSeq(*wanted, ",") {
		if !slices.Contains(names, name) {
			return cli.Usagef("-checks: no check %q: want some of %s", name, strings.Join(names, ", "))
		}
	}
	var err error
	if s.dir, err = os.MkdirTemp("", "soak-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	if s.file, err = child.Build(s.dir); err != nil {
		return err
	}
	var failures []error
	for _, c := range checks {
		if !slices.Contains(strings.Split(*wanted, ","), c.name) {
			continue
		}
		if err := c.run(s); err != nil {
			fmt.Fprintf(out, "%s: FAILED: %v\n", c.name, err)
			failures = append(failures, fmt.Errorf("%s: %w", c.name, err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if failures != nil {
		return cli.Finding(errors.Join(failures...))
	}
	return nil
}

// start starts a server with the limits of the load tests.
func (s *soak) start(args ...string) (*child.Server, error) {
	return child.Start(s.file, child.Limits{Processors: 2, Memory: 1 << 30}, append([]string{"-engine", s.engine}, args...)...)
}

// stop stops it, and holds its end and its log to what is expected.
func (s *soak) stop(server *child.Server) error {
	took, err := server.Stop()
	if err == nil && took > 5*time.Second {
		err = fmt.Errorf("the server took %v to end", took)
	}
	var strange []string
	for _, line := range server.Log() {
		if !strings.Contains(line, "level=INFO msg=listening") && !strings.Contains(line, "level=INFO msg=stopped") {
			strange = append(strange, line)
		}
	}
	if strange != nil {
		err = errors.Join(err, fmt.Errorf("%d strange lines in the log, such as %s", len(strange), strange[0]))
	}
	return err
}

// sleep waits, or until the command is interrupted.
func (s *soak) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
	}
}

// within waits until the condition holds; it fails after the time.
func (s *soak) within(d time.Duration, what string, condition func() (bool, error)) (time.Duration, error) {
	begin := time.Now()
	for {
		ok, err := condition()
		if err != nil || ok {
			return time.Since(begin), err
		}
		if time.Since(begin) > d || s.ctx.Err() != nil {
			return 0, fmt.Errorf("%s: not within %v", what, d)
		}
		s.sleep(100 * time.Millisecond)
	}
}

// settled waits until no connection is left, nor a goroutine that was not there
// before, and returns how long that took. The error says what is left.
func (s *soak) settled(d time.Duration, server *child.Server, before float64) (time.Duration, error) {
	var connections, goroutines float64
	took, err := s.within(d, "an end of all goroutines", func() (bool, error) {
		var err, err2 error
		connections, err = server.Metric("benchserver_connections", "")
		goroutines, err2 = server.Metric("go_goroutines", "")
		return connections == 0 && goroutines <= before, errors.Join(err, err2)
	})
	if err != nil {
		err = fmt.Errorf("%w: %v connections, %v goroutines where there were %v", err, connections, goroutines, before)
	}
	return took, err
}
