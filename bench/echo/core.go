package echo

import (
	"net/http"

	"github.com/wsproof/wsproof/websocket"
)

func coreBest() http.Handler {
	return websocket.NewHandler(websocket.EchoHandler, websocket.Options{
		MaxFrameSize: most, MaxMessageSize: most, ReuseBuffers: true,
	})
}

func coreReadme() http.Handler {
	return websocket.NewHandler(websocket.EchoHandler, websocket.Options{MaxFrameSize: most, MaxMessageSize: most})
}
