package core

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/websocket"
)

// newServer serves on this module's websocket package: Accept and Serve with
// ReuseBuffers, the same options for all connections.
func newServer(h *serve.Hub) http.Handler {
	options := websocket.Options{
		MaxFrameSize:   h.MaxMessage,
		MaxMessageSize: h.MaxMessage,
		ReadTimeout:    h.ReadTimeout,
		CloseTimeout:   2 * serve.LingerTime,
		ReuseBuffers:   true,
		CheckOrigin:    func(*http.Request) bool { return true }, // checked before
	}
	if h.Compression {
		options.Compression = &websocket.Compression{ServerWindowBits: 15, ClientWindowBits: 15}
	}
	return &acceptor{h, options}
}

type acceptor struct {
	hub     *serve.Hub
	options websocket.Options
}

func (e *acceptor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &serve.Spy{ResponseWriter: w}
	c := &serverConn{hub: e.hub}
	conn, err := websocket.Accept(s, r, e.options)
	if err != nil {
		e.refuse(s, err)
		return
	}
	c.ws, c.conn = conn, s.Conn
	e.hub.Enter(c)
	go c.serve()
}

func (e *acceptor) refuse(s *serve.Spy, err error) {
	var refusal *websocket.HandshakeError
	if errors.As(err, &refusal) && s.Conn == nil {
		refusal.Respond(s)
	}
	e.hub.Refused(s.Status, err)
}

type serverConn struct {
	hub     *serve.Hub
	ws      *websocket.Websocket
	conn    net.Conn
	asked   error // why the engine closed it
	counts  serve.Counter
	scratch [serve.ScratchSize]byte
}

func (c *serverConn) Counter() *serve.Counter { return &c.counts }
func (c *serverConn) Drop()                   { _ = c.conn.Close() }
func (c *serverConn) GoAway() {
	_ = c.ws.CloseWithStatus(websocket.StatusGoingAway, serve.ReasonGoingAway)
}

func (c *serverConn) serve() {
	c.ws.Serve(context.Background(), c.answer)
	_, err := c.ws.ReadMessage(context.Background()) // what ended it
	code := uint16(serve.CodeAbnormal)
	var peer *websocket.CloseError
	var failure *websocket.Error
	switch {
	case c.asked != nil:
		err = c.asked
		code, _ = serve.Closing(err)
	case errors.As(err, &peer):
		code, err = uint16(peer.Code), nil
	case errors.As(err, &failure):
		code = uint16(failure.Code())
	}
	c.hub.Leave(c, code, err)
}

func (c *serverConn) answer(_ context.Context, message *websocket.Message) (*websocket.Message, error) {
	in := len(message.Payload)
	reply, err := c.hub.Handler(c.scratch[:0], message.Binary, message.Payload)
	if err != nil {
		c.asked = err
		code, reason := serve.Closing(err)
		return nil, &websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason}
	}
	c.hub.Answered(&c.counts, in, len(reply))
	if reply == nil {
		return nil, nil
	}
	message.Payload = reply
	return message, nil
}
