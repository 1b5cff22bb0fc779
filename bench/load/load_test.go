package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/leak"
	"github.com/wsproof/wsproof/internal/wire"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A server answers frames by plain code; behave makes it a bad one.
type server struct {
	t        *testing.T
	listener net.Listener
	answer   func(f wire.Frame) []wire.Frame
	response string // to the handshake; KEY stands for the accept key
}

func serve(t *testing.T, answer func(f wire.Frame) []wire.Frame) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		t: t, listener: l, answer: answer,
		response: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n\r\n",
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return s
}

func (s *server) url() string { return "ws://" + s.listener.Addr().String() }

func (s *server) serve(c net.Conn) {
	defer c.Close()
	br := bufio.NewReader(c)
	r, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if _, err := io.WriteString(c, strings.Replace(s.response, "KEY", base64.StdEncoding.EncodeToString(sum[:]), 1)); err != nil {
		return
	}
	var in, out []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := br.Read(buf)
		if err != nil {
			return
		}
		in = append(in, buf[:n]...)
		out = out[:0]
		closing := false
		for {
			f, n, err := wire.Split(in)
			if err != nil {
				break
			}
			in = in[n:]
			if f.Opcode == wire.Close {
				closing = true
				f.Masked = false
				out = f.Append(out)
				break
			}
			replies := s.answer(f)
			if replies == nil {
				return // drops the connection
			}
			for _, r := range replies {
				out = r.Append(out)
			}
		}
		if _, err := c.Write(out); err != nil || closing {
			return
		}
	}
}

func echo(f wire.Frame) []wire.Frame {
	return []wire.Frame{{Fin: true, Opcode: f.Opcode, Payload: f.Payload}}
}

// ntsd answers by the rule of the JSON and binary tests.
func ntsd(f wire.Frame) []wire.Frame {
	next := func(n int) int {
		if n%2 == 0 {
			return n + 2
		}
		return n + 1
	}
	reply := wire.Frame{Fin: true, Opcode: f.Opcode}
	if f.Opcode == wire.Text {
		var v struct{ Number int }
		if json.Unmarshal(f.Payload, &v) != nil {
			return nil
		}
		reply.Payload = fmt.Appendf(nil, "{ \"number\" : %d }\n", next(v.Number))
	} else {
		reply.Payload = binary.LittleEndian.AppendUint32(nil, uint32(next(int(binary.LittleEndian.Uint32(f.Payload)))))
	}
	return []wire.Frame{reply}
}

// fragmenting answers in three fragments with a ping between, which it expects
// to be answered.
func fragmenting(f wire.Frame) []wire.Frame {
	if f.Opcode == wire.Pong {
		return []wire.Frame{}
	}
	n := len(f.Payload) / 2
	return []wire.Frame{
		{Opcode: f.Opcode, Payload: f.Payload[:n]},
		{Fin: true, Opcode: wire.Ping, Payload: []byte("still there?")},
		{Opcode: wire.Continuation, Payload: f.Payload[n:]},
		{Fin: true, Opcode: wire.Continuation},
	}
}

func TestRunGood(t *testing.T) {
	for _, c := range []struct {
		id     string
		answer func(wire.Frame) []wire.Frame
		config Config
	}{
		{"echo one in flight", echo, Config{Mode: Echo, Messages: 50}},
		{"echo of nothing", echo, Config{Mode: Echo, Size: 0, Messages: 50}},
		{"echo text deep", echo, Config{Mode: Echo, Size: 125, Text: true, InFlight: 64, Conns: 4, Messages: 5000}},
		{"echo beyond the ring", echo, Config{Mode: Echo, Size: 8, InFlight: 2000, Messages: 5000}},
		{"echo large with a writer", echo, Config{Mode: Echo, Size: 65536, InFlight: 16, Conns: 2, Messages: 100}},
		{"fragments and pings", fragmenting, Config{Mode: Echo, Size: 300, InFlight: 7, Conns: 3, Messages: 200}},
		{"plain", echo, Config{Mode: Plain, InFlight: 3, Messages: 3000}},
		{"json with other spaces", ntsd, Config{Mode: JSON, InFlight: 3, Messages: 2000}},
		{"binary", ntsd, Config{Mode: Binary, InFlight: 3, Messages: 3000}},
		{"rate", echo, Config{Mode: Echo, Size: 16, Rate: 1e6, Conns: 2, Messages: 3000}},
	} {
		t.Run(c.id, func(t *testing.T) {
			s := serve(t, c.answer)
			c.config.URL = s.url()
			c.config.Duration = time.Minute // Messages ends it
			r, err := Run(context.Background(), c.config)
			if err != nil {
				t.Fatal(err)
			}
			want := int64(c.config.Messages * max(c.config.Conns, 1))
			if r.Messages != want || r.Latency.TotalCount() != want {
				t.Errorf("%d messages, %d latencies, want %d", r.Messages, r.Latency.TotalCount(), want)
			}
		})
	}
}

func TestRunAsync(t *testing.T) {
	s := serve(t, ntsd)
	r, err := Run(context.Background(), Config{URL: s.url(), Mode: Binary, Async: true, Conns: 2, Messages: 20_000, Duration: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages < 40_000 || r.Messages%20_000 != 0 {
		t.Errorf("%d messages, want whole sessions of 20000 on 2 connections", r.Messages)
	}
}

// TestStallsAreTold: sessions that had to read early are in the line that tables
// are made of, since the wait is in its rate.
func TestStallsAreTold(t *testing.T) {
	r := Result{Config: Config{Mode: JSON, Async: true, Conns: 2}, Messages: 10, Elapsed: time.Second, Latency: newHistogram(), Stalls: 2}
	var b strings.Builder
	if err := r.WriteBench(&b); err != nil || !strings.Contains(b.String(), " 2 stalls ") {
		t.Errorf("%v, %q", err, b.String())
	}
}

// TestIdleIsBounded: a server that swallows what it gets holds nobody.
func TestIdleIsBounded(t *testing.T) {
	s := serve(t, func(wire.Frame) []wire.Frame { return []wire.Frame{} })
	_, err := Idle(t.Context(), Config{URL: s.url(), Mode: Echo, Size: 16, Conns: 2, Patience: time.Second}) // of dialling, too
	if !errors.Is(err, ErrFailures) || !strings.Contains(err.Error(), "lost messages 2") {
		t.Errorf("Idle returned %v, want two lost messages", err)
	}
}

func TestRunConnect(t *testing.T) {
	s := serve(t, echo)
	r, err := Run(context.Background(), Config{URL: s.url(), Mode: Connect, Conns: 2, Messages: 20, Duration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 40 || r.Latency.TotalCount() != 40 {
		t.Errorf("%d connections, %d latencies, want 40", r.Messages, r.Latency.TotalCount())
	}
}

// TestRunBad sends the load against servers with one fault each: every fault
// must be counted as what it is.
func TestRunBad(t *testing.T) {
	after := func(n int, bad func(wire.Frame) []wire.Frame) func(wire.Frame) []wire.Frame {
		return func(f wire.Frame) []wire.Frame {
			if n--; n < 0 {
				return bad(f)
			}
			return echo(f)
		}
	}
	reply := func(change func(*wire.Frame)) func(wire.Frame) []wire.Frame {
		return func(f wire.Frame) []wire.Frame {
			r := echo(f)
			r[0].Payload = bytes.Clone(r[0].Payload)
			change(&r[0])
			return r
		}
	}
	once := func(n int, bad func(wire.Frame) []wire.Frame) func(wire.Frame) []wire.Frame {
		return func(f wire.Frame) []wire.Frame {
			if n--; n == 0 {
				return bad(f)
			}
			return echo(f)
		}
	}
	for _, c := range []struct {
		id       string
		answer   func(wire.Frame) []wire.Frame // nil: swallows the tenth message
		inFlight int
		failed   func(f *Failures) bool
		text     string
	}{
		{"wrong byte", once(10, reply(func(f *wire.Frame) { f.Payload[7] ^= 1 })), 4, func(f *Failures) bool { return f.Wrong == 1 && f.Total() == 1 }, "a wrong answer: sent"},
		{"wrong opcode", once(10, reply(func(f *wire.Frame) { f.Opcode = wire.Text })), 4, func(f *Failures) bool { return f.Wrong == 1 && f.Total() == 1 }, "opcode 1"},
		{"masked answer", once(10, reply(func(f *wire.Frame) { f.Masked = true; f.Key = [4]byte{1} })), 1, func(f *Failures) bool { return f.Wrong == 1 && f.Lost == 1 }, "mask=true"},
		{"reserved bit", once(10, reply(func(f *wire.Frame) { f.RSV = 4 })), 1, func(f *Failures) bool { return f.Wrong == 1 && f.Lost == 1 }, "rsv=4"},
		{"an answer too many", once(10, func(f wire.Frame) []wire.Frame { return append(echo(f), echo(f)...) }), 1, func(f *Failures) bool { return f.Wrong > 0 }, "wrong answer"},
		{"an answer too many at the end", once(40, func(f wire.Frame) []wire.Frame { return append(echo(f), echo(f)...) }), 1, func(f *Failures) bool { return f.Wrong > 0 }, "wrong answer"},
		{"half an answer too many at the end", once(40, func(f wire.Frame) []wire.Frame { return append(echo(f), wire.Frame{Opcode: f.Opcode}) }), 1, func(f *Failures) bool { return f.Wrong > 0 }, "more answers"},
		{"swallowed message", nil, 1, func(f *Failures) bool { return f.Lost == 1 && f.Total() == 1 }, "lost messages: 1"},
		{"swallowed among others", nil, 4, func(f *Failures) bool { return f.Wrong > 0 && f.Lost > 0 }, "wrong answer"},
		{"dropped connection", after(10, func(wire.Frame) []wire.Frame { return nil }), 1, func(f *Failures) bool { return f.Dropped == 1 && f.Lost == 1 }, "dropped"},
		{"closed by the server", once(10, func(wire.Frame) []wire.Frame {
			return []wire.Frame{{Fin: true, Opcode: wire.Close, Payload: []byte{0x03, 0xF1}}}
		}), 1, func(f *Failures) bool { return f.Dropped == 1 && f.Lost == 1 }, "status 1009"},
		{"closed with a reason", once(10, func(wire.Frame) []wire.Frame {
			return []wire.Frame{{Fin: true, Opcode: wire.Close, Payload: []byte("\x03\xEBno messages")}}
		}), 1, func(f *Failures) bool { return f.Dropped == 1 && f.Lost == 1 }, `status 1003, "no messages"`},
	} {
		t.Run(c.id, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.answer == nil {
				c.answer = once(10, func(wire.Frame) []wire.Frame {
					cancel() // no more is sent, and what is lost is waited for
					return []wire.Frame{}
				})
			}
			s := serve(t, c.answer)
			r, err := Run(ctx, Config{
				URL: s.url(), Mode: Echo, Size: 16, InFlight: c.inFlight, Messages: 40,
				Duration: time.Minute, Patience: 3 * time.Second,
			})
			if !errors.Is(err, ErrFailures) {
				t.Fatalf("Run returned %v, want ErrFailures", err)
			}
			if !c.failed(&r.Failures) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("failures: %v; want %q among them", &r.Failures, c.text)
			}
		})
	}
}

// TestNobodyThere: where nothing opens, the reason is told, and no counts of what came of it.
func TestNobodyThere(t *testing.T) {
	s := serve(t, nil)
	url := s.url()
	s.listener.Close()
	_, err := Run(t.Context(), Config{URL: url, Mode: Echo, Conns: 3, Duration: time.Minute})
	if err == nil || !strings.HasPrefix(err.Error(), "load: no connection opened: dialling: ") || strings.Contains(err.Error(), "refused handshakes") {
		t.Errorf("Run returned %v", err)
	}
}

// TestSameJSON: other spaces are as good an answer, anything more is not.
func TestSameJSON(t *testing.T) {
	script := newScript(&Config{URL: "ws://x", Mode: JSON})
	for _, c := range []struct {
		answer string
		good   bool
	}{
		{`{"number":2}`, true},
		{" { \"number\" :\t2 }\n", true},
		{`{"number":4}`, false},
		{`{"number":2.0}`, false},
		{`{"number":2,"more":1}`, false},
		{`{"number":2} and more`, false},
		{`{"number":2}{"number":2}`, false},
		{`{"number":2}}`, false},
		{`{}`, false},
		{`2`, false},
	} {
		if err := script.accept(0, wire.Text, []byte(c.answer)); (err == nil) != c.good {
			t.Errorf("%q for {\"number\": 0}: %v, want good %v", c.answer, err, c.good)
		}
	}
}

func TestRunRefused(t *testing.T) {
	for _, c := range []struct{ id, response, want string }{
		{"status 403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403"},
		{"wrong accept key", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: bm9wZQ==\r\n\r\n", "wrong Sec-WebSocket-Accept"},
		{"another upgrade", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n\r\n", "h2c"},
		{"no upgrade of the connection", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Accept: KEY\r\n\r\n", `Connection: "close", not Upgrade`},
		{"an extension that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: KEY\r\n\r\n", "extension"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.7\r\n\r\n", "malformed"},
	} {
		t.Run(c.id, func(t *testing.T) {
			s := serve(t, echo)
			s.response = c.response
			for _, mode := range []Mode{Echo, Connect} {
				_, err := Run(context.Background(), Config{URL: s.url(), Mode: mode, Messages: 2, Duration: time.Minute})
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("mode %s: %v, want an error about %q", mode, err, c.want)
				}
			}
		})
	}
}

func TestConfigRefused(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{URL: "ftp://x", Mode: Echo}, "no WebSocket URL"},
		{Config{URL: "ws:///x", Mode: Echo}, "no host"},
		{Config{URL: "ws://x", Mode: "sing"}, "no mode"},
		{Config{URL: "tcp://x:1", Mode: Plain}, "only echoes"},
		{Config{URL: "tcp://x", Mode: Echo}, "tcp://host:port"},
		{Config{URL: "ws://x", Mode: Connect, Async: true}, "async"},
		{Config{URL: "ws://x", Mode: Echo, Conns: -1}, "negative"},
		{Config{URL: "ws://x", Mode: Echo, Duration: -1}, "negative"},
		{Config{URL: "ws://x", Mode: Echo, Rate: -1}, "negative"},
		{Config{URL: "ws://x", Mode: Echo, Rate: math.NaN()}, "no number"},
		{Config{URL: "ws://x", Mode: Echo, Rate: 1e-12}, "from 0.001"},
		{Config{URL: "ws://x", Mode: Echo, Conns: 1 << 40}, "too large"},
		{Config{URL: "ws://x", Mode: Echo, Rate: math.Inf(1)}, "no number"},
		{Config{URL: "ws://x", Mode: Echo, InFlight: 1 << 40}, "in flight"},
		{Config{URL: "ws://x", Mode: Echo, Patience: math.MaxInt64}, "longer than"},
		{Config{URL: "ws://x", Mode: Echo, InFlight: 1 << 20, Size: 1 << 20}, "in flight"},
	} {
		if _, err := Run(context.Background(), c.config); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Run(%+v): %v, want an error about %q", c.config, err, c.want)
		}
	}
}

// TestRateCountsFromDue stops the server for a while: with a fixed rate the
// messages that had to wait must show it, however few were sent meanwhile.
func TestRateCountsFromDue(t *testing.T) {
	const pause = 300 * time.Millisecond
	n := 0
	s := serve(t, func(f wire.Frame) []wire.Frame {
		if n++; n == 50 {
			timer := time.NewTimer(pause)
			<-timer.C
		}
		return echo(f)
	})
	r, err := Run(context.Background(), Config{URL: s.url(), Mode: Echo, Size: 16, Rate: 1000, Messages: 600, Duration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	// 300 of 600 messages were due during the pause; half of those waited longer than half of it.
	late := 0
	for _, bar := range r.Latency.Distribution() {
		if bar.From > int64(pause/4) {
			late += int(bar.Count)
		}
	}
	if late < 100 {
		t.Errorf("%d of 600 messages waited for more than %v of a pause of %v, want at least 100", late, pause/4, pause)
	}
}

// TestInterval: the lowest rate on the most connections has times that are still
// in order.
func TestInterval(t *testing.T) {
	r := runner{Config: Config{Conns: MostConns, Rate: leastRate}, start: time.Now()}
	last := r.start
	for _, i := range []int{1, 1000, MostConns / 2, MostConns - 1} {
		interval, first := r.interval(i)
		if interval <= 0 || !first.After(last) || first.After(r.start.Add(interval)) {
			t.Errorf("connection %d: each %v, the first after %v", i, interval, first.Sub(r.start))
		}
		last = first
	}
}

// TestRateLeavesNothingOut: what a server holds up past the end of the run is
// sent and counted, for it has the longest latencies of all.
func TestRateLeavesNothingOut(t *testing.T) {
	const pause = 500 * time.Millisecond
	n := 0
	s := serve(t, func(f wire.Frame) []wire.Frame {
		if n++; n == 1 {
			<-time.NewTimer(pause).C // takes no more, so that sending blocks
		}
		return echo(f)
	})
	r, err := Run(context.Background(), Config{URL: s.url(), Mode: Echo, Size: 1 << 20, Rate: 100, Duration: pause / 2, Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(25); r.Messages < want || r.Latency.TotalCount() != r.Messages {
		t.Errorf("%d messages and %d latencies, want all %d that were due", r.Messages, r.Latency.TotalCount(), want)
	}
}

// TestRateBlocked: a server that takes nothing any more does not hold the
// generator for ever, and what was due counts as lost.
func TestRateBlocked(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(wire.Frame) []wire.Frame { <-release; return nil })
	defer close(release)
	r, err := Run(context.Background(), Config{URL: s.url(), Mode: Echo, Size: 1 << 20, Rate: 1000, Duration: 100 * time.Millisecond, Patience: 200 * time.Millisecond})
	if !errors.Is(err, ErrFailures) {
		t.Fatalf("Run returned %v, want ErrFailures", err)
	}
	if want := int64(100); r.Failures.Lost < want {
		t.Errorf("failures: %v; want at least %d messages lost", &r.Failures, want)
	}
}
