// Package core reads transcripts with the connection of package websocket.
package core

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/peers"
	"github.com/wsproof/wsproof/websocket"
)

// Library is the core.
var Library = peers.Library{
	Name:   "core",
	Module: "github.com/wsproof/wsproof/websocket",
	Caps:   peers.Caps{UTF8: peers.UTF8AsItArrives, Limits: peers.LimitsBoth, SendsClose: true},
	Read:   read,
}

func read(t *peers.Transcript, c *peers.Conn, r *peers.Result) error {
	mode := websocket.ServerMode
	if t.Role == model.Client {
		mode = websocket.ClientMode
	}
	ws := websocket.New(c, "peer", mode, websocket.Options{
		MaxFrameSize:   t.Limits.Frame,
		MaxMessageSize: t.Limits.Message,
		CloseTimeout:   time.Second,
	})
	defer ws.Close()
	for {
		msg, err := ws.ReadMessage(context.Background())
		if err != nil {
			end(r, err)
			if r.End == model.Failed && c.SentClose() != 0 {
				r.Offset = c.Noticed() + 1
			}
			return nil
		}
		r.Deliver(c, msg.Binary, msg.Payload)
	}
}

func end(r *peers.Result, err error) {
	r.Err = err
	var ce *websocket.CloseError
	var e *websocket.Error
	switch {
	case errors.As(err, &ce):
		r.End, r.Code, r.Reason = model.Closed, uint16(ce.Code), ce.Reason
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.End = model.Open
	case errors.As(err, &e):
		r.End, r.Class = model.Failed, uint16(e.Code())
	default:
		r.End = model.Failed
	}
}
