package dial

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// runGobwas is a client of github.com/gobwas/ws: wsutil.Reader with CheckUTF8
// and its handler of control frames.
func runGobwas(ctx context.Context, url string, h Handler) error {
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
	r := &wsutil.Reader{Source: br, State: ws.StateClientSide, CheckUTF8: true, OnIntermediate: control, MaxFrameSize: MaxMessage}
	for {
		header, err := r.NextFrame()
		if err == nil && header.OpCode.IsControl() {
			if err = control(header, r); err != nil {
				drain(conn)
				return nil
			}
			continue
		}
		var message []byte
		if err == nil {
			message, err = io.ReadAll(r)
		}
		if err != nil {
			gobwasFail(conn, err)
			drain(conn)
			return nil
		}
		if reply := h(header.OpCode == ws.OpBinary, message); reply != nil && wsutil.WriteClientMessage(conn, header.OpCode, reply) != nil {
			return nil
		}
	}
}

// gobwasFail sends the Close that fits an error: gobwas leaves that to the
// application.
func gobwasFail(conn net.Conn, err error) {
	var protocol ws.ProtocolError
	switch {
	case errors.Is(err, wsutil.ErrInvalidUTF8):
		sendGobwasClose(conn, ws.StatusInvalidFramePayloadData, err)
	case errors.Is(err, wsutil.ErrFrameTooLarge):
		sendGobwasClose(conn, ws.StatusMessageTooBig, err)
	case errors.As(err, &protocol):
		sendGobwasClose(conn, ws.StatusProtocolError, err)
	}
}

func sendGobwasClose(conn net.Conn, code ws.StatusCode, err error) {
	ws.WriteFrame(conn, ws.MaskFrameInPlace(ws.NewCloseFrame(ws.NewCloseFrameBody(code, err.Error()))))
}
