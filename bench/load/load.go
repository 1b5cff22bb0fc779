// Package load makes load on a WebSocket server and measures how it answers.
// It has no WebSocket library in it: it sends frames that were built before
// the clock starts and compares the bytes that come back with those it
// expects, so that it costs little more than the system calls.
//
// # Loop models
//
// Closed loop (Rate is 0): each connection keeps InFlight messages on their
// way and sends the next one when an answer has come. A slow answer delays the
// messages behind it, so the latencies say nothing about users that do not
// wait for each other. Fixed rate: messages are due at fixed times, and a
// latency counts from the time a message was due, whether or not it could be
// sent then (corrected for coordinated omission). All messages that are due
// within the run are sent, also those that a slow server holds up past its end:
// leaving them out would hide the longest latencies. What cannot be sent even
// Patience later is lost.
package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/opening"
)

// A Mode is what the messages are.
type Mode string

// The modes. All but Echo are the tests of ntsd/websocket-benchmark.
const (
	Echo    Mode = "echo"    // messages of Size bytes, answered with themselves
	Plain   Mode = "plain"   // text "number: N", answered with itself
	JSON    Mode = "json"    // text {"number": N}, answered with the next odd or even number
	Binary  Mode = "binary"  // 4 bytes, little-endian N, answered by the same rule
	Connect Mode = "connect" // no messages: open and close connections
)

// A Config says what to do. The zero values of all but URL, Mode and Size have
// defaults.
type Config struct {
	// URL is the server: ws, wss, or tcp for a server that sends back the bytes
	// it gets. If it has no path, the modes of ntsd/websocket-benchmark use theirs.
	URL  string
	Mode Mode
	// Header is sent along with each opening handshake, and Subprotocols are
	// offered in it.
	Header       http.Header
	Subprotocols []string
	// TLS is for wss. Default: the zero tls.Config.
	TLS *tls.Config
	// From is the IP address of this machine that connections come from: each has its own
	// ports. Default: the system's choice.
	From string
	// Conns is the number of connections. Default: 1.
	Conns int
	// Dials is how many connections are being opened at a time. Default: 32.
	Dials int
	// InFlight is how many messages a connection keeps on their way. Default: 1.
	InFlight int
	// Rate, if positive, is the number of messages (or connections) a second in
	// all; InFlight then means nothing.
	Rate float64
	// Async sends Messages messages on each connection before it reads the first
	// answer, and does so again until Duration is over.
	Async bool
	// Messages is how many messages a connection sends at most; in an async run
	// how many a session sends (default 100,000 there).
	Messages int
	// Size is the size of Echo's messages in bytes; they may be empty.
	Size int
	// Text makes Echo's messages text; otherwise they are binary.
	Text bool
	// Compression sends every message compressed by permessage-deflate (RFC 7692),
	// without context takeover both ways; a server that declines refuses the handshake.
	// The first answer to each message is inflated and checked, others that have the
	// same bytes are compared with it.
	Compression bool
	// Duration is how long messages are sent. Default: 5 s.
	Duration time.Duration
	// Warmup is how long messages are sent before that without being counted, on
	// the same connections.
	Warmup time.Duration
	// Patience is how long to wait for a connection, and for answers after the
	// last message was sent. Default: 10 s.
	Patience time.Duration
	// Progress, if set, is called once a second.
	Progress func(Snapshot)
	// Begin and End, if set, are called when counting begins and ends; no message
	// is on its way then, and the connections are open.
	Begin, End func()

	client *opening.Client // nil for tcp
}

// A Snapshot is the state of a run.
type Snapshot struct {
	Elapsed  time.Duration
	Messages int64
	Latency  *hdrhistogram.Histogram
	Failures Failures
}

// A Result is what a run has measured between Begin and End.
type Result struct {
	Config   Config
	Elapsed  time.Duration
	Messages int64 // answers that came (connections in mode Connect)
	// Latency is in nanoseconds, from sending (or being due) to the arrival of
	// the answer's last byte; in mode Connect from dialling to the 101. An async
	// run has none.
	Latency  *hdrhistogram.Histogram
	CPU      time.Duration // of the generator's own process
	Received int64         // bytes that came
	Segments int64         // TCP segments with data that came, or -1 where that is not known
	Stalls   int64         // async sessions that had to read before all was sent
	// LeftOpen is how many connections the server left open behind its Close
	// (RFC 6455 §7.1.1 wants it to close TCP); each was waited for a little.
	LeftOpen int64
	Failures Failures
}

// Failures are counted, and the first of each kind is kept.
type Failures struct {
	Refused, Wrong, Lost, Dropped int64
	First                         []string
}

// Total is the number of all failures.
func (f *Failures) Total() int64 { return f.Refused + f.Wrong + f.Lost + f.Dropped }

// ErrFailures says that a run had failures; Result.Failures has them.
var ErrFailures = errors.New("load: there were failures")

// ErrConfig is in every error about a Config that makes no sense.
var ErrConfig = errors.New("load: wrong configuration")

type configError struct{ error }

func (configError) Is(target error) bool { return target == ErrConfig }
func (e configError) Unwrap() error      { return e.error }

// setDefaults checks the configuration and fills it up.
func (c *Config) setDefaults() error {
	if c.From != "" && net.ParseIP(c.From) == nil {
		return fmt.Errorf("load: from %q, which is no IP address", c.From)
	}
	address, plain := c.plain()
	if plain {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("load: the URL %q is not tcp://host:port: %w", c.URL, err)
		}
	}
	path, known := map[Mode]string{Echo: "/", Plain: "/plain", JSON: "/json", Binary: "/binary", Connect: "/"}[c.Mode]
	if !known {
		return fmt.Errorf("load: there is no mode %q: use plain, json, binary, connect or echo", c.Mode)
	}
	switch {
	case c.Compression && (plain || c.Mode == Connect):
		return fmt.Errorf("load: compression goes neither with a tcp server nor with mode connect")
	case plain && c.Mode != Echo:
		return fmt.Errorf("load: a tcp server only echoes: use mode echo")
	case !plain:
		u, err := opening.ParseURL(c.URL)
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		if u.Path == "" {
			u.Path = path
		}
		c.URL = u.Redacted()
		c.client = &opening.Client{URL: u, Header: c.Header, Subprotocols: c.Subprotocols, TLS: c.TLS, Dial: c.dialer().DialContext}
	}
	if max(c.Duration, c.Warmup, c.Patience) > cli.Longest {
		return fmt.Errorf("load: a time is longer than %v", cli.Longest)
	}
	if c.Conns < 0 || c.Conns > MostConns || c.Dials < 0 || c.InFlight < 0 || c.Messages < 0 || c.Size < 0 || c.Duration < 0 || c.Warmup < 0 || c.Patience < 0 ||
		!(c.Rate == 0 || c.Rate >= leastRate && c.Rate <= mostRate) {
		return fmt.Errorf("load: a number is negative, no number or too large (or a rate is neither 0 nor from %g to %g)", leastRate, mostRate)
	}
	orDefault(&c.Conns, 1)
	orDefault(&c.Dials, 32)
	orDefault(&c.InFlight, 1)
	orDefault(&c.Duration, 5*time.Second)
	orDefault(&c.Patience, 10*time.Second)
	if c.InFlight > mostOnTheWay || c.Size > mostOnTheWay || c.InFlight*max(c.Size, 1) > mostOnTheWay {
		return fmt.Errorf("load: %d in flight of %d bytes: more than %d MiB a connection", c.InFlight, c.Size, mostOnTheWay>>20)
	}
	if c.Async {
		if c.Mode == Connect || c.Rate > 0 {
			return fmt.Errorf("load: async goes with neither mode connect nor a rate")
		}
		orDefault(&c.Messages, 100_000)
		c.Warmup = 0 // a session has no part that could be left out
	}
	return nil
}

// dialer makes connections from where they are to come from.
func (c *Config) dialer() *net.Dialer {
	if c.From == "" {
		return new(net.Dialer)
	}
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.From)}}
}

// plain returns the address of a plain TCP server.
func (c *Config) plain() (address string, ok bool) {
	address, ok = strings.CutPrefix(c.URL, "tcp://")
	return strings.TrimSuffix(address, "/"), ok
}

const (
	mostOnTheWay = 256 << 20 // bytes a connection; the frames of a window are built twice
	mostRate     = 1e9       // a second; times are in nanoseconds
	leastRate    = 1e-3      // with all connections, the time between two messages of one is a Duration
)

// MostConns is the most connections that a run may have.
const MostConns = 1 << 22

func orDefault[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// Run opens the connections, sends for the duration, waits for the answers
// still due, and closes. It returns ErrFailures beside the result if anything
// went wrong with a connection, and another error if nothing could be measured.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.setDefaults(); err != nil {
		return nil, configError{err}
	}
	r := newRunner(ctx, c)
	var conns []*conn
	work := r.connect
	if c.Mode != Connect {
		var err error
		if conns, err = r.dialAll(ctx, false); err != nil {
			return nil, err
		}
		loop := r.closedLoop
		switch {
		case c.Async:
			loop = r.asyncLoop
		case c.Rate > 0:
			loop = r.rateLoop
		}
		work = func(i int) {
			if i < len(conns) && !conns[i].ended {
				loop(conns[i])
			}
		}
		r.late = func() { // wakes those that wait in vain
			for _, c := range conns {
				by := time.Now().Add(r.Patience)
				_ = c.SetWriteDeadline(by)
				if r.Rate <= 0 { // at a rate answers may be due for as long as is sent
					_ = c.SetReadDeadline(by)
				}
			}
		}
	}
	if c.Mode == Connect {
		if err := r.tryClosing(); err != nil {
			return nil, err
		}
	}
	return r.measure(ctx, conns, work)
}

// interval is the time between two messages of a connection at a rate, at most the
// longest that a run may take; the first is due at first on the i-th.
func (r *runner) interval(i int) (interval time.Duration, first time.Time) {
	interval = time.Duration(min(float64(r.Conns)/r.Rate*float64(time.Second), float64(cli.Longest)))
	interval = max(1, interval)
	return interval, r.start.Add(time.Duration(float64(interval) * float64(i) / float64(r.Conns)))
}

// A runner is the state that the connections share.
type runner struct {
	Config
	ctx    context.Context // of Run
	script *script
	start  time.Time // of sending in this phase
	stop   atomic.Bool
	over   time.Time // when stop was set; to be read only then
	late   func()    // called after stop is set; may be nil
	shards [4]shard

	stalls   atomic.Int64
	leftOpen atomic.Int64
	leaves   atomic.Bool // connections open: seen at least once
	mu       sync.Mutex
	failures Failures
}

func newRunner(ctx context.Context, c Config) *runner {
	r := &runner{Config: c, ctx: ctx, script: newScript(&c)}
	for i := range r.shards {
		r.shards[i].latency = newHistogram()
	}
	return r
}

// A shard counts for some of the connections.
type shard struct {
	mu       sync.Mutex
	messages int64
	latency  *hdrhistogram.Histogram
	_        [64]byte // apart from the next one in the cache
}

// newHistogram returns one that no latency is too long for.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest, 3) }

const longest = 1 << 61 // nanoseconds: 73 years

// record counts n messages that took the same time.
func (s *shard) record(latency time.Duration, n int64) {
	s.mu.Lock()
	s.messages += n
	_ = s.latency.RecordValues(max(int64(latency), 1), n) // fails above longest
	s.mu.Unlock()
}

func (s *shard) count(n int64) {
	s.mu.Lock()
	s.messages += n
	s.mu.Unlock()
}

// measure has work done on each connection, first to warm up and then to be
// counted. Both parts end when every answer is there, so that the server has
// nothing left to do at Begin and at End.
func (r *runner) measure(ctx context.Context, conns []*conn, work func(i int)) (*Result, error) {
	if r.Warmup > 0 {
		r.phase(ctx, r.Warmup, nil, work)
		for i := range r.shards {
			r.shards[i].messages = 0
			r.shards[i].latency.Reset()
		}
		for _, c := range conns {
			_ = c.SetDeadline(time.Time{})
		}
	}
	before, already := segments(conns), received(conns)
	if r.Begin != nil {
		r.Begin()
	}
	cpu := cpuTime()
	elapsed := r.phase(ctx, r.Duration, r.Progress, work)
	cpu = cpuTime() - cpu
	if r.End != nil {
		r.End()
	}
	came := segments(conns)
	if before >= 0 && came >= 0 && r.Mode != Connect {
		came -= before
	} else {
		came = -1
	}
	var wg sync.WaitGroup
	for _, c := range conns {
		if !c.ended {
			wg.Go(func() { r.end(c, nil, 0) })
		}
	}
	wg.Wait()
	s := r.snapshot(elapsed)
	res := &Result{
		Config: r.Config, Elapsed: elapsed, Messages: s.Messages, Latency: s.Latency,
		CPU: cpu, Received: received(conns) - already, Segments: came, Stalls: r.stalls.Load(), LeftOpen: r.leftOpen.Load(), Failures: s.Failures,
	}
	if res.Failures.Total() > 0 {
		return res, fmt.Errorf("%w: %s", ErrFailures, res.Failures.String())
	}
	return res, ctx.Err()
}

// phase has work done on each connection for d and until all answers are
// there, and returns how long that took.
func (r *runner) phase(ctx context.Context, d time.Duration, progress func(Snapshot), work func(i int)) time.Duration {
	r.stop.Store(false)
	r.start = time.Now()
	var wg sync.WaitGroup
	for i := range r.Conns {
		wg.Go(func() { work(i) })
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		left := d - time.Since(r.start)
		if left <= 0 || !wait(ctx, done, min(left, time.Second)) {
			break
		}
		if progress != nil {
			progress(r.snapshot(time.Since(r.start)))
		}
	}
	r.over = time.Now()
	r.stop.Store(true)
	if r.late != nil && !r.Async { // which sees to it itself
		r.late()
	}
	<-done
	return time.Since(r.start)
}

// wait waits until d is over and reports whether there is more to do.
func wait(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-done:
		return false
	case <-t.C:
		return true
	}
}

func (r *runner) snapshot(elapsed time.Duration) Snapshot {
	s := Snapshot{Elapsed: elapsed, Latency: newHistogram()}
	for i := range r.shards {
		h := &r.shards[i]
		h.mu.Lock()
		s.Messages += h.messages
		s.Latency.Merge(h.latency)
		h.mu.Unlock()
	}
	r.mu.Lock()
	s.Failures = r.failures
	r.mu.Unlock()
	return s
}

// fail counts n failures of a kind and keeps the words of the first.
func (r *runner) fail(kind *int64, n int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if *kind == 0 {
		r.failures.First = append(r.failures.First, err.Error())
	}
	*kind += n
}

// String counts the failures in words.
func (f *Failures) String() string {
	s := fmt.Sprintf("refused handshakes %d, wrong answers %d, lost messages %d, dropped connections %d",
		f.Refused, f.Wrong, f.Lost, f.Dropped)
	for _, first := range f.First {
		s += "; " + first
	}
	return s
}
