package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// newCoder serves on github.com/coder/websocket: Reader into a pooled buffer,
// Write, and its own closing handshake.
func newCoder(h *hub) http.Handler {
	options := &websocket.AcceptOptions{
		InsecureSkipVerify: true, // checked before
		CompressionMode:    websocket.CompressionDisabled,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &spy{ResponseWriter: w}
		c := &coderConn{hub: h}
		options := options
		if h.ReadTimeout > 0 {
			own := *options
			own.OnPingReceived = func(context.Context, []byte) bool { c.await(); return true }
			own.OnPongReceived = func(context.Context, []byte) { c.await() }
			options = &own
		}
		var err error
		if c.Conn, err = websocket.Accept(s, r, options); err != nil {
			h.refused(s.status, err)
			return
		}
		c.SetReadLimit(int64(h.MaxMessage))
		c.conn = s.conn
		h.enter(c)
		go c.serve()
	})
}

type coderConn struct {
	*websocket.Conn
	hub     *hub
	conn    net.Conn
	counts  counter
	scratch [scratchSize]byte
}

func (c *coderConn) counter() *counter { return &c.counts }
func (c *coderConn) drop()             { _ = c.conn.Close() }
func (c *coderConn) goAway()           { _ = c.Close(codeGoingAway, reasonGoingAway) }

func (c *coderConn) serve() {
	err := c.loop()
	code := uint16(codeAbnormal)
	var peer websocket.CloseError
	switch {
	case errors.As(err, &peer):
		code, err = uint16(peer.Code), nil
		_ = c.CloseNow()
	case errors.Is(err, websocket.ErrMessageTooBig):
		code = codeTooLarge // coder has sent it
		_ = c.CloseNow()
	case isOurs(err):
		var reason string
		code, reason = closing(err)
		_ = c.Close(websocket.StatusCode(code), reason)
	case isTransport(err):
		_ = c.CloseNow()
	default:
		code = codeProtocol // coder has sent it, but for a frame without a mask
		_ = c.Close(codeProtocol, "")
	}
	c.hub.leave(c, code, err)
}

// await gives the next frame its time: by a deadline, which can be moved when a
// ping has come, as the end of a context cannot.
func (c *coderConn) await() {
	if t := c.hub.ReadTimeout; t > 0 {
		_ = c.conn.SetReadDeadline(time.Now().Add(t))
	}
}

func (c *coderConn) loop() error {
	for {
		if err := c.one(); err != nil {
			return err
		}
	}
}

// one answers one message.
func (c *coderConn) one() error {
	c.await()
	ctx := context.Background()
	kind, r, err := c.Reader(ctx)
	if err != nil {
		return err
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	message, err := readAll(r, buf, kind == websocket.MessageText && !c.hub.SkipUTF8)
	if err != nil {
		return err
	}
	reply, err := c.hub.handler(c.scratch[:0], kind == websocket.MessageBinary, message)
	if err != nil {
		return &handlerError{err}
	}
	if reply != nil {
		if err := c.Write(ctx, kind, reply); err != nil {
			return err
		}
	}
	c.hub.answered(&c.counts, len(message), len(reply))
	return nil
}
