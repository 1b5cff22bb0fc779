package serve

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// newGorilla serves on github.com/gorilla/websocket: NextReader into a pooled
// buffer, WriteMessage, buffers of net/http reused.
func newGorilla(h *hub) http.Handler {
	upgrader := websocket.Upgrader{
		CheckOrigin: func(*http.Request) bool { return true }, // checked before
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			if status == http.StatusBadRequest {
				w.Header().Set("Sec-Websocket-Version", "13")
			}
			http.Error(w, reason.Error(), status)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &spy{ResponseWriter: w}
		conn, err := upgrader.Upgrade(s, r, nil)
		if err != nil {
			h.refused(s.status, err)
			return
		}
		conn.SetReadLimit(int64(h.MaxMessage))
		conn.SetCloseHandler(func(code int, _ string) error {
			// As gorilla's own, but for its limit of 1 s: the peer may have much to read
			// before it gets to the Close.
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(closeTime))
			return nil
		})
		c := &gorillaConn{hub: h, Conn: conn}
		if h.ReadTimeout > 0 {
			ping, pong := conn.PingHandler(), conn.PongHandler()
			conn.SetPingHandler(func(payload string) error { c.await(); return ping(payload) })
			conn.SetPongHandler(func(payload string) error { c.await(); return pong(payload) })
		}
		h.enter(c)
		go c.serve()
	})
}

type gorillaConn struct {
	*websocket.Conn
	hub     *hub
	counts  counter
	scratch [scratchSize]byte
}

func (c *gorillaConn) counter() *counter { return &c.counts }
func (c *gorillaConn) drop()             { _ = c.NetConn().Close() }
func (c *gorillaConn) goAway()           { c.sendClose(codeGoingAway, reasonGoingAway) }

func (c *gorillaConn) sendClose(code uint16, reason string) {
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(int(code), reason), time.Time{})
}

func (c *gorillaConn) serve() {
	err := c.loop()
	code := uint16(codeAbnormal)
	var peer *websocket.CloseError
	switch {
	case errors.As(err, &peer) && peer.Code == codeAbnormal: // gorilla's word for the end of TCP
		_ = c.Close()
	case peer != nil:
		code, err = uint16(peer.Code), nil // gorilla has answered it
		_ = c.Close()
	case err == websocket.ErrReadLimit:
		code = codeTooLarge // gorilla has sent it
		linger(c.NetConn())
	case isOurs(err):
		code, _ = closing(err)
		c.sendClose(closing(err))
		linger(c.NetConn())
	case strings.HasPrefix(err.Error(), "websocket: "):
		code = codeProtocol // gorilla has sent it
		linger(c.NetConn())
	default:
		_ = c.Close()
	}
	c.hub.leave(c, code, err)
}

// await gives the next frame its time.
func (c *gorillaConn) await() {
	if t := c.hub.ReadTimeout; t > 0 {
		_ = c.SetReadDeadline(time.Now().Add(t))
	}
}

func (c *gorillaConn) loop() error {
	for {
		c.await()
		kind, r, err := c.NextReader()
		if err != nil {
			return err
		}
		buf := buffers.Get().(*[]byte)
		err = c.answer(kind, r, buf)
		buffers.Put(buf)
		if err != nil {
			return err
		}
	}
}

func (c *gorillaConn) answer(kind int, r io.Reader, buf *[]byte) error {
	check := kind == websocket.TextMessage && !c.hub.SkipUTF8
	message, err := readAll(r, buf, check)
	if err != nil {
		return err
	}
	reply, err := c.hub.handler(c.scratch[:0], kind == websocket.BinaryMessage, message)
	if err != nil {
		return &handlerError{err}
	}
	if reply != nil {
		switch err := c.WriteMessage(kind, reply); {
		case errors.Is(err, websocket.ErrCloseSent):
			return nil // by Shutdown: the peer's Close is still to come
		case err != nil:
			return err
		}
	}
	c.hub.answered(&c.counts, len(message), len(reply))
	return nil
}

// readAll reads a message into *buf, grown as needed, and checks text as it
// arrives.
func readAll(r io.Reader, buf *[]byte, check bool) ([]byte, error) {
	b := (*buf)[:0]
	var text textCheck
	for {
		b = grow(b)
		*buf = b
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if check && n > 0 {
			if err := text.more(b); err != nil {
				return nil, err
			}
		}
		if err == io.EOF {
			if check {
				return b, text.end(b)
			}
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
