package websocket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A handler's error closes with the code and text of what it wraps.
func TestHandlerErrors(t *testing.T) {
	long := strings.Repeat("ä", 100)
	for _, c := range []struct {
		name   string
		err    error
		code   StatusCode
		reason string
	}{
		{"any", errors.New("no luck"), StatusInternalError, "no luck"},
		{"an Error", ErrMessageTooLarge, StatusTooLarge, "message too large"},
		{"wraps an Error", fmt.Errorf("handling: %w", ErrInvalidFramePayload), StatusInvalidFramePayload, "handling: payload is not valid UTF-8"},
		{"a CloseError", &CloseError{Code: 4001, Reason: "go away"}, 4001, "go away"},
		{"a CloseError without a reason", &CloseError{Code: StatusTryAgainLater}, StatusTryAgainLater, ""},
		{"wraps a CloseError", fmt.Errorf("upstream: %w", &CloseError{Code: StatusGoingAway, Reason: "restart"}), StatusGoingAway, "restart"},
		{"a context's", context.DeadlineExceeded, StatusInternalError, "context deadline exceeded"},
		{"a long one", errors.New(long), StatusInternalError, long[:122]},
		{"joined", errors.Join(errors.New("a"), ErrFrameTooLarge), StatusTooLarge, "a\nframe too large"},
	} {
		for _, mode := range []Mode{ServerMode, ClientMode} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					opts, end := closeHook(Options{})
					ws, p := newPeer(t, mode, opts)
					calls := 0
					served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
						if calls++; calls == 1 {
							return msg, nil
						}
						return msg, c.err // the message does not count
					})
					p.send(p.text("ok"), p.text("fails"), p.text("not handled"))
					p.wantText("ok")
					p.wantClose(c.code, c.reason)
					p.send(p.text("not handled"), p.ping("not answered"))
					p.send(p.close(c.code, ""))
					p.conn.Close()
					<-served
					synctest.Wait()
					if calls != 2 {
						t.Errorf("the handler was called %d times", calls)
					}
					end.want(t, c.code, c.err)
				})
			})
		}
	}
}

// A handler's error and a peer that does not answer: CloseTimeout ends it.
func TestHandlerErrorWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{CloseTimeout: time.Minute})
		ws, p := newPeer(t, ServerMode, opts)
		wrong := errors.New("wrong")
		start := time.Now()
		served := serving(t.Context(), ws, func(context.Context, *Message) (*Message, error) { return nil, wrong })
		p.send(p.text("x"))
		p.wantClose(StatusInternalError, "wrong")
		<-served
		if took := time.Since(start); took != time.Minute {
			t.Errorf("Serve returned after %v", took)
		}
		synctest.Wait()
		end.want(t, StatusInternalError, wrong)
	})
}

// A handler that fails after a Close was sent changes nothing any more.
func TestHandlerErrorAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{})
		ws, p := newPeer(t, ServerMode, opts)
		served := serving(t.Context(), ws, func(context.Context, *Message) (*Message, error) {
			ws.CloseWithStatus(4000, "first")
			return nil, errors.New("second")
		})
		p.send(p.text("x"))
		p.wantClose(4000, "first")
		p.send(p.close(4000, ""))
		p.wantEnd()
		<-served
		synctest.Wait()
		end.want(t, 4000, nil)
	})
}

// A panic closes with 1011 and goes on up, whatever it carries; so does Goexit.
// What was answered before is sent.
func TestHandlerPanicsGoUp(t *testing.T) {
	for _, reason := range []any{"oops", errors.New("oops"), http.ErrAbortHandler, nil} {
		for _, reuse := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				opts, end := closeHook(Options{ReuseBuffers: reuse})
				ws, p := newPeer(t, ServerMode, opts)
				got := make(chan any, 1)
				go func() {
					defer func() { got <- recover() }()
					ws.Serve(t.Context(), func(_ context.Context, msg *Message) (*Message, error) {
						if string(msg.Payload) == "panic" {
							if reason == nil {
								runtime.Goexit()
							}
							panic(reason)
						}
						return msg, nil
					})
				}()
				p.send(p.text("before"), p.text("panic"), p.text("never handled"))
				p.wantText("before")
				p.wantClose(StatusInternalError, "the handler panicked")
				if r := <-got; r != reason {
					t.Errorf("recovered %v, want %v", r, reason)
				}
				if err := ws.WriteMessage(t.Context(), new(Message)); codeOf(err) != StatusNormalClosure {
					t.Errorf("WriteMessage after the panic: %v", err)
				}
				p.conn.Close()
				if err := ws.Close(); err != nil {
					t.Errorf("Close after the panic: %v", err)
				}
				synctest.Wait()
				end.want(t, StatusInternalError, errPanic)
			})
		}
	}
}

// A panic does not wait for a peer that takes nothing.
func TestHandlerPanicIsQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		start := time.Now()
		got := make(chan any)
		go func() {
			defer func() { got <- recover() }()
			ws.Serve(t.Context(), func(context.Context, *Message) (*Message, error) { panic("oops") })
		}()
		p.send(p.text("x"))
		<-got
		if took := time.Since(start); took > failGrace {
			t.Errorf("the panic went up after %v", took)
		}
		time.Sleep(defaultCloseTimeout)
	})
}

// Replies that are other messages: as text they are checked.
func TestRepliesAreChecked(t *testing.T) {
	for _, c := range []struct {
		name  string
		reply func(msg *Message) *Message
		want  string // "" for 1007
	}{
		{"a new message", func(*Message) *Message { return &Message{Payload: []byte("new")} }, "new"},
		{"a new one, invalid", func(*Message) *Message { return &Message{Payload: []byte("\xff")} }, ""},
		{"cut on a character", func(m *Message) *Message { m.Payload = m.Payload[:3]; return m }, "€"},
		{"cut inside a character", func(m *Message) *Message { m.Payload = m.Payload[:4]; return m }, ""},
		{"another payload", func(m *Message) *Message { m.Payload = []byte("\xfe"); return m }, ""},
		{"a copy", func(m *Message) *Message { c := *m; return &c }, "€€"},
		{"grown", func(m *Message) *Message { m.Payload = append(m.Payload, '!'); return m }, "€€!"},
		{"emptied", func(m *Message) *Message { m.Payload = nil; return m }, "-"},
	} {
		for _, reuse := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ws, p := newPeer(t, ServerMode, Options{ReuseBuffers: reuse})
					served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) { return c.reply(msg), nil })
					// The bytes behind the message must survive an append to its payload.
					p.send(p.text("€€"), p.text("€€"))
					for range 2 {
						switch c.want {
						case "":
							p.wantClose(StatusInvalidFramePayload, ErrInvalidFramePayload.Error())
						case "-":
							p.wantText("")
						default:
							p.wantText(c.want)
						}
						if c.want == "" {
							break
						}
					}
					p.conn.Close()
					<-served
				})
			})
		}
	}
}

// A reply that turns binary into text is checked, too: as text it may be invalid.
func TestReplyOfAnotherKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			msg.Binary = !msg.Binary
			return msg, nil
		})
		p.send(p.text("text"))
		p.want(OpcodeBinary, true, "text")
		p.send(p.frame(OpcodeBinary, true, "\xff"))
		p.wantClose(StatusInvalidFramePayload, ErrInvalidFramePayload.Error())
		p.conn.Close()
		<-served
	})
}

// A client serves as well: its answers are masked.
func TestServeAsClient(t *testing.T) {
	for name, pair := range transports {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t)
			guard(t, a)
			guard(t, b)
			ws, p := newPeerOn(t, a, b, ClientMode, Options{ReuseBuffers: true, MaxFrameSize: 1 << 20, MaxMessageSize: 1 << 20})
			served := serving(context.Background(), ws, EchoHandler)
			for _, n := range lengths[:len(lengths)-1] {
				payload := string(pattern(n))
				go p.send(p.frame(OpcodeBinary, true, payload))
				p.want(OpcodeBinary, true, payload)
			}
			p.send(p.close(StatusGoingAway, ""))
			p.wantClose(StatusGoingAway, "")
			b.Close()
			<-served
		})
	}
}

// A half-closed peer still gets the answers to what it sent.
func TestHalfClosedPeerGetsItsAnswers(t *testing.T) {
	for _, tail := range []string{"", "\x81"} {
		ws, p := newSocketPeer(t, ServerMode, Options{})
		served := serving(context.Background(), ws, EchoHandler)
		for range 100 {
			p.send(p.text("hello"))
		}
		p.send([]byte(tail))
		closeWrite(t, p.conn)
		for range 100 {
			p.wantText("hello")
		}
		p.wantEnd()
		<-served
	}
}

func closeWrite(t *testing.T, c any) {
	t.Helper()
	if err := c.(writeCloser).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}
