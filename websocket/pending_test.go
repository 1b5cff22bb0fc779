package websocket

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// pendingOf is what waits for the transport, in bytes.
func pendingOf(ws *Websocket) int {
	defer ws.out.mu.Unlock()
	return ws.out.lock().pending()
}

// flood sends frame again and again, for as long as it is taken at once, and
// returns how many were. The rest is sent by a goroutine; finish waits for it.
func flood(p *peer, frame []byte, most int) (taken int, finish func()) {
	step := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range most {
			if _, err := p.conn.Write(frame); err != nil {
				return
			}
			select {
			case step <- struct{}{}:
			default:
			}
			taken++
		}
	}()
	synctest.Wait()
	return taken, func() { <-done }
}

// Replies and pongs wait up to MaxPending for a peer that does not read; then
// reading stops, until there is room again. Nothing is lost.
func TestMaxPendingStopsReading(t *testing.T) {
	const limit = 10 << 10
	payload := string(bytes.Repeat([]byte("x"), 100))
	for _, c := range []struct {
		name  string
		frame func(*peer) []byte
		read  func(*Websocket) <-chan struct{}
	}{
		{"replies", func(p *peer) []byte { return p.text(payload) }, func(ws *Websocket) <-chan struct{} {
			return serving(context.Background(), ws, EchoHandler)
		}},
		{"pongs, Serve", func(p *peer) []byte { return p.ping(payload) }, func(ws *Websocket) <-chan struct{} {
			return serving(context.Background(), ws, EchoHandler)
		}},
		{"pongs, ReadMessage", func(p *peer) []byte { return p.ping(payload) }, func(ws *Websocket) <-chan struct{} {
			return readingAll(ws)
		}},
		{"pongs between messages, ReadMessage", func(p *peer) []byte {
			return append(p.ping(payload), p.text("")...)
		}, func(ws *Websocket) <-chan struct{} {
			return readingAll(ws)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ws, p := newPeer(t, ServerMode, Options{MaxPending: limit})
				done := c.read(ws)
				const most = 1000
				taken, finish := flood(p, c.frame(p), most)
				waiting := pendingOf(ws)
				if waiting <= limit || waiting > limit+2*streamBuffer {
					t.Errorf("%d bytes wait for the peer, want a little more than %d", waiting, limit)
				}
				if least := limit / 102; taken < least || taken > 2*least {
					t.Errorf("%d frames were read before reading stopped, want about %d", taken, least)
				}
				for range most {
					f, err := p.next()
					if err != nil || string(f.Payload) != payload {
						t.Errorf("%v, %v; want the answer", f, err)
						break
					}
				}
				finish()
				p.conn.Close()
				<-done
			})
		})
	}
}

// Reading goes on as soon as there is room again, not only when all is written.
func TestRoomIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{MaxPending: 10 << 10})
		var handled atomic.Int32
		served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			handled.Add(1)
			return msg, nil
		})
		const most = 1000
		_, finish := flood(p, p.text(strings.Repeat("x", 100)), most)
		stopped := handled.Load()
		if _, err := p.next(); err != nil { // the first reply, a write of its own
			t.Fatal(err)
		}
		synctest.Wait()
		if now := handled.Load(); now <= stopped || now == most {
			t.Errorf("%d messages were handled when reading stopped, %d when the peer had read a reply", stopped, now)
		}
		for range most - 1 {
			if _, err := p.next(); err != nil {
				t.Fatal(err)
			}
		}
		finish()
		p.conn.Close()
		<-served
	})
}

func readingAll(ws *Websocket) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = readAll(context.Background(), ws)
	}()
	return done
}

// A peer that sends much before it reads gets all answers: over a pipe, which
// holds nothing, and over sockets that take little at once.
func TestPeerThatSendsMuchBeforeItReads(t *testing.T) {
	for name, pair := range transports {
		for _, kind := range []string{"messages", "pings", "large messages"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				server, client := pair(t)
				guard(t, server)
				guard(t, client)
				shrink(t, server, 8<<10)
				shrink(t, client, 32<<10)
				ws, p := newPeerOn(t, server, client, ServerMode, Options{})
				served := serving(context.Background(), ws, EchoHandler)
				n, size, op := 8000, 100, OpcodeText
				switch kind {
				case "pings":
					op = OpcodePing
				case "large messages":
					n, size = 60, 16<<10
				}
				payload := func(i int) string {
					return fmt.Sprintf("%0*d", size, i)
				}
				var wire []byte
				for i := range n {
					wire = append(wire, p.frame(op, true, payload(i))...)
				}
				p.send(wire)
				if op == OpcodePing {
					op = OpcodePong
				}
				for i := range n {
					p.want(op, true, payload(i))
					if t.Failed() {
						break
					}
				}
				client.Close()
				<-served
			})
		}
	}
}

// shrink makes the buffer of a socket small, so that it takes writes in parts.
func shrink(t testing.TB, c net.Conn, size int) {
	t.Helper()
	if s, ok := c.(interface{ SetWriteBuffer(int) error }); ok {
		if err := s.SetWriteBuffer(size); err != nil {
			t.Fatal(err)
		}
	}
}

// A write waits for nothing that the reader does: while the peer takes nothing,
// the reader goes on reading.
func TestReaderDoesNotWaitForAWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		result := reading(t.Context(), ws)
		written := make(chan error)
		go func() { written <- ws.WriteMessage(t.Context(), &Message{Payload: []byte("blocked")}) }()
		synctest.Wait()
		p.send(p.ping("1"))
		p.send(p.text("hello"))
		p.send(p.ping("2"))
		synctest.Wait()
		p.wantText("blocked")
		if err := <-written; err != nil {
			t.Errorf("WriteMessage: %v", err)
		}
		p.want(OpcodePong, true, "1")
		p.want(OpcodePong, true, "2")
		p.conn.Close()
		if got := <-result; len(got.msgs) != 1 || string(got.msgs[0].Payload) != "hello" {
			t.Errorf("ReadMessage: %v", got)
		}
	})
}
