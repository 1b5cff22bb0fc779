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
		{"ws://" + nobody, "not reachable"},
		{"ws" + strings.TrimPrefix(plain.URL, "http"), "no WebSocket server: the server answered the opening handshake with 404"},
		{"ws" + strings.TrimPrefix(silent.URL, "http"), "no echo server"},
		{"http://" + nobody, "not reachable"},
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

func TestReadEchoesRefuses(t *testing.T) {
	for name, answer := range map[string]string{
		"a cut frame":              "\x81\x05He",
		"a masked frame":           "\x81\x80\x01\x02\x03\x04",
		"RSV":                      "\xc1\x00",
		"interleaved messages":     "\x01\x00\x81\x00",
		"an unknown opcode":        "\x83\x00",
		"a ping without FIN":       "\x09\x00",
		"a pong of 126 bytes":      "\x8a\x7e\x00\x7e" + strings.Repeat("p", 126),
		"a length that is longer":  "\x81\x7e\x00\x01a",
		"a Close with code 1005":   "\x88\x02\x03\xed",
		"a Close with half a code": "\x88\x01\x03",
	} {
		if got, err := readEchoes([]byte(answer), false); err == nil {
			t.Errorf("%s: no error, but %v", name, got.Outcome)
		}
	}
	if got, err := readEchoes([]byte("\x88\x00\x89\x00"), false); err != nil || got.AfterClose != 1 {
		t.Errorf("a frame behind the Close: %v, %v", got, err)
	}
}
