package gorilla

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/engine/serve"
)

// newServer serves on github.com/gorilla/websocket: NextReader into a pooled
// buffer, WriteMessage, buffers of net/http reused.
func newServer(h *serve.Hub) http.Handler {
	upgrader := websocket.Upgrader{
		CheckOrigin:       func(*http.Request) bool { return true }, // checked before
		EnableCompression: h.Compression,
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			if status == http.StatusBadRequest {
				w.Header().Set("Sec-Websocket-Version", "13")
			}
			http.Error(w, reason.Error(), status)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &serve.Spy{ResponseWriter: w}
		conn, err := upgrader.Upgrade(s, r, nil)
		if err != nil {
			h.Refused(s.Status, err)
			return
		}
		conn.SetReadLimit(int64(h.MaxMessage))
		conn.SetCloseHandler(func(code int, _ string) error {
			// As gorilla's own, but for its limit of 1 s: the peer may have much to read
			// before it gets to the Close.
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(serve.CloseTime))
			return nil
		})
		c := &serverConn{hub: h, Conn: conn}
		if h.ReadTimeout > 0 {
			ping, pong := conn.PingHandler(), conn.PongHandler()
			conn.SetPingHandler(func(payload string) error { c.await(); return ping(payload) })
			conn.SetPongHandler(func(payload string) error { c.await(); return pong(payload) })
		}
		h.Enter(c)
		go c.serve()
	})
}

type serverConn struct {
	*websocket.Conn
	hub     *serve.Hub
	counts  serve.Counter
	scratch [serve.ScratchSize]byte
}

func (c *serverConn) Counter() *serve.Counter { return &c.counts }
func (c *serverConn) Drop()                   { _ = c.NetConn().Close() }
func (c *serverConn) GoAway()                 { c.sendClose(serve.CodeGoingAway, serve.ReasonGoingAway) }

func (c *serverConn) sendClose(code uint16, reason string) {
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(int(code), reason), time.Time{})
}

func (c *serverConn) serve() {
	err := c.loop()
	code := uint16(serve.CodeAbnormal)
	var peer *websocket.CloseError
	switch {
	case errors.As(err, &peer) && peer.Code == serve.CodeAbnormal: // gorilla's word for the end of TCP
		_ = c.Close()
	case peer != nil:
		code, err = uint16(peer.Code), nil // gorilla has answered it
		_ = c.Close()
	case err == websocket.ErrReadLimit:
		code = serve.CodeTooLarge // gorilla has sent it
		serve.Linger(c.NetConn())
	case serve.Ours(err):
		code, _ = serve.Closing(err)
		c.sendClose(serve.Closing(err))
		serve.Linger(c.NetConn())
	case strings.HasPrefix(err.Error(), "websocket: "):
		code = serve.CodeProtocol // gorilla has sent it
		serve.Linger(c.NetConn())
	default:
		_ = c.Close()
	}
	c.hub.Leave(c, code, err)
}

// await gives the next frame its time.
func (c *serverConn) await() {
	if t := c.hub.ReadTimeout; t > 0 {
		_ = c.SetReadDeadline(time.Now().Add(t))
	}
}

func (c *serverConn) loop() error {
	for {
		c.await()
		kind, r, err := c.NextReader()
		if err != nil {
			return err
		}
		buf := serve.Buffers.Get().(*[]byte)
		err = c.answer(kind, r, buf)
		serve.Buffers.Put(buf)
		if err != nil {
			return err
		}
	}
}

func (c *serverConn) answer(kind int, r io.Reader, buf *[]byte) error {
	check := kind == websocket.TextMessage && !c.hub.SkipUTF8
	message, err := serve.ReadAll(r, buf, check)
	if err != nil {
		return err
	}
	reply, err := c.hub.Handler(c.scratch[:0], kind == websocket.BinaryMessage, message)
	if err != nil {
		return serve.Asked(err)
	}
	if reply != nil {
		switch err := c.WriteMessage(kind, reply); {
		case errors.Is(err, websocket.ErrCloseSent):
			return nil // by Shutdown: the peer's Close is still to come
		case err != nil:
			return err
		}
	}
	c.hub.Answered(&c.counts, len(message), len(reply))
	return nil
}
