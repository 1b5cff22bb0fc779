package load

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/coder"
	"github.com/wsproof/wsproof/internal/engine/gobwas"
	"github.com/wsproof/wsproof/internal/engine/gorilla"
	engineserve "github.com/wsproof/wsproof/internal/engine/serve"
)

// compressing serves h on an engine that compresses.
func compressing(t *testing.T, e *engine.Engine, h engineserve.Handler, compression bool) string {
	t.Helper()
	server := e.NewServer(h, engineserve.Options{Compression: compression})
	s := httptest.NewServer(server)
	t.Cleanup(func() {
		_ = server.Shutdown(context.Background())
		s.Close()
	})
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// TestCompression sends compressed messages, in turn and many at once, to servers
// that answer compressed (gorilla, gobwas) or plain where it is short (coder).
func TestCompression(t *testing.T) {
	for _, e := range []*engine.Engine{&gorilla.Engine, &gobwas.Engine, &coder.Engine} {
		for _, size := range []int{0, 20, 3000} {
			url := compressing(t, e, engineserve.Echo, true)
			r, err := Run(t.Context(), Config{
				URL: url, Mode: Echo, Size: size, Text: true, Compression: true, Conns: 3, InFlight: 5, Messages: 400, Duration: time.Minute,
			})
			if err != nil || r.Messages != 1200 {
				t.Errorf("%s, %d bytes: %+v, %v", e.Name, size, r, err)
			}
		}
	}
}

// TestCompressionWrong notices a wrong answer though it inflates, also behind
// right ones to the same message.
func TestCompressionWrong(t *testing.T) {
	n := 0
	url := compressing(t, &gorilla.Engine, func(_ []byte, _ bool, payload []byte) ([]byte, error) {
		if n++; n == 1500 { // the ring has 1024
			payload[len(payload)-1] ^= 1
		}
		return payload, nil
	}, true)
	r, err := Run(t.Context(), Config{URL: url, Mode: Echo, Size: 100, Text: true, Compression: true, Messages: 2000, Duration: time.Minute})
	if !errors.Is(err, ErrFailures) || r.Failures.Wrong != 1 {
		t.Errorf("got %v, %v, want one wrong answer", r, err)
	}
}

// TestCompressionDeclined wants an error where nothing would be compressed.
func TestCompressionDeclined(t *testing.T) {
	url := compressing(t, &gorilla.Engine, engineserve.Echo, false)
	_, err := Run(t.Context(), Config{URL: url, Mode: Echo, Size: 10, Compression: true, Messages: 1})
	if err == nil || !strings.Contains(err.Error(), "the server does not compress") {
		t.Errorf("got %v", err)
	}
	for _, c := range []Config{{URL: "tcp://127.0.0.1:1", Mode: Echo}, {URL: url, Mode: Connect}} {
		c.Compression = true
		if _, err := Run(t.Context(), c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s %s with compression: %v", c.URL, c.Mode, err)
		}
	}
}
