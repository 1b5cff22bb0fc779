package bench

import (
	"errors"
	"net"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

var errUTF8 = errors.New("bench: text is not UTF-8")

// gorillaConn is a connection in the task's role. Where big is set, its write
// buffer holds the whole message (then a client writes one frame) and its read
// buffer is as large as the core's; otherwise they are the default ones.
func gorillaConn(t *task, big bool) (*websocket.Conn, *stream, error) {
	s := t.stream()
	read, write := 0, 0
	if big {
		read, write = readBuffer, t.size
	}
	if !t.client {
		u := websocket.Upgrader{ReadBufferSize: read, WriteBufferSize: write}
		c, err := u.Upgrade(newResponse(s), parsedRequest(), nil)
		if err != nil {
			return nil, nil, err
		}
		c.SetReadLimit(most)
		return c, s, nil
	}
	d := websocket.Dialer{ReadBufferSize: read, WriteBufferSize: write, NetDial: func(string, string) (net.Conn, error) {
		return &dialled{stream: s}, nil
	}}
	c, _, err := d.Dial("ws://localhost:9001/echo", nil)
	if err != nil {
		return nil, nil, err
	}
	c.SetReadLimit(most)
	return c, s, nil
}

// gorillaReads serve frames and messages alike. The check of UTF-8 is the
// caller's part with this library, so it is done here.
var gorillaReads = []variant{
	{lib: "gorilla", api: "best", open: func(t *task) (*op, error) { // NextReader into an own buffer
		c, s, err := gorillaConn(t, true)
		if err != nil {
			return nil, err
		}
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				kind, r, err := c.NextReader()
				if err != nil {
					return err
				}
				if last, err = readInto(r, last[:0]); err != nil {
					return err
				}
				if kind == websocket.TextMessage && !utf8.Valid(last) {
					return errUTF8
				}
			}
			return nil
		}}, nil
	}},
	{lib: "gorilla", api: "readme", open: func(t *task) (*op, error) { // ReadMessage
		c, s, err := gorillaConn(t, false)
		if err != nil {
			return nil, err
		}
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				kind, p, err := c.ReadMessage()
				if err != nil {
					return err
				}
				if last = p; kind == websocket.TextMessage && !utf8.Valid(p) {
					return errUTF8
				}
			}
			return nil
		}}, nil
	}},
}

func gorillaWrite(big bool) func(t *task) (*op, error) {
	return func(t *task) (*op, error) {
		c, s, err := gorillaConn(t, big)
		if err != nil {
			return nil, err
		}
		payload := t.payloads[0]
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				if err := c.WriteMessage(websocket.BinaryMessage, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}
}

var gorillaWrites = []variant{
	{lib: "gorilla", api: "best", open: gorillaWrite(true)},    // a write buffer of the message's size
	{lib: "gorilla", api: "readme", open: gorillaWrite(false)}, // WriteMessage with default buffers
}
