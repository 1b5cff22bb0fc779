package core

import (
	"context"

	"github.com/wsproof/wsproof/internal/engine/dial"
	"github.com/wsproof/wsproof/websocket"
)

// runClient is a client of this module's package websocket: Dial and Serve.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	conn, _, err := websocket.Dial(ctx, url, websocket.DialOptions{Options: websocket.Options{
		MaxFrameSize:   dial.MaxMessage,
		MaxMessageSize: dial.MaxMessage,
	}})
	if err != nil {
		return err
	}
	conn.Serve(ctx, func(_ context.Context, message *websocket.Message) (*websocket.Message, error) {
		reply := h(message.Binary, message.Payload)
		if reply == nil {
			return nil, nil
		}
		message.Payload = reply
		return message, nil
	})
	return nil
}
