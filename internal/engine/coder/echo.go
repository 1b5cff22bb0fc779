package coder

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/wsproof/wsproof/internal/engine/task"
)

// echoBest: Reader into an own buffer, on a goroutine that is not net/http's.
// The size of its read buffer, net/http's 4 KiB, is not the user's to choose.
func echoBest() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		c.SetReadLimit(task.Most)
		go func() {
			defer c.CloseNow()
			ctx := context.Background()
			var buf []byte
			for {
				kind, r, err := c.Reader(ctx)
				if err != nil {
					return
				}
				if buf, err = task.ReadInto(r, buf[:0]); err != nil {
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

// echoReadme: Read and Write in the handler. The README shows wsjson.Read and a
// context with a timeout; JSON and the timer are left out.
func echoReadme() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(task.Most)
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
