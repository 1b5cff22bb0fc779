// Package opening plays the opening handshake of a library's server on a
// connection of package transcript, which has nothing of net/http.
package opening

import (
	"bufio"
	"net"
	"net/http"

	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// Upgrade plays net/http for a server: it returns the ResponseWriter, which can
// be hijacked, and the request of a client. What was written up to the call of
// the function that it returns, the 101, is no frame.
func Upgrade(c *transcript.Conn) (http.ResponseWriter, *http.Request, func()) {
	if r := c.Request(); r != nil {
		return &hijacker{c: c, ahead: true}, r, c.Frames
	}
	r := request()
	if extension := c.Extension(); extension != "" {
		r.Header.Set("Sec-WebSocket-Extensions", extension)
	}
	return &hijacker{c: c}, r, c.Frames
}

type hijacker struct {
	c      *transcript.Conn
	header http.Header
	ahead  bool
}

func (h *hijacker) Header() http.Header {
	if h.header == nil {
		h.header = http.Header{}
	}
	return h.header
}
func (h *hijacker) Write(p []byte) (int, error) { return len(p), nil }
func (h *hijacker) WriteHeader(int)             {}
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	br := bufio.NewReaderSize(h.c, 4096)
	if h.ahead {
		_, _ = br.Peek(1) // which reads as much as has come
	}
	return h.c, bufio.NewReadWriter(br, bufio.NewWriterSize(h.c, 4096)), nil
}

// key is the Sec-WebSocket-Key of RFC 6455 §1.3.
const key = "dGhlIHNhbXBsZSBub25jZQ=="

func request() *http.Request {
	return &http.Request{
		Method: http.MethodGet, RequestURI: "/", Host: "peer", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: transcript.Target(),
		Header: http.Header{
			"Upgrade":               {"websocket"},
			"Connection":            {"Upgrade"},
			"Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key":     {key},
		},
	}
}
