package coder

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/wsproof/wsproof/internal/engine/serve"
)

// newServer serves on github.com/coder/websocket: Reader into a pooled buffer,
// Write, and its own closing handshake.
func newServer(h *serve.Hub) http.Handler {
	options := &websocket.AcceptOptions{
		InsecureSkipVerify: true, // checked before
		CompressionMode:    websocket.CompressionDisabled,
	}
	if h.Compression {
		options.CompressionMode = websocket.CompressionContextTakeover
		if h.CompressAll {
			options.CompressionThreshold = 1
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &serve.Spy{ResponseWriter: w}
		c := &serverConn{hub: h}
		options := options
		if h.ReadTimeout > 0 {
			own := *options
			own.OnPingReceived = func(context.Context, []byte) bool { c.await(); return true }
			own.OnPongReceived = func(context.Context, []byte) { c.await() }
			options = &own
		}
		var err error
		if c.Conn, err = websocket.Accept(s, r, options); err != nil {
			h.Refused(s.Status, err)
			return
		}
		c.SetReadLimit(int64(h.MaxMessage))
		c.conn = s.Conn
		h.Enter(c)
		go c.serve()
	})
}

type serverConn struct {
	*websocket.Conn
	hub     *serve.Hub
	conn    net.Conn
	counts  serve.Counter
	scratch [serve.ScratchSize]byte
	leaving atomic.Bool // GoAway was called
}

func (c *serverConn) Counter() *serve.Counter { return &c.counts }
func (c *serverConn) Drop()                   { _ = c.conn.Close() }

func (c *serverConn) GoAway() {
	c.leaving.Store(true)
	_ = c.Close(serve.CodeGoingAway, serve.ReasonGoingAway)
}

func (c *serverConn) serve() {
	err := c.loop()
	code := uint16(serve.CodeAbnormal)
	var peer websocket.CloseError
	switch {
	case errors.As(err, &peer):
		code, err = uint16(peer.Code), nil
		_ = c.CloseNow()
	case errors.Is(err, websocket.ErrMessageTooBig):
		code = serve.CodeTooLarge // coder has sent it
		_ = c.CloseNow()
	case serve.Ours(err):
		var reason string
		code, reason = serve.Closing(err)
		_ = c.Close(websocket.StatusCode(code), reason)
	case serve.TransportFailed(err):
		if c.leaving.Load() { // Close has read the answer, or waited for it, and closed TCP
			code, err = serve.CodeGoingAway, nil
		}
		_ = c.CloseNow()
	default:
		code = serve.CodeProtocol // coder has sent it, but for a frame without a mask
		_ = c.Close(serve.CodeProtocol, "")
	}
	c.hub.Leave(c, code, err)
}

// await gives the next frame its time: by a deadline, which can be moved when a
// ping has come, as the end of a context cannot.
func (c *serverConn) await() {
	if t := c.hub.ReadTimeout; t > 0 {
		_ = c.conn.SetReadDeadline(time.Now().Add(t))
	}
}

func (c *serverConn) loop() error {
	for {
		if err := c.one(); err != nil {
			return err
		}
	}
}

// one answers one message.
func (c *serverConn) one() error {
	c.await()
	ctx := context.Background()
	kind, r, err := c.Reader(ctx)
	if err != nil {
		return err
	}
	buf := serve.Buffers.Get().(*[]byte)
	defer serve.Buffers.Put(buf)
	message, err := serve.ReadAll(r, buf, kind == websocket.MessageText && !c.hub.SkipUTF8)
	if err != nil {
		return err
	}
	reply, err := c.hub.Handler(c.scratch[:0], kind == websocket.MessageBinary, message)
	if err != nil {
		return serve.Asked(err)
	}
	if reply != nil {
		if err := c.Write(ctx, kind, reply); err != nil {
			return err
		}
	}
	c.hub.Answered(&c.counts, len(message), len(reply))
	return nil
}
