package xnet

import (
	"net/http"
	"unicode/utf8"

	"golang.org/x/net/websocket"

	"github.com/wsproof/wsproof/internal/engine/task"
)

// tasks are what the benchmarks measure.
var tasks = task.Set{
	Reads:    benchReads,
	Writes:   benchWrites,
	Upgrades: benchUpgrades,
	Echo: []task.Echo{
		{API: "best", Serve: task.OnHTTP(echoBest)},
	},
	Skip: map[string]string{
		"ReadMessage": "each frame is a message to it: a message of fragments cannot be read",
	},
}

// benchConn is a connection in the task's role. A server's lives as long as its
// handler, which runs on a goroutine of its own and waits for the end.
func benchConn(t *task.Task) (*websocket.Conn, *task.Stream, error) {
	s := t.Stream()
	if t.Client {
		config, err := websocket.NewConfig("ws://localhost:9001/echo", "http://localhost:9001")
		if err != nil {
			return nil, nil, err
		}
		c, err := websocket.NewClient(config, task.Dial(s))
		if err != nil {
			return nil, nil, err
		}
		c.MaxPayloadBytes = task.Most
		return c, s, nil
	}
	var conn *websocket.Conn
	// The handler gives the connection away: the stream has nothing to close.
	websocket.Server{Handler: func(c *websocket.Conn) { conn = c }}.ServeHTTP(task.NewResponse(s), task.Request())
	s.Stopped = false
	conn.MaxPayloadBytes = task.Most
	return conn, s, nil
}

// benchReads: Receive. The check of UTF-8 is the caller's part with this library,
// so it is done here.
var benchReads = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		c, s, err := benchConn(t)
		if err != nil {
			return nil, err
		}
		var m message
		return &task.Op{Stream: s, Last: func() []byte { return m.payload }, Loop: func(next func() bool) error {
			for next() {
				if err := codec.Receive(c, &m); err != nil {
					return err
				}
				if m.kind == websocket.TextFrame && !utf8.Valid(m.payload) {
					return task.ErrUTF8
				}
			}
			return nil
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) { // Message, as its documentation shows it
		c, s, err := benchConn(t)
		if err != nil {
			return nil, err
		}
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				if err := websocket.Message.Receive(c, &last); err != nil {
					return err
				}
				if t.Text != "" && !utf8.Valid(last) {
					return task.ErrUTF8
				}
			}
			return nil
		}}, nil
	}},
}

var benchWrites = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		c, s, err := benchConn(t)
		if err != nil {
			return nil, err
		}
		c.PayloadType = websocket.BinaryFrame
		payload := t.Payloads[0]
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if _, err := c.Write(payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) { // Message.Send
		c, s, err := benchConn(t)
		if err != nil {
			return nil, err
		}
		payload := t.Payloads[0]
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if err := websocket.Message.Send(c, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}

var benchUpgrades = []task.Upgrade{
	{API: "best", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		return func(w *task.Response, r *http.Request, s *task.Stream) error {
			websocket.Server{Handler: func(*websocket.Conn) {}}.ServeHTTP(w, r)
			s.Stopped = false // it has closed the connection
			return nil
		}
	}},
}
