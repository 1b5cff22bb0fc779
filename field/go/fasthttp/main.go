// Command fasthttp is an echo server on github.com/fasthttp/websocket, a fork of
// gorilla's for fasthttp. Messages have no limit. Usage: fasthttp PORT
package main

import (
	"log"
	"os"
	"time"
	"unicode/utf8"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

func echo(conn *websocket.Conn) {
	defer conn.Close()
	for {
		messageType, payload, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if messageType == websocket.TextMessage && !utf8.Valid(payload) {
			// The library leaves this to its user.
			reason := websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, "")
			_ = conn.WriteControl(websocket.CloseMessage, reason, time.Now().Add(time.Second))
			return
		}
		if conn.WriteMessage(messageType, payload) != nil {
			return
		}
	}
}

func main() {
	upgrader := websocket.FastHTTPUpgrader{CheckOrigin: func(*fasthttp.RequestCtx) bool { return true }}
	handler := func(ctx *fasthttp.RequestCtx) {
		_ = upgrader.Upgrade(ctx, echo) // what is wrong is answered already
	}
	log.Fatal(fasthttp.ListenAndServe("127.0.0.1:"+os.Args[1], handler))
}
