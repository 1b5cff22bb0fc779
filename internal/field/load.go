package field

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wsproof/wsproof/bench/load"
)

// The load: a closed loop of text messages, so that UTF-8 is checked where it is.
const (
	loadConns  = 16
	loadSize   = 125 // bytes
	loadWarmup = 2 * time.Second
)

// A Load is what a server did under load.
type Load struct {
	Conns int     `json:"conns"`
	Size  int     `json:"size"` // bytes of a message
	Rate  float64 `json:"rate"` // messages a second
	CPU   float64 `json:"cpu"`  // server CPU a message, µs; 0 where it is not known
	P50   float64 `json:"p50"`  // µs
	P99   float64 `json:"p99"`
	// Busy is the load average of the minute before: above the number of processors
	// the machine was doing other things, and the rates are low.
	Busy float64 `json:"busy"`
	// Version is that of the server, where it is not the row's.
	Version string `json:"version,omitempty"`
	Failed  string `json:"failed,omitempty"` // what went wrong with messages or connections
}

// makeLoad measures for d.
func makeLoad(ctx context.Context, s *server, d time.Duration) (*Load, error) {
	busy := loadAverage()
	var before, after time.Duration
	var cpuErr error
	read := func(into *time.Duration) func() {
		return func() {
			var err error
			*into, err = s.cpu()
			cpuErr = errors.Join(cpuErr, err)
		}
	}
	r, err := load.Run(ctx, load.Config{
		URL: s.url(), Mode: load.Echo, Text: true, Conns: loadConns, InFlight: 1, Size: loadSize,
		Warmup: min(loadWarmup, d), Duration: d, Begin: read(&before), End: read(&after),
	})
	if r == nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l := &Load{
		Conns: loadConns, Size: loadSize, Busy: busy, Rate: significant(float64(r.Messages) / r.Elapsed.Seconds()),
		P50: micros(r.Latency.ValueAtQuantile(50)), P99: micros(r.Latency.ValueAtQuantile(99)),
	}
	if cpuErr == nil && r.Messages > 0 {
		l.CPU = significant(float64((after - before).Nanoseconds()) / 1000 / float64(r.Messages))
	}
	if errors.Is(err, load.ErrFailures) {
		l.Failed = r.Failures.String()
	}
	return l, nil
}

func micros(ns int64) float64 { return significant(float64(ns) / 1000) }

// loadAverage is that of the minute before; 0 where it is not known.
func loadAverage() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}
