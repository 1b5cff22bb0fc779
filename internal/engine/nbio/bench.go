package nbio

import (
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/wsproof/wsproof/internal/engine/task"
)

// tasks are what the benchmarks measure.
var tasks = task.Set{
	Reads:    benchReads,
	Messages: benchReads,
	Writes:   benchWrites,
	Upgrades: benchUpgrades,
	Echo: []task.Echo{
		{API: "best", Serve: echoBest},
		{API: "readme", Serve: echoReadme},
		{API: "std", Serve: task.OnHTTP(echoStd)},
	},
}

// benchEngine runs all handlers where the frames are read.
var benchEngine = sync.OnceValue(func() *nbhttp.Engine {
	return nbhttp.NewEngine(nbhttp.Config{
		ServerExecutor:               here,
		ClientExecutor:               here,
		ReleaseWebsocketPayload:      true,
		MaxWebsocketFramePayloadSize: task.Most,
	})
})

func here(f func()) { f() }

func benchOptions() *websocket.Options {
	u := websocket.NewUpgrader()
	u.Engine = benchEngine()
	u.MessageLengthLimit = task.Most
	u.KeepaliveTime = 0
	u.BlockingModAsyncWrite, u.BlockingModHandleRead = false, false
	return u
}

// benchConn is a connection in the task's role. A client is made without a
// handshake: the Dialer takes no stream in memory.
func benchConn(t *task.Task, u *websocket.Options) (*websocket.Conn, *task.Stream, error) {
	s := t.Stream()
	if t.Client {
		c := websocket.NewClientConn(u, net.Conn(s), "", false, false)
		c.Execute = func(f func()) bool { f(); return true }
		return c, s, nil
	}
	c, err := u.Upgrade(task.NewResponse(s), task.Request(), nil)
	return c, s, err
}

// benchReads serve frames and messages alike, by the read loop of its blocking
// mode: the poller's takes no stream in memory.
var benchReads = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		u := benchOptions()
		var onMessage func(payload []byte)
		u.OnMessage(func(_ *websocket.Conn, _ websocket.MessageType, payload []byte) { onMessage(payload) })
		c, s, err := benchConn(t, u)
		if err != nil {
			return nil, err
		}
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			if !next() {
				return nil
			}
			done := false
			onMessage = func(payload []byte) {
				if done {
					return // what was read when the stream stopped
				}
				last = payload
				if !next() {
					done = true
					s.Stopped = true
				}
			}
			c.HandleRead(task.ReadBuffer)
			if !done {
				return errors.New("bench: the read loop ended before it was told to")
			}
			return nil
		}}, nil
	}},
}

var benchWrites = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		c, s, err := benchConn(t, benchOptions())
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
	}},
}

var benchUpgrades = []task.Upgrade{
	{API: "best", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		u := benchOptions()
		return func(w *task.Response, r *http.Request, _ *task.Stream) error {
			_, err := u.Upgrade(w, r, nil)
			return err
		}
	}},
}
