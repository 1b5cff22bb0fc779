package core

import (
	"context"

	"github.com/wsproof/wsproof/internal/engine/dial"
	"github.com/wsproof/wsproof/websocket"
)

// runClient is a client of this module's package websocket: Dial and Serve.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, url, h, nil)
}

// runCompressing is the same with permessage-deflate, in the largest windows.
func runCompressing(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, url, h, &websocket.Compression{ServerWindowBits: 15, ClientWindowBits: 15})
}

func run(ctx context.Context, url string, h dial.Handler, compression *websocket.Compression) error {
	conn, _, err := websocket.Dial(ctx, url, websocket.DialOptions{Options: websocket.Options{
		MaxFrameSize:   dial.MaxMessage,
		MaxMessageSize: dial.MaxMessage,
		Compression:    compression,
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
