package serve

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/wsproof/wsproof/websocket"
)

// newCore serves on this module's websocket package: Accept and Serve with
// ReuseBuffers, the same options for all connections.
func newCore(h *hub) http.Handler {
	options := websocket.Options{
		MaxFrameSize:   h.MaxMessage,
		MaxMessageSize: h.MaxMessage,
		ReadTimeout:    h.ReadTimeout,
		CloseTimeout:   2 * lingerTime,
		ReuseBuffers:   true,
		CheckOrigin:    func(*http.Request) bool { return true }, // checked before
	}
	return &coreEngine{h, options}
}

type coreEngine struct {
	hub     *hub
	options websocket.Options
}

func (e *coreEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &spy{ResponseWriter: w}
	c := &coreConn{hub: e.hub}
	conn, err := websocket.Accept(s, r, e.options)
	if err != nil {
		e.refuse(s, err)
		return
	}
	c.ws, c.conn = conn, s.conn
	e.hub.enter(c)
	go c.serve()
}

func (e *coreEngine) refuse(s *spy, err error) {
	var refusal *websocket.HandshakeError
	if errors.As(err, &refusal) && s.conn == nil {
		refusal.Respond(s)
	}
	e.hub.refused(s.status, err)
}

type coreConn struct {
	hub     *hub
	ws      *websocket.Websocket
	conn    net.Conn
	asked   error // why the engine closed it
	counts  counter
	scratch [scratchSize]byte
}

func (c *coreConn) counter() *counter { return &c.counts }
func (c *coreConn) drop()             { _ = c.conn.Close() }
func (c *coreConn) goAway() {
	_ = c.ws.CloseWithStatus(websocket.StatusGoingAway, reasonGoingAway)
}

func (c *coreConn) serve() {
	c.ws.Serve(context.Background(), c.answer)
	_, err := c.ws.ReadMessage(context.Background()) // what ended it
	code := uint16(codeAbnormal)
	var peer *websocket.CloseError
	var failure *websocket.Error
	switch {
	case c.asked != nil:
		err = c.asked
		code, _ = closing(err)
	case errors.As(err, &peer):
		code, err = uint16(peer.Code), nil
	case errors.As(err, &failure):
		code = uint16(failure.Code())
	}
	c.hub.leave(c, code, err)
}

func (c *coreConn) answer(_ context.Context, message *websocket.Message) (*websocket.Message, error) {
	in := len(message.Payload)
	reply, err := c.hub.handler(c.scratch[:0], message.Binary, message.Payload)
	if err != nil {
		c.asked = err
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
