// Package transcripts reads transcripts with golang.org/x/net/websocket, by a
// Codec of its own: Receive tells the kind of a message to nothing else.
package transcripts

import (
	"errors"
	"io"

	"golang.org/x/net/websocket"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/engine/transcript/opening"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// Reader is x/net's. Receive gives each frame by itself, as its documentation
// says, with a limit on its payload; text is not checked. It ends with io.EOF
// whatever the reason, and sends no Close but for a frame with the wrong
// masking: its callers do.
var Reader = transcript.Reader{
	Name:   "xnet",
	Module: "golang.org/x/net",
	Caps: transcript.Caps{
		UTF8: transcript.UTF8None, Limits: transcript.LimitsMessage, Frames: true, Mute: true,
		Late: []model.Rule{model.MessageTooLarge},
	},
	Read: read,
}

// A message is what Receive unmarshals into.
type message struct {
	kind    byte
	payload []byte
}

var codec = websocket.Codec{Unmarshal: func(data []byte, kind byte, v any) error {
	*v.(*message) = message{kind, data}
	return nil
}}

func read(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
	if t.Role == model.Client {
		config, err := websocket.NewConfig(transcript.Target().String(), "http://peer")
		if err != nil {
			return err
		}
		ws, err := websocket.NewClient(config, c.Client())
		if err != nil {
			return err
		}
		receive(ws, t, c, r)
		return nil
	}
	w, req, upgraded := opening.Upgrade(c)
	open := false
	websocket.Server{Handler: func(ws *websocket.Conn) {
		upgraded()
		open = true
		receive(ws, t, c, r)
	}}.ServeHTTP(w, req)
	if !open {
		return errors.New("the handshake was refused")
	}
	return nil
}

func receive(ws *websocket.Conn, t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) {
	ws.MaxPayloadBytes = t.Limits.Message
	t.Send(c, r, func(opcode byte, payload []byte) error {
		switch opcode {
		case wire.Text:
			return websocket.Message.Send(ws, string(payload))
		case wire.Binary:
			return websocket.Message.Send(ws, payload)
		}
		return errors.ErrUnsupported
	})
	for {
		var m message
		if r.Err = codec.Receive(ws, &m); r.Err != nil {
			r.End = model.Failed
			if errors.Is(r.Err, io.EOF) || errors.Is(r.Err, io.ErrUnexpectedEOF) {
				r.End = model.Open
			}
			return
		}
		switch m.kind {
		case websocket.ContinuationFrame, websocket.TextFrame, websocket.BinaryFrame:
			r.Deliver(c, m.kind == websocket.BinaryFrame, m.payload)
		default: // of an unknown opcode, which its caller can see
		}
	}
}
