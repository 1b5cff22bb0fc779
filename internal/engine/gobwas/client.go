package gobwas

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"

	"github.com/wsproof/wsproof/internal/engine/dial"
)

// runClient is a client of github.com/gobwas/ws: wsutil.Reader with CheckUTF8
// and its handler of control frames.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, ws.Dialer{}, url, h)
}

// runCompressing is the same with permessage-deflate, by package wsflate.
func runCompressing(ctx context.Context, url string, h dial.Handler) error {
	var dialer ws.Dialer
	dialer.Extensions = append(dialer.Extensions, wsflate.DefaultParameters.Option())
	return run(ctx, dialer, url, h)
}

func run(ctx context.Context, dialer ws.Dialer, url string, h dial.Handler) error {
	conn, br, handshake, err := dialer.Dial(ctx, url)
	if err != nil {
		return err
	}
	compress := len(handshake.Extensions) > 0
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if br == nil {
		br = bufio.NewReader(conn)
	}
	control := wsutil.ControlFrameHandler(conn, ws.StateClientSide)
	r := &wsutil.Reader{Source: br, State: ws.StateClientSide, CheckUTF8: true, OnIntermediate: control, MaxFrameSize: dial.MaxMessage}
	var squeezed wsflate.MessageState
	if compress {
		r.State |= ws.StateExtended
		r.Extensions = []wsutil.RecvExtension{&squeezed}
		r.CheckUTF8 = false // it would look at the compressed message
	}
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
		if err == nil && compress {
			message, err = inflated(message, squeezed.IsCompressed(), header.OpCode == ws.OpText)
		}
		if err != nil {
			fail(conn, err)
			dial.Drain(conn)
			return nil
		}
		if reply := h(header.OpCode == ws.OpBinary, message); reply != nil && write(conn, header.OpCode, reply, compress) != nil {
			return nil
		}
	}
}

// inflated returns what a message of a connection that compresses holds.
func inflated(message []byte, squeezed, text bool) ([]byte, error) {
	if squeezed {
		d := deflaters.Get().(*deflater)
		defer deflaters.Put(d)
		plain, err := d.inflate(message, dial.MaxMessage)
		if err != nil {
			return nil, err
		}
		message = bytes.Clone(plain)
	}
	if text && !utf8.Valid(message) {
		return nil, wsutil.ErrInvalidUTF8
	}
	return message, nil
}

// write sends a message.
func write(conn net.Conn, op ws.OpCode, message []byte, compress bool) error {
	if !compress {
		return wsutil.WriteClientMessage(conn, op, message)
	}
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	payload, err := d.deflate(message)
	if err != nil {
		return err
	}
	f := ws.NewFrame(op, true, bytes.Clone(payload))
	f.Header = compressed(f.Header)
	return ws.WriteFrame(conn, ws.MaskFrameInPlace(f))
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
