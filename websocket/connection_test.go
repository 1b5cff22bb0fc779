package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever ends the transport, OnClose is told what ended the connection.
func TestOnCloseAfterThePeersClose(t *testing.T) {
	t.Run("the client's server answers and keeps TCP open", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{})
			ws, p := newPeer(t, ClientMode, opts)
			closed := make(chan error)
			go func() { closed <- ws.CloseWithStatus(StatusGoingAway, "bye") }()
			p.wantClose(StatusGoingAway, "bye")
			p.send(p.close(StatusGoingAway, ""))
			start := time.Now()
			if err := <-closed; err != nil {
				t.Errorf("CloseWithStatus: %v", err)
			}
			if waited := time.Since(start); waited != defaultCloseTimeout {
				t.Errorf("the client waited %v for the server to close TCP, want %v", waited, defaultCloseTimeout)
			}
			synctest.Wait()
			end.want(t, StatusGoingAway, nil)
		})
	})
	t.Run("the peer is gone before the answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{})
			ws, p := newPeer(t, ServerMode, opts)
			result := reading(t.Context(), ws)
			p.send(p.close(StatusGoingAway, "bye"))
			p.conn.Close()
			wantCloseError(t, (<-result).err, StatusGoingAway, "bye")
			synctest.Wait()
			end.want(t, StatusGoingAway, nil)
		})
	})
	t.Run("a handler failed and the peer drops TCP", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			wrong := errors.New("wrong")
			opts, end := closeHook(Options{})
			ws, p := newPeer(t, ServerMode, opts)
			served := serving(t.Context(), ws, func(context.Context, *Message) (*Message, error) { return nil, wrong })
			p.send(p.text("hello"))
			p.wantClose(StatusInternalError, "wrong")
			p.conn.Close()
			<-served
			synctest.Wait()
			end.want(t, StatusInternalError, wrong)
		})
	})
}

// cancel after a read that failed must not destroy the Close that is on its way.
func TestCancelAfterAFailureLeavesTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{})
		ws, p := newPeer(t, ServerMode, opts)
		ctx, cancel := context.WithCancel(t.Context())
		result := reading(ctx, ws)
		p.send([]byte{0x83, 0x80})
		if err := (<-result).err; err != ErrOpcodeUnknown {
			t.Errorf("ReadMessage: %v", err)
		}
		cancel()
		synctest.Wait()
		if end.calls != 0 {
			t.Error("the context of a read that is over has ended the connection")
		}
		p.wantClose(StatusProtocolError, ErrOpcodeUnknown.Error())
		p.conn.Close()
		synctest.Wait()
		end.want(t, StatusProtocolError, ErrOpcodeUnknown)
	})
}

// Close reads with no context: that of the last read may end.
func TestCancelDuringCloseIsNoMatter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		go p.send(p.text("hello"))
		if _, err := ws.ReadMessage(ctx); err != nil {
			t.Fatal(err)
		}
		closed := make(chan error)
		go func() { closed <- ws.Close() }()
		p.wantClose(StatusNormalClosure, "")
		cancel()
		synctest.Wait()
		p.send(p.close(StatusNormalClosure, ""))
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// A read that finds a Close under way in another goroutine gets what that gets.
func TestReadDuringClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		closed := make(chan error)
		go func() { closed <- ws.Close() }()
		p.wantClose(StatusNormalClosure, "")
		result := reading(t.Context(), ws)
		synctest.Wait()
		p.send(p.text("too late"), p.close(StatusNormalClosure, "ok"))
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		got := <-result
		wantCloseError(t, got.err, StatusNormalClosure, "ok")
		if len(got.msgs) > 0 {
			t.Errorf("ReadMessage returned %v, which Close was to discard", got.msgs)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{})
		ws, p := newPeer(t, ServerMode, opts)
		closed := make(chan error)
		go func() { closed <- ws.Close() }()
		p.wantClose(StatusNormalClosure, "")
		ctx, cancel := context.WithCancel(t.Context())
		result := reading(ctx, ws)
		synctest.Wait()
		cancel()
		if got := <-result; !errors.Is(got.err, context.Canceled) {
			t.Errorf("ReadMessage: %v", got.err)
		}
		if err := <-closed; !errors.Is(err, context.Canceled) {
			t.Errorf("Close: %v", err)
		}
		synctest.Wait()
		end.want(t, StatusAbnormalClose, context.Canceled)
	})
}

// The reason of a Close is UTF-8, whatever the text of an error is (RFC 6455 §5.5.1).
func TestCloseReasonIsMadeUTF8(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		served := serving(t.Context(), ws, func(_ context.Context, msg *Message) (*Message, error) {
			return nil, errors.New("cannot parse " + string(msg.Payload))
		})
		p.send(p.frame(OpcodeBinary, true, "a\xff\xfeb"))
		p.wantClose(StatusInternalError, "cannot parse a\uFFFDb")
		p.conn.Close()
		<-served
	})
}

// A transport whose reading breaks may still take the Close.
func TestCloseIsWrittenThoughReadingBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, other := net.Pipe()
		broken := errors.New("broken")
		ws, p := newPeerOn(t, &brokenReader{Conn: src, wire: "\x83\x80", err: broken}, other, ServerMode, Options{})
		result := reading(t.Context(), ws)
		synctest.Wait()
		p.wantClose(StatusProtocolError, ErrOpcodeUnknown.Error())
		p.wantEnd()
		if got := <-result; got.err != ErrOpcodeUnknown {
			t.Errorf("ReadMessage: %v", got.err)
		}
	})
}

// brokenReader delivers wire, then err.
type brokenReader struct {
	net.Conn
	wire string
	err  error
}

func (r *brokenReader) Read(p []byte) (int, error) {
	n := copy(p, r.wire)
	if r.wire = r.wire[n:]; n > 0 {
		return n, nil
	}
	return 0, r.err
}

var _ io.Reader = (*brokenReader)(nil)

// Pongs that answer no ping are ignored, also those that look like answers
// (RFC 6455 §5.5.3).
func TestUnsolicitedPongs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		result := reading(t.Context(), ws)
		pong := func(payload string) []byte { return p.frame(OpcodePong, true, payload) }
		p.send(pong(""), pong("\x00\x00\x00\x00\x00\x00\x00\x01"))
		synctest.Wait()
		pinged := make(chan error, 1)
		go func() { pinged <- ws.Ping(t.Context()) }()
		p.want(OpcodePing, true, "\x00\x00\x00\x00\x00\x00\x00\x01")
		p.send(pong("\x00\x00\x00\x00\x00\x00\x00\x00"), pong("\x00\x00\x00\x00\x00\x00\x00\x02"), pong("x"))
		synctest.Wait()
		select {
		case err := <-pinged:
			t.Errorf("Ping returned %v before its pong", err)
		default:
		}
		p.send(pong("\x00\x00\x00\x00\x00\x00\x00\x01"))
		if err := <-pinged; err != nil {
			t.Errorf("Ping: %v", err)
		}
		p.send(p.close(1000, ""))
		p.wantClose(1000, "")
		p.conn.Close()
		wantCloseError(t, (<-result).err, 1000, "")
	})
}
