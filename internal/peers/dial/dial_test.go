package dial

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// script serves one connection: it sends messages, wants each one back, sends
// text that is no UTF-8, and reports the code of the client's Close.
func script(t *testing.T, code chan<- int) *httptest.Server {
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

func TestRun(t *testing.T) {
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			code := make(chan int, 1)
			server := script(t, code)
			defer server.Close()
			if err := Run(t.Context(), engine, "ws"+strings.TrimPrefix(server.URL, "http"), Echo); err != nil {
				t.Fatal(err)
			}
			if got := <-code; got != websocket.CloseInvalidFramePayloadData {
				t.Errorf("%s closed with %d after text that is no UTF-8, want 1007", engine, got)
			}
		})
	}
}

func TestRunCannotConnect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, engine := range append(Engines(), "another") {
		if err := Run(t.Context(), engine, "ws://"+l.Addr().String(), Echo); err == nil {
			t.Errorf("%s: no error where nobody listens", engine)
		}
	}
}

// A connection is dropped when the context is done.
func TestRunCancelled(t *testing.T) {
	for _, engine := range Engines() {
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
		_ = Run(ctx, engine, "ws"+strings.TrimPrefix(server.URL, "http"), Echo) // nil or the context's error, as it falls
		server.Close()
	}
}

func TestReadMessage(t *testing.T) {
	for _, test := range []struct {
		octets string
		text   bool
		valid  bool
	}{
		{"", true, true},
		{"κόσμε \U0010ffff", true, true},
		{"a\xff", true, false},
		{"a\xff", false, true},
		{"\xce", true, false},
		{"\xf4\x90", true, false},
		{"\xed\xa0\x80", true, false},
		{strings.Repeat("é", 9000), true, true},
	} {
		for _, r := range []io.Reader{strings.NewReader(test.octets), iotest.OneByteReader(strings.NewReader(test.octets)), iotest.DataErrReader(strings.NewReader(test.octets))} {
			got, valid, err := readMessage(r, test.text)
			if valid != test.valid || err != nil || (valid && string(got) != test.octets) {
				t.Errorf("%.20q as text %v: %.20q, valid %v, %v; want valid %v", test.octets, test.text, got, valid, err, test.valid)
			}
		}
	}
	// The first wrong octet is enough: the rest need not come.
	if _, valid, err := readMessage(io.MultiReader(strings.NewReader("a\xf4\x90"), iotest.ErrReader(errors.New("not reached"))), true); valid || err != nil {
		t.Errorf("valid %v, %v; want a refusal before the rest is read", valid, err)
	}
	if _, valid, err := readMessage(iotest.ErrReader(errors.New("broken")), true); !valid || err == nil {
		t.Errorf("valid %v, %v; want the error", valid, err)
	}
}
