package peers

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
)

// TestOpenTargetRefusesWhatIsNoEchoServer checks the errors of bad use.
func TestOpenTargetRefusesWhatIsNoEchoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	listener.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	silent := httptest.NewServer(websocket.NewHandler(func(context.Context, *websocket.Message) (*websocket.Message, error) {
		return nil, nil
	}, websocket.Options{}))
	defer silent.Close()
	for _, test := range []struct{ url, want string }{
		{"ws://" + nobody, "cannot be reached"},
		{"ws" + strings.TrimPrefix(plain.URL, "http"), "no WebSocket server: the server answered the opening handshake with 404"},
		{"ws" + strings.TrimPrefix(silent.URL, "http"), "no echo server"},
		{"http://" + nobody, "cannot be reached"},
		{"tcp://" + nobody, "must look like ws://host:port/path"},
		{"ReadFrame", "must look like ws://host:port/path"},
		{nobody, "first path segment in URL cannot contain colon"},
		{"ws://[::1", "missing ']' in host"},
	} {
		if _, err := OpenTarget(test.url); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), TargetEnv) {
			t.Errorf("OpenTarget(%q): %v, want an error that says %q", test.url, err, test.want)
		}
	}
}

// TestRemoteFindsBadServers holds servers with a planted fault to the oracle.
func TestRemoteFindsBadServers(t *testing.T) {
	twist := func(change func(m *websocket.Message)) websocket.Handler {
		return func(_ context.Context, m *websocket.Message) (*websocket.Message, error) {
			if bytes.HasPrefix(m.Payload, []byte("is this")) {
				return m, nil
			}
			reply := &websocket.Message{Binary: m.Binary, Payload: bytes.Clone(m.Payload)}
			change(reply)
			return reply, nil
		}
	}
	for name, handler := range map[string]websocket.Handler{
		"other bytes": twist(func(m *websocket.Message) { m.Payload = append(m.Payload, 'x') }),
		"other kind":  twist(func(m *websocket.Message) { m.Binary = !m.Binary }),
		"none":        func(_ context.Context, m *websocket.Message) (*websocket.Message, error) { return bad(m), nil },
	} {
		server := httptest.NewServer(websocket.NewHandler(handler, websocket.Options{}))
		target, err := OpenTarget("ws" + strings.TrimPrefix(server.URL, "http"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		seed, err := input.RawInput(model.Server, input.RawLimits[0], []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"))
		if err != nil {
			t.Fatal(err)
		}
		if err := target.Check(input.NewTranscriptGenerator().Generate(seed)); err == nil {
			t.Errorf("%s: not found", name)
		}
		server.Close()
	}
}

// bad answers nothing but the probe.
func bad(m *websocket.Message) *websocket.Message {
	if bytes.HasPrefix(m.Payload, []byte("is this")) {
		return m
	}
	return nil
}
