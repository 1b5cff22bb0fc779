package core

import (
	"context"
	"errors"
	"net/http"

	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/websocket"
)

// tasks are what the benchmarks measure.
var tasks = task.Set{
	Reads:      benchReads,
	Messages:   benchMessages,
	Writes:     benchWrites,
	Upgrades:   benchUpgrades,
	Broadcasts: benchBroadcasts,
	Maskers:    benchMaskers,
	Assembly:   true,
	Echo: []task.Echo{
		{API: "best", Serve: task.OnHTTP(echoBest)},
		{API: "readme", Serve: task.OnHTTP(echoReadme)},
		{API: "awake", Serve: task.OnHTTP(echoAwake)},
		{API: "answer", Serve: task.OnHTTP(echoAnswer)},
	},
}

func benchMode(t *task.Task) websocket.Mode {
	if t.Client {
		return websocket.ClientMode
	}
	return websocket.ServerMode
}

var benchOptions = websocket.Options{MaxFrameSize: task.Most, MaxMessageSize: task.Most}

// benchReads: single frames, by the reader that reuses its memory and by ReadFrame.
var benchReads = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		s := t.Stream()
		r := websocket.NewFrameReader(s, benchMode(t), task.Most)
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				f, err := r.Next()
				if err != nil {
					return err
				}
				last = f.Payload
			}
			return nil
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) {
		s, mode := t.Stream(), benchMode(t)
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				f, err := websocket.ReadFrame(s, mode, task.Most)
				if err != nil {
					return err
				}
				last = f.Payload
			}
			return nil
		}}, nil
	}},
	{API: "conn", Open: benchMessages[0].Open}, // as whole messages through a connection, which is how most libraries read them
}

var errDone = errors.New("bench: done")

// benchMessages: whole messages, by Serve with reused buffers and by ReadMessage.
var benchMessages = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		s := t.Stream()
		options := benchOptions
		options.ReuseBuffers = true
		c := websocket.New(s, task.SampleKey, benchMode(t), options)
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			if !next() {
				return nil
			}
			ended := errors.New("bench: Serve ended before it was told to")
			c.Serve(context.Background(), func(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
				last = msg.Payload
				if next() {
					return nil, nil
				}
				s.Stopped = true
				ended = nil
				return nil, errDone
			})
			return ended
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) {
		s := t.Stream()
		c := websocket.New(s, task.SampleKey, benchMode(t), benchOptions)
		ctx := context.Background()
		var last []byte
		return &task.Op{Stream: s, Last: func() []byte { return last }, Loop: func(next func() bool) error {
			for next() {
				m, err := c.ReadMessage(ctx)
				if err != nil {
					return err
				}
				last = m.Payload
			}
			return nil
		}}, nil
	}},
}

// benchWrites: a frame out in one Write, its payload left as it is.
var benchWrites = []task.Variant{
	{API: "best", Open: func(t *task.Task) (*task.Op, error) {
		s, payload := t.Stream(), t.Payloads[0]
		frame := websocket.NewFrame(websocket.OpcodeBinary, true, payload)
		buf := make([]byte, 0, len(payload)+14)
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				buf = websocket.AppendFrame(buf[:0], frame, benchKey(t))
				if _, err := s.Write(buf); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{API: "readme", Open: func(t *task.Task) (*task.Op, error) {
		s, payload := t.Stream(), t.Payloads[0]
		frame := websocket.NewFrame(websocket.OpcodeBinary, true, payload)
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if err := websocket.WriteFrame(s, benchKey(t), frame); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{API: "marshal", Open: func(t *task.Task) (*task.Op, error) {
		s, payload := t.Stream(), t.Payloads[0]
		frame := websocket.NewFrame(websocket.OpcodeBinary, true, payload)
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if _, err := s.Write(websocket.MarshalFrame(frame, benchKey(t))); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{API: "conn", Open: func(t *task.Task) (*task.Op, error) {
		s, payload := t.Stream(), t.Payloads[0]
		c := websocket.New(s, task.SampleKey, benchMode(t), benchOptions)
		ctx, msg := context.Background(), &websocket.Message{Binary: true, Payload: payload}
		return &task.Op{Stream: s, Loop: func(next func() bool) error {
			for next() {
				if err := c.WriteMessage(ctx, msg); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}

// benchKey is a new key for each frame of a client, as with every library here.
func benchKey(t *task.Task) websocket.MaskingKey {
	if t.Client {
		return websocket.NewMaskingKey()
	}
	return websocket.Unmasked
}

var benchUpgrades = []task.Upgrade{
	{API: "best", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		return func(w *task.Response, r *http.Request, _ *task.Stream) error {
			_, err := websocket.Accept(w, r, websocket.Options{})
			return err
		}
	}},
	{API: "handshake", Prepare: func() func(w *task.Response, r *http.Request, s *task.Stream) error {
		return func(w *task.Response, r *http.Request, _ *task.Stream) error {
			_, err := websocket.Handshake(w, r)
			return err
		}
	}},
}

var benchMaskers = []task.Masker{
	{Via: "append", Mask: func(b []byte) func() []byte { // header, copy and mask
		f := websocket.NewFrame(websocket.OpcodeBinary, true, b)
		buf := make([]byte, 0, len(b)+14)
		return func() []byte {
			buf = websocket.AppendFrame(buf[:0], f, task.MaskKey)
			return buf[len(buf)-len(b):]
		}
	}},
}
