package dial

import (
	"context"

	"github.com/coder/websocket"
)

// runCoder is a client of github.com/coder/websocket: Reader, read as a stream
// so that text is checked as it arrives, and Write.
func runCoder(ctx context.Context, url string, h Handler) error {
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(MaxMessage)
	for {
		kind, r, err := conn.Reader(ctx)
		if err != nil {
			return nil // coder has sent its Close
		}
		message, valid, err := readMessage(r, kind == websocket.MessageText)
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
