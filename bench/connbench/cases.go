package main

import (
	"context"
	"fmt"
	"io"

	"github.com/wsproof/wsproof/bench/echo"
	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/bench/turns"
)

// A testCase is a load; its name is that of the benchmark behind lib and api.
type testCase struct {
	bench, name string
	config      load.Config
}

// defaultCases are those of a usual run: who is fastest at which size, what
// depth gives, one connection or many, handshakes.
const defaultCases = `^kind=binary/conns=64/(inflight=1/size=(8B|125B|1KiB|64KiB)|inflight=(4|16|64)/size=125B|inflight=64/size=8B)$|^kind=text/conns=64/inflight=1/size=125B$|^kind=binary/conns=1/inflight=(1|64)/size=125B$|^conns=16$`

// mostOnTheWay bounds the bytes that a case has in flight in all.
const mostOnTheWay = 64 << 20

func allCases() []testCase {
	var all []testCase
	for _, text := range []bool{false, true} {
		kind := "binary"
		if text {
			kind = "text"
		}
		for _, conns := range []int{1, 64} {
			for _, depth := range []int{1, 4, 16, 64} {
				for _, size := range []int{8, 125, 1 << 10, 64 << 10} {
					if conns*depth*size > mostOnTheWay {
						continue
					}
					name := fmt.Sprintf("%dB", size)
					if size >= 1<<10 {
						name = fmt.Sprintf("%dKiB", size>>10)
					}
					all = append(all, testCase{
						bench:  "BenchmarkEcho",
						name:   fmt.Sprintf("kind=%s/conns=%d/inflight=%d/size=%s", kind, conns, depth, name),
						config: load.Config{Mode: load.Echo, Text: text, Conns: conns, InFlight: depth, Size: size},
					})
				}
			}
		}
	}
	for _, size := range []int{64, 512, 4 << 10, 64 << 10} {
		all = append(all, testCase{
			bench:  "BenchmarkDeflate",
			name:   fmt.Sprintf("kind=json/conns=64/inflight=1/size=%dB", size),
			config: load.Config{Mode: load.Echo, Text: true, Compression: true, Conns: 64, InFlight: 1, Size: size},
		})
	}
	return append(all, testCase{bench: "BenchmarkConnect", name: "conns=16", config: load.Config{Mode: load.Connect, Conns: 16}})
}

// runCases runs each case on all engines in turn, in an order that rotates and
// turns around, so that neighbours in time are compared.
func (o *options) runCases(ctx context.Context, engines []echo.Engine, pinned bool, stdout, stderr io.Writer) error {
	var cases []testCase
	for _, c := range allCases() {
		if o.cases.MatchString(c.name) {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 {
		return fmt.Errorf("-cases %q matches none; -list names them", o.cases)
	}
	servers := make([]*server, 0, len(engines))
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for _, e := range engines {
		s, err := start(e, 1, pinned, stderr)
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	for round := range o.count {
		for i := range cases {
			for _, s := range turns.Order(servers, round+o.first) {
				if cases[i].config.Mode == load.Connect && !s.engine.WebSocket() || cases[i].config.Compression != s.engine.Compresses() {
					continue
				}
				if err := o.runOne(ctx, &cases[i], s, stdout); err != nil {
					return fmt.Errorf("%s on %s: %w", cases[i].name, s.engine.Name(), err)
				}
			}
		}
	}
	return nil
}

func (o *options) runOne(ctx context.Context, c *testCase, s *server, stdout io.Writer) error {
	config := c.config
	config.URL, config.Duration, config.Warmup = s.url(), o.slice, o.warmup
	var before, after echo.Stats
	var statsErr error
	config.Begin = func() { before, statsErr = s.stats(false) }
	config.End = func() {
		if statsErr == nil {
			after, statsErr = s.stats(false)
		}
	}
	r, err := load.Run(ctx, config)
	if err != nil {
		return err
	}
	if statsErr != nil {
		return statsErr
	}
	if r.Messages == 0 {
		return fmt.Errorf("no message came back within %v", o.slice)
	}
	n := float64(r.Messages)
	fmt.Fprintf(stdout, "%s/lib=%s/api=%s/%s %d %.1f ns/op", c.bench, s.engine.Lib, s.engine.API, c.name, r.Messages,
		float64(r.Elapsed.Nanoseconds())/n)
	fmt.Fprintf(stdout, " %.1f cpu-ns/op %.2f B/op %.4f allocs/op", float64(after.CPU-before.CPU)/n,
		float64(after.Allocated-before.Allocated)/n, float64(after.Mallocs-before.Mallocs)/n)
	if r.Segments >= 0 {
		fmt.Fprintf(stdout, " %.4f segments/op", float64(r.Segments)/n)
	}
	if c.config.Compression {
		fmt.Fprintf(stdout, " %.1f wire-B/op", float64(r.Received)/n)
	}
	fmt.Fprintf(stdout, " %.1f loadgen-cpu-ns/op %.0f ops/s", float64(r.CPU.Nanoseconds())/n, n/r.Elapsed.Seconds())
	for _, p := range []float64{50, 90, 99, 99.9} {
		fmt.Fprintf(stdout, " %d p%g-ns", r.Latency.ValueAtQuantile(p), p)
	}
	_, err = fmt.Fprintln(stdout)
	return err
}
