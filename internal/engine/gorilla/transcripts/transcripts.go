// Package transcripts reads transcripts with github.com/gorilla/websocket, by what
// its versions share since v1.4.0.
package transcripts

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/engine/transcript/opening"
	"github.com/wsproof/wsproof/internal/model"
)

// Reader is gorilla. Text is not checked for UTF-8, which its documentation
// leaves to the caller; its one limit is on messages.
var Reader = transcript.Reader{
	Name:   "gorilla",
	Module: "github.com/gorilla/websocket",
	Caps:   transcript.Caps{UTF8: transcript.UTF8None, Limits: transcript.LimitsMessage, Deflate: transcript.DeflateAlone, SendsClose: true},
	Read:   read,
}

func read(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
	var ws *websocket.Conn
	var err error
	if t.Role == model.Server {
		w, req, upgraded := opening.Upgrade(c)
		upgrader := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024, EnableCompression: t.Deflate != nil}
		ws, err = upgrader.Upgrade(w, req, nil)
		upgraded()
	} else {
		dialer := websocket.Dialer{
			NetDial:        func(string, string) (net.Conn, error) { return c.Client(), nil },
			ReadBufferSize: 1024, WriteBufferSize: 1024, EnableCompression: t.Deflate != nil,
		}
		ws, _, err = dialer.Dial(transcript.Target().String(), nil)
	}
	if err != nil {
		return err
	}
	defer ws.Close()
	ws.SetReadLimit(int64(t.Limits.Message))
	if t.Pings {
		if err := ws.WriteControl(websocket.PingMessage, []byte("1"), time.Time{}); err != nil {
			return err
		}
	}
	t.Send(c, r, func(opcode byte, payload []byte) error { return ws.WriteMessage(int(opcode), payload) })
	for {
		kind, payload, err := ws.ReadMessage()
		if err != nil {
			end(r, err)
			return nil
		}
		r.Deliver(c, kind == websocket.BinaryMessage, payload)
	}
}

func end(r *transcript.Result, err error) {
	r.Err = err
	var ce *websocket.CloseError
	switch {
	case errors.As(err, &ce) && ce.Code == websocket.CloseAbnormalClosure && ce.Text == io.ErrUnexpectedEOF.Error():
		r.End = model.Open // how gorilla reports the end of the stream
	case errors.As(err, &ce):
		r.End, r.Code, r.Reason = model.Closed, uint16(ce.Code), ce.Text
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.End = model.Open
	default:
		r.End = model.Failed
		if errors.Is(err, websocket.ErrReadLimit) {
			r.Class = 1009
		}
	}
}
