package serve

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/wsproof/wsproof/websocket"
)

// newCore serves on this module's websocket package: Accept and Serve with
// ReuseBuffers, a closure a connection for its scratch and its reply.
func newCore(h *hub) http.Handler {
	options := websocket.Options{
		MaxFrameSize:   h.MaxMessage,
		MaxMessageSize: h.MaxMessage,
		ReadTimeout:    h.ReadTimeout,
		CloseTimeout:   2 * lingerTime,
		ReuseBuffers:   true,
		CheckOrigin:    func(*http.Request) bool { return true }, // checked before
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &spy{ResponseWriter: w}
		c := &coreConn{hub: h}
		options := options
		options.Hooks.OnClose = c.onClose
		conn, err := websocket.Accept(s, r, options)
		if err != nil {
			var refusal *websocket.HandshakeError
			if errors.As(err, &refusal) && s.conn == nil {
				refusal.Respond(s)
			}
			h.refused(s.status, err)
			return
		}
		c.ws, c.conn = conn, s.conn
		h.enter(c)
		go c.serve()
	})
}

type coreConn struct {
	hub     *hub
	ws      *websocket.Websocket
	conn    net.Conn
	counts  counter
	scratch [scratchSize]byte
}

func (c *coreConn) counter() *counter { return &c.counts }
func (c *coreConn) drop()             { _ = c.conn.Close() }
func (c *coreConn) goAway() {
	_ = c.ws.CloseWithStatus(websocket.StatusGoingAway, reasonGoingAway)
}

// onClose is called once, when the transport is closed: by the goroutine that
// serves, or by one that gave up waiting for it.
func (c *coreConn) onClose(_ websocket.ClientKey, code websocket.StatusCode, err error) {
	c.hub.leave(c, uint16(code), err)
}

func (c *coreConn) serve() { c.ws.Serve(context.Background(), c.answer) }

func (c *coreConn) answer(_ context.Context, message *websocket.Message) (*websocket.Message, error) {
	in := len(message.Payload)
	reply, err := c.hub.handler(c.scratch[:0], message.Binary, message.Payload)
	if err != nil {
		code, reason := closing(err)
		return nil, &websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason}
	}
	c.hub.answered(&c.counts, in, len(reply))
	if reply == nil {
		return nil, nil
	}
	message.Payload = reply
	return message, nil
}
