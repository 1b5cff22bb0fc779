package echo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/leak"
	"github.com/wsproof/wsproof/internal/wire"
)

func TestMain(m *testing.M) { leak.Main(m) }

// TestEngines sends every engine messages of each size and kind that the
// benchmarks use, and checks every answer.
func TestEngines(t *testing.T) {
	for _, e := range Engines() {
		t.Run(e.Name(), func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- e.Serve(l) }()
			scheme := "ws"
			if !e.WebSocket() {
				scheme = "tcp"
			}
			for _, size := range []int{0, 8, 125, 1 << 10, 64 << 10} {
				if lib, err := engines.Find(e.Lib); size == 0 && err == nil && lib.Lacks[engine.EmptyMessages] != "" {
					continue
				}
				for _, text := range []bool{false, true} {
					for _, depth := range []int{1, 16} {
						_, err := load.Run(context.Background(), load.Config{
							URL: fmt.Sprintf("%s://%s", scheme, l.Addr()), Mode: load.Echo, Size: size, Text: text,
							Conns: 2, InFlight: depth, Messages: 3 * depth, Duration: time.Minute,
						})
						if err != nil {
							t.Errorf("size=%d text=%v inflight=%d: %v", size, text, depth, err)
						}
					}
				}
			}
			if e.WebSocket() {
				_, err := load.Run(context.Background(), load.Config{
					URL: "ws://" + l.Addr().String(), Mode: load.Connect, Messages: 3, Duration: time.Minute,
				})
				if err != nil {
					t.Errorf("mode connect: %v", err)
				}
			}
			l.Close()
			<-done
		})
	}
}

// TestEnginesCheckText: the servers that are compared do the same work. Those
// that are as a README shows them, and the plain one, may let wrong text pass.
func TestEnginesCheckText(t *testing.T) {
	wrong := wire.Frame{Fin: true, Opcode: wire.Text, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: []byte("caf\xe9")}
	for _, e := range Engines() {
		if !e.WebSocket() || (e.API == "readme" || e.API == "kept") && e.Lib != "core" || e.API == "serve" {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- e.Serve(l) }()
			defer func() { l.Close(); <-done }()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
			br := bufio.NewReader(c)
			resp, err := http.ReadResponse(br, nil)
			if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("the handshake: %v, %v", resp, err)
			}
			if _, err := c.Write(wrong.Append(nil)); err != nil {
				t.Fatal(err)
			}
			header := make([]byte, 2)
			if _, err := io.ReadFull(br, header); err == nil && header[0]&0x0f != wire.Close {
				t.Errorf("a text that is not UTF-8 was answered by a frame of opcode %d", header[0]&0x0f)
			}
		})
	}
}

func TestControl(t *testing.T) {
	e, err := Find("tcp/plain")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	e.serve = func(l net.Listener) error { l.Close(); return io.EOF }
	if err := Control(e, strings.NewReader(""), &out); err != nil {
		t.Fatal(err)
	}
	if _, _, err := net.SplitHostPort(strings.TrimSpace(out.String())); err != nil {
		t.Errorf("the first line is %q: %v", out.String(), err)
	}
	var s Stats
	b, err := json.Marshal(read())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &s); err != nil || s.Goroutines < 1 || s.Mallocs == 0 {
		t.Errorf("stats %s: %v", b, err)
	}
	if err := Control(e, strings.NewReader("sing\n"), io.Discard); err == nil {
		t.Error("an unknown command was taken")
	}
}

func TestFindUnknown(t *testing.T) {
	if _, err := Find("core/worst"); err == nil {
		t.Error("Find took core/worst")
	}
}
