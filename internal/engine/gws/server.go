package gws

import (
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/lxzan/gws"

	"github.com/wsproof/wsproof/internal/engine/serve"
)

// newServer serves on github.com/lxzan/gws: its event API and buffer pools, UTF-8
// checked by it, the connection's state as its session.
func newServer(h *serve.Hub) http.Handler {
	compression := deflate(h.Compression)
	if h.CompressAll {
		compression.Threshold, compression.ServerMaxWindowBits, compression.ClientMaxWindowBits = 1, 15, 15
	}
	upgrader := gws.NewUpgrader(serverEvents{h}, &gws.ServerOption{
		ReadMaxPayloadSize:  h.MaxMessage,
		WriteMaxPayloadSize: max(h.MaxMessage, 1<<10),
		CheckUtf8Enabled:    true,
		PermessageDeflate:   compression,
		NewSession:          func() gws.SessionStorage { return &serverConn{hub: h} },
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			h.Refused(http.StatusBadRequest, err) // what gws answers to all
			return
		}
		c := conn.Session().(*serverConn)
		c.Conn = conn
		h.Enter(c)
		go conn.ReadLoop()
	})
}

// A serverConn is a connection with what belongs to it; as its session it stores
// nothing else.
type serverConn struct {
	*gws.Conn
	hub     *serve.Hub
	asked   error // why the engine closed it
	counts  serve.Counter
	scratch [serve.ScratchSize]byte
}

// The methods of gws.SessionStorage.
func (*serverConn) Len() int                           { return 0 }
func (*serverConn) Load(string) (any, bool)            { return nil, false }
func (*serverConn) Delete(string)                      {}
func (*serverConn) Store(string, any)                  {}
func (*serverConn) Range(func(key string, v any) bool) {}
func (c *serverConn) Counter() *serve.Counter          { return &c.counts }
func (c *serverConn) Drop()                            { _ = c.NetConn().Close() }
func (c *serverConn) GoAway()                          { _ = c.WriteClose(serve.CodeGoingAway, []byte(serve.ReasonGoingAway)) }

type serverEvents struct{ hub *serve.Hub }

func (e serverEvents) await(conn *gws.Conn) {
	if t := e.hub.ReadTimeout; t > 0 {
		_ = conn.NetConn().SetReadDeadline(time.Now().Add(t))
	}
}

func (e serverEvents) OnOpen(conn *gws.Conn)           { e.await(conn) }
func (e serverEvents) OnPong(conn *gws.Conn, _ []byte) { e.await(conn) }
func (e serverEvents) OnPing(conn *gws.Conn, payload []byte) {
	_ = conn.WritePong(payload)
	e.await(conn)
}

func (e serverEvents) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	c := conn.Session().(*serverConn)
	payload := message.Bytes()
	reply, err := e.hub.Handler(c.scratch[:0], message.Opcode == gws.OpcodeBinary, payload)
	if err != nil {
		c.asked = err
		code, reason := serve.Closing(err)
		_ = conn.WriteClose(code, []byte(reason))
		return
	}
	if reply != nil && conn.WriteMessage(message.Opcode, reply) != nil {
		return // OnClose gets the error
	}
	e.hub.Answered(&c.counts, len(payload), len(reply))
	e.await(conn)
}

// OnClose is called last; gws has sent its Close and closed TCP.
func (e serverEvents) OnClose(conn *gws.Conn, err error) {
	c := conn.Session().(*serverConn)
	code := uint16(serve.CodeAbnormal)
	var peer *gws.CloseError
	switch {
	case c.asked != nil:
		err = c.asked
		code, _ = serve.Closing(err)
	case errors.As(err, &peer):
		switch {
		case peer.Code == 0:
			code, err = serve.CodeNoStatus, nil
		case refuses(peer.Code):
			code = serve.CodeProtocol
		case !utf8.Valid(peer.Reason):
			code = serve.CodeBadPayload
		default:
			code, err = peer.Code, nil
		}
	default:
		if n, ok := status(err); ok {
			code = n
		} else if !serve.TransportFailed(err) {
			code = serve.CodeProtocol // of a type that does not tell
		}
	}
	e.hub.Leave(c, code, err)
}

// refuses reports whether gws answers a Close of that code with 1002, though it
// reports it as the peer's; of a payload of one byte the code is that byte.
func refuses(code uint16) bool {
	return code < 1000 || code == 1004 || code == serve.CodeNoStatus || code == serve.CodeAbnormal || 1014 <= code && code < 3000 || code >= 5000
}

// status reads the code out of the errors that gws reports for what it
// refused: their type is internal to it, their kind an unsigned integer.
func status(err error) (uint16, bool) {
	if errors.Is(err, gws.ErrTextEncoding) {
		return serve.CodeBadPayload, true
	}
	var code uint16
	if status, ok := err.(interface{ Uint16() uint16 }); ok {
		code = status.Uint16()
	}
	return code, code != 0
}
