package core

import (
	"bytes"
	"context"
	"net/http"

	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/websocket"
)

func echoBest() http.Handler {
	return websocket.NewHandler(websocket.EchoHandler, websocket.Options{
		MaxFrameSize: task.Most, MaxMessageSize: task.Most, ReuseBuffers: true,
	})
}

// echoAnswer: a handler that answers with a message of its own. What an echo
// spares the core is missing here: replying in the memory that the message came
// in, and the check of a text that was checked already.
func echoAnswer() http.Handler {
	answer := func(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
		return &websocket.Message{Binary: msg.Binary, Payload: bytes.Clone(msg.Payload)}, nil
	}
	return websocket.NewHandler(answer, websocket.Options{
		MaxFrameSize: task.Most, MaxMessageSize: task.Most, ReuseBuffers: true,
	})
}

// echoAwake is echoReadme with connections that are never parked.
func echoAwake() http.Handler {
	return websocket.NewHandler(websocket.EchoHandler, websocket.Options{MaxFrameSize: task.Most, MaxMessageSize: task.Most, ParkAfter: -1})
}

func echoReadme() http.Handler {
	return websocket.NewHandler(websocket.EchoHandler, websocket.Options{MaxFrameSize: task.Most, MaxMessageSize: task.Most})
}
