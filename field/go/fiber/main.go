// Command fiber is an echo server on github.com/gofiber/contrib/websocket, which has
// fasthttp/websocket inside. Messages have no limit. Usage: fiber PORT
package main

import (
	"log"
	"os"
	"time"
	"unicode/utf8"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"
)

func echo(conn *websocket.Conn) {
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
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/", websocket.New(echo))
	log.Fatal(app.Listen("127.0.0.1:" + os.Args[1]))
}
