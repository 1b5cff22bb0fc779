package nbio

import (
	"context"

	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/wsproof/wsproof/internal/engine/dial"
	"github.com/wsproof/wsproof/internal/engine/nbio/transcripts"
)

// runClient is a client of github.com/lesismal/nbio: its Dialer on a poller of its
// own, and its handlers.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, url, h, false)
}

// runCompressing is the same with permessage-deflate.
func runCompressing(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, url, h, true)
}

func run(ctx context.Context, url string, h dial.Handler, compresses bool) error {
	engine := nbhttp.NewEngine(nbhttp.Config{
		NPoller: 1, ServerExecutor: here, ClientExecutor: here, // as in server.go
		MaxWebsocketFramePayloadSize: dial.MaxMessage, ReleaseWebsocketPayload: true,
	})
	if err := transcripts.Start(engine); err != nil {
		return err
	}
	defer engine.Stop()
	ended := make(chan struct{})
	options := websocket.NewOptions()
	options.Engine = engine
	options.MessageLengthLimit = dial.MaxMessage
	options.EnableCompression(compresses)
	options.OnMessage(func(conn *websocket.Conn, kind websocket.MessageType, payload []byte) {
		if reply := h(kind == websocket.BinaryMessage, payload); reply != nil {
			_ = conn.WriteMessage(kind, reply)
		}
	})
	options.OnClose(func(*websocket.Conn, error) { close(ended) })
	dialer := websocket.Dialer{Engine: engine, Options: options, EnableCompression: compresses}
	conn, _, err := dialer.DialContext(ctx, url, nil)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	<-ended
	return nil
}
