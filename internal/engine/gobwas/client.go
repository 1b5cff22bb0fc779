package gobwas

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/wsproof/wsproof/internal/engine/dial"
)

// runClient is a client of github.com/gobwas/ws: wsutil.Reader with CheckUTF8
// and its handler of control frames.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	conn, br, _, err := ws.Dial(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if br == nil {
		br = bufio.NewReader(conn)
	}
	control := wsutil.ControlFrameHandler(conn, ws.StateClientSide)
	r := &wsutil.Reader{Source: br, State: ws.StateClientSide, CheckUTF8: true, OnIntermediate: control, MaxFrameSize: dial.MaxMessage}
	for {
		header, err := r.NextFrame()
		if err == nil && header.OpCode.IsControl() {
			if err = control(header, r); err != nil {
				dial.Drain(conn)
				return nil
			}
			continue
		}
		var message []byte
		if err == nil {
			message, err = io.ReadAll(r)
		}
		if err != nil {
			fail(conn, err)
			dial.Drain(conn)
			return nil
		}
		if reply := h(header.OpCode == ws.OpBinary, message); reply != nil && wsutil.WriteClientMessage(conn, header.OpCode, reply) != nil {
			return nil
		}
	}
}

// fail sends the Close that fits an error: gobwas leaves that to the
// application.
func fail(conn net.Conn, err error) {
	var protocol ws.ProtocolError
	switch {
	case errors.Is(err, wsutil.ErrInvalidUTF8):
		sendClose(conn, ws.StatusInvalidFramePayloadData, err)
	case errors.Is(err, wsutil.ErrFrameTooLarge):
		sendClose(conn, ws.StatusMessageTooBig, err)
	case errors.As(err, &protocol):
		sendClose(conn, ws.StatusProtocolError, err)
	}
}

func sendClose(conn net.Conn, code ws.StatusCode, err error) {
	ws.WriteFrame(conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(code, err.Error()))))
}
