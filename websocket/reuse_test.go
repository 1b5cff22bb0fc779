package websocket

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
)

// Messages of ReadMessage, and of Serve without ReuseBuffers, are the
// application's: what is read later does not change them, and what it writes to
// them changes nothing else.
func TestMessagesAreTheApplications(t *testing.T) {
	sizes := []int{1, 100, 126, 2000, 4096, 5000, 16384, 20000, 70000, 300000}
	for name, pair := range transports {
		for _, serve := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/serve=%v", name, serve), func(t *testing.T) {
				a, b := pair(t)
				guard(t, a)
				guard(t, b)
				ws, p := newPeerOn(t, a, b, ServerMode, Options{MaxFrameSize: 1 << 20, MaxMessageSize: 1 << 20})
				var want []string
				var wire []byte
				for round := range 3 {
					for _, n := range sizes {
						payload := strings.Repeat(string(rune('a'+len(want)%26)), n)
						want = append(want, payload)
						if round == 1 {
							wire = append(wire, p.frame(OpcodeBinary, false, payload[:n/2])...)
							wire = append(wire, p.frame(OpcodeContinuation, true, payload[n/2:])...)
						} else {
							wire = append(wire, p.frame(OpcodeBinary, true, payload)...)
						}
					}
				}
				wire = append(wire, p.close(StatusNormalClosure, "")...)
				go p.send(wire)
				echoed := make(chan bool)
				go func() { // what comes back is of no matter, but for its bytes
					ok := true
					i := 0
					for {
						f, err := p.next()
						if err != nil {
							echoed <- ok
							return
						}
						if Opcode(f.Opcode) == OpcodeBinary {
							ok = ok && string(f.Payload) == want[i]
							i++
						}
					}
				}()
				var got []*Message
				if serve {
					ws.Serve(context.Background(), func(_ context.Context, msg *Message) (*Message, error) {
						got = append(got, msg)
						return msg, nil
					})
				} else {
					for {
						msg, err := ws.ReadMessage(context.Background())
						if err != nil {
							break
						}
						got = append(got, msg)
						if err := ws.WriteMessage(context.Background(), msg); err != nil {
							t.Fatal(err)
						}
						// Writing past the length must not reach the bytes behind.
						_ = append(msg.Payload, "behind"...)
					}
				}
				if !<-echoed {
					t.Error("an echo differs")
				}
				if len(got) != len(want) {
					t.Fatalf("%d messages, want %d", len(got), len(want))
				}
				for i, msg := range got {
					if string(msg.Payload) != want[i] {
						t.Errorf("message %d of %d bytes was changed by later ones", i, len(want[i]))
					}
				}
				// Filled with junk, they reach no pool: another connection is not disturbed.
				for _, msg := range got {
					junk := msg.Payload[:cap(msg.Payload)]
					for i := range junk {
						junk[i] = '!'
					}
				}
				checkEcho(t, pair)
				for i, msg := range got {
					if len(bytes.Trim(msg.Payload[:cap(msg.Payload)], "!")) > 0 {
						t.Errorf("message %d is used by another connection", i)
					}
				}
			})
		}
	}
}

// checkEcho runs messages of many sizes through a connection.
func checkEcho(t *testing.T, pair func(testing.TB) (server, client net.Conn)) {
	t.Helper()
	a, b := pair(t)
	guard(t, a)
	guard(t, b)
	ws, p := newPeerOn(t, a, b, ServerMode, Options{ReuseBuffers: true, MaxFrameSize: 1 << 20, MaxMessageSize: 1 << 20})
	served := serving(context.Background(), ws, EchoHandler)
	for i, n := range lengths {
		if n > 300<<10 {
			continue
		}
		payload := string(bytes.Repeat([]byte{byte(i + 1)}, n))
		go p.send(p.frame(OpcodeBinary, true, payload))
		p.want(OpcodeBinary, true, payload)
		go p.send(p.frame(OpcodeBinary, false, payload[:n/3]), p.ping("x"), p.frame(OpcodeContinuation, true, payload[n/3:]))
		p.want(OpcodePong, true, "x")
		p.want(OpcodeBinary, true, payload)
	}
	b.Close()
	<-served
}

// With ReuseBuffers the handler gets the same memory again and again; a reply
// that it makes of it leaves with the right bytes, although replies are gathered.
func TestReuseBuffers(t *testing.T) {
	for name, pair := range transports {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			guard(t, a)
			guard(t, b)
			ws, p := newPeerOn(t, a, b, ServerMode, Options{ReuseBuffers: true, MaxFrameSize: 1 << 20})
			messages := map[*Message]bool{}
			var last *Message
			served := serving(context.Background(), ws, func(_ context.Context, msg *Message) (*Message, error) {
				messages[msg] = true
				last = msg
				if len(msg.Payload) == 7 { // an answer in the same memory
					copy(msg.Payload, "changed")
				}
				return msg, nil
			})
			var wire []byte
			var want []string
			for i := range 300 {
				payload := fmt.Sprintf("%d %s", i, strings.Repeat("x", i*i%9000))
				if i%10 == 0 {
					payload = "1234567"
				}
				wire = append(wire, p.text(payload)...)
				if i%10 == 0 {
					payload = "changed"
				}
				want = append(want, payload)
			}
			go p.send(wire)
			for _, s := range want {
				p.wantText(s)
			}
			b.Close()
			<-served
			if len(messages) > len(want)/2 { // they come from a pool, which forgets some under the race detector
				t.Errorf("the handler got %d different Messages for %d, want next to one", len(messages), len(want))
			}
			if last.Payload != nil {
				t.Error("the Message holds on to the buffer after the handler has returned")
			}
		})
	}
}

// The memory that a header alone costs a connection, per way of reading.
func TestAHeaderAloneCostsAConnectionLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools drop what they hold, and allocates")
	}
	for _, c := range []struct {
		name  string
		fin   bool
		reuse bool
	}{{"a message", true, false}, {"a fragment", false, false}, {"a message, reused", true, true}} {
		p := &peer{t: t, mode: ServerMode}
		header := p.frame(OpcodeBinary, c.fin, strings.Repeat("x", 8<<20))[:14]
		got := allocatedBytes(func() {
			runtime.GC() // empties the pools
			runtime.GC()
			src := newScripted(header)
			src.err = io.ErrUnexpectedEOF
			ws := New(src, "", ServerMode, Options{MaxFrameSize: 16 << 20, MaxMessageSize: 16 << 20, ReuseBuffers: c.reuse})
			if c.reuse {
				ws.Serve(context.Background(), EchoHandler)
			} else if _, err := ws.ReadMessage(context.Background()); err == nil {
				t.Error("no error")
			}
		})
		if most := allocStep + 16<<10; got > most {
			t.Errorf("%s: a header that claims 8 MiB costs %d bytes, want at most %d", c.name, got, most)
		}
	}
}
