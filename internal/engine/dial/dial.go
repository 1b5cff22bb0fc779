// Package dial has what the engines' clients share. A client connects, by its
// library's best public API, and answers each message that the server sends; the
// conformance suite tests clients with it. As in package serve, all check
// UTF-8, none compresses unless that is asked for, and the limits are the same.
package dial

import (
	"context"
	"io"
	"net"
	"time"
)

// MaxMessage is the longest message and frame that a client takes, in bytes.
const MaxMessage = 16 << 20

// A Handler answers one message. The payload is valid during the call, and the
// reply may alias it. A nil reply sends nothing.
type Handler = func(binary bool, payload []byte) (reply []byte)

// Echo answers each message with itself.
func Echo(_ bool, payload []byte) []byte {
	if payload == nil {
		return []byte{}
	}
	return payload
}

// A Client connects to url and lets h answer until the connection is over,
// however it ends. The error says why there was no connection. When ctx is done,
// the connection is dropped.
type Client = func(ctx context.Context, url string, h Handler) error

// Drain waits for the server to close TCP, as a client should (RFC 6455 7.1.1),
// but not for long.
func Drain(conn net.Conn) {
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, conn)
}
