package engines

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/dial"
)

// script serves one connection: it sends messages, wants each one back, sends
// text that is no UTF-8, and reports the code of the client's Close.
func script(t *testing.T, e *engine.Engine, code chan<- int) *httptest.Server {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for _, m := range []struct {
			kind int
			text string
		}{
			{websocket.TextMessage, ""},
			{websocket.TextMessage, "κόσμε"},
			{websocket.BinaryMessage, "\xff\x00"},
			{websocket.BinaryMessage, strings.Repeat("x", 1<<20)},
		} {
			if m.text == "" && e.Lacks[engine.EmptyMessages] != "" {
				continue
			}
			if err := conn.WriteMessage(m.kind, []byte(m.text)); err != nil {
				t.Error(err)
			}
			if kind, got, err := conn.ReadMessage(); kind != m.kind || string(got) != m.text || err != nil {
				t.Errorf("echo of %d %.20q: %d %.20q, %v", m.kind, m.text, kind, got, err)
			}
		}
		conn.WriteMessage(websocket.TextMessage, []byte("a\xffb"))
		_, _, err = conn.ReadMessage()
		var closed *websocket.CloseError
		if !errors.As(err, &closed) {
			t.Errorf("after text that is no UTF-8: %v", err)
			code <- 0
			return
		}
		code <- closed.Code
	}))
}

func TestClient(t *testing.T) {
	for _, e := range All() {
		t.Run(e.Name, func(t *testing.T) {
			code := make(chan int, 1)
			server := script(t, &e, code)
			defer server.Close()
			if err := e.Client(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), dial.Echo); err != nil {
				t.Fatal(err)
			}
			if got := <-code; got != websocket.CloseInvalidFramePayloadData && e.Lacks[engine.FailCodes] == "" {
				t.Errorf("%s closed with %d after text that is no UTF-8, want 1007", e.Name, got)
			}
		})
	}
}

func TestClientCannotConnect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, engine := range All() {
		if err := engine.Client(t.Context(), "ws://"+l.Addr().String(), dial.Echo); err == nil {
			t.Errorf("%s: no error where nobody listens", engine.Name)
		}
	}
}

// A connection is dropped when the context is done.
func TestClientCancelled(t *testing.T) {
	for _, engine := range All() {
		up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		ctx, cancel := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := up.Upgrade(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			cancel()
			conn.ReadMessage()
		}))
		_ = engine.Client(ctx, "ws"+strings.TrimPrefix(server.URL, "http"), dial.Echo) // nil or the context's error, as it falls
		server.Close()
	}
}
