package gorilla

import (
	"net/http"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/engine/task"
)

// echoBest: NextReader into an own buffer, WriteMessage with net/http's write
// buffer (what does not fit there leaves with it in one writev), on a goroutine that is not net/http's.
func echoBest() http.Handler {
	u := websocket.Upgrader{ReadBufferSize: task.EchoReadBuffer}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		c.SetReadLimit(task.Most)
		go func() {
			defer c.Close()
			var buf []byte
			for {
				kind, r, err := c.NextReader()
				if err != nil {
					return
				}
				if buf, err = task.ReadInto(r, buf[:0]); err != nil {
					return
				}
				if kind == websocket.TextMessage && !utf8.Valid(buf) {
					return
				}
				if err := c.WriteMessage(kind, buf); err != nil {
					return
				}
			}
		}()
	})
}

// echoReadme: the echo example, to which the README points, with a limit.
func echoReadme() http.Handler {
	u := websocket.Upgrader{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		c.SetReadLimit(task.Most)
		for {
			mt, message, err := c.ReadMessage()
			if err != nil {
				return
			}
			if err := c.WriteMessage(mt, message); err != nil {
				return
			}
		}
	})
}
