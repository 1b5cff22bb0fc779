package echo

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// coderBest: Reader into an own buffer, on a goroutine that is not net/http's.
// The size of its read buffer, net/http's 4 KiB, is not the user's to choose.
func coderBest() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		c.SetReadLimit(most)
		go func() {
			defer c.CloseNow()
			ctx := context.Background()
			var buf []byte
			for {
				kind, r, err := c.Reader(ctx)
				if err != nil {
					return
				}
				if buf, err = readAll(r, buf[:0]); err != nil {
					return
				}
				if kind == websocket.MessageText && !utf8.Valid(buf) {
					return
				}
				if err := c.Write(ctx, kind, buf); err != nil {
					return
				}
			}
		}()
	})
}

// coderReadme: Read and Write in the handler. The README shows wsjson.Read and a
// context with a timeout; JSON and the timer are left out.
func coderReadme() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(most)
		ctx := context.Background()
		for {
			kind, message, err := c.Read(ctx)
			if err != nil {
				return
			}
			if err := c.Write(ctx, kind, message); err != nil {
				return
			}
		}
	})
}
