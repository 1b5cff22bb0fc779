package xnet

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/net/websocket"

	"github.com/wsproof/wsproof/internal/engine/serve"
)

// newServer serves on golang.org/x/net/websocket: its Server, and a Codec that
// tells the kind of each frame, which is a message to it. Its handler has a
// goroutine of its own, so that net/http's can go; net/http's buffers it keeps.
func newServer(h *serve.Hub) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &serve.Spy{ResponseWriter: w}
		conn, rw, err := s.Hijack()
		if err != nil {
			http.Error(s, err.Error(), http.StatusInternalServerError)
			h.Refused(s.Status, err)
			return
		}
		opened := make(chan bool, 2)
		go func() {
			websocket.Server{Handler: func(ws *websocket.Conn) {
				ws.MaxPayloadBytes = h.MaxMessage
				c := &serverConn{Conn: ws, hub: h, conn: conn}
				h.Enter(c)
				opened <- true
				c.serve()
			}}.ServeHTTP(hijacked{s, conn, rw}, r)
			opened <- false
		}()
		if <-opened {
			return
		}
		status := http.StatusBadRequest // what it answers, on the connection itself
		if r.Method != http.MethodGet {
			status = http.StatusMethodNotAllowed
		}
		h.Refused(status, errors.New("not an opening handshake that the library takes"))
	})
}

// hijacked gives a connection that was taken over already.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
	rw   *bufio.ReadWriter
}

// Hijack gives it.
func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.conn, h.rw, nil }

type serverConn struct {
	*websocket.Conn
	hub     *serve.Hub
	conn    net.Conn
	left    atomic.Bool // the engine has sent its Close
	counts  serve.Counter
	scratch [serve.ScratchSize]byte
}

func (c *serverConn) Counter() *serve.Counter { return &c.counts }
func (c *serverConn) Drop()                   { _ = c.conn.Close() }
func (c *serverConn) GoAway() {
	c.left.Store(true)
	_ = c.WriteClose(serve.CodeGoingAway)
}

// A message is what the codec sends and receives.
type message struct {
	kind    byte
	payload []byte
}

var codec = websocket.Codec{
	Marshal: func(v any) ([]byte, byte, error) {
		m := v.(*message)
		return m.payload, m.kind, nil
	},
	Unmarshal: func(data []byte, kind byte, v any) error {
		*v.(*message) = message{kind, data}
		return nil
	},
}

func (c *serverConn) serve() {
	err := c.loop()
	code := uint16(serve.CodeAbnormal)
	switch {
	case errors.Is(err, websocket.ErrFrameTooLarge):
		code = serve.CodeTooLarge
		_ = c.WriteClose(serve.CodeTooLarge)
		serve.Linger(c.conn)
	case serve.Ours(err):
		code, _ = serve.Closing(err)
		_ = c.WriteClose(int(code))
		serve.Linger(c.conn)
	case errors.Is(err, io.EOF) && c.left.Load():
		code, err = serve.CodeGoingAway, nil
		_ = c.conn.Close()
	case errors.Is(err, io.EOF): // a Close, a frame without a mask, or the end of TCP: it does not tell
		code, err = serve.CodeNoStatus, nil
		_ = c.Close() // with a Close
	default:
		_ = c.conn.Close()
	}
	c.hub.Leave(c, code, err)
}

var errUTF8 = &serve.CloseError{Code: serve.CodeBadPayload, Reason: "text is not valid UTF-8"}

func (c *serverConn) loop() error {
	var m message
	for {
		if t := c.hub.ReadTimeout; t > 0 {
			_ = c.SetReadDeadline(time.Now().Add(t))
		}
		if err := codec.Receive(c.Conn, &m); err != nil {
			return err
		}
		if m.kind != websocket.BinaryFrame && !c.hub.SkipUTF8 && !utf8.Valid(m.payload) {
			return errUTF8
		}
		in := len(m.payload)
		reply, err := c.hub.Handler(c.scratch[:0], m.kind == websocket.BinaryFrame, m.payload)
		if err != nil {
			return serve.Asked(err)
		}
		if reply != nil {
			m.payload = reply
			if err := codec.Send(c.Conn, &m); err != nil {
				return err
			}
		}
		c.hub.Answered(&c.counts, in, len(reply))
	}
}
