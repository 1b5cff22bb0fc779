package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// With no reader Close reads and discards itself until the answer has come.
func TestCloseWithoutReader(t *testing.T) {
	for _, mode := range []Mode{ServerMode, ClientMode} {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{})
			ws, p := newPeer(t, mode, opts)
			closed := make(chan error)
			go func() { closed <- ws.CloseWithStatus(StatusPolicyViolation, "enough") }()
			p.wantClose(StatusPolicyViolation, "enough")
			p.send(p.text("discarded"), p.ping("not answered any more"), p.frame(OpcodeText, false, "half"))
			p.send(p.close(StatusPolicyViolation, ""))
			if mode == ServerMode {
				p.wantEnd() // the server closes first
			} else {
				synctest.Wait()
				select {
				case <-closed:
					t.Error("the client did not wait for the server to close TCP")
				default:
				}
				p.conn.Close()
			}
			if err := <-closed; err != nil {
				t.Errorf("CloseWithStatus: %v", err)
			}
			synctest.Wait()
			end.want(t, StatusPolicyViolation, nil)
			for range 3 {
				if err := ws.Close(); err != nil {
					t.Errorf("Close again: %v", err)
				}
			}
			if _, err := ws.ReadMessage(t.Context()); !errors.Is(err, io.EOF) {
				t.Errorf("ReadMessage after Close: %v", err)
			}
			if err := ws.WriteMessage(t.Context(), new(Message)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("WriteMessage after Close: %v", err)
			}
			ws.Serve(t.Context(), EchoHandler) // returns
		})
	}
}

// Where a read is under way Close sends the frame and leaves the rest to the reader.
func TestCloseDuringARead(t *testing.T) {
	for _, mode := range []Mode{ServerMode, ClientMode} {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{})
			ws, p := newPeer(t, mode, opts)
			result := reading(t.Context(), ws)
			synctest.Wait()
			for range 3 {
				if err := ws.CloseWithStatus(StatusGoingAway, "bye"); err != nil {
					t.Errorf("CloseWithStatus: %v", err)
				}
			}
			p.wantClose(StatusGoingAway, "bye") // once
			p.send(p.text("still delivered"))
			p.send(p.close(StatusGoingAway, "you too"))
			if mode == ClientMode {
				synctest.Wait()
				p.conn.Close()
			} else {
				p.wantEnd()
			}
			got := <-result
			wantCloseError(t, got.err, StatusGoingAway, "you too")
			if len(got.msgs) != 1 {
				t.Errorf("messages %v; want the one that came before the answer", got.msgs)
			}
			synctest.Wait()
			end.want(t, StatusGoingAway, nil)
		})
	}
}

// A peer that never answers holds Close up for CloseTimeout, no longer: with a
// reader, without one, in the middle of a fragment, and if it drips bytes.
func TestClosePeerThatNeverAnswers(t *testing.T) {
	const timeout = 3 * time.Second
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{CloseTimeout: timeout})
		ws, p := newPeer(t, ServerMode, opts)
		dripped := make(chan struct{})
		go func() {
			defer close(dripped)
			p.wantClose(StatusNormalClosure, "")
			drip := p.frame(OpcodeBinary, true, strings.Repeat("x", 10000))
			for _, b := range drip {
				time.Sleep(100 * time.Millisecond)
				if _, err := p.conn.Write([]byte{b}); err != nil {
					return
				}
			}
			t.Error("the whole frame was taken")
		}()
		start := time.Now()
		err := ws.Close()
		if waited := time.Since(start); waited != timeout {
			t.Errorf("Close took %v, want %v", waited, timeout)
		}
		if err != error(errNoAnswer) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		<-dripped
		synctest.Wait()
		end.want(t, StatusAbnormalClose, errNoAnswer)
	})
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{CloseTimeout: timeout})
		ws, p := newPeer(t, ClientMode, opts)
		result := reading(t.Context(), ws)
		synctest.Wait()
		start := time.Now()
		if err := ws.Close(); err != nil || time.Since(start) != 0 {
			t.Errorf("Close during a read: %v after %v", err, time.Since(start))
		}
		p.wantClose(StatusNormalClosure, "")
		if got := <-result; got.err != error(errNoAnswer) || time.Since(start) != timeout {
			t.Errorf("ReadMessage: %v after %v", got.err, time.Since(start))
		}
		synctest.Wait()
		end.want(t, StatusAbnormalClose, errNoAnswer)
	})
	synctest.Test(t, func(t *testing.T) { // a peer that does not even read
		ws, _ := newPeer(t, ServerMode, Options{CloseTimeout: timeout})
		start := time.Now()
		if err := ws.Close(); err != error(errNoAnswer) || time.Since(start) != timeout {
			t.Errorf("Close: %v after %v", err, time.Since(start))
		}
	})
}

// Close while a write is blocked: bounded, and the write ends with it.
func TestCloseDuringABlockedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{CloseTimeout: time.Second})
		ws, _ := newPeer(t, ServerMode, opts)
		written := make(chan error, 2)
		for range 2 { // one writes, one waits for its turn
			go func() { written <- ws.WriteMessage(context.Background(), &Message{Payload: []byte("blocked")}) }()
		}
		synctest.Wait()
		start := time.Now()
		if err := ws.Close(); err != error(errNoAnswer) || time.Since(start) != time.Second {
			t.Errorf("Close: %v after %v", err, time.Since(start))
		}
		for range 2 {
			if err := <-written; !errors.Is(err, errNoAnswer) {
				t.Errorf("WriteMessage: %v", err)
			}
		}
		synctest.Wait()
		end.want(t, StatusAbnormalClose, errNoAnswer)
	})
	// The peer reads in time: the message goes out whole, then the Close, and
	// nothing that waited behind it.
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ClientMode, Options{})
		written := make(chan error, 2)
		go func() { written <- ws.WriteMessage(context.Background(), &Message{Payload: []byte("first")}) }()
		synctest.Wait()
		go func() { written <- ws.WriteMessage(context.Background(), &Message{Payload: []byte("second")}) }()
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- ws.Close() }()
		synctest.Wait()
		p.wantText("first")
		p.wantClose(StatusNormalClosure, "")
		if err := <-written; err != nil {
			t.Errorf("the first WriteMessage: %v", err)
		}
		if err := <-written; !errors.Is(err, net.ErrClosed) {
			t.Errorf("the second WriteMessage: %v", err)
		}
		p.send(p.close(StatusNormalClosure, ""))
		p.conn.Close()
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// From within a handler Close sends the frame; the reply is not sent any more.
func TestCloseFromWithinAHandler(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{ReuseBuffers: reuse})
			ws, p := newPeer(t, ServerMode, opts)
			calls := 0
			served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
				calls++
				if string(msg.Payload) == "close" {
					if err := ws.CloseWithStatus(4000, "asked to"); err != nil {
						t.Errorf("CloseWithStatus: %v", err)
					}
				}
				return msg, nil
			})
			p.send(p.text("echo"), p.text("close"), p.text("late"), p.ping("late"))
			p.wantText("echo")
			p.wantClose(4000, "asked to")
			p.send(p.close(4000, ""))
			p.wantEnd()
			<-served
			if calls != 2 {
				t.Errorf("the handler was called %d times, want 2: nothing may follow the Close", calls)
			}
			synctest.Wait()
			end.want(t, 4000, nil)
		})
	}
}

// Many goroutines close at once, in the midst of reads and writes: one Close
// frame goes out, the first one.
func TestCloseFromManyGoroutines(t *testing.T) {
	for _, mode := range []Mode{ServerMode, ClientMode} {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{})
			ws, p := newPeer(t, mode, opts)
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					if err := ws.CloseWithStatus(StatusCode(4000+i), ""); err != nil {
						t.Errorf("CloseWithStatus: %v", err)
					}
				})
				wg.Go(func() {
					err := ws.WriteMessage(t.Context(), &Message{Payload: []byte("w")})
					if err != nil && !errors.Is(err, net.ErrClosed) {
						t.Errorf("WriteMessage: %v", err)
					}
				})
			}
			wg.Go(func() { _, _ = readAll(t.Context(), ws) })
			var closes []string
			for len(closes) == 0 {
				f, err := p.next()
				if err != nil {
					t.Fatal(err)
				}
				if Opcode(f.Opcode) == OpcodeClose {
					closes = append(closes, string(f.Payload))
				}
			}
			p.send(p.frame(OpcodeClose, true, closes[0]))
			if mode == ServerMode {
				p.wantEnd()
			}
			p.conn.Close()
			wg.Wait()
			synctest.Wait()
			end.want(t, StatusCode(closes[0][0])<<8|StatusCode(closes[0][1]), nil)
		})
	}
}

// Both sides close at once (RFC 6455 §7.1.2): each takes the other's Close for
// the answer.
func TestBothSidesClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		server, client := New(a, "", ServerMode, Options{}), New(b, "", ClientMode, Options{})
		errs := make(chan error)
		for _, ws := range []*Websocket{server, client} {
			go func() { errs <- ws.CloseWithStatus(StatusGoingAway, "") }()
		}
		start := time.Now()
		for range 2 {
			if err := <-errs; err != nil {
				t.Errorf("CloseWithStatus: %v", err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestCloseWithStatusCodes(t *testing.T) {
	for _, c := range []struct {
		code   StatusCode
		reason string
		err    error
		want   string
	}{
		{0, "not sent", nil, ""},
		{StatusNoStatusRcvd, "not sent", nil, ""},
		{1000, "", nil, "\x03\xe8"},
		{1000, strings.Repeat("€", 60), nil, "\x03\xe8" + strings.Repeat("€", 41)},
		{1014, "a\xffb", nil, "\x03\xf6a\uFFFDb"},
		{3000, "", nil, "\x0b\xb8"},
		{4999, "", nil, "\x13\x87"},
		{999, "", ErrCloseStatusInvalid, ""},
		{5000, "", ErrCloseStatusInvalid, ""},
		{1004, "", ErrCloseStatusReserved, ""},
		{StatusAbnormalClose, "", ErrCloseStatusReserved, ""},
		{StatusTlSHandshake, "", ErrCloseStatusReserved, ""},
		{2999, "", ErrCloseStatusReserved, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			ws, p := newPeer(t, ServerMode, Options{})
			result := reading(t.Context(), ws)
			synctest.Wait()
			if err := ws.CloseWithStatus(c.code, c.reason); err != c.err {
				t.Errorf("CloseWithStatus(%d): %v, want %v", c.code, err, c.err)
			}
			if c.err != nil { // nothing is done
				go func() {
					if err := ws.WriteMessage(t.Context(), &Message{Payload: []byte("open")}); err != nil {
						t.Errorf("after CloseWithStatus(%d): %v", c.code, err)
					}
				}()
				p.wantText("open")
			} else {
				p.want(OpcodeClose, true, c.want)
			}
			p.conn.Close()
			<-result
		})
	}
}

// The answer to a Close, a Close of this side and one for a failure never carry
// 1005, 1006 or 1015, whatever the hooks report.
func TestNeverOnTheWire(t *testing.T) {
	for _, code := range []StatusCode{0, 999, StatusNoStatusRcvd, StatusAbnormalClose, StatusTlSHandshake, 1004, 2000, 5000, 65535} {
		for _, err := range []error{protocol.NewError(code, "x", nil), &CloseError{Code: code, Reason: "x"}, fmt.Errorf("wrapped: %w", &CloseError{Code: code, Reason: "x"})} {
			synctest.Test(t, func(t *testing.T) {
				opts, end := closeHook(Options{})
				ws, p := newPeer(t, ServerMode, opts)
				served := serving(t.Context(), ws, func(context.Context, *Message) (*Message, error) { return nil, err })
				p.send(p.text("x"))
				want := StatusInternalError
				if code == StatusNoStatusRcvd {
					want = StatusNormalClosure
				}
				p.wantClose(want, "x")
				p.conn.Close()
				<-served
				synctest.Wait()
				end.want(t, code, err)
			})
		}
	}
}

// Close in any hook hangs nothing.
func TestCloseFromHooks(t *testing.T) {
	for _, hook := range []string{"OnClose", "OnReadError", "OnReadFrame", "OnReadMessage", "OnWriteFrame", "OnWriteMessage", "OnWriteError"} {
		t.Run(hook, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ws *Websocket
				calls := 0
				in := func(name string) {
					if name == hook {
						calls++
						if err := ws.Close(); err != nil {
							t.Errorf("Close in %s: %v", hook, err)
						}
					}
				}
				var p *peer
				ws, p = newPeer(t, ServerMode, Options{Hooks: Hooks{
					OnClose:        func(ClientKey, StatusCode, error) { in("OnClose") },
					OnReadError:    func(ClientKey, error) { in("OnReadError") },
					OnReadFrame:    func(ClientKey, *Frame) { in("OnReadFrame") },
					OnReadMessage:  func(ClientKey, *Message) { in("OnReadMessage") },
					OnWriteError:   func(ClientKey, error) { in("OnWriteError") },
					OnWriteFrame:   func(ClientKey, *Frame) { in("OnWriteFrame") },
					OnWriteMessage: func(ClientKey, *Message) { in("OnWriteMessage") },
				}})
				served := serving(t.Context(), ws, EchoHandler)
				p.send(p.text("hello"))
				synctest.Wait()
				if hook != "OnWriteError" {
					_, _ = p.next()
				}
				p.conn.Close()
				<-served
				synctest.Wait()
				if calls == 0 {
					t.Errorf("%s was not called", hook)
				}
			})
		})
	}
}

// A failed connection lingers: until the peer goes, for CloseTimeout at most, and
// for LingerBytes at most. Close waits for that.
func TestLingering(t *testing.T) {
	fail := func(t *testing.T, opts Options) (*Websocket, *peer, *closing) {
		opts, end := closeHook(opts)
		ws, p := newPeer(t, ServerMode, opts)
		result := reading(t.Context(), ws)
		p.send([]byte{0x81, 0x00})
		p.wantClose(StatusProtocolError, ErrClientFrameUnmasked.Error())
		if got := <-result; got.err != ErrClientFrameUnmasked {
			t.Errorf("ReadMessage: %v", got.err)
		}
		return ws, p, end
	}
	synctest.Test(t, func(t *testing.T) {
		ws, p, end := fail(t, Options{CloseTimeout: time.Minute})
		closed := make(chan error)
		go func() { closed <- ws.Close() }()
		for range 10 {
			p.send(make([]byte, 1000))
			time.Sleep(time.Second)
		}
		select {
		case <-closed:
			t.Error("Close did not wait for the lingering")
		default:
		}
		if err := ws.WriteMessage(t.Context(), new(Message)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("WriteMessage on a failed connection: %v", err)
		}
		p.conn.Close()
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		synctest.Wait()
		end.want(t, StatusProtocolError, ErrClientFrameUnmasked)
	})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, p, end := fail(t, Options{CloseTimeout: time.Minute})
		p.wantEnd()
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("lingered for %v", waited)
		}
		synctest.Wait()
		end.want(t, StatusProtocolError, ErrClientFrameUnmasked)
	})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, p, _ := fail(t, Options{CloseTimeout: time.Minute, LingerBytes: 100 << 10})
		sent := 0
		for {
			n, err := p.conn.Write(make([]byte, 10<<10))
			sent += n
			if err != nil {
				break
			}
		}
		if sent != 100<<10 || time.Since(start) != 0 {
			t.Errorf("lingered for %d bytes, %v", sent, time.Since(start))
		}
	})
}

// The transport's CloseWrite is called when the Close frame of a failure is out,
// not before.
func TestFailureShutsTheWriteSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, other := net.Pipe()
		half := &halfCloser{Conn: src, shut: make(chan struct{})}
		ws, p := newPeerOn(t, half, other, ServerMode, Options{})
		result := reading(t.Context(), ws)
		p.send([]byte{0x8f, 0x80})
		synctest.Wait()
		select {
		case <-half.shut:
			t.Error("the write side was shut before the Close was out")
		default:
		}
		p.wantClose(StatusProtocolError, ErrOpcodeUnknown.Error())
		<-half.shut
		p.conn.Close()
		<-result
	})
}

type halfCloser struct {
	net.Conn
	shut chan struct{}
}

func (h *halfCloser) CloseWrite() error { close(h.shut); return nil }

// ReadTimeout is for what is owed to an open connection: behind this side's Close it is
// CloseTimeout that counts, whenever the deadline was set.
func TestReadTimeoutDoesNotBoundClosing(t *testing.T) {
	for _, idle := range []time.Duration{0, time.Minute - 100*time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{ReadTimeout: time.Minute, CloseTimeout: 5 * time.Minute})
			ws, p := newPeer(t, ServerMode, opts)
			result := reading(t.Context(), ws)
			time.Sleep(idle)
			go ws.CloseWithStatus(4000, "mine")
			p.wantClose(4000, "mine")
			time.Sleep(2 * time.Minute) // well within CloseTimeout
			p.send(p.close(4000, ""))
			p.conn.Close()
			wantCloseError(t, (<-result).err, 4000, "")
			synctest.Wait()
			if got := end; got.code != 4000 || got.err != nil {
				t.Errorf("idle for %v before: OnClose was told %d, %v", idle, got.code, got.err)
			}
		})
	}
}

// What OnClose sees of Err is what is seen later.
func TestErrIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ws *Websocket
		var inHook error
		ws, p := newPeer(t, ClientMode, Options{Hooks: Hooks{OnClose: func(ClientKey, StatusCode, error) { inHook = ws.Err() }}})
		closed := make(chan error)
		go func() { closed <- ws.Close() }()
		p.wantClose(StatusNormalClosure, "")
		result := reading(t.Context(), ws)
		synctest.Wait()
		p.send(p.close(StatusNormalClosure, ""))
		p.conn.Close()
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		for when, err := range map[string]error{"in OnClose": inHook, "later": ws.Err(), "to a read that waited": (<-result).err} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v, which is no net.ErrClosed", when, err)
			}
		}
	})
}

// ReadMessage does not wait longer than failGrace for the answer to the peer's Close to
// leave, also on a transport whose directions cannot be ended one by one.
func TestReadMessageDoesNotWaitForWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		result := reading(t.Context(), ws)
		begin := time.Now()
		p.send(p.close(StatusNormalClosure, "")) // and does not read the answer
		<-result
		if d := time.Since(begin); d > failGrace {
			t.Errorf("ReadMessage returned %v after the peer's Close, want %v at most", d, failGrace)
		}
	})
}
