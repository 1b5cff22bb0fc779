package gorilla

import (
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/engine/task"
)

// tasks are what the benchmarks measure.
var tasks = task.Set{
	Reads:      benchReads,
	Messages:   benchReads,
	Writes:     benchWrites,
	Upgrades:   benchUpgrades,
	Broadcasts: benchBroadcasts,
	Echo: []task.Echo{
		{API: "best", Serve: task.OnHTTP(echoBest)},
		{API: "readme", Serve: task.OnHTTP(echoReadme)},
	},
}

// benchConn is a connection in the task's role. Where big is set, its write
// buffer holds the whole message (then a client writes one frame) and its read
// buffer is as large as the core's; otherwise they are the default ones.
func benchConn(t *task.Task, big bool) (*websocket.Conn, *task.Stream, error) {
	s := t.Stream()
	read, write := 0, 0
	if big {
		read, write = task.ReadBuffer, t.Size
	}
	if !t.Client {
		u := websocket.Upgrader{ReadBufferSize: read, WriteBufferSize: write}
		c, err := u.Upgrade(task.NewResponse(s), task.Request(), nil)
		if err != nil {
			return nil, nil, err
		}
		c.SetReadLimit(task.Most)
		return c, s, nil
	}
	d := websocket.Dialer{ReadBufferSize: read, WriteBufferSize: write, NetDial: func(string, string) (net.Conn, error) {
		return task.Dial(s), nil
	}}
	c, _, err := d.Dial("ws://localhost:9001/echo", nil)
	if err != nil {
		return nil, nil, err
	}
	c.SetReadLimit(task.Most)
	return c, s, nil
}

// benchReads serve frames and messages alike. The check of UTF-8 is the
// caller's part with this library, so it is done here.
var benchReads = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) { // NextReader into an own buffer
		c, s, err := benchConn(t, true)
		if err != nil {
			return nil, err
		}
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				kind, r, err := c.NextReader()
				if err != nil {
					return err
				}
				if last, err = task.ReadInto(r, last[:0]); err != nil {
					return err
				}
				if kind == websocket.TextMessage && !utf8.Valid(last) {
					return task.ErrUTF8
				}
			}
			return nil
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) { // ReadMessage
		c, s, err := benchConn(t, false)
		if err != nil {
			return nil, err
		}
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				kind, p, err := c.ReadMessage()
				if err != nil {
					return err
				}
				if last = p; kind == websocket.TextMessage && !utf8.Valid(p) {
					return task.ErrUTF8
				}
			}
			return nil
		}}, nil
	}},
}

func benchWrite(big bool) func(t *task.Task) (*task.Op, error) {
	return func(t *task.Task) (*task.Op, error) {
		c, s, err := benchConn(t, big)
		if err != nil {
			return nil, err
		}
		payload := t.Payloads[0]
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if err := c.WriteMessage(websocket.BinaryMessage, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}
}

var benchWrites = []task.Variant{
	{API: "best", Open: benchWrite(true)},    // a write buffer of the message's size
	{API: "readme", Open: benchWrite(false)}, // WriteMessage with default buffers
}

var benchUpgrades = []task.Upgrade{
	{API: "best", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		var u websocket.Upgrader
		return func(w *task.Response, r *http.Request, _ *task.Stream) error {
			_, err := u.Upgrade(w, r, nil)
			return err
		}
	}},
}
