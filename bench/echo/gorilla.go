package echo

import (
	"io"
	"net/http"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// gorillaBest: NextReader into an own buffer, WriteMessage with net/http's write
// buffer (what does not fit there leaves with it in one writev), on a goroutine that is not net/http's.
func gorillaBest() http.Handler {
	u := websocket.Upgrader{ReadBufferSize: readBuffer}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		c.SetReadLimit(most)
		go func() {
			defer c.Close()
			var buf []byte
			for {
				kind, r, err := c.NextReader()
				if err != nil {
					return
				}
				if buf, err = readAll(r, buf[:0]); err != nil {
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

// gorillaReadme: the echo example, to which the README points, with a limit.
func gorillaReadme() http.Handler {
	u := websocket.Upgrader{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		c.SetReadLimit(most)
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

// readAll appends all of r to buf, which grows by doubling.
func readAll(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, max(512, 2*cap(buf))), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
