package gws

import (
	"context"

	"github.com/lxzan/gws"

	"github.com/wsproof/wsproof/internal/engine/dial"
)

// runClient is a client of github.com/lxzan/gws: its event API, with its UTF-8
// check.
func runClient(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, false, url, h)
}

// runCompressing is the same with permessage-deflate.
func runCompressing(ctx context.Context, url string, h dial.Handler) error {
	return run(ctx, true, url, h)
}

// deflate turns permessage-deflate on with context takeover both ways.
func deflate(on bool) gws.PermessageDeflate {
	return gws.PermessageDeflate{Enabled: on, ServerContextTakeover: on, ClientContextTakeover: on}
}

func run(ctx context.Context, compress bool, url string, h dial.Handler) error {
	conn, _, err := gws.NewClient(clientEvents{h: h}, &gws.ClientOption{
		Addr:                url,
		CheckUtf8Enabled:    true,
		PermessageDeflate:   deflate(compress),
		ReadMaxPayloadSize:  dial.MaxMessage,
		WriteMaxPayloadSize: dial.MaxMessage,
	})
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.NetConn().Close() })()
	conn.ReadLoop()
	return nil
}

type clientEvents struct {
	gws.BuiltinEventHandler
	h dial.Handler
}

func (clientEvents) OnPing(conn *gws.Conn, payload []byte) { conn.WritePong(payload) }

func (e clientEvents) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	if reply := e.h(message.Opcode == gws.OpcodeBinary, message.Bytes()); reply != nil {
		conn.WriteMessage(message.Opcode, reply)
	}
}
