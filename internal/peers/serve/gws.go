package serve

import (
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/lxzan/gws"
)

// newGws serves on github.com/lxzan/gws: its event API and buffer pools, UTF-8
// checked by it, the connection's state as its session.
func newGws(h *hub) http.Handler {
	upgrader := gws.NewUpgrader(gwsEvents{h}, &gws.ServerOption{
		ReadMaxPayloadSize:  h.MaxMessage,
		WriteMaxPayloadSize: max(h.MaxMessage, 1<<10),
		CheckUtf8Enabled:    true,
		NewSession:          func() gws.SessionStorage { return &gwsConn{hub: h} },
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r)
		if err != nil {
			h.refused(http.StatusBadRequest, err) // what gws answers to all
			return
		}
		c := conn.Session().(*gwsConn)
		c.Conn = conn
		h.enter(c)
		go conn.ReadLoop()
	})
}

// A gwsConn is a connection with what belongs to it; as its session it stores
// nothing else.
type gwsConn struct {
	*gws.Conn
	hub     *hub
	asked   error // why the engine closed it
	counts  counter
	scratch [scratchSize]byte
}

// The methods of gws.SessionStorage.
func (*gwsConn) Len() int                           { return 0 }
func (*gwsConn) Load(string) (any, bool)            { return nil, false }
func (*gwsConn) Delete(string)                      {}
func (*gwsConn) Store(string, any)                  {}
func (*gwsConn) Range(func(key string, v any) bool) {}
func (c *gwsConn) counter() *counter                { return &c.counts }
func (c *gwsConn) drop()                            { _ = c.NetConn().Close() }
func (c *gwsConn) goAway()                          { _ = c.WriteClose(codeGoingAway, []byte(reasonGoingAway)) }

type gwsEvents struct{ hub *hub }

func (e gwsEvents) await(conn *gws.Conn) {
	if t := e.hub.ReadTimeout; t > 0 {
		_ = conn.NetConn().SetReadDeadline(time.Now().Add(t))
	}
}

func (e gwsEvents) OnOpen(conn *gws.Conn)           { e.await(conn) }
func (e gwsEvents) OnPong(conn *gws.Conn, _ []byte) { e.await(conn) }
func (e gwsEvents) OnPing(conn *gws.Conn, payload []byte) {
	_ = conn.WritePong(payload)
	e.await(conn)
}

func (e gwsEvents) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	c := conn.Session().(*gwsConn)
	payload := message.Bytes()
	reply, err := e.hub.handler(c.scratch[:0], message.Opcode == gws.OpcodeBinary, payload)
	if err != nil {
		c.asked = err
		code, reason := closing(err)
		_ = conn.WriteClose(code, []byte(reason))
		return
	}
	if reply != nil && conn.WriteMessage(message.Opcode, reply) != nil {
		return // OnClose gets the error
	}
	e.hub.answered(&c.counts, len(payload), len(reply))
	e.await(conn)
}

// OnClose is called last; gws has sent its Close and closed TCP.
func (e gwsEvents) OnClose(conn *gws.Conn, err error) {
	c := conn.Session().(*gwsConn)
	code := uint16(codeAbnormal)
	var peer *gws.CloseError
	switch {
	case c.asked != nil:
		err = c.asked
		code, _ = closing(err)
	case errors.As(err, &peer):
		switch {
		case peer.Code == 0:
			code, err = codeNoStatus, nil
		case gwsRefuses(peer.Code):
			code = codeProtocol
		case !utf8.Valid(peer.Reason):
			code = codeBadPayload
		default:
			code, err = peer.Code, nil
		}
	default:
		if n, ok := gwsStatus(err); ok {
			code = n
		} else if !isTransport(err) {
			code = codeProtocol // of a type that does not tell
		}
	}
	e.hub.leave(c, code, err)
}

// gwsRefuses reports whether gws answers a Close of that code with 1002, though it
// reports it as the peer's; of a payload of one byte the code is that byte.
func gwsRefuses(code uint16) bool {
	return code < 1000 || code == 1004 || code == codeNoStatus || code == codeAbnormal || 1014 <= code && code < 3000 || code >= 5000
}

// gwsStatus reads the code out of the errors that gws reports for what it
// refused: their type is internal to it, their kind an unsigned integer.
func gwsStatus(err error) (uint16, bool) {
	if errors.Is(err, gws.ErrTextEncoding) {
		return codeBadPayload, true
	}
	var code uint16
	if status, ok := err.(interface{ Uint16() uint16 }); ok {
		code = status.Uint16()
	}
	return code, code != 0
}
