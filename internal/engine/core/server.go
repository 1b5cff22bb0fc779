package core

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/websocket"
)

// newServer serves on this module's websocket package: NewHandler with ReuseBuffers.
func newServer(h *serve.Hub) http.Handler {
	options := websocket.Options{
		MaxFrameSize:   h.MaxMessage,
		MaxMessageSize: h.MaxMessage,
		ReadTimeout:    h.ReadTimeout,
		CloseTimeout:   2 * serve.LingerTime,
		ReuseBuffers:   true,
		CheckOrigin:    func(*http.Request) bool { return true }, // checked before
		Context:        func(r *http.Request) context.Context { return of(r.Context()) },
		OnOpen:         func(ws *websocket.Websocket, r *http.Request) { of(r.Context()).open(ws) },
		OnEnd:          func(ctx context.Context, ws *websocket.Websocket) { of(ctx).end(ws.Err()) },
	}
	if h.Compression {
		options.Compression = &websocket.Compression{ServerWindowBits: 15, ClientWindowBits: 15}
		if h.CompressAll {
			options.Compression.Threshold = 1
		}
	}
	handler := websocket.NewHandler(answer, options)
	h.CountParked(handler.Parked)
	return &acceptor{h, handler}
}

type acceptor struct {
	hub     *serve.Hub
	handler http.Handler
}

func (a *acceptor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &serve.Spy{ResponseWriter: w}
	c := &serverConn{Context: context.Background(), hub: a.hub, opening: s}
	a.handler.ServeHTTP(s, r.WithContext(context.WithValue(r.Context(), connKey{}, c)))
	switch {
	case s.Status != 0:
		a.hub.Refused(s.Status, errors.New(strings.TrimSpace(s.Reason)))
	case c.ws == nil:
		a.hub.Refused(0, errors.New("the answer to the handshake could not be written"))
	}
}

// serverConn is the state of a connection, and the context where its handler finds it.
type serverConn struct {
	context.Context
	hub     *serve.Hub
	opening *serve.Spy           // nil once it is open
	ws      *websocket.Websocket // nil until then
	conn    net.Conn
	asked   error // why the engine closed it
	counts  serve.Counter
	scratch [serve.ScratchSize]byte
}

type connKey struct{}

func of(ctx context.Context) *serverConn { return ctx.Value(connKey{}).(*serverConn) }

// Value implements context.Context.
func (c *serverConn) Value(key any) any {
	if key == (connKey{}) {
		return c
	}
	return nil
}

func (c *serverConn) Counter() *serve.Counter { return &c.counts }
func (c *serverConn) Drop()                   { _ = c.conn.Close() }
func (c *serverConn) GoAway() {
	_ = c.ws.CloseWithStatus(websocket.StatusGoingAway, serve.ReasonGoingAway)
}

func (c *serverConn) open(ws *websocket.Websocket) {
	c.ws, c.conn, c.opening = ws, c.opening.Conn, nil
	c.hub.Enter(c)
}

// end is told what the connection has ended with.
func (c *serverConn) end(err error) {
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

func answer(ctx context.Context, message *websocket.Message) (*websocket.Message, error) {
	c := of(ctx)
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
