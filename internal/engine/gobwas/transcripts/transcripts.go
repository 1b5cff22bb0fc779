// Package transcripts reads transcripts with github.com/gobwas/ws, by what its
// versions share since v0.1.0: wsutil.ReadData, which checks headers and UTF-8
// and answers control frames.
package transcripts

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/engine/transcript/opening"
	"github.com/wsproof/wsproof/internal/model"
)

// Reader is gobwas. It has no limits in its old versions, and it sends no Close
// when a rule is broken: its callers do.
var Reader = transcript.Reader{
	Name:   "gobwas",
	Module: "github.com/gobwas/ws",
	Caps:   transcript.Caps{UTF8: transcript.UTF8AsItArrives, Compresses: compresses},
	Read:   read,
}

func read(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
	state := ws.StateServerSide
	var conn io.ReadWriter = c
	if t.Role == model.Server && c.Opens() {
		w, r, upgraded := opening.Upgrade(c)
		if err := upgrade(r, w); err != nil {
			return err
		}
		upgraded()
	}
	if t.Role == model.Client {
		state = ws.StateClientSide
		if c.Opens() {
			ahead, _, err := ws.Dialer{}.Upgrade(c, transcript.Target())
			if err != nil {
				return err
			}
			if ahead != nil { // frames that came with the answer
				conn = struct {
					io.Reader
					io.Writer
				}{ahead, c}
			}
		}
	}
	t.Send(c, r, func(opcode byte, payload []byte) error { return send(c, state, opcode, payload, t.Deflate != nil) })
	for {
		payload, opcode, err := wsutil.ReadData(conn, state)
		if err != nil {
			return end(r, err)
		}
		r.Deliver(c, opcode == ws.OpBinary, payload)
	}
}

// send sends a message, or a ping.
func send(c *transcript.Conn, state ws.State, opcode byte, payload []byte, compress bool) (err error) {
	f := ws.NewFrame(ws.OpCode(opcode), true, payload)
	if compress && ws.OpCode(opcode) != ws.OpPing {
		if f, err = compressed(f); err != nil {
			return err
		}
		if state == ws.StateClientSide {
			f = ws.MaskFrame(f)
		}
		return ws.WriteFrame(c, f)
	}
	return wsutil.WriteMessage(c, state, ws.OpCode(opcode), payload)
}

func end(r *transcript.Result, err error) error {
	r.Err = err
	var closed wsutil.ClosedError
	var protocol ws.ProtocolError
	switch {
	case errors.As(err, &closed):
		// Its fields were methods in old versions; the text is what they share.
		text := strings.TrimPrefix(closed.Error(), "ws closed: ")
		code, reason, _ := strings.Cut(text, " ")
		n, err := strconv.ParseUint(code, 10, 16)
		if err != nil {
			return fmt.Errorf("text of its ClosedError not understood: %q", closed.Error())
		}
		r.End, r.Code, r.Reason = model.Closed, uint16(n), reason
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.End = model.Open
	case errors.Is(err, wsutil.ErrInvalidUTF8):
		r.End, r.Class = model.Failed, 1007
	case errors.As(err, &protocol):
		r.End, r.Class = model.Failed, 1002
	default:
		r.End = model.Failed
	}
	return nil
}

// upgrade is UpgradeHTTP, which had one argument more in old versions.
func upgrade(r *http.Request, w http.ResponseWriter) error {
	switch u := any(ws.UpgradeHTTP).(type) {
	case func(*http.Request, http.ResponseWriter) (net.Conn, *bufio.ReadWriter, ws.Handshake, error):
		_, _, _, err := u(r, w)
		return err
	case func(*http.Request, http.ResponseWriter, http.Header) (net.Conn, *bufio.ReadWriter, ws.Handshake, error):
		_, _, _, err := u(r, w, nil)
		return err
	}
	return errors.New("UpgradeHTTP has another signature in this version")
}
