package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wsproof/wsproof/bench/echo"
	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/internal/cli"
)

const (
	// mostOfClient is how many connections a client process has at most: each has a loopback
	// address of its own, since an address has some 28,000 ports.
	mostOfClient = 20_000
	// otherFiles is how many files a process has open beside its connections.
	otherFiles  = 100
	mostClients = 250
)

// An idleClient has idle connections, in a process of its own.
type idleClient struct {
	*child
	conns int
}

// runIdle is that process: its arguments are a URL, the address to come from, and how many
// connections to open, in all and at a time. It prints a line when they are open; then each line of in
// has a message echoed on each.
func runIdle(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 4 {
		return cli.Usagef("idle URL ADDRESS CONNECTIONS DIALS")
	}
	conns, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	dials, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	idler, err := load.Idle(ctx, load.Config{URL: args[0], From: args[1], Mode: load.Echo, Size: 125, Conns: conns, Dials: dials})
	if err != nil {
		return err
	}
	defer idler.Close()
	if _, err := fmt.Fprintln(out, "open"); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		latency, err := idler.Answers()
		if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(latency.Export()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// openIdle opens connections, from as many processes as it takes with so many each.
func openIdle(url string, conns, dials, each int, stderr io.Writer) (clients []idleClient, err error) {
	each = min(int(cli.OpenFiles())-otherFiles, each)
	if each < 1 || conns > each*mostClients {
		return nil, fmt.Errorf("%d connections are more than files may be open here: see ulimit -n", conns)
	}
	for left := conns; left > 0; {
		n := min(left, each)
		from := "" // one process needs no address of its own
		if conns > each {
			from = fmt.Sprintf("127.0.0.%d", 2+len(clients))
		}
		child, _, err := spawn([]string{"idle", url, from, strconv.Itoa(n), strconv.Itoa(dials)}, 0, false, stderr)
		if err != nil {
			closeIdle(clients)
			return nil, err
		}
		clients = append(clients, idleClient{child, n})
		left -= n
	}
	return clients, nil
}

func closeIdle(clients []idleClient) {
	for _, c := range clients {
		c.stop()
	}
}

// runMemory measures what idle connections hold, in a fresh process an engine.
func (o *options) runMemory(ctx context.Context, engines []echo.Engine, stdout, stderr io.Writer) error {
	for range o.count {
		for _, e := range engines {
			if err := o.memoryOf(ctx, e, stdout, stderr); err != nil {
				return fmt.Errorf("memory of %s: %w", e.Name(), err)
			}
		}
	}
	return nil
}

func (o *options) memoryOf(ctx context.Context, e echo.Engine, stdout, stderr io.Writer) error {
	s, err := start(e, 1, false, stderr)
	if err != nil {
		return err
	}
	defer s.stop()
	before, err := s.stats(true)
	if err != nil {
		return err
	}
	clients, err := openIdle(s.url(), o.memory, o.dials, mostOfClient, stderr)
	if err != nil {
		return err
	}
	defer closeIdle(clients)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(o.idle):
	}
	after, err := s.stats(true)
	if err != nil {
		return err
	}
	if after.RSS < 0 {
		return fmt.Errorf("this system does not tell the resident size of a process")
	}
	n := float64(o.memory)
	name := fmt.Sprintf("lib=%s/api=%s/conns=%d", e.Lib, e.API, o.memory)
	_, err = fmt.Fprintf(stdout, "BenchmarkMemory/%s %d %.0f rss-B/conn %.2f goroutines/conn\n", name, o.memory,
		float64(after.RSS-before.RSS)/n, float64(after.Goroutines-before.Goroutines)/n)
	if err != nil || !o.wake {
		return err
	}
	return wake(s, clients, name, stdout)
}

// wake measures the answers to the first message of each connection since it was opened.
func wake(s *server, clients []idleClient, name string, stdout io.Writer) error {
	before, err := s.stats(false)
	if err != nil {
		return err
	}
	var all *hdrhistogram.Histogram
	for _, c := range clients {
		var answers hdrhistogram.Snapshot
		if err := c.ask("answer", &answers); err != nil {
			return err
		}
		if latency := hdrhistogram.Import(&answers); all == nil {
			all = latency
		} else {
			all.Merge(latency)
		}
	}
	after, err := s.stats(false)
	if err != nil {
		return err
	}
	n := all.TotalCount()
	_, err = fmt.Fprintf(stdout, "BenchmarkWake/%s %d %.1f ns/op %.1f cpu-ns/op %d p50-ns %d p99-ns\n", name, n,
		all.Mean(), float64(after.CPU-before.CPU)/float64(n), all.ValueAtQuantile(50), all.ValueAtQuantile(99))
	return err
}
