// Command nbio is an echo server on github.com/lesismal/nbio, by callbacks on its own
// event loop. Usage: nbio PORT
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

func main() {
	upgrader := websocket.NewUpgrader()
	upgrader.CheckOrigin = func(*http.Request) bool { return true }
	upgrader.MessageLengthLimit = 64 << 20
	upgrader.OnMessage(func(conn *websocket.Conn, messageType websocket.MessageType, payload []byte) {
		_ = conn.WriteMessage(messageType, payload)
	})

	engine := nbhttp.NewEngine(nbhttp.Config{
		Network:            "tcp",
		Addrs:              []string{"127.0.0.1:" + os.Args[1]},
		ReadLimit:          128 << 20, // of what waits to be parsed; default: 64 MiB
		MaxWriteBufferSize: 256 << 20,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = upgrader.Upgrade(w, r, nil) // what is wrong is answered already
		}),
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}
