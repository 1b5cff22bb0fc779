package echo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/internal/leak"
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
