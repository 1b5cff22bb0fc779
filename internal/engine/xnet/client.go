package xnet

import (
	"context"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/websocket"

	"github.com/wsproof/wsproof/internal/engine/dial"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

// runClient is a client of golang.org/x/net/websocket: a Codec that tells the
// kind of each frame, which is a message to it.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	config, err := websocket.NewConfig(url, strings.Replace(url, "ws", "http", 1))
	if err != nil {
		return err
	}
	conn, err := config.DialContext(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	conn.MaxPayloadBytes = dial.MaxMessage
	var m message
	for {
		if codec.Receive(conn, &m) != nil {
			return nil
		}
		if m.kind != websocket.BinaryFrame && !utf8.Valid(m.payload) {
			_ = conn.WriteClose(serve.CodeBadPayload)
			return nil
		}
		if m.payload = h(m.kind == websocket.BinaryFrame, m.payload); m.payload != nil && codec.Send(conn, &m) != nil {
			return nil
		}
	}
}
