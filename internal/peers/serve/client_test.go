package serve

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

// A client speaks raw frames.
type client struct {
	t    *testing.T
	conn net.Conn
	br   *bufio.Reader
	in   []byte
}

// bound is how long a test waits for anything before it fails.
const bound = 10 * time.Second

// dial connects to addr and returns the client and the response.
func dial(t *testing.T, addr string, headers ...string) (*client, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(bound))
	request := "GET / HTTP/1.1\r\nHost: " + addr + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	for _, h := range headers {
		request += h + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn, br: bufio.NewReader(conn)}
	response, err := http.ReadResponse(c.br, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, response
}

// connect is dial that must succeed.
func connect(t *testing.T, addr string) *client {
	t.Helper()
	c, response := dial(t, addr)
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake answered %s", response.Status)
	}
	const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" // of the key above, RFC 6455 §1.3
	if got := response.Header.Get("Sec-WebSocket-Accept"); got != accept {
		t.Fatalf("Sec-WebSocket-Accept is %q, want %q", got, accept)
	}
	return c
}

func (c *client) send(frames ...wire.Frame) {
	c.t.Helper()
	var b []byte
	for _, f := range frames {
		f.Masked, f.Key = true, [4]byte{1, 2, 3, 4}
		b = f.Append(b)
	}
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// next reads a frame.
func (c *client) next() (wire.Frame, error) {
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

// want reads a message, in one frame or several, and compares it.
func (c *client) want(opcode byte, payload string) {
	c.t.Helper()
	f, err := c.next()
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	if f.Opcode != opcode || f.Masked || f.RSV != 0 {
		c.t.Fatalf("got %s, want opcode %d", describe(f), opcode)
	}
	got := f.Payload
	for !f.Fin {
		if f, err = c.next(); err != nil || f.Opcode != wire.Continuation {
			c.t.Fatalf("inside a message: %s, %v", describe(f), err)
		}
		got = append(got, f.Payload...)
	}
	if string(got) != payload {
		c.t.Fatalf("got %d bytes %.60q, want %d bytes %.60q", len(got), got, len(payload), payload)
	}
}

// wantClose reads a Close with one of the codes, answers it, and reads the end.
func (c *client) wantClose(codes ...uint16) (reason string) {
	c.t.Helper()
	f, err := c.next()
	if err != nil {
		c.t.Fatalf("want a Close with %d: %v", codes, err)
	}
	if f.Opcode != wire.Close {
		c.t.Fatalf("got %s, want a Close with %d", describe(f), codes)
	}
	code := uint16(0)
	if len(f.Payload) >= 2 {
		code = binary.BigEndian.Uint16(f.Payload)
		reason = string(f.Payload[2:])
	}
	for _, want := range codes {
		if code == want {
			answer := wire.Frame{Fin: true, Opcode: wire.Close, Payload: f.Payload, Masked: true}
			_, _ = c.conn.Write(answer.Append(nil)) // it may have closed TCP already
			c.wantEnd()
			return reason
		}
	}
	c.t.Fatalf("closed with %d %q, want %d", code, reason, codes)
	return ""
}

// wantEnd reads to the end of the connection.
func (c *client) wantEnd() {
	c.t.Helper()
	for {
		f, err := c.next()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			c.t.Fatal("the connection stays open")
		}
		if err != nil {
			return // end or reset
		}
		if f.Opcode != wire.Close {
			c.t.Fatalf("behind the Close: %s", describe(f))
		}
	}
}

func describe(f wire.Frame) string {
	return fmt.Sprintf("{fin %v opcode %d length %d payload %.40q}", f.Fin, f.Opcode, f.Length, f.Payload)
}

func text(payload string) wire.Frame {
	return wire.Frame{Fin: true, Opcode: wire.Text, Payload: []byte(payload)}
}

func binaryFrame(payload string) wire.Frame {
	return wire.Frame{Fin: true, Opcode: wire.Binary, Payload: []byte(payload)}
}

func part(opcode byte, fin bool, payload string) wire.Frame {
	return wire.Frame{Fin: fin, Opcode: opcode, Payload: []byte(payload)}
}

func closeFrame(code uint16, reason string) wire.Frame {
	return wire.Frame{Fin: true, Opcode: wire.Close, Payload: append([]byte{byte(code >> 8), byte(code)}, reason...)}
}
