// Package transcripts reads transcripts with the connection of package websocket.
package transcripts

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
)

// Reader is the core.
var Reader = transcript.Reader{
	Name:   "core",
	Module: "github.com/wsproof/wsproof/websocket",
	Caps:   transcript.Caps{UTF8: transcript.UTF8AsItArrives, Limits: transcript.LimitsBoth, SendsClose: true},
	Read:   read,
}

func read(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
	mode := websocket.ServerMode
	if t.Role == model.Client {
		mode = websocket.ClientMode
	}
	noticed := 0
	ws := websocket.New(c, "peer", mode, websocket.Options{
		MaxFrameSize:   t.Limits.Frame,
		MaxMessageSize: t.Limits.Message,
		CloseTimeout:   transcript.Bound,
		Hooks: websocket.Hooks{OnReadError: func(websocket.ClientKey, error) {
			noticed = c.Asked() + 1
		}},
	})
	c.Share() // a goroutine of the core's drains it after a failure
	drain(ws, c, r, &noticed)
	return nil
}

// Frames reads what arrives on a connection whose handshake is done, as Reader
// does.
func Frames(ws *websocket.Websocket, c *transcript.Conn, role model.Role) (*transcript.Result, error) {
	l := Reader
	l.Read = func(_ *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
		drain(ws, c, r, new(int))
		return nil
	}
	return l.RunOn(&transcript.Transcript{Role: role}, c)
}

func drain(ws *websocket.Websocket, c *transcript.Conn, r *transcript.Result, noticed *int) {
	defer ws.Close()
	for {
		msg, err := ws.ReadMessage(context.Background())
		if err != nil {
			end(r, err)
			if r.End == model.Failed {
				r.Offset = *noticed
			}
			if msg, again := ws.ReadMessage(context.Background()); again != err || msg != nil {
				r.Wrong = fmt.Sprintf("returned %v and then %v", err, again)
			}
			return
		}
		r.Deliver(c, msg.Binary, msg.Payload)
	}
}

func end(r *transcript.Result, err error) {
	r.Err = err
	var ce *websocket.CloseError
	var e *websocket.Error
	switch {
	case errors.As(err, &ce):
		r.End, r.Code, r.Reason = model.Closed, uint16(ce.Code), ce.Reason
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.End = model.Open
	case errors.As(err, &e):
		r.End, r.Class, r.Rule = model.Failed, uint16(e.Code()), rules[e]
	default:
		r.End = model.Failed
	}
}

// rules are those that an error of the core stands for.
var rules = map[*websocket.Error]model.Rule{
	websocket.ErrClientFrameUnmasked:    model.ClientFrameUnmasked,
	websocket.ErrServerFrameMasked:      model.ServerFrameMasked,
	websocket.ErrRSVBitsUnsupported:     model.RSVBitsUnsupported,
	websocket.ErrOpcodeUnknown:          model.OpcodeUnknown,
	websocket.ErrControlFrameTooLarge:   model.ControlFrameTooLarge,
	websocket.ErrControlFrameFragmented: model.ControlFrameFragmented,
	websocket.ErrLengthNotMinimal:       model.LengthNotMinimal,
	websocket.ErrFrameTooLarge:          model.FrameTooLarge,
	websocket.ErrContinuationUnexpected: model.ContinuationUnexpected,
	websocket.ErrContinuationExpected:   model.ContinuationExpected,
	websocket.ErrMessageTooLarge:        model.MessageTooLarge,
	websocket.ErrClosePayloadInvalid:    model.ClosePayloadInvalid,
	websocket.ErrCloseStatusInvalid:     model.CloseStatusInvalid,
	websocket.ErrCloseStatusReserved:    model.CloseStatusReserved,
	websocket.ErrInvalidFramePayload:    model.TextNotUTF8,
}
