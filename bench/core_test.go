package bench

import (
	"context"
	"errors"

	"github.com/wsproof/wsproof/websocket"
)

func coreMode(t *task) websocket.Mode {
	if t.client {
		return websocket.ClientMode
	}
	return websocket.ServerMode
}

var coreOptions = websocket.Options{MaxFrameSize: most, MaxMessageSize: most}

// coreReads: single frames, by the reader that reuses its memory and by ReadFrame.
var coreReads = []variant{
	{lib: "core", api: "best", open: func(t *task) (*op, error) {
		s := t.stream()
		r := websocket.NewFrameReader(s, coreMode(t), most)
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
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
	{lib: "core", api: "readme", open: func(t *task) (*op, error) {
		s, mode := t.stream(), coreMode(t)
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			for next() {
				f, err := websocket.ReadFrame(s, mode, most)
				if err != nil {
					return err
				}
				last = f.Payload
			}
			return nil
		}}, nil
	}},
}

// coreConnReads: frames as whole messages through a connection, which is how
// gorilla, coder and gws read them.
var coreConnReads = []variant{{lib: "core", api: "conn", open: coreMessages[0].open}}

var errDone = errors.New("bench: done")

// coreMessages: whole messages, by Serve with reused buffers and by ReadMessage.
var coreMessages = []variant{
	{lib: "core", api: "best", open: func(t *task) (*op, error) {
		s := t.stream()
		options := coreOptions
		options.ReuseBuffers = true
		c := websocket.New(s, sampleKey, coreMode(t), options)
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
			if !next() {
				return nil
			}
			ended := errors.New("bench: Serve ended before it was told to")
			c.Serve(context.Background(), func(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
				last = msg.Payload
				if next() {
					return nil, nil
				}
				s.stopped = true
				ended = nil
				return nil, errDone
			})
			return ended
		}}, nil
	}},
	{lib: "core", api: "readme", open: func(t *task) (*op, error) {
		s := t.stream()
		c := websocket.New(s, sampleKey, coreMode(t), coreOptions)
		ctx := context.Background()
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
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

// coreWrites: a frame out in one Write, its payload left as it is.
var coreWrites = []variant{
	{lib: "core", api: "best", open: func(t *task) (*op, error) {
		s, payload := t.stream(), t.payloads[0]
		frame := websocket.NewFrame(websocket.OpcodeBinary, true, payload)
		buf := make([]byte, 0, len(payload)+14)
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				buf = websocket.AppendFrame(buf[:0], frame, coreKey(t))
				if _, err := s.Write(buf); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{lib: "core", api: "readme", open: func(t *task) (*op, error) {
		s, payload := t.stream(), t.payloads[0]
		frame := websocket.NewFrame(websocket.OpcodeBinary, true, payload)
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				if err := websocket.WriteFrame(s, coreKey(t), frame); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{lib: "core", api: "marshal", open: func(t *task) (*op, error) {
		s, payload := t.stream(), t.payloads[0]
		frame := websocket.NewFrame(websocket.OpcodeBinary, true, payload)
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				if _, err := s.Write(websocket.MarshalFrame(frame, coreKey(t))); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
	{lib: "core", api: "conn", open: func(t *task) (*op, error) {
		s, payload := t.stream(), t.payloads[0]
		c := websocket.New(s, sampleKey, coreMode(t), coreOptions)
		ctx, msg := context.Background(), &websocket.Message{Binary: true, Payload: payload}
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				if err := c.WriteMessage(ctx, msg); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}

// coreKey is a new key for each frame of a client, as with every library here.
func coreKey(t *task) websocket.MaskingKey {
	if t.client {
		return websocket.NewMaskingKey()
	}
	return websocket.Unmasked
}
