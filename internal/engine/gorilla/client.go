package gorilla

import (
	"context"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/engine/dial"
)

// runClient is a client of github.com/gorilla/websocket: NextReader, read as a
// stream so that text is checked as it arrives, and WriteMessage.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, *websocket.DefaultDialer, url, h)
}

// runCompressing is the same with permessage-deflate.
func runCompressing(ctx context.Context, url string, h dial.Handler) error {
	dialer := *websocket.DefaultDialer
	dialer.EnableCompression = true
	return run(ctx, dialer, url, h)
}

func run(ctx context.Context, dialer websocket.Dialer, url string, h dial.Handler) error {
	conn, _, err := dialer.DialContext(ctx, url, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.NetConn().Close() })()
	conn.SetReadLimit(dial.MaxMessage)
	for {
		kind, r, err := conn.NextReader()
		if err != nil {
			dial.Drain(conn.NetConn())
			return nil
		}
		message, valid, err := dial.ReadMessage(r, kind == websocket.TextMessage)
		if !valid {
			close := websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, "text that is not UTF-8")
			conn.WriteControl(websocket.CloseMessage, close, time.Now().Add(time.Second))
		}
		if err != nil || !valid {
			dial.Drain(conn.NetConn())
			return nil
		}
		if reply := h(kind == websocket.BinaryMessage, message); reply != nil && conn.WriteMessage(kind, reply) != nil {
			return nil
		}
	}
}
