// Command xnet is an echo server on golang.org/x/net/websocket. Usage: xnet PORT
package main

import (
	"log"
	"net/http"
	"os"

	"golang.org/x/net/websocket"
)

// A message with its type: the package's own codecs know one type each.
type message struct {
	payload     []byte
	payloadType byte
}

var codec = websocket.Codec{
	Marshal: func(v any) ([]byte, byte, error) {
		m := v.(*message)
		return m.payload, m.payloadType, nil
	},
	Unmarshal: func(payload []byte, payloadType byte, v any) error {
		*v.(*message) = message{payload, payloadType}
		return nil
	},
}

func echo(conn *websocket.Conn) {
	conn.MaxPayloadBytes = 64 << 20 // default: 32 MiB
	for {
		var m message
		if codec.Receive(conn, &m) != nil || codec.Send(conn, &m) != nil {
			return
		}
	}
}

func main() {
	// A Server, and not the package's Handler, takes requests without an Origin.
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], websocket.Server{Handler: echo}))
}
