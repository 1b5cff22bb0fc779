package websocket

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
)

// BenchmarkServeEcho has one connection over loopback with some messages in
// flight; client and server share the process, so it is for profiles: package
// bench measures servers alone.
func BenchmarkServeEcho(b *testing.B) {
	for _, c := range []struct{ inflight, size int }{{1, 125}, {64, 8}, {1, 64 << 10}} {
		b.Run(fmt.Sprintf("inflight=%d/size=%dB", c.inflight, c.size), func(b *testing.B) {
			server, client := socketPair(b)
			ws := New(server, "", ServerMode, Options{ReuseBuffers: true, MaxFrameSize: 1 << 20})
			served := make(chan struct{})
			go func() {
				ws.Serve(context.Background(), EchoHandler)
				close(served)
			}()
			frame := NewFrame(OpcodeBinary, true, pattern(c.size))
			var wire []byte
			for range c.inflight {
				wire = AppendFrame(wire, frame, testKey)
			}
			answer := make([]byte, c.inflight*len(MarshalFrame(frame, Unmasked)))
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%c.inflight != 0 {
					continue
				}
				if _, err := client.Write(wire); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(client, answer); err != nil {
					b.Fatal(err)
				}
			}
			client.Close()
			<-served
		})
	}
}

// BenchmarkServeBatch has the messages come from memory, 64 a read, so that next
// to nothing counts but the way from a frame to its reply.
func BenchmarkServeBatch(b *testing.B) {
	answer := &Message{Binary: true, Payload: pattern(8)}
	for _, c := range []struct {
		name    string
		opcode  Opcode
		size    int
		handler Handler
	}{
		{"echo/binary/size=8B", OpcodeBinary, 8, EchoHandler},
		{"echo/text/size=8B", OpcodeText, 8, EchoHandler},
		{"echo/binary/size=125B", OpcodeBinary, 125, EchoHandler},
		{"answer/binary/size=8B", OpcodeBinary, 8, func(context.Context, *Message) (*Message, error) { return answer, nil }},
		{"nothing/binary/size=8B", OpcodeBinary, 8, func(context.Context, *Message) (*Message, error) { return nil, nil }},
	} {
		b.Run(c.name, func(b *testing.B) {
			src := &batches{left: b.N/64 + 1}
			for range 64 {
				src.wire = AppendFrame(src.wire, NewFrame(c.opcode, true, bytes.Repeat([]byte("a"), c.size)), testKey)
			}
			ws := New(src, "", ServerMode, Options{ReuseBuffers: true})
			b.ReportAllocs()
			b.ResetTimer()
			ws.Serve(context.Background(), c.handler)
		})
	}
}

// A batches is a transport from which the same bytes come again and again, as far
// as they fit.
type batches struct {
	wire []byte
	left int // how often
	rest []byte
}

func (t *batches) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		if t.left == 0 {
			return 0, io.EOF
		}
		t.left--
		t.rest = t.wire
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

func (t *batches) Write(p []byte) (int, error) { return len(p), nil }
func (t *batches) Close() error                { return nil }
