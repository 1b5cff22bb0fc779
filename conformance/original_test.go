package conformance

import (
	"errors"
	"io"
	"net/http"
	"unicode/utf8"

	coderws "github.com/coder/websocket"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// The echo servers whose verdicts by the original suite are known, each written
// in the way that gave them: see testdata/original.tsv.
var originalServers = map[string]http.Handler{
	"gorilla": http.HandlerFunc(gorillaStreamingEcho),
	"gobwas":  http.HandlerFunc(gobwasEcho),
	"gws":     gwsEcho(),
	"coder":   http.HandlerFunc(coderEcho),
}

// gorillaStreamingEcho reads each message as a stream and checks its UTF-8 as
// it arrives, as gorilla leaves that to the application.
func gorillaStreamingEcho(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{ReadBufferSize: 4096, WriteBufferSize: 4096, CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	buf := make([]byte, 32<<10)
	for {
		kind, reader, err := conn.NextReader()
		if err != nil {
			return
		}
		var message []byte
		checked := 0 // octets known to be whole characters
		for {
			n, err := reader.Read(buf)
			message = append(message, buf[:n]...)
			if kind == websocket.TextMessage {
				rest := message[checked:]
				for len(rest) > 0 && utf8.FullRune(rest) {
					r, size := utf8.DecodeRune(rest)
					if r == utf8.RuneError && size == 1 {
						break
					}
					rest = rest[size:]
				}
				checked = len(message) - len(rest)
				if (len(rest) > 0 && utf8.FullRune(rest)) || (errors.Is(err, io.EOF) && len(rest) > 0) {
					conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, ""))
					return
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
		}
		if conn.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func gobwasEcho(w http.ResponseWriter, r *http.Request) {
	conn, rw, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	control := wsutil.ControlFrameHandler(conn, ws.StateServerSide)
	reader := wsutil.Reader{Source: rw, State: ws.StateServerSide, CheckUTF8: true, OnIntermediate: control}
	for {
		h, err := reader.NextFrame()
		if err == nil && h.OpCode.IsControl() {
			if err = control(h, &reader); err != nil {
				return
			}
			continue
		}
		var message []byte
		if err == nil {
			message, err = io.ReadAll(&reader)
		}
		if err != nil {
			var protocol ws.ProtocolError
			switch {
			case errors.Is(err, wsutil.ErrInvalidUTF8):
				ws.WriteFrame(conn, ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusInvalidFramePayloadData, "")))
			case errors.As(err, &protocol):
				ws.WriteFrame(conn, ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusProtocolError, "")))
			}
			return
		}
		if wsutil.WriteServerMessage(conn, h.OpCode, message) != nil {
			return
		}
	}
}

type gwsHandler struct{ gws.BuiltinEventHandler }

func (gwsHandler) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }

func (gwsHandler) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	c.WriteMessage(m.Opcode, m.Bytes())
}

func gwsEcho() http.Handler {
	up := gws.NewUpgrader(gwsHandler{}, &gws.ServerOption{CheckUtf8Enabled: true, ReadMaxPayloadSize: 32 << 20, WriteMaxPayloadSize: 32 << 20})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := up.Upgrade(w, r)
		if err != nil {
			return
		}
		conn.ReadLoop()
	})
}

func coderEcho(w http.ResponseWriter, r *http.Request) {
	conn, err := coderws.Accept(w, r, &coderws.AcceptOptions{InsecureSkipVerify: true, CompressionMode: coderws.CompressionDisabled})
	if err != nil {
		return
	}
	// Close, not CloseNow: after it refused a frame it waits for the peer to
	// close, which makes the original say FAILED BY CLIENT.
	defer conn.Close(coderws.StatusNormalClosure, "")
	conn.SetReadLimit(32 << 20)
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}
