package gws

import (
	"bufio"
	"errors"
	"net/http"

	"github.com/lxzan/gws"

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
		{API: "kept", Serve: task.OnHTTP(echoOwn)},
	},
}

// benchEvents hands the messages of gws's own read loop to a function.
type benchEvents struct {
	gws.BuiltinEventHandler
	onMessage func(payload []byte)
	err       error
}

func (e *benchEvents) OnMessage(_ *gws.Conn, message *gws.Message) {
	e.onMessage(message.Bytes())
	_ = message.Close()
}

func (e *benchEvents) OnClose(_ *gws.Conn, err error) { e.err = err }

func benchConn(t *task.Task, events *benchEvents) (*gws.Conn, *task.Stream, error) {
	s := t.Stream()
	if t.Client {
		c, _, err := gws.NewClientFromConn(events, &gws.ClientOption{
			Addr: "ws://localhost:9001/echo", ReadMaxPayloadSize: task.Most, WriteMaxPayloadSize: task.Most,
			ReadBufferSize: task.ReadBuffer, CheckUtf8Enabled: true, RequestHeader: http.Header{},
		}, task.Dial(s))
		return c, s, err
	}
	u := gws.NewUpgrader(events, &gws.ServerOption{
		ReadMaxPayloadSize: task.Most, WriteMaxPayloadSize: task.Most, CheckUtf8Enabled: true,
	})
	c, err := u.UpgradeFromConn(s, bufio.NewReaderSize(s, task.ReadBuffer), task.Request())
	return c, s, err
}

// benchReads serve frames and messages alike: the library owns the loop.
var benchReads = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		events := &benchEvents{}
		c, s, err := benchConn(t, events)
		if err != nil {
			return nil, err
		}
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			if !next() {
				return nil
			}
			done := false
			events.onMessage = func(payload []byte) {
				if done {
					return // what was buffered when the stream stopped
				}
				last = payload
				if !next() {
					done = true
					s.Stopped = true
				}
			}
			c.ReadLoop()
			if !done {
				return errors.Join(errors.New("bench: the read loop ended before it was told to"), events.err)
			}
			return nil
		}}, nil
	}},
}

var benchWrites = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		c, s, err := benchConn(t, &benchEvents{})
		if err != nil {
			return nil, err
		}
		payload := t.Payloads[0]
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if err := c.WriteMessage(gws.OpcodeBinary, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}

var benchUpgrades = []task.Upgrade{
	{API: "best", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		u := gws.NewUpgrader(&benchEvents{}, nil)
		return func(w *task.Response, r *http.Request, s *task.Stream) error {
			_, err := u.UpgradeFromConn(s, w.Reader(), r)
			return err
		}
	}},
	{API: "readme", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		u := gws.NewUpgrader(&benchEvents{}, nil)
		return func(w *task.Response, r *http.Request, _ *task.Stream) error {
			_, err := u.Upgrade(w, r)
			return err
		}
	}},
}
