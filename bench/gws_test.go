package bench

import (
	"bufio"
	"errors"
	"net/http"

	"github.com/lxzan/gws"
)

// gwsEvents hands the messages of gws's own read loop to a function.
type gwsEvents struct {
	gws.BuiltinEventHandler
	onMessage func(payload []byte)
	err       error
}

func (e *gwsEvents) OnMessage(_ *gws.Conn, message *gws.Message) {
	e.onMessage(message.Bytes())
	_ = message.Close()
}

func (e *gwsEvents) OnClose(_ *gws.Conn, err error) { e.err = err }

func gwsConn(t *task, events *gwsEvents) (*gws.Conn, *stream, error) {
	s := t.stream()
	if t.client {
		c, _, err := gws.NewClientFromConn(events, &gws.ClientOption{
			Addr: "ws://localhost:9001/echo", ReadMaxPayloadSize: most, WriteMaxPayloadSize: most,
			ReadBufferSize: readBuffer, CheckUtf8Enabled: true, RequestHeader: http.Header{},
		}, &dialled{stream: s})
		return c, s, err
	}
	u := gws.NewUpgrader(events, &gws.ServerOption{
		ReadMaxPayloadSize: most, WriteMaxPayloadSize: most, CheckUtf8Enabled: true,
	})
	c, err := u.UpgradeFromConn(s, bufio.NewReaderSize(s, readBuffer), parsedRequest())
	return c, s, err
}

// gwsReads serve frames and messages alike: the library owns the loop.
var gwsReads = []variant{
	{lib: "gws", api: "best", open: func(t *task) (*op, error) {
		events := &gwsEvents{}
		c, s, err := gwsConn(t, events)
		if err != nil {
			return nil, err
		}
		var last []byte
		return &op{s: s, last: func() []byte { return last }, loop: func(next func() bool) error {
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
					s.stopped = true
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

var gwsWrites = []variant{
	{lib: "gws", api: "best", open: func(t *task) (*op, error) {
		c, s, err := gwsConn(t, &gwsEvents{})
		if err != nil {
			return nil, err
		}
		payload := t.payloads[0]
		return &op{s: s, loop: func(next func() bool) error {
			for next() {
				if err := c.WriteMessage(gws.OpcodeBinary, payload); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}},
}
