package dial

import (
	"context"

	"github.com/lxzan/gws"
)

// runGws is a client of github.com/lxzan/gws: its event API, with its UTF-8
// check.
func runGws(ctx context.Context, url string, h Handler) error {
	conn, _, err := gws.NewClient(gwsEvents{h: h}, &gws.ClientOption{
		Addr:                url,
		CheckUtf8Enabled:    true,
		ReadMaxPayloadSize:  MaxMessage,
		WriteMaxPayloadSize: MaxMessage,
	})
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { conn.NetConn().Close() })()
	conn.ReadLoop()
	return nil
}

type gwsEvents struct {
	gws.BuiltinEventHandler
	h Handler
}

func (gwsEvents) OnPing(conn *gws.Conn, payload []byte) { conn.WritePong(payload) }

func (e gwsEvents) OnMessage(conn *gws.Conn, message *gws.Message) {
	defer message.Close()
	if reply := e.h(message.Opcode == gws.OpcodeBinary, message.Bytes()); reply != nil {
		conn.WriteMessage(message.Opcode, reply)
	}
}
