package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
	for _, n := range []int{10, 4096} {
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

// A hook that panics, or ends its goroutine as testing's FailNow does, ends the
// connection: the peer is told, and the panic goes on up.
func TestHookPanicsGoUp(t *testing.T) {
	for _, serve := range []bool{true, false} {
		for _, hook := range []string{"OnReadFrame", "OnReadFrame of a ping", "OnReadMessage", "OnReadError", "OnWriteFrame", "OnWriteMessage", "OnClose"} {
			for _, reason := range []any{"oops", nil} {
				if !serve && strings.HasPrefix(hook, "OnWrite") {
					continue // not the reader's
				}
				t.Run(fmt.Sprintf("%s/serve=%v/%v", hook, serve, reason), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						fail := func() {
							if reason == nil {
								runtime.Goexit()
							}
							panic(reason)
						}
						opts, end := closeHook(Options{})
						hooks := &opts.Hooks
						send := func(p *peer) { p.send(p.text("hello")) }
						switch hook {
						case "OnReadFrame":
							hooks.OnReadFrame = func(ClientKey, *Frame) { fail() }
						case "OnReadFrame of a ping":
							hooks.OnReadFrame = func(ClientKey, *Frame) { fail() }
							send = func(p *peer) { p.send(p.ping("")) }
						case "OnReadMessage":
							hooks.OnReadMessage = func(ClientKey, *Message) { fail() }
						case "OnReadError":
							hooks.OnReadError = func(ClientKey, error) { fail() }
							send = func(p *peer) { p.send(p.frame(3, true, "")) }
						case "OnWriteFrame":
							hooks.OnWriteFrame = func(ClientKey, *Frame) { fail() }
						case "OnWriteMessage":
							hooks.OnWriteMessage = func(ClientKey, *Message) { fail() }
						case "OnClose":
							tell := hooks.OnClose
							hooks.OnClose = func(k ClientKey, code StatusCode, err error) { tell(k, code, err); fail() }
							send = func(p *peer) { p.send(p.close(1001, "")); p.want(OpcodeClose, true, closePayload(1001, "")) }
						}
						ws, p := newPeer(t, ServerMode, opts)
						start := time.Now()
						got := make(chan any, 1)
						go func() {
							defer func() { got <- recover() }()
							if serve {
								ws.Serve(t.Context(), EchoHandler)
							} else {
								_, _ = ws.ReadMessage(t.Context())
							}
						}()
						send(p)
						switch hook {
						case "OnClose":
						case "OnWriteMessage": // its message is on its way
							p.wantText("hello")
							p.wantClose(StatusInternalError, "a hook panicked")
						case "OnWriteFrame": // which panics again for the Close
							for {
								if _, err := p.next(); err != nil {
									break
								}
							}
						default:
							p.wantClose(StatusInternalError, "a hook panicked")
						}
						if r := <-got; r != reason {
							t.Errorf("recovered %v, want %v", r, reason)
						}
						if took := time.Since(start); took > failGrace {
							t.Errorf("the panic went up after %v", took)
						}
						p.conn.Close()
						synctest.Wait()
						switch hook {
						case "OnClose":
							end.want(t, StatusGoingAway, nil)
						default:
							if end.calls != 1 || !errors.Is(end.err, errHook) {
								t.Errorf("OnClose was called %d times, at last with %v; want once with %v", end.calls, end.err, errHook)
							}
						}
					})
				})
			}
		}
	}
}

// A write hook that panics in WriteMessage leaves the connection to others.
func TestWriteHookPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panics := true
		var opts Options
		opts.Hooks.OnWriteMessage = func(ClientKey, *Message) {
			if panics {
				panics = false
				panic("oops")
			}
		}
		ws, p := newPeer(t, ServerMode, opts)
		go func() {
			defer func() {
				_ = recover()
				if err := ws.WriteMessage(t.Context(), &Message{Payload: []byte("second")}); err != nil {
					t.Errorf("WriteMessage after the panic: %v", err)
				}
			}()
			_ = ws.WriteMessage(t.Context(), &Message{Payload: []byte("first")})
		}()
		p.wantText("first")
		p.wantText("second")
		synctest.Wait()
	})
	synctest.Test(t, func(t *testing.T) { // where writing failed
		opts, end := closeHook(Options{})
		opts.Hooks.OnWriteError = func(ClientKey, error) { panic("oops") }
		ws, p := newPeer(t, ServerMode, opts)
		p.conn.Close()
		func() {
			defer func() { _ = recover() }()
			_ = ws.WriteMessage(t.Context(), new(Message))
			t.Error("WriteMessage returned: the panic has not gone up")
		}()
		if err := ws.WriteMessage(t.Context(), new(Message)); codeOf(err) != StatusAbnormalClose {
			t.Errorf("WriteMessage after the panic: %v", err)
		}
		end.want(t, StatusAbnormalClose, io.ErrClosedPipe)
	})
}

// A hook that panics in a Close, or behind a handler that did, ends the connection,
// too: no peer is left with a connection that nobody reads nor closes.
func TestHookPanicsInAClose(t *testing.T) {
	for _, c := range []struct {
		name string
		hook func(*Hooks, func())
		call func(*testing.T, *Websocket)
		peer func(*peer)
	}{
		{
			"before it is sent", func(h *Hooks, fail func()) { h.OnWriteFrame = func(ClientKey, *Frame) { fail() } },
			func(_ *testing.T, ws *Websocket) { _ = ws.Close() }, func(*peer) {},
		},
		{
			"before the answer", func(h *Hooks, fail func()) { h.OnReadFrame = func(ClientKey, *Frame) { fail() } },
			func(_ *testing.T, ws *Websocket) { _ = ws.Close() }, func(p *peer) {
				p.wantClose(StatusNormalClosure, "")
				p.send(p.close(StatusNormalClosure, ""))
			},
		},
		{
			"behind a handler's panic", func(h *Hooks, fail func()) { h.OnWriteFrame = func(ClientKey, *Frame) { fail() } },
			func(t *testing.T, ws *Websocket) {
				ws.Serve(t.Context(), func(context.Context, *Message) (*Message, error) { panic("the handler's") })
			}, func(p *peer) { p.send(p.text("x")) },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts, end := closeHook(Options{})
				c.hook(&opts.Hooks, func() { panic("oops") })
				ws, p := newPeer(t, ServerMode, opts)
				start := time.Now()
				got := make(chan any, 1)
				go func() {
					defer func() { got <- recover() }()
					c.call(t, ws)
				}()
				c.peer(p)
				if r := <-got; r != "oops" {
					t.Errorf("recovered %v", r)
				}
				p.conn.Close()
				synctest.Wait()
				if took := time.Since(start); took > failGrace {
					t.Errorf("the panic went up after %v", took)
				}
				if end.calls != 1 || !errors.Is(end.err, errHook) && !errors.Is(end.err, errPanic) { // what came first counts
					t.Errorf("OnClose was called %d times, at last with %v; want once with %v", end.calls, end.err, errHook)
				}
			})
		})
	}
}

// So does a Serve that finds the connection ended.
func TestServeBehindTheEndReturnsBehindOnClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, told := slowOnClose()
		ws, _ := newPeer(t, ServerMode, opts)
		go ws.abort(io.EOF)
		synctest.Wait()
		if ws.Serve(t.Context(), EchoHandler); !*told {
			t.Error("Serve returned before OnClose did")
			time.Sleep(time.Hour)
		}
	})
}

// When Serve returns, OnClose has: whichever goroutine ended the connection.
func TestServeReturnsBehindOnClose(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(ws *Websocket, p *peer, cancel context.CancelFunc)
	}{
		{"context", func(_ *Websocket, _ *peer, cancel context.CancelFunc) { cancel() }},
		{"the peer's Close", func(_ *Websocket, p *peer, _ context.CancelFunc) { p.send(p.close(1000, "")); _, _ = p.next() }},
		{"a Close without an answer", func(ws *Websocket, p *peer, _ context.CancelFunc) { _ = ws.Close(); _, _ = p.next() }},
		{"a writer", func(ws *Websocket, p *peer, _ context.CancelFunc) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = ws.WriteMessage(ctx, new(Message))
		}},
		{"abort", func(ws *Websocket, _ *peer, _ context.CancelFunc) { ws.abort(io.EOF) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts, told := slowOnClose()
				ws, p := newPeer(t, ServerMode, opts)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				served := serving(ctx, ws, EchoHandler)
				synctest.Wait() // it reads
				go c.end(ws, p, cancel)
				<-served
				if !*told {
					t.Error("Serve returned before OnClose did")
				}
			})
		})
	}
}

// A hook that panics when it is told of the Close that answers the peer's does not keep
// the Close back, nor the end of the connection.
func TestHookPanicsAtTheClose(t *testing.T) {
	for _, read := range []string{"ReadMessage", "Serve"} {
		synctest.Test(t, func(t *testing.T) {
			src := newScripted(AppendFrame(nil, NewCloseFrame(StatusNormalClosure, ""), MaskingKey{1}))
			src.err = io.EOF
			began := time.Now()
			ws := New(src, "", ServerMode, Options{Hooks: Hooks{OnWriteFrame: func(ClientKey, *Frame) { panic("hook") }}})
			func() {
				defer func() {
					if p := recover(); p != "hook" {
						t.Errorf("%s: the panic that came up is %v", read, p)
					}
				}()
				if read == "Serve" {
					ws.Serve(t.Context(), EchoHandler)
				} else {
					_, _ = ws.ReadMessage(t.Context())
				}
			}()
			synctest.Wait()
			if got, want := src.written(), MarshalFrame(NewCloseFrame(StatusNormalClosure, ""), Unmasked); !bytes.Equal(got, want) {
				t.Errorf("%s: %x was sent, want %x", read, got, want)
			}
			if took := time.Since(began); !src.isClosed() || took > time.Second {
				t.Errorf("%s: the transport is closed: %t, after %v", read, src.isClosed(), took)
			}
			ws.Close()
		})
	}
}

// Behind a panic of a handler nobody is told what is read: the connection is as good as
// gone for the application, and its OnEnd may run.
func TestNothingIsToldBehindAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		ws, p := newPeer(t, ServerMode, Options{CloseTimeout: time.Second, Hooks: Hooks{
			OnReadFrame: func(_ ClientKey, f *Frame) { told++ },
			OnReadError: func(ClientKey, error) { told++ },
		}})
		go func() {
			defer func() { _ = recover() }()
			ws.Serve(context.Background(), func(context.Context, *Message) (*Message, error) { panic("handler") })
		}()
		p.send(p.text("x"))
		p.wantClose(StatusInternalError, errPanic.Text())
		p.send(p.text("late"), p.frame(OpcodeContinuation, true, "wrong"))
		p.conn.Close()
		synctest.Wait()
		if told != 1 {
			t.Errorf("the hooks were told %d times, want once, of the frame before the panic", told)
		}
	})
}

// A client that fails the connection ends its direction, also where a hook panics at the
// Close; behind the peer's Close it leaves that to the server.
func TestHookPanicsAtTheCloseOfAClient(t *testing.T) {
	for _, c := range []struct {
		in   []byte
		shut int
	}{
		{[]byte{0x83, 0}, 1}, // an unknown opcode
		{AppendFrame(nil, NewCloseFrame(StatusNormalClosure, ""), Unmasked), 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			src, ends := newScripted(c.in), 0
			src.err = io.EOF
			ws := New(shutting{src, func() { ends++ }}, "", ClientMode, Options{Hooks: Hooks{OnWriteFrame: func(ClientKey, *Frame) { panic("hook") }}})
			func() {
				defer func() { _ = recover() }()
				_, _ = ws.ReadMessage(t.Context())
			}()
			synctest.Wait()
			if ends != c.shut || !src.isClosed() {
				t.Errorf("%x: the direction was ended %d times, want %d; the transport is closed: %t", c.in, ends, c.shut, src.isClosed())
			}
			ws.Close()
		})
	}
}
