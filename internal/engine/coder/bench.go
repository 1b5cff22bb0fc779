package coder

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// tasks are what the benchmarks measure.
var tasks = task.Set{
	Reads:    benchReads,
	Messages: benchReads,
	Writes:   benchWrites,
	Upgrades: benchUpgrades,
	Echo: []task.Echo{
		{API: "best", Serve: task.OnHTTP(echoBest)},
		{API: "readme", Serve: task.OnHTTP(echoReadme)},
	},
}

// roundTrip answers a client's handshake with a stream as the body, as
// net/http does after a 101.
type roundTrip struct{ s *task.Stream }

func (rt roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		transcript.AcceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n\r\n"
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader([]byte(head))), r)
	if err != nil {
		return nil, err
	}
	resp.Body = rt.s
	return resp, nil
}

func benchConn(t *task.Task) (*websocket.Conn, *task.Stream, error) {
	s := t.Stream()
	var c *websocket.Conn
	var err error
	if t.Client {
		c, _, err = websocket.Dial(context.Background(), "ws://localhost:9001/echo",
			&websocket.DialOptions{HTTPClient: &http.Client{Transport: roundTrip{s}}})
	} else {
		c, err = websocket.Accept(task.NewResponse(s), task.Request(), nil)
	}
	if err != nil {
		return nil, nil, err
	}
	c.SetReadLimit(task.Most)
	return c, s, nil
}

// benchReads serve frames and messages alike. The library does not check UTF-8,
// and its read buffer, 4 KiB here, is not the user's to choose.
var benchReads = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) { // Reader into an own buffer
		c, s, err := benchConn(t)
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				kind, r, err := c.Reader(ctx)
				if err != nil {
					return err
				}
				if last, err = task.ReadInto(r, last[:0]); err != nil {
					return err
				}
				if kind == websocket.MessageText && !utf8.Valid(last) {
					return task.ErrUTF8
				}
			}
			return nil
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) { // Read
		c, s, err := benchConn(t)
		if err != nil {
			return nil, err
		}
		ctx := context.Background()
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				kind, p, err := c.Read(ctx)
				if err != nil {
					return err
				}
				if last = p; kind == websocket.MessageText && !utf8.Valid(p) {
					return task.ErrUTF8
				}
			}
			return nil
		}}, nil
	}},
}

var benchWrites = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) { // Write; its README shows wsjson.Write, which ends there
		c, s, err := benchConn(t)
		if err != nil {
			return nil, err
		}
		ctx, payload := context.Background(), t.Payloads[0]
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if err := c.Write(ctx, websocket.MessageBinary, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}

var benchUpgrades = []task.Upgrade{
	{API: "best", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		return func(w *task.Response, r *http.Request, _ *task.Stream) error {
			_, err := websocket.Accept(w, r, nil)
			return err
		}
	}},
}
