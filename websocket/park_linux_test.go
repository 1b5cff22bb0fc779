package websocket

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// parkSoon has connections parked as soon as can be.
func parkSoon(opts Options) Options {
	opts.ParkAfter = time.Nanosecond
	return opts
}

// eventually returns when that is so, and fails the test if that takes very long.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for begin := time.Now(); !so(); runtime.Gosched() {
		if time.Since(begin) > time.Minute {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

func allParked(t *testing.T, h *HTTPHandler, n int) {
	t.Helper()
	eventually(t, "all connections are parked", func() bool { return h.Parked() == n })
}

// servedPeer connects a peer to h through a socket.
func servedPeer(t *testing.T, h *HTTPHandler) *peer {
	t.Helper()
	a, b := socketPair(t)
	guard(t, a)
	guard(t, b)
	return peerOf(t, h, a, b)
}

func peerOf(t *testing.T, h *HTTPHandler, a, b net.Conn) *peer {
	t.Helper()
	h.ServeHTTP(failingWriter{httptest.NewRecorder(), a, nil, nil}, upgradeRequest())
	br := bufio.NewReader(b)
	if _, err := http.ReadResponse(br, nil); err != nil {
		t.Fatal(err)
	}
	if br.Buffered() > 0 {
		t.Fatal("bytes behind the 101")
	}
	return &peer{t: t, conn: b, mode: ServerMode}
}

// A parked connection has no goroutine, answers as before, and is parked again.
func TestPark(t *testing.T) {
	h := NewHandler(EchoHandler, parkSoon(Options{}))
	before := runtime.NumGoroutine()
	var peers []*peer
	for range 50 {
		peers = append(peers, servedPeer(t, h))
	}
	for range 3 {
		allParked(t, h, len(peers))
		eventually(t, "no goroutine but that of the lot", func() bool { return runtime.NumGoroutine() <= before+1 })
		for _, p := range peers {
			p.send(p.text("hello"), p.ping("ping"))
		}
		for _, p := range peers {
			p.wantText("hello")
			p.want(OpcodePong, true, "ping")
		}
	}
	for _, p := range peers {
		p.send(p.close(1000, "bye"))
		p.wantClose(1000, "")
		p.wantEnd()
		p.conn.Close()
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	eventually(t, "no goroutine", func() bool { return runtime.NumGoroutine() <= before })
	if n := h.Parked(); n != 0 {
		t.Errorf("%d connections are parked, none is left", n)
	}
}

// However a connection ends while it is parked, the application is told what it is told
// otherwise.
func TestEndsParked(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(h *HTTPHandler, ws *Websocket, p *peer)
		code StatusCode
		err  error
	}{
		{"the peer closes", func(_ *HTTPHandler, _ *Websocket, p *peer) {
			p.send(p.close(1000, "bye"))
			p.wantClose(1000, "")
			p.wantEnd()
		}, StatusNormalClosure, nil},
		{"the peer breaks a rule", func(_ *HTTPHandler, _ *Websocket, p *peer) {
			p.send([]byte{0x81, 0})
			p.wantClose(1002, ErrClientFrameUnmasked.Error())
			p.wantEnd()
		}, StatusProtocolError, ErrClientFrameUnmasked},
		{"the peer ends its direction", func(_ *HTTPHandler, _ *Websocket, p *peer) {
			if err := p.conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
			p.wantEnd()
		}, StatusAbnormalClose, io.EOF},
		{"the peer ends inside a message", func(h *HTTPHandler, _ *Websocket, p *peer) {
			p.send(p.frame(OpcodeText, false, "half"), p.frame(OpcodeContinuation, true, "of it")[:8])
			p.send(nil)
			allParked(t, h, 1)
			p.conn.Close()
		}, StatusAbnormalClose, io.ErrUnexpectedEOF},
		{"the peer resets", func(_ *HTTPHandler, _ *Websocket, p *peer) {
			_ = p.conn.(*net.TCPConn).SetLinger(0)
			p.conn.Close()
		}, StatusAbnormalClose, syscall.ECONNRESET},
		{"this side closes", func(_ *HTTPHandler, ws *Websocket, p *peer) {
			if err := ws.CloseWithStatus(StatusGoingAway, "away"); err != nil {
				t.Error(err)
			}
			p.wantClose(StatusGoingAway, "away")
			p.send(p.close(StatusGoingAway, ""))
			p.wantEnd()
		}, StatusGoingAway, nil},
		{"Shutdown", func(h *HTTPHandler, _ *Websocket, p *peer) {
			done := make(chan error)
			go func() { done <- h.Shutdown(context.Background()) }()
			p.wantClose(StatusGoingAway, "")
			p.send(p.close(StatusGoingAway, ""))
			p.wantEnd()
			p.conn.Close()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}, StatusGoingAway, nil},
		{"Shutdown gives up", func(h *HTTPHandler, _ *Websocket, p *peer) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := h.Shutdown(ctx); err != context.Canceled {
				t.Error(err)
			}
		}, StatusAbnormalClose, errShutdown},
		{"a write fails", func(_ *HTTPHandler, ws *Websocket, p *peer) {
			if err := ws.transport.src.(*net.TCPConn).CloseWrite(); err != nil {
				t.Error(err)
			}
			if err := ws.WriteMessage(context.Background(), &Message{Payload: []byte("x")}); !errors.Is(err, syscall.EPIPE) {
				t.Errorf("WriteMessage: %v", err)
			}
		}, StatusAbnormalClose, syscall.EPIPE},
		{"the context of a write ends", func(_ *HTTPHandler, ws *Websocket, p *peer) {
			ctx, cancel := context.WithCancel(context.Background())
			written := make(chan error)
			go func() { written <- ws.WriteMessage(ctx, &Message{Binary: true, Payload: make([]byte, 64<<20)}) }()
			eventually(t, "the write is under way", func() bool { return pendingWrite(ws) })
			cancel()
			if err := <-written; !errors.Is(err, context.Canceled) {
				t.Errorf("WriteMessage: %v", err)
			}
		}, StatusAbnormalClose, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			open := make(chan *Websocket, 1)
			opts := parkSoon(Options{})
			opts.OnOpen = func(ws *Websocket, _ *http.Request) { open <- ws }
			var end closing
			var readErrors atomic.Int32
			told := make(chan struct{})
			opts.Hooks.OnClose = func(_ ClientKey, code StatusCode, err error) {
				end = closing{end.calls + 1, code, err}
				close(told)
			}
			opts.Hooks.OnReadError = func(ClientKey, error) { readErrors.Add(1) }
			h := NewHandler(EchoHandler, opts)
			p := servedPeer(t, h)
			ws := <-open
			p.send(p.text("hello"))
			p.wantText("hello")
			allParked(t, h, 1)
			c.end(h, ws, p)
			p.conn.Close()
			<-told
			eventually(t, "the connection is taken off", func() bool {
				h.mu.Lock()
				defer h.mu.Unlock()
				return h.first == nil
			})
			end.want(t, c.code, c.err)
			if n := h.Parked(); n != 0 {
				t.Errorf("%d connections are parked, none is left", n)
			}
			want := int32(1)
			if c.err == nil {
				want = 0
			}
			if n := readErrors.Load(); n != want {
				t.Errorf("OnReadError was called %d times, want %d", n, want)
			}
			if err := ws.Err(); err == nil {
				t.Error("Err is nil")
			}
		})
	}
}

// What is written to a parked connection goes out, and does not wake it; a pong does.
func TestWritesWhileParked(t *testing.T) {
	open := make(chan *Websocket, 1)
	opts := parkSoon(Options{})
	opts.OnOpen = func(ws *Websocket, _ *http.Request) { open <- ws }
	h := NewHandler(EchoHandler, opts)
	p := servedPeer(t, h)
	ws := <-open
	allParked(t, h, 1)
	big := strings.Repeat("x", 10<<10)
	go func() {
		for range 100 {
			if err := ws.WriteMessage(context.Background(), &Message{Payload: []byte(big)}); err != nil {
				t.Errorf("WriteMessage: %v", err)
			}
		}
	}()
	for range 100 {
		p.wantText(big)
	}
	for range 10 {
		allParked(t, h, 1)
		ponged := make(chan error)
		go func() { ponged <- ws.Ping(context.Background()) }()
		f, err := p.next()
		if err != nil || Opcode(f.Opcode) != OpcodePing {
			t.Fatalf("%v, %v, want a ping", f, err)
		}
		p.send(p.frame(OpcodePong, true, string(f.Payload)))
		if err := <-ponged; err != nil {
			t.Errorf("Ping: %v", err)
		}
	}
	p.conn.Close()
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// PingInterval keeps a parked connection, and notices when its peer is dead. Its ticks are
// run by hand: to a timer, a peer that a busy machine does not run for an interval is dead.
func TestPingIntervalWhileParked(t *testing.T) {
	open, told := make(chan *Websocket, 1), make(chan error, 1)
	opts := parkSoon(Options{PingInterval: time.Hour})
	opts.OnOpen = func(ws *Websocket, _ *http.Request) { open <- ws }
	opts.Hooks.OnClose = func(_ ClientKey, _ StatusCode, err error) { told <- err }
	h := NewHandler(EchoHandler, opts)
	p := servedPeer(t, h)
	ws := <-open
	for range 5 {
		allParked(t, h, 1)
		before := reads(ws)
		ws.keepAlive()
		f, err := p.next()
		if err != nil || Opcode(f.Opcode) != OpcodePing {
			t.Fatalf("%v, %v, want a ping", f, err)
		}
		p.send(p.frame(OpcodePong, true, string(f.Payload)))
		eventually(t, "the pong is read, and more waited for", func() bool { return reads(ws) == before+2 })
	}
	allParked(t, h, 1)
	for range 3 {
		ws.keepAlive()
	}
	if err := <-told; err != errDead {
		t.Errorf("the peer went silent: %v, want %v", err, errDead)
	}
	p.conn.Close()
}

// reads returns how many waits of the reader have begun and ended.
func reads(ws *Websocket) uint32 {
	all := ws.pings.lock()
	defer all.mu.Unlock()
	return all.reads
}

// Time to read a frame goes on while a connection is parked.
func TestReadTimeoutWhileParked(t *testing.T) {
	for _, c := range []struct {
		name string
		opts Options
		sent func(*peer) []byte
	}{
		{"nothing comes", Options{ReadTimeout: 50 * time.Millisecond}, nil},
		{"the rest of a frame does not come", Options{ReadTimeout: 50 * time.Millisecond}, func(p *peer) []byte { return p.text("hello")[:3] }},
		{"the rest of a message does not come", Options{MessageTimeout: 50 * time.Millisecond}, func(p *peer) []byte { return p.frame(OpcodeText, false, "hello") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := make(chan error, 1)
			opts := parkSoon(c.opts)
			opts.Hooks.OnClose = func(_ ClientKey, _ StatusCode, err error) { told <- err }
			h := NewHandler(EchoHandler, opts)
			began := time.Now()
			p := servedPeer(t, h)
			if c.sent != nil {
				p.send(c.sent(p))
			}
			p.wantClose(StatusPolicyViolation, "timeout")
			if took := time.Since(began); took < 50*time.Millisecond {
				t.Errorf("the connection timed out after %v", took)
			}
			p.conn.Close()
			if err := <-told; !errors.Is(err, errTimeout) {
				t.Errorf("OnClose was told %v", err)
			}
		})
	}
}

// Connections that are not to be parked are not.
func TestNeverPark(t *testing.T) {
	opts := Options{ParkAfter: -1}
	h := NewHandler(EchoHandler, opts)
	p := servedPeer(t, h)
	p.send(p.text("hello"))
	p.wantText("hello")
	if h.awake.timer != nil {
		t.Error("something is swept")
	}
	p.conn.Close()
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}
