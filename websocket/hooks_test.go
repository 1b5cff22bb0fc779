package websocket

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// A hookLog is what the hooks were told, in their order.
type hookLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *hookLog) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *hookLog) want(t *testing.T, want ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := strings.Join(l.lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("hooks:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	l.lines = nil
}

func (l *hookLog) hooks() Hooks {
	return Hooks{
		OnClose:        func(k ClientKey, code StatusCode, err error) { l.add("%s close %d %v", k, code, err) },
		OnReadError:    func(k ClientKey, err error) { l.add("%s read error %v", k, err) },
		OnReadFrame:    func(k ClientKey, f *Frame) { l.add("%s read frame %v %q", k, *f, f.Payload) },
		OnReadMessage:  func(k ClientKey, m *Message) { l.add("%s read message %v", k, *m) },
		OnWriteError:   func(k ClientKey, err error) { l.add("%s write error %v", k, err) },
		OnWriteFrame:   func(k ClientKey, f *Frame) { l.add("%s write frame %v %q", k, *f, f.Payload) },
		OnWriteMessage: func(k ClientKey, m *Message) { l.add("%s write message %v", k, *m) },
	}
}

// Each hook, in order, for messages in one frame and in several, with control
// frames between them, by ReadMessage and Serve, in both roles.
func TestHooks(t *testing.T) {
	for _, mode := range []Mode{ServerMode, ClientMode} {
		for _, serve := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				var log hookLog
				ws, p := newPeer(t, mode, Options{Hooks: log.hooks(), MaxFrameSize: 6})
				ctx := t.Context()
				done := make(chan struct{})
				go func() {
					defer close(done)
					if serve {
						ws.Serve(ctx, EchoHandler)
						return
					}
					for {
						msg, err := ws.ReadMessage(ctx)
						if err != nil {
							return
						}
						_ = ws.WriteMessage(ctx, msg)
					}
				}()
				exchange := func(want int, frames ...[]byte) {
					p.send(frames...)
					for range want {
						if _, err := p.next(); err != nil {
							t.Error(err)
						}
					}
					synctest.Wait()
				}
				exchange(1, p.text("hello"))
				log.want(t, `key read frame Text fin len=5 "hello"`, `key read message Text len=5 "hello"`, `key write frame Text fin len=5 "hello"`, `key write message Text len=5 "hello"`)
				exchange(3, p.frame(OpcodeBinary, false, "ab"), p.ping("p"), p.frame(OpcodeContinuation, false, ""), p.frame(OpcodeContinuation, true, "cdefg"))
				log.want(t,
					`key read frame Binary len=2 "ab"`,
					`key read frame Ping fin len=1 "p"`, `key write frame Pong fin len=1 "p"`,
					`key read frame Cont len=0 ""`,
					`key read frame Cont fin len=5 "cdefg"`,
					`key read message Binary len=7 61626364656667`,
					`key write frame Binary len=6 "abcdef"`, `key write frame Cont fin len=1 "g"`,
					`key write message Binary len=7 61626364656667`)
				exchange(0, p.frame(OpcodePong, true, "q"))
				log.want(t, `key read frame Pong fin len=1 "q"`)
				p.send(p.close(4000, "bye"))
				p.wantClose(4000, "")
				p.conn.Close()
				<-done
				synctest.Wait()
				log.want(t, `key read frame Close fin len=5 "\x0f\xa0bye"`, `key write frame Close fin len=2 "\x0f\xa0"`, `key close 4000 <nil>`)
			})
		}
	}
}

// The hooks of a failure: no frame that broke a rule, the Close that was sent,
// one error, one end.
func TestHooksOfAFailure(t *testing.T) {
	for _, serve := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log hookLog
			ws, p := newPeer(t, ServerMode, Options{Hooks: log.hooks()})
			done := make(chan struct{})
			go func() {
				defer close(done)
				if serve {
					ws.Serve(t.Context(), EchoHandler)
				} else {
					_, _ = readAll(t.Context(), ws)
				}
			}()
			p.send(p.text("\xff"))
			p.wantClose(StatusInvalidFramePayload, "payload is not valid UTF-8")
			p.conn.Close()
			<-done
			synctest.Wait()
			log.want(t, `key read error payload is not valid UTF-8`, `key write frame Close fin len=28 "\x03\xefpayload is not valid UTF-8"`, `key close 1007 payload is not valid UTF-8`)
		})
	}
	synctest.Test(t, func(t *testing.T) { // the peer is gone
		var log hookLog
		ws, p := newPeer(t, ServerMode, Options{Hooks: log.hooks()})
		p.conn.Close()
		_, _ = readAll(t.Context(), ws)
		synctest.Wait()
		log.want(t, `key read error error reading frame header: EOF`, `key close 1006 error reading frame header: EOF`)
		if err := ws.WriteMessage(t.Context(), new(Message)); err == nil {
			t.Error("WriteMessage: no error")
		}
		_ = ws.Close()
		log.want(t, "")
	})
	synctest.Test(t, func(t *testing.T) { // a handler's reply that is refused or not sent
		var log hookLog
		ws, p := newPeer(t, ServerMode, Options{Hooks: log.hooks()})
		served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			msg.Payload = []byte("\xfe")
			return msg, nil
		})
		p.send(p.text("a"))
		p.wantClose(StatusInvalidFramePayload, "payload is not valid UTF-8")
		p.send(p.text("b"), p.close(StatusInvalidFramePayload, ""))
		p.wantEnd()
		<-served
		synctest.Wait()
		log.want(t, `key read frame Text fin len=1 "a"`, `key read message Text len=1 "a"`,
			`key write frame Close fin len=28 "\x03\xefpayload is not valid UTF-8"`,
			`key read frame Text fin len=1 "b"`,
			`key read frame Close fin len=2 "\x03\xef"`,
			`key close 1007 payload is not valid UTF-8`)
	})
}

// No hook hears of a reply that never was queued.
func TestHooksOfAReplyThatFails(t *testing.T) {
	for _, n := range []int{10, inPlaceLeast} {
		server, client := socketPair(t)
		guard(t, server)
		var log hookLog
		hooks := log.hooks()
		hooks.OnReadFrame, hooks.OnReadMessage = nil, nil
		ws, p := newPeerOn(t, server, client, ServerMode, Options{Hooks: hooks, ReuseBuffers: true})
		served := serving(context.Background(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			ws.abort(errors.New("gone"))
			return msg, nil
		})
		p.send(p.frame(OpcodeBinary, true, strings.Repeat("x", n)))
		<-served
		client.Close()
		log.want(t, `key close 1006 connection aborted: gone`, `key read error connection aborted: gone`)
	}
}

// What hooks get is the wire's: a payload that is changed in a read hook is not
// what the application gets, unless memory is shared by agreement. Here only that
// each sees the right bytes, at every size and in every way a frame is read.
func TestHooksSeeWholePayloads(t *testing.T) {
	for name, pair := range transports {
		t.Run(name, func(t *testing.T) {
			server, client := pair(t)
			guard(t, server)
			guard(t, client)
			var read, written []string
			opts := Options{MaxFrameSize: 1 << 20, MaxMessageSize: 1 << 20, ReuseBuffers: true}
			opts.Hooks.OnReadFrame = func(_ ClientKey, f *Frame) { read = append(read, string(f.Payload)) }
			opts.Hooks.OnWriteFrame = func(_ ClientKey, f *Frame) { written = append(written, string(f.Payload)) }
			ws, p := newPeerOn(t, server, client, ServerMode, opts)
			served := serving(context.Background(), ws, EchoHandler)
			var sent []string
			for _, n := range []int{0, 1, 125, 126, 4095, 4096, 5000, 16384, 65536, 300000} {
				payload := string(pattern(n))
				sent = append(sent, payload)
				go p.send(p.frame(OpcodeBinary, true, payload))
				p.want(OpcodeBinary, true, payload)
			}
			client.Close()
			<-served
			for i := range sent {
				if i >= len(read) || i >= len(written) || read[i] != sent[i] || written[i] != sent[i] {
					t.Fatalf("frame %d of %d bytes: the hooks saw something else", i, len(sent[i]))
				}
			}
		})
	}
}
