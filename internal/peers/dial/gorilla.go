package dial

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/gorilla/websocket"
)

// runGorilla is a client of github.com/gorilla/websocket: NextReader, read as a
// stream so that text is checked as it arrives, and WriteMessage.
func runGorilla(ctx context.Context, url string, h Handler) error {
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, url, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.NetConn().Close() })()
	conn.SetReadLimit(MaxMessage)
	for {
		kind, r, err := conn.NextReader()
		if err != nil {
			drain(conn.NetConn())
			return nil
		}
		message, valid, err := readMessage(r, kind == websocket.TextMessage)
		if !valid {
			close := websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, "text that is not UTF-8")
			conn.WriteControl(websocket.CloseMessage, close, time.Now().Add(time.Second))
		}
		if err != nil || !valid {
			drain(conn.NetConn())
			return nil
		}
		if reply := h(kind == websocket.BinaryMessage, message); reply != nil && conn.WriteMessage(kind, reply) != nil {
			return nil
		}
	}
}

// drain waits for the server to close TCP, as a client should (RFC 6455 7.1.1),
// but not for long.
func drain(conn net.Conn) {
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, conn)
}
