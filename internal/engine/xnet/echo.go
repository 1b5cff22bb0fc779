package xnet

import (
	"net/http"
	"unicode/utf8"

	"golang.org/x/net/websocket"

	"github.com/wsproof/wsproof/internal/engine/task"
)

// echoBest: its Codec, which tells the kind of a message, on net/http's goroutine
// and with net/http's buffers, 4 KiB each: neither is the user's to choose.
// The example of its documentation copies bytes and knows no messages, so there is
// no server as the README shows it.
func echoBest() http.Handler {
	return websocket.Server{Handler: func(c *websocket.Conn) {
		defer c.Close() // with a Close
		c.MaxPayloadBytes = task.Most
		var m message
		for codec.Receive(c, &m) == nil {
			if m.kind == websocket.TextFrame && !utf8.Valid(m.payload) {
				return
			}
			if codec.Send(c, &m) != nil {
				return
			}
		}
	}}
}
