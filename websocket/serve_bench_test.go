package websocket

import (
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
