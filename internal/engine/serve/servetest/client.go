// Package servetest has a WebSocket client of raw frames for tests of servers:
// it can send what no library would, and sees what arrives as it is.
package servetest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// A Client speaks raw frames. Its methods fail the test that T is; every wait
// is bounded.
type Client struct {
	T    testing.TB
	Conn net.Conn
	br   *bufio.Reader
	in   []byte
	left bool // a Close was sent
}

// Bound is how long a test waits for anything before it fails.
const Bound = time.Minute

// Dial connects to the path at addr and returns the client and the response.
func Dial(t testing.TB, addr, path string, headers ...string) (*Client, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(Bound))
	request := "GET " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, h := range headers {
		request += h + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	c := &Client{T: t, Conn: conn, br: bufio.NewReader(conn)}
	response, err := http.ReadResponse(c.br, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, response
}

// New returns a client on a connection that is open, of which br has what was
// read ahead.
func New(t testing.TB, conn net.Conn, br *bufio.Reader) *Client {
	return &Client{T: t, Conn: conn, br: br}
}

// Connect is Dial that must succeed.
func Connect(t testing.TB, addr, path string) *Client {
	t.Helper()
	c, response := Dial(t, addr, path)
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake answered %s", response.Status)
	}
	const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" // of the key above, RFC 6455 §1.3
	if got := response.Header.Get("Sec-WebSocket-Accept"); got != accept {
		t.Fatalf("Sec-WebSocket-Accept is %q, want %q", got, accept)
	}
	return c
}

// Send masks the frames and writes them in one Write.
func (c *Client) Send(frames ...wire.Frame) {
	c.T.Helper()
	var b []byte
	for _, f := range frames {
		f.Masked, f.Key = true, [4]byte{1, 2, 3, 4}
		c.left = c.left || f.Opcode == wire.Close
		b = f.Append(b)
	}
	if _, err := c.Conn.Write(b); err != nil {
		c.T.Fatal(err)
	}
}

// Next reads a frame.
func (c *Client) Next() (wire.Frame, error) {
	for {
		f, n, err := wire.Split(c.in)
		if err == nil {
			c.in = c.in[n:]
			return f, nil
		}
		if !errors.Is(err, wire.ErrShort) {
			return f, err
		}
		chunk := make([]byte, 64<<10)
		n, err = c.br.Read(chunk)
		c.in = append(c.in, chunk[:n]...)
		if err != nil {
			return f, err
		}
	}
}

// Want reads a message, in one frame or several, and compares it.
func (c *Client) Want(opcode byte, payload string) {
	c.T.Helper()
	f, err := c.Next()
	if err != nil {
		c.T.Fatalf("reading the answer: %v", err)
	}
	if f.Opcode != opcode || f.Masked || f.RSV != 0 {
		c.T.Fatalf("got %s, want opcode %d", Describe(f), opcode)
	}
	got := f.Payload
	for !f.Fin {
		if f, err = c.Next(); err != nil || f.Opcode != wire.Continuation {
			c.T.Fatalf("inside a message: %s, %v", Describe(f), err)
		}
		got = append(got, f.Payload...)
	}
	if string(got) != payload {
		c.T.Fatalf("got %d bytes %.60q, want %d bytes %.60q", len(got), got, len(payload), payload)
	}
}

// WantClose reads a Close with one of the codes, answers it unless it is an answer, and reads the end.
func (c *Client) WantClose(codes ...uint16) (reason string) {
	c.T.Helper()
	f, err := c.Next()
	if err != nil {
		c.T.Fatalf("want a Close with %d: %v", codes, err)
	}
	if f.Opcode != wire.Close {
		c.T.Fatalf("got %s, want a Close with %d", Describe(f), codes)
	}
	code := uint16(0)
	if len(f.Payload) >= 2 {
		code = binary.BigEndian.Uint16(f.Payload)
		reason = string(f.Payload[2:])
	}
	for _, want := range codes {
		if code == want {
			if !c.left {
				answer := wire.Frame{Fin: true, Opcode: wire.Close, Payload: f.Payload, Masked: true}
				_, _ = c.Conn.Write(answer.Append(nil)) // it may have closed TCP already
			}
			c.WantEnd()
			return reason
		}
	}
	c.T.Fatalf("closed with %d %q, want %d", code, reason, codes)
	return ""
}

// WantEnd reads to the end of the connection.
func (c *Client) WantEnd() {
	c.T.Helper()
	for {
		f, err := c.Next()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			c.T.Fatal("the connection stays open")
		}
		if err != nil {
			return // end or reset
		}
		if f.Opcode != wire.Close {
			c.T.Fatalf("behind the Close: %s", Describe(f))
		}
	}
}

// Describe tells a frame in words.
func Describe(f wire.Frame) string {
	return fmt.Sprintf("{fin %v opcode %d length %d payload %.40q}", f.Fin, f.Opcode, f.Length, f.Payload)
}

// Text is a text message in one frame.
func Text(payload string) wire.Frame {
	return wire.Frame{Fin: true, Opcode: wire.Text, Payload: []byte(payload)}
}

// Binary is a binary message in one frame.
func Binary(payload string) wire.Frame {
	return wire.Frame{Fin: true, Opcode: wire.Binary, Payload: []byte(payload)}
}

// Part is a frame.
func Part(opcode byte, fin bool, payload string) wire.Frame {
	return wire.Frame{Fin: fin, Opcode: opcode, Payload: []byte(payload)}
}

// CloseFrame is a Close with code and reason.
func CloseFrame(code uint16, reason string) wire.Frame {
	return wire.Frame{Fin: true, Opcode: wire.Close, Payload: append([]byte{byte(code >> 8), byte(code)}, reason...)}
}
