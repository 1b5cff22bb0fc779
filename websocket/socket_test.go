//go:build unix

package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Only plain sockets are taken for sockets.
func TestFindSocket(t *testing.T) {
	a, b := socketPair(t)
	defer a.Close()
	defer b.Close()
	u, v := unixPair(t)
	defer u.Close()
	defer v.Close()
	p, q := net.Pipe()
	defer p.Close()
	defer q.Close()
	for _, c := range []struct {
		name string
		src  io.ReadWriteCloser
		want bool
	}{
		{"TCP", a, true},
		{"Unix", u, true},
		{"a pipe", p, false},
		{"a type that embeds a socket", &countingConn{TCPConn: a}, false},
		{"a script", newScripted(), false},
		{"bytes", struct{ io.ReadWriteCloser }{a}, false},
	} {
		if got := New(c.src, "", ServerMode, Options{}).transport.isSocket(); got != c.want {
			t.Errorf("%s: socket %v, want %v", c.name, got, c.want)
		}
	}
}

// A socket that is closed already is an error of reading and writing, no panic.
func TestClosedSocket(t *testing.T) {
	a, b := socketPair(t)
	b.Close()
	a.Close()
	opts, end := closeHook(Options{})
	ws := New(a, "", ServerMode, opts)
	if _, err := ws.ReadMessage(t.Context()); !errors.Is(err, net.ErrClosed) || codeOf(err) != StatusAbnormalClose {
		t.Errorf("ReadMessage: %v", err)
	}
	if err := ws.WriteMessage(t.Context(), new(Message)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("WriteMessage: %v", err)
	}
	end.want(t, StatusAbnormalClose, net.ErrClosed)
}

// The errors of a socket say what package net's do.
func TestSocketErrors(t *testing.T) {
	ws, p := newSocketPeer(t, ServerMode, Options{})
	if err := p.conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	p.conn.Close() // a reset
	_, err := ws.ReadMessage(t.Context())
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "read" || op.Net != "tcp" || op.Source == nil || op.Addr == nil || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reading after a reset: %v", err)
	}
	if codeOf(err) != StatusAbnormalClose || !strings.HasPrefix(err.Error(), "error reading frame header: read tcp 127.0.0.1:") {
		t.Errorf("reading after a reset: %v", err)
	}

	ws, p = newSocketPeer(t, ClientMode, Options{})
	if err := ws.transport.src.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	err = ws.WriteMessage(t.Context(), &Message{Payload: []byte("x")})
	if !errors.As(err, &op) || op.Op != "write" || !errors.Is(err, syscall.EPIPE) || codeOf(err) != StatusAbnormalClose {
		t.Errorf("writing behind the end: %v", err)
	}
	p.conn.Close()

	ws, p = newSocketPeer(t, ServerMode, Options{ReadTimeout: time.Millisecond})
	if _, err = ws.ReadMessage(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) || codeOf(err) != StatusPolicyViolation {
		t.Errorf("reading past the deadline: %v", err)
	}
	p.wantClose(StatusPolicyViolation, "timeout") // and not this side's address
}

// A reply that cannot be written ends the connection, be it gathered or sent from
// where it was read to.
func TestReplyBehindTheEnd(t *testing.T) {
	for _, n := range []int{10, 4096, 2 * gatherMost} {
		opts, end := closeHook(Options{ReuseBuffers: true, MaxFrameSize: 1 << 20})
		failures := 0
		opts.Hooks.OnWriteError = func(ClientKey, error) { failures++ }
		ws, p := newSocketPeer(t, ServerMode, opts)
		if err := ws.transport.src.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		p.send(p.frame(OpcodeBinary, true, string(pattern(n))))
		ws.Serve(context.Background(), EchoHandler)
		end.want(t, StatusAbnormalClose, syscall.EPIPE)
		if failures != 1 {
			t.Errorf("%d bytes: OnWriteError was called %d times, want once", n, failures)
		}
	}
}

// When this side fails, the Close with the right code arrives, however many bytes
// are in flight, in both roles, by ReadMessage and by Serve, and also where the
// application cancels, closes or stops right behind it.
func TestCloseArrivesWithBytesInFlight(t *testing.T) {
	junk := bytes.Repeat([]byte("unread "), 100<<10/7)
	for _, c := range []struct {
		name string
		mode Mode
		bad  func(*peer) []byte
		want *Error
	}{
		{"unmasked to a server", ServerMode, func(*peer) []byte { return []byte("\x81\x00") }, ErrClientFrameUnmasked},
		{"RSV to a client", ClientMode, func(*peer) []byte { return []byte("\xc1\x00") }, ErrRSVBitsUnsupported},
		{"a frame too large", ServerMode, func(p *peer) []byte { return p.frame(OpcodeBinary, true, string(junk))[:14] }, ErrFrameTooLarge},
		{"text that is no UTF-8", ServerMode, func(p *peer) []byte { return p.text("\xff") }, ErrInvalidFramePayload},
		{"a bad Close", ClientMode, func(p *peer) []byte { return p.close(1005, "") }, ErrCloseStatusReserved},
	} {
		for _, how := range []string{"ReadMessage", "ReadMessage, cancel, Close", "Serve", "Serve with replies behind"} {
			for _, network := range []string{"socket", "unix"} {
				t.Run(c.name+"/"+how+"/"+network, func(t *testing.T) {
					a, b := transports[network](t)
					guard(t, a)
					guard(t, b)
					ended := make(chan struct{})
					var end closing
					opts := Options{MaxFrameSize: 1000}
					opts.Hooks.OnClose = func(_ ClientKey, code StatusCode, err error) {
						end = closing{end.calls + 1, code, err}
						close(ended)
					}
					ws, p := newPeerOn(t, a, b, c.mode, opts)
					done := make(chan struct{})
					go func() {
						defer close(done)
						if strings.HasPrefix(how, "Serve") {
							ws.Serve(context.Background(), EchoHandler)
							return
						}
						ctx, cancel := context.WithCancel(context.Background())
						defer cancel()
						if _, err := readAll(ctx, ws); err != error(c.want) {
							t.Errorf("ReadMessage: %v, want %v", err, c.want)
						}
						if strings.HasSuffix(how, "Close") {
							cancel()
							_ = ws.Close()
						}
					}()
					var before []byte
					if strings.HasSuffix(how, "behind") {
						for range 20 {
							before = append(before, p.text(strings.Repeat("x", 900))...)
						}
					}
					sent := make(chan struct{})
					go func() {
						defer close(sent)
						p.send(before, c.bad(p), junk)
					}()
					<-sent // all of it is in flight, or dropped, before the peer looks
					for range len(before) / 900 {
						p.wantText(strings.Repeat("x", 900))
					}
					p.wantClose(c.want.Code(), c.want.Error())
					p.wantEnd() // no reset
					b.Close()
					<-done
					<-ended
					end.want(t, c.want.Code(), c.want)
				})
			}
		}
	}
}

// A handler's error with unread bytes behind: the same.
func TestHandlerErrorArrivesWithBytesInFlight(t *testing.T) {
	for _, panics := range []bool{false, true} {
		ws, p := newSocketPeer(t, ServerMode, Options{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { _ = recover() }()
			ws.Serve(context.Background(), func(context.Context, *Message) (*Message, error) {
				if panics {
					panic("oops")
				}
				return nil, ErrMessageTooLarge
			})
		}()
		p.send(bytes.Repeat(p.frame(OpcodeBinary, true, strings.Repeat("x", 1000)), 100))
		if panics {
			p.wantClose(StatusInternalError, errPanic.Error())
		} else {
			p.wantClose(StatusTooLarge, ErrMessageTooLarge.Error())
			p.send(p.close(StatusTooLarge, ""))
		}
		p.wantEnd()
		p.conn.Close()
		<-done
	}
}

// What a socket does not take at once is written by and by, whole and in order:
// small replies, large ones sent from where they were read, and messages.
func TestPartialWrites(t *testing.T) {
	for _, network := range []string{"socket", "unix"} {
		for _, reuse := range []bool{false, true} {
			for _, size := range []int{10, 4096, 60000} {
				t.Run(fmt.Sprintf("%s/reuse=%v/%d bytes", network, reuse, size), func(t *testing.T) {
					a, b := transports[network](t)
					guard(t, a)
					guard(t, b)
					shrink(t, a, 1) // the least that there is
					ws, p := newPeerOn(t, a, b, ServerMode, Options{ReuseBuffers: reuse, MaxFrameSize: 1 << 20})
					served := serving(context.Background(), ws, EchoHandler)
					n := min(1000, 300<<10/size)
					payload := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), size) }
					var wire []byte
					for i := range n {
						wire = append(wire, p.text(payload(i))...)
					}
					go p.send(wire)
					written := make(chan error, 1)
					go func() {
						written <- ws.WriteMessage(context.Background(), &Message{Binary: true, Payload: make([]byte, 300000)})
					}()
					for i, messages := 0, 0; i < n || messages < 1; {
						f, err := p.next()
						if err != nil {
							t.Fatal(err)
						}
						if Opcode(f.Opcode) == OpcodeBinary {
							if messages++; len(f.Payload) != 300000 {
								t.Errorf("the message has %d bytes", len(f.Payload))
							}
							continue
						}
						if string(f.Payload) != payload(i) {
							t.Fatalf("reply %d: %d bytes %.10q", i, len(f.Payload), f.Payload)
						}
						i++
					}
					if err := <-written; err != nil {
						t.Errorf("WriteMessage: %v", err)
					}
					b.Close()
					<-served
				})
			}
		}
	}
}

// A write to a socket whose peer does not read ends with its context.
func TestContextEndsABlockedSocketWrite(t *testing.T) {
	ws, _ := newSocketPeer(t, ServerMode, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	blocked := make(chan error)
	go func() { blocked <- ws.WriteMessage(ctx, &Message{Binary: true, Payload: make([]byte, 64<<20)}) }()
	for pendingWrite(ws) == false {
		runtime.Gosched()
	}
	cancel()
	wantCancelled(t, "WriteMessage", <-blocked, context.Canceled)
}

func pendingWrite(ws *Websocket) bool {
	defer ws.out.mu.Unlock()
	return ws.out.lock().busy
}

// A socket's reader holds no buffer while it waits for a message, and inside a
// payload nothing but the message.
func TestWaitingReaderHoldsNoBuffer(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		for _, inside := range []bool{false, true} {
			ws, p := newSocketPeer(t, ServerMode, Options{ReuseBuffers: reuse, MaxFrameSize: 1 << 20})
			served := serving(context.Background(), ws, EchoHandler)
			for _, n := range []int{1, 5000, 100000} {
				go p.send(p.frame(OpcodeBinary, true, strings.Repeat("x", n)))
				p.want(OpcodeBinary, true, strings.Repeat("x", n))
			}
			if inside {
				p.send(p.frame(OpcodeBinary, true, strings.Repeat("x", 100000))[:50000])
			}
			p.conn.Close()
			<-served
			if n := ws.reader().Holds(); inside == (n == 0) || inside && n > 256<<10 {
				t.Errorf("reuse %v, inside a payload %v: the reader holds %d bytes", reuse, inside, n)
			}
			if n := ws.out.queue.writer.Holds(); n > 0 {
				t.Errorf("reuse %v: the writer kept a queue of %d bytes", reuse, n)
			}
		}
	}
}

// The server closes TCP first (RFC 6455 §7.1.1), a client waits for that.
func TestServerClosesFirst(t *testing.T) {
	a, b := socketPair(t)
	guard(t, a)
	guard(t, b)
	server, client := New(a, "", ServerMode, Options{}), New(b, "", ClientMode, Options{})
	served := serving(context.Background(), server, EchoHandler)
	if err := client.CloseWithStatus(StatusGoingAway, "bye"); err != nil {
		t.Errorf("the client's Close: %v", err)
	}
	<-served
	if _, err := client.ReadMessage(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("ReadMessage after Close: %v", err)
	}
	// The other way round.
	a, b = socketPair(t)
	guard(t, a)
	guard(t, b)
	server, client = New(a, "", ServerMode, Options{}), New(b, "", ClientMode, Options{})
	result := reading(context.Background(), client)
	if err := server.CloseWithStatus(StatusGoingAway, "bye"); err != nil {
		t.Errorf("the server's Close: %v", err)
	}
	wantCloseError(t, (<-result).err, StatusGoingAway, "bye")
}
