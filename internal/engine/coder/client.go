package coder

import (
	"context"

	"github.com/coder/websocket"

	"github.com/wsproof/wsproof/internal/engine/dial"
)

// runClient is a client of github.com/coder/websocket: Reader, read as a stream
// so that text is checked as it arrives, and Write.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, websocket.CompressionDisabled, url, h)
}

// runCompressing is the same with permessage-deflate.
func runCompressing(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, websocket.CompressionContextTakeover, url, h)
}

func run(ctx context.Context, mode websocket.CompressionMode, url string, h dial.Handler) error {
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{CompressionMode: mode})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(dial.MaxMessage)
	for {
		kind, r, err := conn.Reader(ctx)
		if err != nil {
			return nil // coder has sent its Close
		}
		message, valid, err := dial.ReadMessage(r, kind == websocket.MessageText)
		if !valid {
			conn.Close(websocket.StatusInvalidFramePayloadData, "text that is not UTF-8")
		}
		if err != nil || !valid {
			return nil
		}
		if reply := h(kind == websocket.MessageBinary, message); reply != nil && conn.Write(ctx, kind, reply) != nil {
			return nil
		}
	}
}
