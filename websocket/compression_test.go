package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket/deflate"
)

// Messages of every kind go from a client to a handler and back, whatever was agreed on,
// and plain where a side does not want compression.
func TestCompressedEcho(t *testing.T) {
	for name, c := range map[string]struct{ server, client *Compression }{
		"takeover":          {&Compression{}, &Compression{}},
		"best, 15 bits":     {&Compression{ServerWindowBits: 15, ClientWindowBits: 15, Level: deflate.Best}, &Compression{ServerWindowBits: 15, ClientWindowBits: 15, Level: deflate.Best}},
		"8 and 9 bits":      {&Compression{ServerWindowBits: 8, ClientWindowBits: 9}, &Compression{}},
		"none":              {&Compression{ServerNoContextTakeover: true, ClientNoContextTakeover: true}, &Compression{}},
		"no server":         {nil, &Compression{}},
		"no client":         {&Compression{}, nil},
		"client's own wish": {&Compression{}, &Compression{ServerNoContextTakeover: true, ServerWindowBits: 10}},
	} {
		for _, reuse := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reuse=%v", name, reuse), func(t *testing.T) {
				server := httptest.NewServer(NewHandler(EchoHandler, Options{Compression: c.server, ReuseBuffers: reuse, MaxMessageSize: 1 << 20}))
				defer server.Close()
				ws, _, err := Dial(t.Context(), server.URL, DialOptions{Options: Options{Compression: c.client, MaxMessageSize: 1 << 20}})
				if err != nil {
					t.Fatal(err)
				}
				defer ws.Close()
				params, ok := ws.Compression()
				if want := c.server != nil && c.client != nil; ok != want {
					t.Errorf("compression was agreed on: %v, want %v", ok, want)
				}
				if name == "8 and 9 bits" && (params.ServerMaxWindowBits != 8 || params.ClientMaxWindowBits != 9) {
					t.Errorf("agreed on %+v", params)
				}
				for i, n := range []int{0, 1, 5, 100, 125, 126, 3000, 16 << 10, 70000, 300 << 10, 10, 2000} {
					text := strings.Repeat(fmt.Sprintf("{\"id\":%d,\"text\":\"é\"}", i), n/20+1)[:0]
					for len(text) < n {
						text += fmt.Sprintf("{\"id\":%d,\"text\":\"message\"}", len(text))
					}
					msg := &Message{Binary: i%2 == 0, Payload: []byte(text[:n]), Uncompressed: i%5 == 4}
					if err := ws.WriteMessage(t.Context(), msg); err != nil {
						t.Fatal(err)
					}
					got, err := ws.ReadMessage(t.Context())
					if err != nil || got.Binary != msg.Binary || !bytes.Equal(got.Payload, msg.Payload) {
						t.Fatalf("%d bytes came back as %v, %v", n, got, err)
					}
				}
			})
		}
	}
}

// A compressed message that fits a frame leaves in one, with RSV1; what does not get
// smaller, what is below the threshold and what asks for it leaves as it is; control
// frames leave the context alone.
func TestCompressedFrames(t *testing.T) {
	src, other := net.Pipe()
	defer src.Close()
	ws := New(src, "", ServerMode, Options{Compression: &Compression{Threshold: 20}})
	p := &peer{t: t, conn: other, mode: ServerMode}
	long := strings.Repeat("abcdefgh", 100)
	go func() {
		for _, msg := range []*Message{
			{Payload: []byte("short")},
			{Payload: []byte(long)},
			{Payload: []byte(long), Uncompressed: true},
			{Payload: []byte(long)},
			{Binary: true, Payload: []byte("\x01\x9f\x42\x77\xe1\x03\x5c\xaa\x10\xfe\x31\x88\xd2\x4b\x99\x07\x63\xb5\x2e\xf0\x1d")},
		} {
			if err := ws.WriteMessage(context.Background(), msg); err != nil {
				t.Error(err)
			}
		}
	}()
	d := deflate.NewDecompressor(12, true)
	for i, want := range []struct {
		rsv  byte
		text string
	}{{0, "short"}, {4, long}, {0, long}, {4, long}, {0, "\x01\x9f\x42\x77\xe1\x03\x5c\xaa\x10\xfe\x31\x88\xd2\x4b\x99\x07\x63\xb5\x2e\xf0\x1d"}} {
		f, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		payload := f.Payload
		if f.RSV == 4 {
			if payload, err = d.Append(nil, f.Payload, true, 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		if !f.Fin || f.RSV != want.rsv || string(payload) != want.text {
			t.Errorf("message %d came with RSV %d and %d bytes, want %d and %d", i, f.RSV, len(payload), want.rsv, len(want.text))
		}
		if i == 3 && len(f.Payload) > 10 {
			t.Errorf("the message that was sent before takes %d bytes", len(f.Payload))
		}
	}
}

// A bomb fails with 1009 before more than the limit is stored.
func TestCompressedBomb(t *testing.T) {
	c := deflate.NewCompressor(15, false, deflate.Fast)
	bomb := c.Append(nil, make([]byte, 64<<20))
	src := newScripted((&peer{mode: ServerMode}).bytes(wire.Frame{Fin: true, RSV: 4, Opcode: wire.Binary, Payload: bomb}))
	ws := New(src, "", ServerMode, Options{Compression: &Compression{ClientWindowBits: 15}, MaxFrameSize: 1 << 20})
	var err error
	got := allocatedBytes(func() {
		if err == nil {
			_, err = ws.ReadMessage(t.Context())
		}
	})
	if err != error(ErrMessageTooLarge) {
		t.Errorf("ReadMessage: %v", err)
	}
	if got > 512<<10 {
		t.Errorf("%d bytes were allocated, want at most 512 KiB", got)
	}
	p := &peer{t: t, conn: nopConn{}, mode: ServerMode, in: src.written()}
	p.wantClose(StatusTooLarge, ErrMessageTooLarge.Error())
}

// What breaks RFC 7692 is told with its cause, and closes with 1007.
func TestCompressedGarbage(t *testing.T) {
	ws, p := newPeer(t, ServerMode, Options{Compression: &Compression{}})
	result := reading(t.Context(), ws)
	p.send(p.bytes(wire.Frame{Fin: true, RSV: 4, Opcode: wire.Text, Payload: []byte{0xff, 0xff}}))
	p.wantClose(StatusInvalidFramePayload, "compressed payload is not valid")
	p.conn.Close()
	if err := (<-result).err; !errors.Is(err, deflate.ErrBlockType) || codeOf(err) != StatusInvalidFramePayload {
		t.Errorf("ReadMessage: %v", err)
	}
}

// A header outside the grammar fails the handshake with 400; without Compression nobody
// looks at it.
func TestExtensionsOutsideTheGrammar(t *testing.T) {
	for _, c := range []*Compression{nil, {}} {
		server := httptest.NewServer(NewHandler(EchoHandler, Options{Compression: c}))
		_, response, err := Dial(t.Context(), server.URL, DialOptions{NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &injecting{Conn: conn, line: "Sec-WebSocket-Extensions: permessage-deflate;;\r\n"}, err
		}})
		if c == nil && err != nil || c != nil && (err == nil || response.StatusCode != 400) {
			t.Errorf("compression %v: %v", c != nil, err)
		}
		server.Close()
	}
}

// injecting adds a line to the request that is written first.
type injecting struct {
	net.Conn
	line string
}

func (c *injecting) Write(p []byte) (int, error) {
	n := len(p)
	if c.line != "" {
		p = append(append(bytes.Clone(p[:n-2]), c.line...), "\r\n"...)
		c.line = ""
	}
	_, err := c.Conn.Write(p)
	return n, err
}
