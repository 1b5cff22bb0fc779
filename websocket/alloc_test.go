package websocket

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"runtime/debug"
	"testing"
)

// loopConn gives a server the same frames again and again, and drops what it
// writes: a transport that allocates nothing. It ends after a number of rounds.
type loopConn struct {
	discardConn
	wire   []byte
	at     int
	rounds int
	onEnd  func()
}

func (c *loopConn) Read(p []byte) (int, error) {
	if c.at == len(c.wire) {
		if c.rounds--; c.rounds <= 0 {
			c.onEnd()
			return 0, io.EOF
		}
		c.at = 0
	}
	n := copy(p, c.wire[c.at:])
	c.at += n
	return n, nil
}

// mallocs is the number of allocations so far.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// TestServeAllocations counts the allocations of an echoed message through Serve:
// none with ReuseBuffers, at most two without; over a socket and another
// transport, whole and in fragments, alone and many at once.
func TestServeAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, and makes pools drop what they hold")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	for _, network := range []string{"socket", "memory"} {
		for _, reuse := range []bool{false, true} {
			for _, n := range []int{0, 16, 125, 126, 1 << 10, 4 << 10, 16 << 10, 64 << 10} {
				for _, fragments := range []int{1, 4} {
					for _, together := range []int{1, 16} {
						if together > 1 && (n > 1<<10 || network == "memory") {
							continue
						}
						name := fmt.Sprintf("%s/reuse=%v/%dB/fragments=%d/together=%d", network, reuse, n, fragments, together)
						p := &peer{t: t, mode: ServerMode}
						var wire []byte
						for range together {
							for _, f := range FrameMessage(&Message{Binary: true, Payload: pattern(n)}, (n+fragments-1)/fragments) {
								wire = append(wire, p.frame(f.Opcode(), f.Fin(), string(f.Payload))...)
							}
						}
						opts := Options{ReuseBuffers: reuse, MaxFrameSize: 64 << 10}
						most := 2.0
						if reuse {
							most = 0
						}
						// A goroutine that moves to another processor finds other pools there:
						// the least of some counts is what the code itself takes. On a busy
						// machine goroutines move a lot.
						got := math.Inf(1)
						for range 20 {
							if got <= most+0.2 {
								break
							}
							if network == "socket" {
								got = min(got, socketAllocations(t, opts, wire, together*len(MarshalFrame(NewFrame(OpcodeBinary, true, pattern(n)), Unmasked)), together))
							} else {
								got = min(got, memoryAllocations(opts, wire))
							}
						}
						// The runtime itself allocates now and then; a whole allocation a
						// message is far from that.
						if got > most+0.2 {
							t.Errorf("%s: %.2f allocations a message, want %v", name, got, most)
						}
					}
				}
			}
		}
	}
}

// socketAllocations has a peer send wire and read the answer, in turn.
func socketAllocations(t *testing.T, opts Options, wire []byte, answer, messages int) float64 {
	server, client := socketPair(t)
	guard(t, server)
	ws := New(server, "", ServerMode, opts)
	served := serving(context.Background(), ws, EchoHandler)
	buf := make([]byte, answer)
	sent := make(chan []byte)
	wrote := make(chan error)
	go func() {
		for b := range sent {
			_, err := client.Write(b)
			wrote <- err
		}
	}()
	exchange := func() {
		sent <- wire
		if _, err := io.ReadFull(client, buf); err != nil {
			t.Fatal(err)
		}
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		exchange()
	}
	const rounds = 50
	before := mallocs()
	for range rounds {
		exchange()
	}
	got := float64(mallocs()-before) / float64(rounds*messages)
	close(sent)
	client.Close()
	<-served
	return got
}

// memoryAllocations runs wire through Serve until it has warmed up, and then for
// some rounds more.
func memoryAllocations(opts Options, wire []byte) float64 {
	const rounds = 100
	var before, after uint64
	src := &loopConn{wire: wire, rounds: 20}
	src.onEnd = func() {
		if before == 0 {
			before = mallocs()
			src.rounds = rounds
			src.at = 0
		} else {
			after = mallocs()
		}
	}
	// Reading goes on behind the first end.
	ws := New(&restarting{loopConn: src}, "", ServerMode, opts)
	ws.Serve(context.Background(), EchoHandler)
	return float64(after-before) / rounds
}

// restarting hides the first end of a loopConn.
type restarting struct {
	*loopConn
	again bool
}

func (r *restarting) Read(p []byte) (int, error) {
	n, err := r.loopConn.Read(p)
	if err != nil && !r.again {
		r.again = true
		return r.loopConn.Read(p)
	}
	return n, err
}

// WriteMessage allocates nothing, in either role.
func TestWriteMessageAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, and makes pools drop what they hold")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, mode := range []Mode{ServerMode, ClientMode} {
		for _, n := range []int{0, 125, 16 << 10, 200 << 10} {
			ws := New(discardConn{}, "", mode, Options{})
			msg := &Message{Binary: true, Payload: pattern(n)}
			ctx := context.Background()
			if got := testing.AllocsPerRun(50, func() {
				if err := ws.WriteMessage(ctx, msg); err != nil {
					t.Fatal(err)
				}
			}); got > 0 {
				t.Errorf("%v: WriteMessage of %d bytes: %v allocations", mode, n, got)
			}
		}
	}
}

// A reply of 4 KiB and more leaves from where it was read: its bytes, and those of
// what was read behind it, stay exact.
func TestRepliesInPlace(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		ws, p := newSocketPeer(t, ServerMode, Options{ReuseBuffers: reuse, MaxFrameSize: 64 << 10})
		served := serving(context.Background(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			if len(msg.Payload) > 8 && msg.Payload[0] == 'U' { // an answer in the same memory
				copy(msg.Payload, bytes.ToLower(msg.Payload))
			}
			return msg, nil
		})
		sizes := []int{1, 4096 - 1, 4096, 4096 + 1, 3, 7000, 5000, 126, 65535, 65536, 10, 4096}
		var wire []byte
		var want []string
		for i, n := range sizes {
			payload := string(bytes.Repeat([]byte{byte('A' + i)}, n))
			if i%3 == 0 && n > 8 {
				payload = "U" + payload[1:]
			}
			wire = append(wire, p.text(payload)...)
			wire = append(wire, p.ping(fmt.Sprint(i))...)
			if n > 8 && payload[0] == 'U' {
				payload = string(bytes.ToLower([]byte(payload)))
			}
			want = append(want, payload)
		}
		for _, cut := range []int{len(wire), 1000, 4097, 16 << 10} {
			go func() {
				for rest := wire; len(rest) > 0; {
					k := min(cut, len(rest))
					p.send(rest[:k])
					rest = rest[k:]
				}
			}()
			for i, s := range want {
				p.wantText(s)
				p.want(OpcodePong, true, fmt.Sprint(i))
			}
		}
		p.conn.Close()
		<-served
	}
}

var _ net.Conn = (*loopConn)(nil)
