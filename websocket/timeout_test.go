package websocket

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func wantTimeout(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, os.ErrDeadlineExceeded) || codeOf(err) != StatusPolicyViolation || !strings.HasPrefix(err.Error(), "timeout: ") {
		t.Errorf("error %v; want a timeout with 1008", err)
	}
}

// wantTimeoutAfter reads the Close of a timeout, which comes when it is over.
func (p *peer) wantTimeoutAfter(start time.Time, timeout time.Duration) {
	p.t.Helper()
	f, err := p.next()
	if took := time.Since(start); err != nil || Opcode(f.Opcode) != OpcodeClose || string(f.Payload[:2]) != "\x03\xf0" || took != timeout {
		p.t.Errorf("%q, %v after %v; want a Close with 1008 after %v", f.Payload, err, took, timeout)
	}
}

// drip sends b a byte at a time until the connection is at its end.
func (p *peer) drip(b []byte, every time.Duration) {
	for i := range b {
		time.Sleep(every)
		if _, err := p.conn.Write(b[i : i+1]); err != nil {
			return
		}
	}
}

// ReadTimeout runs from the moment the reader waits for a frame until that frame
// is there: whatever kind of frame, and however its bytes drip in.
func TestReadTimeout(t *testing.T) {
	const timeout = 10 * time.Second
	for _, c := range []struct {
		name string
		sent func(*peer) []byte
	}{
		{"nothing", func(*peer) []byte { return nil }},
		{"a header", func(p *peer) []byte { return p.text("x")[:1] }},
		{"a small message", func(p *peer) []byte { return p.text(strings.Repeat("x", 120))[:100] }},
		{"a large message", func(p *peer) []byte { return p.text(strings.Repeat("x", 10000))[:100] }},
		{"a fragment", func(p *peer) []byte { return p.frame(OpcodeText, false, strings.Repeat("x", 100))[:50] }},
		{"a ping", func(p *peer) []byte { return p.ping(strings.Repeat("x", 20))[:20] }},
		{"a close", func(p *peer) []byte { return p.close(1000, strings.Repeat("x", 20))[:20] }},
	} {
		for _, mode := range []Mode{ServerMode, ClientMode} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					opts, end := closeHook(Options{ReadTimeout: timeout})
					ws, p := newPeer(t, mode, opts)
					start := time.Now()
					result := reading(t.Context(), ws)
					dripped := make(chan struct{})
					go func() {
						defer close(dripped)
						p.drip(c.sent(p), time.Second)
					}()
					f, err := p.next()
					if took := time.Since(start); took != timeout {
						t.Errorf("the Close came after %v, want %v", took, timeout)
					}
					got := <-result
					wantTimeout(t, got.err)
					// Its cause names this side's address.
					if want := closePayload(StatusPolicyViolation, "timeout"); err != nil || Opcode(f.Opcode) != OpcodeClose || string(f.Payload) != want {
						t.Errorf("%+v, %v; want a Close with %q", f, err, want)
					}
					p.conn.Close()
					<-dripped
					synctest.Wait()
					end.want(t, StatusPolicyViolation, os.ErrDeadlineExceeded)
				})
			})
		}
	}
}

// It starts anew with each frame, and does not run while nobody reads.
func TestReadTimeoutIsPerFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{ReadTimeout: 10 * time.Second})
		read := func() error {
			msg, err := ws.ReadMessage(t.Context())
			if err == nil && string(msg.Payload) != "ab" {
				t.Errorf("message %v", msg)
			}
			return err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 5 { // each frame just in time: three for each message
				time.Sleep(9 * time.Second)
				p.send(p.frame(OpcodeText, false, "a"))
				time.Sleep(9 * time.Second)
				p.send(p.frame(OpcodePong, true, ""))
				time.Sleep(9 * time.Second)
				// The beginning of the next frame is there, too.
				p.send(p.frame(OpcodeContinuation, true, "b"), p.ping("hello")[:3])
				time.Sleep(9 * time.Second)
				p.send(p.ping("hello")[3:])
				p.want(OpcodePong, true, "hello")
			}
		}()
		for range 5 {
			if err := read(); err != nil {
				t.Fatal(err)
			}
		}
		go func() { _ = read() }()
		<-done
		synctest.Wait()
		p.conn.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{ReadTimeout: 10 * time.Second})
		for range 3 {
			go p.send(p.text("x"), p.text("y")[:3])
			if _, err := ws.ReadMessage(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // the application takes its time
			go p.send(p.text("y")[3:])
			if _, err := ws.ReadMessage(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
	})
}

// MessageTimeout covers a message from its first frame, whatever comes between:
// drips, empty fragments, control frames.
func TestMessageTimeout(t *testing.T) {
	const timeout = 10 * time.Second
	for _, readTimeout := range []time.Duration{0, 3 * time.Second, time.Hour} {
		for _, c := range []struct {
			name  string
			first func(*peer) []byte
			then  func(*peer) []byte
		}{
			{"empty fragments", func(p *peer) []byte { return p.frame(OpcodeText, false, "") }, func(p *peer) []byte { return p.frame(OpcodeContinuation, false, "") }},
			{"pongs", func(p *peer) []byte { return p.frame(OpcodeBinary, false, "x") }, func(p *peer) []byte { return p.frame(OpcodePong, true, "") }},
			{"a byte at a time", func(p *peer) []byte { return p.frame(OpcodeBinary, false, "") }, func(p *peer) []byte { return p.frame(OpcodeContinuation, false, "x") }},
		} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					opts, end := closeHook(Options{MessageTimeout: timeout, ReadTimeout: readTimeout})
					ws, p := newPeer(t, ServerMode, opts)
					result := reading(t.Context(), ws)
					if readTimeout == 0 {
						time.Sleep(time.Hour) // no message, no timeout
					}
					p.send(c.first(p))
					start := time.Now()
					sent := make(chan struct{})
					go func() {
						defer close(sent)
						for {
							time.Sleep(900 * time.Millisecond)
							if _, err := p.conn.Write(c.then(p)); err != nil {
								return
							}
						}
					}()
					p.wantTimeoutAfter(start, timeout)
					wantTimeout(t, (<-result).err)
					p.conn.Close()
					<-sent
					synctest.Wait()
					end.want(t, StatusPolicyViolation, os.ErrDeadlineExceeded)
				})
			})
		}
	}
	// The first frame counts from its first byte on.
	for _, most := range []int{1, 2, 4, 6, 8} {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{MessageTimeout: timeout})
			ws, p := newPeer(t, ServerMode, opts)
			result := reading(t.Context(), ws)
			time.Sleep(time.Hour)
			start := time.Now()
			p.send(p.text("hello")[:most])
			p.wantTimeoutAfter(start, timeout)
			wantTimeout(t, (<-result).err)
			p.conn.Close()
			synctest.Wait()
			end.want(t, StatusPolicyViolation, os.ErrDeadlineExceeded)
		})
	}
	// A control frame is no message's first, however slow it is.
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{MessageTimeout: timeout})
		result := reading(t.Context(), ws)
		for _, b := range p.ping("hi") {
			p.send([]byte{b})
			time.Sleep(timeout)
		}
		p.want(OpcodePong, true, "hi")
		// And a message that came in pieces leaves the next one its time.
		for _, most := range []int{1, 3, 7} {
			b := p.text("hello")
			p.send(b[:most])
			time.Sleep(timeout - 1)
			p.send(b[most:])
			time.Sleep(time.Hour)
		}
		// So does one of fragments that came together.
		p.send(p.frame(OpcodeText, false, "hel"))
		time.Sleep(timeout - 1)
		p.send(slices.Concat(p.frame(OpcodeContinuation, false, "l"), p.frame(OpcodeContinuation, true, "o")))
		time.Sleep(time.Hour)
		p.conn.Close()
		if got := <-result; len(got.msgs) != 4 || !errors.Is(got.err, io.EOF) {
			t.Errorf("%d messages, %v", len(got.msgs), got.err)
		}
	})
	// A message in time, then another one: each has its own time.
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ClientMode, Options{MessageTimeout: timeout})
		result := reading(t.Context(), ws)
		for range 5 {
			p.send(p.frame(OpcodeText, false, "a"))
			time.Sleep(timeout - 1)
			p.send(p.frame(OpcodeContinuation, true, "b"))
			time.Sleep(time.Hour)
		}
		p.conn.Close()
		if got := <-result; len(got.msgs) != 5 || !errors.Is(got.err, io.EOF) {
			t.Errorf("%d messages, %v", len(got.msgs), got.err)
		}
	})
}

func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{WriteTimeout: 10 * time.Second})
		var writeErr error
		opts.Hooks.OnWriteError = func(_ ClientKey, err error) { writeErr = err }
		ws, p := newPeer(t, ServerMode, opts)
		for range 3 { // in time
			written := make(chan error)
			go func() { written <- ws.WriteMessage(t.Context(), &Message{Payload: []byte("x")}) }()
			time.Sleep(9 * time.Second)
			p.wantText("x")
			if err := <-written; err != nil {
				t.Errorf("WriteMessage: %v", err)
			}
			time.Sleep(time.Minute)
		}
		start := time.Now()
		err := ws.WriteMessage(t.Context(), &Message{Payload: []byte("too late")})
		if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.HasPrefix(err.Error(), "error writing frame: ") || codeOf(err) != StatusAbnormalClose || time.Since(start) != 10*time.Second {
			t.Errorf("WriteMessage: %v after %v", err, time.Since(start))
		}
		if writeErr != err {
			t.Errorf("OnWriteError: %v", writeErr)
		}
		p.wantEnd()
		end.want(t, StatusAbnormalClose, os.ErrDeadlineExceeded)
	})
	// A reply that the peer does not take ends the connection, too.
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{WriteTimeout: 10 * time.Second})
		ws, p := newPeer(t, ServerMode, opts)
		start := time.Now()
		served := serving(t.Context(), ws, EchoHandler)
		p.send(p.text("x"))
		<-served
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("Serve returned after %v", took)
		}
		synctest.Wait()
		end.want(t, StatusAbnormalClose, os.ErrDeadlineExceeded)
	})
}

// New panics where a timeout is set that the transport cannot keep, and only there.
func TestNewPanics(t *testing.T) {
	for _, c := range []struct {
		name string
		opts Options
		want bool
	}{
		{"none", Options{}, false},
		{"ReadTimeout", Options{ReadTimeout: 1}, true},
		{"WriteTimeout", Options{WriteTimeout: 1}, true},
		{"MessageTimeout", Options{MessageTimeout: 1}, true},
		{"negative timeouts", Options{ReadTimeout: -1, WriteTimeout: -1, MessageTimeout: -1}, false},
		{"CloseTimeout", Options{CloseTimeout: 1}, false},
		{"sizes", Options{MaxFrameSize: 1, MaxMessageSize: 1, MaxPending: 1, LingerBytes: 1}, false},
	} {
		for _, deadlines := range []bool{false, true} {
			func() {
				defer func() {
					reason := recover()
					if text, _ := reason.(string); (reason != nil) != (c.want && !deadlines) || reason != nil && !strings.Contains(text, "deadline") {
						t.Errorf("%s, deadlines %v: panic %v", c.name, deadlines, reason)
					}
				}()
				var src io.ReadWriteCloser = newScripted()
				if deadlines {
					src = discardConn{}
				}
				New(src, "", ServerMode, c.opts)
			}()
		}
	}
	synctest.Test(t, func(t *testing.T) { // pings need no deadlines
		New(newScripted(), "", ServerMode, Options{PingInterval: time.Second}).abort(io.EOF)
	})
}

// Under TLS, too, nothing waits for a peer that takes nothing, not even the end.
func TestWriteTimeoutUnderTLS(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	certificates := server.TLS.Certificates
	server.Close()
	synctest.Test(t, func(t *testing.T) {
		src, other := net.Pipe()
		defer other.Close()
		secure := tls.Server(src, &tls.Config{Certificates: certificates, SessionTicketsDisabled: true})
		shaken := make(chan error, 1)
		go func() { shaken <- tls.Client(other, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
		if err := secure.Handshake(); err != nil {
			t.Fatal(err)
		}
		if err := <-shaken; err != nil {
			t.Fatal(err)
		}
		opts, end := closeHook(Options{WriteTimeout: time.Second})
		ws := New(secure, "", ServerMode, opts)
		start := time.Now()
		err := ws.WriteMessage(t.Context(), new(Message))
		if took := time.Since(start); took != time.Second || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("WriteMessage: %v after %v, want a timeout after %v", err, took, time.Second)
		}
		end.want(t, StatusAbnormalClose, os.ErrDeadlineExceeded)
	})
}

func tlsCertificates() []tls.Certificate {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates
}

// tlsOver returns the ends of TLS over a transport's ends.
func tlsOver(t *testing.T, certificates []tls.Certificate, src, other net.Conn) (server, client net.Conn) {
	secure := tls.Server(src, &tls.Config{Certificates: certificates, SessionTicketsDisabled: true})
	secureClient := tls.Client(other, &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- secureClient.Handshake() }()
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	return secure, secureClient
}

// Nor does a connection that is dropped, for whatever reason, wait for a peer that
// takes the Close and then nothing more: the close_notify of TLS cannot be sent.
func TestDropUnderTLS(t *testing.T) {
	certificates := tlsCertificates()
	for _, c := range []struct {
		name  string
		twice bool // TLS in TLS, as through a proxy that is reached by https
		sent  string
		drop  func(ws *Websocket, cancel context.CancelFunc)
		after time.Duration
	}{
		{"timeout of a failure", false, "\x83\x80", nil, time.Second},
		{"timeout of a handler's error", false, "\x82\x80\x00\x00\x00\x00", nil, time.Second},
		{"context", false, "\x82\x80\x00\x00\x00\x00", func(_ *Websocket, cancel context.CancelFunc) { cancel() }, 0},
		{"abort", false, "\x82\x80\x00\x00\x00\x00", func(ws *Websocket, _ context.CancelFunc) { ws.abort(errShutdown) }, 0},
		{"abort, TLS in TLS", true, "\x82\x80\x00\x00\x00\x00", func(ws *Websocket, _ context.CancelFunc) { ws.abort(errShutdown) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src, other := net.Pipe()
				defer other.Close()
				secure, client := tlsOver(t, certificates, src, other)
				if c.twice {
					secure, client = tlsOver(t, certificates, secure, client)
				}
				ws, p := newPeerOn(t, secure, client, ServerMode, Options{CloseTimeout: time.Second})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				served := serving(ctx, ws, func(context.Context, *Message) (*Message, error) { return nil, errPanic })
				start := time.Now()
				p.send([]byte(c.sent))
				if f, err := p.next(); err != nil || Opcode(f.Opcode) != OpcodeClose {
					t.Fatalf("%v, %v; want a Close", f, err)
				}
				synctest.Wait()
				if c.drop != nil {
					c.drop(ws, cancel)
				}
				<-served
				if took := time.Since(start); took != c.after {
					t.Errorf("the end took %v, want %v", took, c.after)
				}
			})
		})
	}
}

// Nor does a handshake that fails.
func TestHandshakeFailsUnderTLS(t *testing.T) {
	certificates := tlsCertificates()
	pair := func(t *testing.T) (server, client net.Conn) {
		src, other := net.Pipe()
		t.Cleanup(func() { other.Close() })
		return tlsOver(t, certificates, src, other)
	}
	t.Run("Accept", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, _ := pair(t)
			start := time.Now()
			_, err := Accept(failingWriter{httptest.NewRecorder(), server, nil, nil}, upgradeRequest(), Options{WriteTimeout: time.Second})
			wantRefusal(t, err, 500, "writing the answer")
			if took := time.Since(start); took != time.Second {
				t.Errorf("Accept took %v, want its WriteTimeout", took)
			}
		})
	})
	t.Run("Dial", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client := pair(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			go readHeader(server)
			start := time.Now()
			_, _, err := Dial(ctx, "ws://h", DialOptions{Proxy: noProxy, NetDial: func(context.Context, string, string) (net.Conn, error) { return client, nil }})
			if took := time.Since(start); took != time.Second || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Dial: %v after %v, want the context's end after %v", err, took, time.Second)
			}
		})
	})
}

// A write leaves no deadline behind: later writes try without setting one.
func TestWriteDeadlineIsTakenBack(t *testing.T) {
	src := &deadlineLog{scripted: newScripted()}
	ws := New(src, "", ServerMode, Options{WriteTimeout: time.Hour})
	if err := ws.WriteMessage(t.Context(), new(Message)); err != nil {
		t.Fatal(err)
	}
	if len(src.set) != 2 || src.set[0].IsZero() || !src.set[1].IsZero() {
		t.Errorf("the deadlines were set to %v, want one, and none behind it", src.set)
	}
}

type deadlineLog struct {
	*scripted
	set []time.Time // of writes
}

func (l *deadlineLog) SetReadDeadline(time.Time) error { return nil }

func (l *deadlineLog) SetWriteDeadline(t time.Time) error {
	l.set = append(l.set, t)
	return nil
}

// A transport whose deadlines do not work is an error of the read that needs one:
// the first, or the one inside a payload where MessageTimeout begins.
func TestDeadlineError(t *testing.T) {
	for _, c := range []struct {
		opts Options
		want string
	}{
		{Options{ReadTimeout: time.Second}, "error reading frame header: "},
		{Options{MessageTimeout: time.Second}, "error reading 100000 byte payload: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			src := &noDeadlines{scripted: newScripted((&peer{mode: ServerMode}).frame(OpcodeBinary, true, strings.Repeat("x", 100000))[:5000])}
			c.opts.MaxFrameSize = 1 << 20
			ws := New(src, "", ServerMode, c.opts)
			_, err := ws.ReadMessage(t.Context())
			if !errors.Is(err, os.ErrNoDeadline) || codeOf(err) != StatusAbnormalClose || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("ReadMessage: %v, want %s…", err, c.want)
			}
		})
	}
}

type noDeadlines struct{ *scripted }

func (noDeadlines) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (noDeadlines) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// WriteTimeout is for a peer that takes nothing, not for one that takes long: each way to
// write has it for each step.
func TestWriteTimeoutIsForEachStep(t *testing.T) {
	msg := &Message{Binary: true, Payload: make([]byte, 2<<20)}
	ways := map[string]func(ws *Websocket, p *peer) error{
		"WriteMessage": func(ws *Websocket, _ *peer) error { return ws.WriteMessage(context.Background(), msg) },
		"WritePrepared": func(ws *Websocket, _ *peer) error {
			prepared, err := Prepare(msg)
			if err != nil {
				return err
			}
			return ws.WritePrepared(context.Background(), prepared)
		},
		"an answer": func(ws *Websocket, p *peer) error {
			go ws.Serve(context.Background(), func(context.Context, *Message) (*Message, error) { return msg, nil })
			p.send(p.text("x"))
			time.Sleep(40 * time.Second)
			return ws.Err()
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ws, p := newPeer(t, ServerMode, Options{WriteTimeout: 5 * time.Second, MaxFrameSize: 64 << 10, MaxMessageSize: 8 << 20})
				go func() { // takes 100 KiB a second
					for b := make([]byte, 100<<10); ; time.Sleep(time.Second) {
						if _, err := io.ReadFull(p.conn, b); err != nil {
							return
						}
					}
				}()
				if err := way(ws, p); err != nil {
					t.Error(err)
				}
				p.conn.Close()
				time.Sleep(time.Minute)
			})
		})
	}
}
