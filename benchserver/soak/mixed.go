package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// A tally is what the mixed load did.
type tally struct{ sessions, messages, abrupt, broken atomic.Int64 }

// checkMixed loads the server for the duration, with random ways to send and to
// leave, and samples its memory. The first fifth of the samples is warm-up; the
// median of the last fifth may exceed that of the second by a tenth and 4 MiB.
func (s *soak) checkMixed() error {
	server, err := s.start("-read-timeout", "20s")
	if err != nil {
		return err
	}
	defer server.Stop()
	before, err := server.Metric("go_goroutines", "")
	if err != nil {
		return err
	}
	var stop atomic.Bool
	var work sync.WaitGroup
	var t tally
	failed := make(chan error, s.workers)
	for i := range s.workers {
		work.Go(func() {
			random := rand.New(rand.NewPCG(s.seed, uint64(i)))
			for !stop.Load() {
				if err := session(server.Addr(), random, &t); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var samples []int64
	interval := max(s.duration/100, 50*time.Millisecond)
	for end := time.Now().Add(s.duration); time.Now().Before(end) && s.ctx.Err() == nil && len(failed) == 0; {
		s.sleep(interval)
		rss, err := server.RSS()
		if err != nil {
			return err
		}
		samples = append(samples, rss)
	}
	stop.Store(true)
	work.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	took, err := s.settled(5*time.Second, server, before)
	if err != nil {
		return err
	}
	fifth := len(samples) / 5
	if fifth == 0 {
		return errors.New("too short to say anything")
	}
	early, late := median(samples[fifth:2*fifth]), median(samples[len(samples)-fifth:])
	fmt.Fprintf(s.out, "mixed: %s, %v: %d sessions, %d messages checked, %d left without a close, %d broke a rule; RSS %.1f MiB early, %.1f late, %.1f at most; nothing left after %v\n",
		s.engine, s.duration, t.sessions.Load(), t.messages.Load(), t.abrupt.Load(), t.broken.Load(),
		mib(early), mib(late), mib(slices.Max(samples)), took.Round(100*time.Millisecond))
	if s.duration >= warm && grows(early, late) {
		return fmt.Errorf("memory grows: %.1f MiB, then %.1f", mib(early), mib(late))
	}
	return s.stop(server)
}

// warm is the shortest load that tells whether memory grows: in its first fifth
// the server has to get to what it needs, on a slow machine, too.
const warm = 30 * time.Second

// grows compares RSS in the second fifth of the load with that in the last one.
func grows(early, late int64) bool { return late > early+early/10+4<<20 }

func median(v []int64) int64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// session is one connection. It returns an error only for what the server did
// wrong.
func session(addr string, random *rand.Rand, t *tally) error {
	conn, err := connect(addr, "/plain")
	if err != nil {
		return err
	}
	defer conn.Close()
	t.sessions.Add(1)
	r := bufio.NewReader(conn)
	for range random.IntN(4) {
		if err := burst(conn, r, random, t); err != nil {
			return err
		}
	}
	return leave(conn, r, random, t)
}

// burst sends up to 200 messages at once, some of them fragmented or with a ping
// between, and checks the answers.
func burst(conn net.Conn, r *bufio.Reader, random *rand.Rand, t *tally) error {
	_ = conn.SetDeadline(time.Now().Add(patience))
	n := 1 + random.IntN(200)
	if random.IntN(3) == 0 {
		n = 1
	}
	var out []byte
	var want []string
	for range n {
		text := "number: " + strings.Repeat("7", random.IntN(100))
		if random.IntN(8) == 0 {
			cut := random.IntN(len(text))
			first := wire.Frame{Opcode: wire.Text, Masked: true, Payload: []byte(text[:cut])}
			last := wire.Frame{Fin: true, Opcode: wire.Continuation, Masked: true, Payload: []byte(text[cut:])}
			out = last.Append(masked(first.Append(out), wire.Ping, "p"))
		} else {
			out = masked(out, wire.Text, text)
		}
		want = append(want, text)
	}
	if _, err := conn.Write(out); err != nil {
		return fmt.Errorf("writing %d messages: %w", n, err)
	}
	for len(want) > 0 {
		opcode, got, err := answer(r)
		switch {
		case err != nil:
			return fmt.Errorf("waiting for %d answers: %w", len(want), err)
		case opcode == wire.Pong && got == "p":
		case opcode == wire.Text && got == want[0]:
			want = want[1:]
			t.messages.Add(1)
		default:
			return fmt.Errorf("answer %d %q, want %q", opcode, got, want[0])
		}
	}
	return nil
}

// leave ends the connection in one of several ways.
func leave(conn net.Conn, r *bufio.Reader, random *rand.Rand, t *tally) error {
	_ = conn.SetDeadline(time.Now().Add(patience))
	wantClose := func(frame []byte, code string) error {
		if _, err := conn.Write(frame); err != nil {
			return err
		}
		opcode, got, err := answer(r)
		if err != nil || opcode != wire.Close || !strings.HasPrefix(got, code) {
			return fmt.Errorf("answer %d %q, %v; want a Close with %x", opcode, got, err, code)
		}
		if frame[0]&15 != wire.Close && random.IntN(16) != 0 { // few leave the server's Close without an answer, and it waiting
			_, _ = conn.Write(masked(nil, wire.Close, got[:2]))
		}
		_, err = io.Copy(io.Discard, r)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return errors.New("the server leaves the connection open behind its Close")
		}
		return nil
	}
	switch random.IntN(8) {
	case 0, 1, 2:
		return wantClose(masked(nil, wire.Close, "\x03\xe8bye"), "\x03\xe8")
	case 3: // a kind of message that the path does not take
		t.broken.Add(1)
		return wantClose(masked(nil, wire.Binary, "x"), "\x03\xeb")
	case 4: // a reserved opcode
		t.broken.Add(1)
		return wantClose(masked(nil, 3, ""), "\x03\xea")
	case 5: // inside a frame
		_, _ = conn.Write(masked(nil, wire.Text, "number: 1")[:5+random.IntN(5)])
	case 6: // with answers on their way, by a reset
		var out []byte
		for range 500 {
			out = masked(out, wire.Text, "number: 1")
		}
		_, _ = conn.Write(out)
		_ = conn.(*net.TCPConn).SetLinger(0)
	case 7: // without a word
	}
	t.abrupt.Add(1)
	return nil
}
