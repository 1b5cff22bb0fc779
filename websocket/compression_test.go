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
	"testing/synctest"
	"time"

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
					var text []byte
					for len(text) < n {
						text = fmt.Appendf(text, "{\"id\":%d,\"text\":\"message\"}", len(text))
					}
					msg := &Message{Binary: i%2 == 0, Payload: text[:n], Uncompressed: i%5 == 4}
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

// TestCompressedParameters: a client compresses as the answer says, be it less than it
// has offered (RFC 7692 §7.1.1.2, §7.1.2.2).
func TestCompressedParameters(t *testing.T) {
	for _, c := range []struct {
		answer   string
		bits     int
		takeover bool
	}{
		{"permessage-deflate", 12, true},
		{"permessage-deflate; client_no_context_takeover", 12, false},
		{"permessage-deflate; client_max_window_bits=8", 8, true},
		{"permessage-deflate; client_no_context_takeover; client_max_window_bits=9", 9, false},
	} {
		deflation, failure := (&Compression{ServerWindowBits: 15}).check([]string{c.answer})
		if failure != nil {
			t.Errorf("%s: %v", c.answer, failure)
			continue
		}
		src, other := net.Pipe()
		ws := new(Websocket)
		ws.init(src, ClientMode, new(Options).shared(), nil, opened{deflation: deflation})
		p := &peer{t: t, conn: other, mode: ClientMode}
		go func() {
			text := strings.Repeat("the same again ", 10)
			filler := make([]byte, 300) // longer than the smallest window, and nothing like the text
			for i := range filler {
				filler[i] = byte('0' + i*i%53)
			}
			for _, payload := range [][]byte{[]byte(text), []byte(text), append(filler, text...), append(filler, text...)} {
				if err := ws.WriteMessage(context.Background(), &Message{Payload: payload}); err != nil {
					t.Error(err)
				}
			}
		}()
		d := deflate.NewDecompressor(c.bits, c.takeover) // which refuses a distance past its window, and past the message
		for range 4 {
			f, err := p.next()
			if err != nil {
				t.Fatal(err)
			}
			if f.RSV != 4 {
				continue
			}
			if _, err := d.Append(nil, f.Payload, true, 1<<20); err != nil {
				t.Errorf("%s: a message of the client: %v", c.answer, err)
				break
			}
		}
		other.Close()
		src.Close()
	}
}

// TestCompressedContext: plain messages and control frames leave both contexts alone, that
// of what is sent and that of what comes (RFC 7692 §7.2.1).
func TestCompressedContext(t *testing.T) {
	src, other := net.Pipe()
	defer src.Close()
	defer other.Close()
	ws := New(src, "", ServerMode, Options{Compression: &Compression{Threshold: 8}})
	p := &peer{t: t, conn: other, mode: ServerMode}
	served := serving(t.Context(), ws, EchoHandler)
	c, d := deflate.NewCompressor(12, true, deflate.Fast), deflate.NewDecompressor(12, true)
	texts := []string{"some text, some text, some text", "short", "some text, some text, some more", "tiny", "some more, some text, some text"}
	for i, text := range texts {
		f := wire.Frame{Fin: true, Opcode: wire.Text, Payload: []byte(text)}
		if small, ok := c.AppendSmaller(nil, f.Payload); ok && len(text) >= 8 {
			f.RSV, f.Payload = 4, small
		}
		go p.send(p.ping("between"), p.bytes(f))
		p.want(OpcodePong, true, "between")
		echo, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		payload := echo.Payload
		if echo.RSV == 4 {
			if payload, err = d.Append(nil, payload, true, 1<<10); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		if string(payload) != text || (echo.RSV == 4) != (len(text) >= 8) {
			t.Errorf("message %d came back as %q, RSV %d", i, payload, echo.RSV)
		}
	}
	other.Close()
	<-served
}

// TestCompressedTimeouts: a compressed message that comes slowly is bounded as any other.
func TestCompressedTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{Compression: &Compression{}, MessageTimeout: time.Minute})
		result := reading(t.Context(), ws)
		start := time.Now()
		first := []byte{0xf2, 0x48, 0xcd} // of "Hello", by RFC 7692 §7.2.3.1
		p.send(p.bytes(wire.Frame{RSV: 4, Opcode: wire.Text, Payload: first}))
		time.Sleep(30 * time.Second)
		p.send(p.bytes(wire.Frame{Opcode: wire.Continuation, Payload: []byte{0xc9}})) // which does not stretch it
		p.wantClose(StatusPolicyViolation, "timeout")
		if took := time.Since(start); took != time.Minute {
			t.Errorf("the message timed out after %v, want a minute", took)
		}
		p.conn.Close()
		if err := (<-result).err; codeOf(err) != StatusPolicyViolation {
			t.Errorf("ReadMessage: %v", err)
		}
	})
}

// What a handler says of one message counts for that alone, and a level that there is not
// is that of the zero value.
func TestUncompressedIsForOneMessage(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		ws, p := newPeer(t, ServerMode, Options{ReuseBuffers: reuse, Compression: &Compression{Level: 7}})
		n := 0
		go ws.Serve(context.Background(), func(_ context.Context, m *Message) (*Message, error) {
			n++
			m.Uncompressed = n == 1 || m.Uncompressed
			return m, nil
		})
		long := strings.Repeat("hello ", 10)
		go p.send(p.text(long), p.text(long))
		first, _ := p.next()
		second, err := p.next()
		if err != nil || first.RSV != 0 || second.RSV == 0 {
			t.Errorf("ReuseBuffers %v: RSV of the first reply %d, of the second %d, %v: want 0, then 4", reuse, first.RSV, second.RSV, err)
		}
		p.conn.Close()
	}
}
