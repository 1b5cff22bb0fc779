package websocket

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// A peer is the other end of a connection under test. It speaks in plain frames,
// built and read by package wire, and checks that this side masks as its role
// demands (RFC 6455 §5.1).
type peer struct {
	t    testing.TB
	conn net.Conn
	mode Mode // of the connection under test
	in   []byte
}

// newPeer returns a connection over a net.Pipe and its other end.
func newPeer(t testing.TB, mode Mode, opts Options) (*Websocket, *peer) {
	t.Helper()
	src, other := net.Pipe()
	return newPeerOn(t, src, other, mode, opts)
}

// newPeerOn returns a connection on src, whose other end is other.
func newPeerOn(t testing.TB, src io.ReadWriteCloser, other net.Conn, mode Mode, opts Options) (*Websocket, *peer) {
	t.Helper()
	ws := New(src, "key", mode, opts)
	p := &peer{t: t, conn: other, mode: mode}
	t.Cleanup(func() {
		other.Close()
		src.Close()
	})
	return ws, p
}

// newSocketPeer is newPeer over loopback TCP. What would hang fails instead.
func newSocketPeer(t testing.TB, mode Mode, opts Options) (*Websocket, *peer) {
	t.Helper()
	src, other := socketPair(t)
	guard(t, src)
	guard(t, other)
	return newPeerOn(t, src, other, mode, opts)
}

// guard closes c before a failing test could hang.
func guard(t testing.TB, c io.Closer) {
	timer := time.AfterFunc(20*time.Second, func() {
		t.Error("the test hangs: closing the transport")
		c.Close()
	})
	t.Cleanup(func() { timer.Stop() })
}

// bytes returns frame as the peer sends it.
func (p *peer) bytes(f wire.Frame) []byte {
	if p.mode == ServerMode {
		f.Masked, f.Key = true, [4]byte{0x37, 0xfa, 0x21, 0x3d}
	}
	return f.Append(nil)
}

func (p *peer) frame(op Opcode, fin bool, payload string) []byte {
	return p.bytes(wire.Frame{Fin: fin, Opcode: byte(op), Payload: []byte(payload)})
}

func (p *peer) text(s string) []byte { return p.frame(OpcodeText, true, s) }
func (p *peer) ping(s string) []byte { return p.frame(OpcodePing, true, s) }

func (p *peer) close(code StatusCode, reason string) []byte {
	return p.frame(OpcodeClose, true, closePayload(code, reason))
}

func closePayload(code StatusCode, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason
}

// send writes the frames in one Write, and fails the test if that fails.
func (p *peer) send(frames ...[]byte) {
	p.t.Helper()
	if _, err := p.conn.Write(bytes.Join(frames, nil)); err != nil {
		p.t.Errorf("the peer's write: %v", err)
	}
}

// next reads a frame.
func (p *peer) next() (wire.Frame, error) {
	for {
		f, n, err := wire.Split(p.in)
		if err == nil {
			p.in = p.in[n:]
			if f.Masked == (p.mode == ServerMode) {
				p.t.Errorf("frame %+v: masked is %v, want %v from this role", f, f.Masked, !f.Masked)
			}
			if f.Masked && f.Key == [4]byte{} {
				p.t.Errorf("frame %+v: the masking key is zero", f)
			}
			return f, nil
		}
		var buf [32 << 10]byte
		m, err := p.conn.Read(buf[:])
		p.in = append(p.in, buf[:m]...)
		if err != nil && m == 0 {
			return wire.Frame{}, err
		}
	}
}

// want reads a frame and compares it.
func (p *peer) want(op Opcode, fin bool, payload string) {
	p.t.Helper()
	f, err := p.next()
	if err != nil {
		p.t.Errorf("reading a frame: %v; want %v %.40q", err, op, payload)
	} else if Opcode(f.Opcode) != op || f.Fin != fin || string(f.Payload) != payload || f.RSV != 0 {
		p.t.Errorf("frame %v, fin %v, RSV %d, %d bytes %.60q; want %v, fin %v, %d bytes %.60q", Opcode(f.Opcode), f.Fin, f.RSV, len(f.Payload), f.Payload, op, fin, len(payload), payload)
	}
}

func (p *peer) wantText(s string) { p.t.Helper(); p.want(OpcodeText, true, s) }

func (p *peer) wantClose(code StatusCode, reason string) {
	p.t.Helper()
	p.want(OpcodeClose, true, closePayload(code, reason))
}

// wantEnd reads the end of the stream, with nothing before it.
func (p *peer) wantEnd() {
	p.t.Helper()
	if f, err := p.next(); err == nil {
		p.t.Errorf("frame %v %.40q; want the end of the stream", Opcode(f.Opcode), f.Payload)
	} else if !errors.Is(err, io.EOF) || len(p.in) > 0 {
		p.t.Errorf("%v and %d bytes; want the end of the stream", err, len(p.in))
	}
}

// readAll calls ReadMessage until it fails.
func readAll(ctx context.Context, ws *Websocket) (msgs []*Message, err error) {
	for {
		msg, err := ws.ReadMessage(ctx)
		if err != nil {
			if msg != nil {
				return msgs, errors.New("a message and an error: " + err.Error())
			}
			return msgs, err
		}
		msgs = append(msgs, msg)
	}
}

// reading starts readAll.
func reading(ctx context.Context, ws *Websocket) <-chan readResult {
	done := make(chan readResult, 1)
	go func() {
		msgs, err := readAll(ctx, ws)
		done <- readResult{msgs, err}
	}()
	return done
}

type readResult struct {
	msgs []*Message
	err  error
}

// serving starts Serve.
func serving(ctx context.Context, ws *Websocket, h Handler) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ws.Serve(ctx, h)
	}()
	return done
}

// A closing is what OnClose was told.
type closing struct {
	calls int
	code  StatusCode
	err   error
}

// closeHook returns options whose OnClose hook keeps what it is told; the ending
// is to be looked at when the connection has ended.
func closeHook(opts Options) (Options, *closing) {
	e := new(closing)
	opts.Hooks.OnClose = func(_ ClientKey, code StatusCode, err error) {
		e.calls++
		e.code, e.err = code, err
	}
	return opts, e
}

// slowOnClose returns options whose OnClose hook takes an hour of a bubble's time,
// in which everybody else goes on as far as they can, and whether it has returned.
func slowOnClose() (opts Options, told *bool) {
	told = new(bool)
	opts.Hooks.OnClose = func(ClientKey, StatusCode, error) {
		time.Sleep(time.Hour)
		*told = true
	}
	return opts, told
}

func (e *closing) want(t testing.TB, code StatusCode, err error) {
	t.Helper()
	if e.calls != 1 || e.code != code || !errors.Is(e.err, err) || err == nil && e.err != nil {
		t.Errorf("OnClose was called %d times, at last with %d, %v; want once with %d, %v", e.calls, e.code, e.err, code, err)
	}
}

// codeOf returns the code of an *Error, or 0.
func codeOf(err error) StatusCode {
	var e *Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func wantCloseError(t testing.TB, err error, code StatusCode, reason string) {
	t.Helper()
	var closed *CloseError
	if !errors.As(err, &closed) || closed.Code != code || closed.Reason != reason || !errors.Is(err, io.EOF) {
		t.Errorf("error %v; want a *CloseError with %d %q that is an io.EOF", err, code, reason)
	}
}
