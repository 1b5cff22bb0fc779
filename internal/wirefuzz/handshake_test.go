package wirefuzz

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/websocket"
)

// TestReadRequest has requests, and what has to come of them.
func TestReadRequest(t *testing.T) {
	u, err := opening.ParseURL("ws://h/a")
	if err != nil {
		t.Fatal(err)
	}
	q := newRequests(&opening.Client{URL: u})
	for _, c := range []struct {
		old, new string // in the right request
		want     verdict
		rule     model.Rule
	}{
		{"", "", taken, RequestTaken},
		{"Connection: Upgrade", "connection: keep-alive, UPGRADE", taken, RequestTaken},
		{"Upgrade: websocket", "Upgrade: WebSocket", taken, RequestTaken},
		{"GET", "POST", refused, RequestRefused},
		{"HTTP/1.1", "HTTP/1.0", refused, RequestRefused},
		{"HTTP/1.1", "HTTP/1.2", either, ""},
		{"Host: h\r\n", "", refused, RequestRefused},
		{"Host: h", "Host: ", either, ""},
		{"Upgrade: websocket\r\n", "", refused, RequestRefused},
		{"Upgrade: websocket", "Upgrade: websockets", refused, RequestRefused},
		{"Upgrade: websocket", "Upgrade: h2c, websocket", either, ""},
		{"Connection: Upgrade", "Connection: keep-alive", refused, RequestRefused},
		{"Sec-WebSocket-Key: " + handshakeKey + "\r\n", "", refused, RequestRefused},
		{handshakeKey, "AAAA", either, ""},
		{"Sec-WebSocket-Version: 13\r\n", "", refused, RequestRefused},
		{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 99", refused, VersionRefused},
		{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 99\r\nOrigin: x", either, ""},
		{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13, 8", either, ""},
		{"GET /a", "GET /b", either, ""},
		{"Upgrade: websocket", "Upgrade: websocket\r\nContent-Length: 5", either, ""},
		{"Upgrade: websocket", "Upgrade: websocket\r\n x", either, ""},
		{"Upgrade: websocket", "Upgrade : websocket", either, ""},
	} {
		request := strings.Replace(text(q.base), c.old, c.new, 1)
		if got, rule, why := q.read([]byte(request)); got != c.want || rule != c.rule {
			t.Errorf("%q for %q: %d by %q (%s), want %d by %q", c.new, c.old, got, rule, why, c.want, c.rule)
		}
	}
}

// TestHandshakeRogues: servers that take what they must not, or the other way round.
func TestHandshakeRogues(t *testing.T) {
	t.Parallel()
	takes := func(change func(r *http.Request)) *rogue {
		g := &rogue{}
		echo := websocket.NewHandler(websocket.EchoHandler, websocket.Options{})
		g.handshake = func(w http.ResponseWriter, r *http.Request) {
			change(r)
			echo.ServeHTTP(w, r)
		}
		return g
	}
	for want, g := range map[string]*rogue{
		"version-refused: accepts although the Sec-WebSocket-Version is another": takes(func(r *http.Request) {
			if r.Header.Get("Sec-Websocket-Version") != "" {
				r.Header.Set("Sec-Websocket-Version", "13")
			}
		}),
		"request-refused: accepts although there is no Upgrade": takes(func(r *http.Request) {
			if len(r.Header.Values("Upgrade")) == 0 {
				r.Header.Set("Upgrade", "websocket")
			}
		}),
		"request-taken: refuses": takes(func(r *http.Request) {
			if r.Header.Get("Upgrade") != "websocket" {
				r.Header.Del("Upgrade")
			}
		}),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			findings, _, _ := keys(t, g, Config{Executions: 800, Handshake: true})
			if findings[want] == nil {
				t.Errorf("%s is not found", want)
			}
			for key := range findings {
				if key != want {
					t.Errorf("%s as well", key)
				}
			}
		})
	}
}
