package load

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wire"
)

// listenTurns starts a server, each connection of which play has behind its
// opening handshake.
func listenTurns(t *testing.T, play func(c net.Conn, r *bufio.Reader)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				br := bufio.NewReaderSize(c, 128<<10)
				r, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				_, err = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
					opening.AcceptKey(r.Header.Get("Sec-WebSocket-Key"))+"\r\n\r\n")
				if err == nil {
					play(c, br)
				}
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "ws://" + l.Addr().String()
}

// readFrame reads one masked frame.
func readFrame(r *bufio.Reader) (wire.Frame, error) {
	b, err := r.Peek(2)
	if err != nil {
		return wire.Frame{}, err
	}
	head := 2 + 4
	switch b[1] & 0x7f {
	case 126:
		head += 2
	case 127:
		head += 8
	}
	if b, err = r.Peek(head); err != nil {
		return wire.Frame{}, err
	}
	size := uint64(0)
	if head == 6 {
		size = uint64(b[1] & 0x7f)
	} else {
		for _, x := range b[2 : head-4] {
			size = size<<8 | uint64(x)
		}
	}
	whole := make([]byte, uint64(head)+size)
	if _, err = io.ReadFull(r, whole); err != nil {
		return wire.Frame{}, err
	}
	f, _, err := wire.Split(whole)
	return f, err
}

// takesTurns is a right server that reads nothing while what it wrote is not
// taken: it echoes each message before it reads the next, and pings after every
// 20. It closes at the Close.
func takesTurns(c net.Conn, r *bufio.Reader) {
	for n := 1; ; n++ {
		f, err := readFrame(r)
		if err != nil {
			return
		}
		if f.Opcode == wire.Pong {
			continue
		}
		reply := (&wire.Frame{Fin: true, Opcode: f.Opcode, Payload: f.Payload}).Append(nil)
		if n%20 == 0 {
			reply = (&wire.Frame{Fin: true, Opcode: wire.Ping, Payload: []byte("there?")}).Append(reply)
		}
		if _, err := c.Write(reply); err != nil || f.Opcode == wire.Close {
			return
		}
	}
}

// TestServerThatTakesTurns: who reads must not wait until the connection takes
// something, a pong among it, or both sides wait for ever.
func TestServerThatTakesTurns(t *testing.T) {
	url := listenTurns(t, takesTurns)
	for _, c := range []Config{
		{Async: true, Messages: 400, Size: 65536, Duration: time.Millisecond},
		{InFlight: 200, Size: 65536, Duration: 300 * time.Millisecond},
		{InFlight: 200, Size: 65536, Messages: 1000},
		{Rate: 3000, Size: 65536, Messages: 500},
	} {
		c.URL, c.Mode, c.Patience = url, Echo, 20*time.Second
		r, err := Run(t.Context(), c)
		if err != nil || r.Messages == 0 {
			t.Errorf("%s: %+v, %v", c.Model(), r, err)
		}
	}
}

// TestInterrupted: a run whose context ends is over soon, in each mode, has a
// result, and blames nobody.
func TestInterrupted(t *testing.T) {
	url := listenTurns(t, takesTurns)
	for _, c := range []Config{
		{Mode: Echo, Async: true, Messages: 10_000_000, Size: 10},
		{Mode: Echo, InFlight: 10, Size: 10},
		{Mode: Echo, Rate: 1000, Size: 10},
		{Mode: Connect},
		{Mode: Connect, Rate: 100},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		c.URL, c.Conns, c.Duration, c.Patience = url, 2, time.Hour, time.Hour
		c.Begin = func() { time.AfterFunc(50*time.Millisecond, cancel) } // it has begun, or not quite: both must do
		r, err := Run(ctx, c)
		if !errors.Is(err, context.Canceled) || r == nil || r.Failures.Total() > 0 {
			t.Errorf("%s %s: %+v, %v", c.Mode, c.Model(), r, err)
		}
	}
}

// TestLeftOpen: a server that answers the Close and leaves TCP open is not waited
// for each time, and that it does so is told.
func TestLeftOpen(t *testing.T) {
	url := listenTurns(t, func(c net.Conn, r *bufio.Reader) {
		takesTurns(c, r)
		_, _ = io.Copy(io.Discard, r)
	})
	r, err := Run(t.Context(), Config{URL: url, Mode: Connect, Messages: 20, Patience: time.Hour})
	if err != nil || r.Messages != 20 || r.LeftOpen != 20 {
		t.Fatalf("%+v, %v", r, err)
	}
	var out strings.Builder
	if err := r.WriteTable(&out); err != nil || !strings.Contains(out.String(), "  20 connections by the server") {
		t.Errorf("the table, %v:\n%s", err, out.String())
	}
}

// TestLongLatency: no latency is too long to be told as it is.
func TestLongLatency(t *testing.T) {
	s := &shard{latency: newHistogram()}
	for _, d := range []time.Duration{61 * time.Second, 3 * time.Hour} {
		s.record(d, 1)
		if got := time.Duration(s.latency.Max()); got < d || got > d+d/500 {
			t.Errorf("%v is recorded as %v", d, got)
		}
	}
}
