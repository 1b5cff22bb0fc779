package bench

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// roundTrip answers a client's handshake with a stream as the body, as
// net/http does after a 101.
type roundTrip struct{ s *stream }

func (rt roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		acceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n\r\n"
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader([]byte(head))), r)
	if err != nil {
		return nil, err
	}
	resp.Body = rt.s
	return resp, nil
}

func coderConn(t *task) (*websocket.Conn, *stream, error) {
	s := t.stream()
	var c *websocket.Conn
	var err error
	if t.client {
		c, _, err = websocket.Dial(context.Background(), "ws://localhost:9001/echo",
			&websocket.DialOptions{HTTPClient: &http.Client{Transport: roundTrip{s}}})
	} else {
		c, err = websocket.Accept(newResponse(s), parsedRequest(), nil)
	}
	if err != nil {
		return nil, nil, err
	}
	c.SetReadLimit(most)
	return c, s, nil
}

// coderReads serve frames and messages alike. The library does not check UTF-8,
// and its read buffer, 4 KiB here, is not the user's to choose.
var coderReads = []variant{
	{lib: "coder", api: "best", open: func(t *task) (*op, error) { // Reader into an own buffer
		c, s, err := coderConn(t)
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				kind, r, err := c.Reader(ctx)
				if err != nil {
					return err
				}
				if last, err = readInto(r, last[:0]); err != nil {
					return err
				}
				if kind == websocket.MessageText && !utf8.Valid(last) {
					return errUTF8
				}
			}
			return nil
		}}, nil
	}},
	{lib: "coder", api: "readme", open: func(t *task) (*op, error) { // Read
		c, s, err := coderConn(t)
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				kind, p, err := c.Read(ctx)
				if err != nil {
					return err
				}
				if last = p; kind == websocket.MessageText && !utf8.Valid(p) {
					return errUTF8
				}
			}
			return nil
		}}, nil
	}},
}

var coderWrites = []variant{
	{lib: "coder", api: "best", open: func(t *task) (*op, error) { // Write; its README shows wsjson.Write, which ends there
		c, s, err := coderConn(t)
		if err != nil {
			return nil, err
		}
		ctx, payload := context.Background(), t.payloads[0]
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				if err := c.Write(ctx, websocket.MessageBinary, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}
