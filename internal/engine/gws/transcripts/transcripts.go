// Package transcripts reads transcripts with github.com/lxzan/gws, by what its versions
// share since v1.6.0.
package transcripts

import (
	"errors"
	"io"

	"github.com/lxzan/gws"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/engine/transcript/opening"
	"github.com/wsproof/wsproof/internal/model"
)

// Reader is gws with its UTF-8 check switched on, which looks at whole
// messages. It has one limit, for frames and messages alike.
var Reader = transcript.Reader{
	Name:   "gws",
	Module: "github.com/lxzan/gws",
	Caps: transcript.Caps{
		UTF8: transcript.UTF8AtEnd, Limits: transcript.LimitsOne, Deflate: deflates, Windows: deflates != transcript.DeflateNone, SendsClose: true,
		Late: []model.Rule{model.OpcodeUnknown, model.ContinuationUnexpected, model.ContinuationExpected, model.MessageTooLarge},
	},
	Read: read,
}

func read(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
	h := &handler{c: c, r: r}
	var ws *gws.Conn
	var err error
	if t.Role == model.Server {
		w, req, upgraded := opening.Upgrade(c)
		ws, err = gws.NewUpgrader(h, server(t, gws.ServerOption{
			CheckUtf8Enabled: true, ReadMaxPayloadSize: t.Limits.Message,
		})).Upgrade(w, req)
		upgraded()
	} else {
		ws, _, err = gws.NewClientFromConn(h, client(t, gws.ClientOption{
			CheckUtf8Enabled: true, ReadMaxPayloadSize: t.Limits.Message, Addr: "ws://peer/",
		}), c.Client())
	}
	if err != nil {
		return err
	}
	if t.Pings {
		if err := ws.WritePing([]byte("1")); err != nil {
			return err
		}
	}
	t.Send(c, r, func(opcode byte, payload []byte) error { return ws.WriteMessage(gws.Opcode(opcode), payload) })
	ws.ReadLoop()
	return nil
}

type handler struct {
	c *transcript.Conn
	r *transcript.Result
}

func (h *handler) OnOpen(*gws.Conn)                    {}
func (h *handler) OnPong(*gws.Conn, []byte)            {}
func (h *handler) OnPing(ws *gws.Conn, payload []byte) { _ = ws.WritePong(payload) }

func (h *handler) OnMessage(_ *gws.Conn, m *gws.Message) {
	h.r.Deliver(h.c, m.Opcode == gws.OpcodeBinary, m.Bytes())
	_ = m.Close()
}

func (h *handler) OnClose(_ *gws.Conn, err error) {
	h.r.Err = err
	var ce *gws.CloseError
	code := h.c.SentClose()
	switch {
	case errors.As(err, &ce) && (code == 1002 || code == 1007):
		h.r.End = model.Failed // a valid code below 3000 is answered with 1000
	case errors.As(err, &ce):
		h.r.End, h.r.Code, h.r.Reason = model.Closed, ce.Code, string(ce.Reason)
		if ce.Code == 0 {
			h.r.Code = 1005 // how gws reports an empty Close
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		h.r.End = model.Open
	default:
		h.r.End = model.Failed
	}
}
