package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func TestWriteMessageSplits(t *testing.T) {
	for _, mode := range []Mode{ServerMode, ClientMode} {
		for _, binary := range []bool{false, true} {
			for _, n := range []int{0, 1, 9, 10, 11, 20, 21, 100} {
				synctest.Test(t, func(t *testing.T) {
					src := newScripted()
					ws := New(src, "", mode, Options{MaxFrameSize: 10})
					payload := []byte(strings.Repeat("€", 34)[:n]) // cut inside characters
					if !binary {
						payload = bytes.Repeat([]byte("x"), n)
					}
					before := bytes.Clone(payload)
					if err := ws.WriteMessage(t.Context(), &Message{Binary: binary, Payload: payload}); err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(payload, before) {
						t.Errorf("%v: WriteMessage changed the caller's payload", mode)
					}
					if src.writes != 1 {
						t.Errorf("%d bytes took %d writes", n, src.writes)
					}
					p := &peer{t: t, mode: mode, conn: nopConn{}, in: src.written()}
					rest, op := string(before), FrameMessage(&Message{Binary: binary}, 0)[0].Opcode()
					for first := true; first || rest != ""; first = false {
						k := min(10, len(rest))
						p.want(op, k == len(rest), rest[:k])
						rest, op = rest[k:], OpcodeContinuation
					}
					p.wantEnd()
				})
			}
		}
	}
}

// Frames of a client have keys of their own (RFC 6455 §5.3).
func TestMaskingKeysDiffer(t *testing.T) {
	src := newScripted()
	ws := New(src, "", ClientMode, Options{MaxFrameSize: 10})
	if err := ws.WriteMessage(t.Context(), &Message{Binary: true, Payload: make([]byte, 1000)}); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, mode: ClientMode, conn: nopConn{}, in: src.written()}
	keys := map[[4]byte]bool{}
	for range 100 {
		f, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		keys[f.Key] = true
	}
	if len(keys) < 99 {
		t.Errorf("100 frames have %d keys", len(keys))
	}
}

// A context that ends in the moment in which the transport has taken all ends the connection,
// and WriteMessage says so.
func TestContextEndsBehindTheLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		src := &afterWrite{newScripted(), func() {
			cancel()
			synctest.Wait()
		}}
		ws := New(src, "", ServerMode, Options{})
		err := ws.WriteMessage(ctx, &Message{Payload: []byte("a")})
		if !errors.Is(err, context.Canceled) || ws.Err() != err {
			t.Errorf("WriteMessage returns %v, the connection has ended with %v", err, ws.Err())
		}
	})
}

// afterWrite calls a function behind each Write.
type afterWrite struct {
	*scripted
	f func()
}

func (w *afterWrite) Write(p []byte) (int, error) {
	defer w.f()
	return w.scripted.Write(p)
}

// A long message goes out in writes of bounded size, and arrives whole.
func TestWriteLongMessage(t *testing.T) {
	src := newScripted()
	ws := New(src, "", ServerMode, Options{})
	payload := pattern(3<<20 + 7)
	if err := ws.WriteMessage(t.Context(), &Message{Binary: true, Payload: payload}); err != nil {
		t.Fatal(err)
	}
	if want := len(payload)/writeStep + 2; src.writes > want {
		t.Errorf("%d bytes took %d writes, want at most %d", len(payload), src.writes, want)
	}
	var got []byte
	for wire := bytes.NewReader(src.written()); wire.Len() > 0; {
		f, err := ReadFrame(wire, ClientMode, DefaultMaxFrameSize)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Payload...)
		if f.Fin() != (wire.Len() == 0) {
			t.Errorf("FIN is %v with %d bytes left", f.Fin(), wire.Len())
		}
	}
	if !bytes.Equal(got, payload) {
		t.Error("the message differs")
	}
}

// Text that is not UTF-8 is refused, and nothing is sent.
func TestWriteMessageRefusesInvalidText(t *testing.T) {
	src := newScripted()
	ws := New(src, "", ServerMode, Options{})
	for _, s := range []string{"\xff", "a\xc0\x80", "\xed\xa0\x80", strings.Repeat("x", 100000) + "\xe2\x82"} {
		if err := ws.WriteMessage(t.Context(), &Message{Payload: []byte(s)}); err != ErrInvalidFramePayload {
			t.Errorf("WriteMessage of %.20q: %v", s, err)
		}
	}
	if src.writes != 0 {
		t.Errorf("%q was sent", src.written())
	}
	if err := ws.WriteMessage(t.Context(), &Message{Binary: true, Payload: []byte("\xff")}); err != nil {
		t.Errorf("the same as binary: %v", err)
	}
}

// Messages of many goroutines, of many frames and many writes each, never
// interleave, also with a reader that answers pings and echoes between them.
func TestMessagesDoNotInterleave(t *testing.T) {
	for name, pair := range transports {
		for _, mode := range []Mode{ServerMode, ClientMode} {
			t.Run(name, func(t *testing.T) {
				a, b := pair(t)
				guard(t, a)
				guard(t, b)
				shrink(t, a, 16<<10)
				ws, p := newPeerOn(t, a, b, mode, Options{MaxFrameSize: 1000})
				const writers, each = 6, 10
				served := serving(context.Background(), ws, func(_ context.Context, msg *Message) (*Message, error) {
					if len(msg.Payload)%2 == 0 {
						return &Message{Binary: true, Payload: bytes.Repeat([]byte{'r'}, 5000)}, nil
					}
					return msg, nil
				})
				var wg sync.WaitGroup
				for w := range writers {
					wg.Go(func() {
						for i := range each {
							payload := bytes.Repeat([]byte{byte('A' + w)}, 1+i*i*700)
							if err := ws.WriteMessage(context.Background(), &Message{Binary: true, Payload: payload}); err != nil {
								t.Errorf("WriteMessage: %v", err)
							}
						}
					})
				}
				const asked = 100
				wg.Go(func() {
					for i := range asked {
						p.send(p.ping("?"), p.frame(OpcodeBinary, true, strings.Repeat("e", i)))
					}
				})
				next := map[byte]int{}
				var message []byte
				inside := false
				for replies, pongs, total := 0, 0, 0; replies < asked || pongs < 1 || total < writers*each; {
					f, err := p.next()
					if err != nil {
						t.Fatal(err)
					}
					switch op := Opcode(f.Opcode); {
					case op == OpcodePong:
						pongs++
						continue
					case (op == OpcodeContinuation) != inside:
						t.Fatalf("%v inside a message: %v", op, inside)
					}
					message = append(message, f.Payload...)
					if inside = !f.Fin; inside {
						continue
					}
					kind := byte('e')
					if len(message) > 0 {
						kind = message[0]
						if rest := bytes.Trim(message, string(kind)); len(rest) > 0 {
							t.Fatalf("a message of %q has %.20q in it", kind, rest)
						}
					}
					if kind == 'e' || kind == 'r' {
						replies++
					} else {
						if want := 1 + next[kind]*next[kind]*700; len(message) != want {
							t.Errorf("message %d of %q has %d bytes, want %d", next[kind], kind, len(message), want)
						}
						next[kind]++
						total++
					}
					message = nil
				}
				wg.Wait()
				p.conn.Close()
				<-served
			})
		}
	}
}

// Who waits longest writes next.
func TestTurnsAreInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		done := make(chan error, 10)
		for i := range 10 {
			go func() { done <- ws.WriteMessage(t.Context(), &Message{Payload: []byte(fmt.Sprint(i))}) }()
			synctest.Wait()
		}
		for i := range 10 {
			p.wantText(fmt.Sprint(i))
		}
		for range 10 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A write that fails ends the connection: for the writer, those behind it, the
// reader and the hooks.
func TestWriteFailure(t *testing.T) {
	broken := errors.New("broken")
	for _, short := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			src := newScripted()
			src.failAt, src.writeErr, src.short = 4, broken, short
			cause := broken
			if short {
				cause = io.ErrShortWrite
			}
			opts, end := closeHook(Options{})
			var writeErrs, readErrs []error
			opts.Hooks.OnWriteError = func(_ ClientKey, err error) { writeErrs = append(writeErrs, err) }
			opts.Hooks.OnReadError = func(_ ClientKey, err error) { readErrs = append(readErrs, err) }
			opts.Hooks.OnWriteMessage = func(_ ClientKey, msg *Message) { t.Errorf("OnWriteMessage: %v", msg) }
			ws := New(src, "", ServerMode, opts)
			result := reading(t.Context(), ws)
			synctest.Wait()
			err := ws.WriteMessage(t.Context(), &Message{Payload: []byte("hello")})
			if !errors.Is(err, cause) || codeOf(err) != StatusAbnormalClose || err.Error() != "error writing frame: "+cause.Error() {
				t.Errorf("WriteMessage: %v", err)
			}
			if got := <-result; got.err != err {
				t.Errorf("ReadMessage: %v", got.err)
			}
			if again := ws.WriteMessage(t.Context(), new(Message)); again != err {
				t.Errorf("the next WriteMessage: %v", again)
			}
			synctest.Wait()
			if len(writeErrs) != 1 || writeErrs[0] != err || len(readErrs) != 1 || readErrs[0] != err {
				t.Errorf("hooks: write errors %v, read errors %v", writeErrs, readErrs)
			}
			end.want(t, StatusAbnormalClose, cause)
			if src.closes != 1 {
				t.Errorf("the transport was closed %d times", src.closes)
			}
		})
	}
}

// Those who wait for their turn get the error, too.
func TestWaitingWritersSeeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		done := make(chan error, 3)
		for range 3 {
			go func() { done <- ws.WriteMessage(context.Background(), &Message{Payload: []byte("x")}) }()
		}
		synctest.Wait()
		p.conn.Close()
		for range 3 {
			if err := <-done; !errors.Is(err, io.ErrClosedPipe) || codeOf(err) != StatusAbnormalClose {
				t.Errorf("WriteMessage: %v", err)
			}
		}
	})
}

// WriteMessage after Close, by whom ever, says that the connection is closed.
func TestWriteAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		result := reading(t.Context(), ws)
		synctest.Wait()
		if err := ws.Close(); err != nil {
			t.Error(err)
		}
		p.wantClose(StatusNormalClosure, "")
		if err := ws.WriteMessage(t.Context(), &Message{Payload: []byte("late")}); !errors.Is(err, net.ErrClosed) || codeOf(err) != StatusNormalClosure {
			t.Errorf("WriteMessage: %v", err)
		}
		p.send(p.close(StatusNormalClosure, ""))
		p.wantEnd()
		<-result
	})
}

// Pings of the application, pongs and messages: what one goroutine writes keeps
// its order.
func TestQueuedFramesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		result := reading(t.Context(), ws)
		first := make(chan error, 2)
		go func() { first <- ws.WriteMessage(t.Context(), &Message{Payload: []byte("1")}) }()
		synctest.Wait()
		p.send(p.ping("2"))
		synctest.Wait()
		go func() { first <- ws.WriteMessage(t.Context(), &Message{Payload: []byte("3")}) }()
		synctest.Wait()
		p.wantText("1")
		p.want(OpcodePong, true, "2")
		p.wantText("3")
		for range 2 {
			if err := <-first; err != nil {
				t.Error(err)
			}
		}
		p.conn.Close()
		<-result
	})
}

// A shutting transport calls a function when its direction of writes is ended.
type shutting struct {
	*scripted
	shut func()
}

func (s shutting) CloseWrite() error {
	s.shut()
	return nil
}

// Where the peer's bytes have ended without a Close, none was sent: that nothing follows
// the end of this side's direction is for the queue to see to.
func TestNothingIsWrittenBehindTheEndOfTheDirection(t *testing.T) {
	src := newScripted()
	src.err = io.EOF
	var ws *Websocket
	ends := 0
	ws = New(shutting{src, func() {
		ends++
		if err := ws.WriteMessage(context.Background(), &Message{Payload: []byte("late")}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a message behind the end of the direction: %v, want one that says that it is closed", err)
		}
		if err := ws.Ping(context.Background()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a ping behind the end of the direction: %v", err)
		}
	}}, "", ServerMode, Options{})
	if _, err := ws.ReadMessage(t.Context()); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if got := src.written(); len(got) != 0 || ends != 1 {
		t.Errorf("%x was written, the direction was ended %d times", got, ends)
	}
}
