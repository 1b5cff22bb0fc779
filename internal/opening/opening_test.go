package opening

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/leak"
	"github.com/wsproof/wsproof/websocket"
)

func TestMain(m *testing.M) { leak.Main(m) }

// open shakes hands over a pipe with a server that answers as reply says.
func open(t *testing.T, c *Client, extensions string, reply func(request *http.Request) string) (*Opened, string, error) {
	t.Helper()
	server, client := net.Pipe()
	request := make(chan string, 1)
	go func() {
		defer server.Close()
		var text strings.Builder
		r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(server, &text)))
		request <- text.String()
		if err == nil {
			_, _ = io.WriteString(server, reply(r))
		}
	}()
	c.Dial = func(context.Context, string, string) (net.Conn, error) { return client, nil }
	o, err := c.Open(t.Context(), extensions)
	client.Close()
	return o, <-request, err
}

// right answers as RFC 6455 §4.2.2 wants it, with more lines behind.
func right(r *http.Request, more ...string) string {
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: " +
		AcceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n" + strings.Join(append(more, ""), "\r\n") + "\r\n"
}

func client(t *testing.T, rawURL string) *Client {
	t.Helper()
	u, err := ParseURL(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return &Client{URL: u}
}

func TestRequest(t *testing.T) {
	for _, c := range []struct {
		url        string
		header     http.Header
		offered    []string
		extensions string
		want       []string
		unwanted   string
	}{
		{url: "ws://h", want: []string{"GET / HTTP/1.1", "Host: h", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "User-Agent: wsproof"}, unwanted: "Sec-WebSocket-Protocol"},
		{url: "http://h:1/a b/ü?q=a b&é\"<>|", want: []string{"GET /a%20b/%C3%BC?q=a%20b&%C3%A9%22%3C%3E%7C HTTP/1.1", "Host: h:1"}, unwanted: "Authorization"},
		{url: "ws://h:/?a=%20", want: []string{"GET /?a=%20 HTTP/1.1", "Host: h"}},
		{url: "ws://[::1]:9/", want: []string{"Host: [::1]:9"}},
		{url: "ws://[fe80::1%25eth0]:9/", want: []string{"Host: [fe80::1]:9"}},
		{url: "ws://me:s%3Acret@h/", want: []string{"Host: h", "Authorization: Basic bWU6czpjcmV0"}},
		{url: "ws://me@h/", header: http.Header{"authorization": {"Bearer x"}}, want: []string{"authorization: Bearer x"}, unwanted: "Basic"},
		{url: "ws://h/", header: http.Header{"hOST": {"other"}, "X-a": {"1", "2"}, "user-agent": {"me"}}, want: []string{"Host: other", "X-a: 1\r\nX-a: 2", "user-agent: me"}, unwanted: "wsproof"},
		{url: "ws://h/", offered: []string{"b", "a"}, extensions: "x; y=1", want: []string{"Sec-WebSocket-Protocol: b, a", "Sec-WebSocket-Extensions: x; y=1"}},
	} {
		k := client(t, c.url)
		k.Header, k.Subprotocols = c.header, c.offered
		o, request, err := open(t, k, c.extensions, func(r *http.Request) string { return right(r) })
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if o.Request != request {
			t.Errorf("%s: sent %q, told %q", c.url, request, o.Request)
		}
		for _, want := range c.want {
			if strings.Count("\r\n"+request, "\r\n"+want+"\r\n") != 1 {
				t.Errorf("%s: not once %q in %q", c.url, want, request)
			}
		}
		if c.unwanted != "" && strings.Contains(request, c.unwanted) {
			t.Errorf("%s: %q in %q", c.url, c.unwanted, request)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name  string
		reply func(r *http.Request) string
		want  string // the error, or "": opened
	}{
		{"right", func(r *http.Request) string { return right(r, "Sec-WebSocket-Protocol: b") + "\x81\x01a" }, ""},
		{"interim answers", func(r *http.Request) string {
			return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + right(r, "Sec-WebSocket-Protocol: b") + "\x81\x01a"
		}, ""},
		{"interim answers without an end", func(*http.Request) string { return strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 3000) }, "the answer to the opening handshake has a header of more than 64 KiB"},
		{"nothing", func(*http.Request) string { return "" }, "no HTTP response came to the opening handshake: unexpected EOF"},
		{"404", func(*http.Request) string { return "HTTP/1.1 404 Not Found\r\n\r\n" }, "the server answered the opening handshake with 404 Not Found, not with 101"},
		{"a redirect", func(*http.Request) string { return "HTTP/1.1 302 Found\r\nLocation: /ws/\r\n\r\n" }, `the server answered the opening handshake with 302 Found, not with 101; it redirects to "/ws/"`},
		{"no Upgrade", func(r *http.Request) string { return strings.Replace(right(r), "Upgrade: WebSocket\r\n", "", 1) }, `the 101 has Upgrade: "", not websocket`},
		{"no token", func(r *http.Request) string {
			return strings.Replace(right(r), "keep-alive, Upgrade", "keep-alive", 1)
		}, `the 101 has Connection: "keep-alive", not Upgrade`},
		{"another key", func(r *http.Request) string { r.Header.Set("Sec-WebSocket-Key", "x"); return right(r) }, "the 101 has a wrong Sec-WebSocket-Accept: "},
		{"an extension", func(r *http.Request) string { return right(r, "Sec-WebSocket-Extensions: x") }, "the 101 has an extension that was not offered: x"},
		{"a subprotocol", func(r *http.Request) string { return right(r, "Sec-WebSocket-Protocol: c") }, "the 101 has a subprotocol that was not offered: c"},
		{"two subprotocols", func(r *http.Request) string {
			return right(r, "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b")
		}, `the 101 has more than one subprotocol: ["a" "b"]`},
	} {
		k := client(t, "ws://h")
		k.Subprotocols = []string{"a", "b"}
		o, _, err := open(t, k, "", c.reply)
		switch {
		case c.want != "":
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %s", c.name, err, c.want)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case string(o.Early) != "\x81\x01a" || o.Subprotocol != "b" || !strings.HasPrefix(o.Response, "HTTP/1.1 101 "):
			t.Errorf("%s: opened %+v", c.name, o)
		}
	}
	_, _, err := open(t, client(t, "ws://h"), "", func(*http.Request) string { return "HTTP/1.1 403 Forbidden\r\n\r\n" })
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("error %v", err)
	}
}

func TestParseURL(t *testing.T) {
	for rawURL, want := range map[string]string{
		"":                "is no WebSocket URL",
		"localhost:9001":  "is no WebSocket URL",
		"tcp://h":         "is no WebSocket URL",
		"ws:h":            "names no host",
		"ws://:80":        "names no host",
		"ws://h/#a":       "has a fragment",
		"ws://h/\n":       "cannot be parsed",
		"ws://b\u00fcch/": "write a name in its xn-- form",
	} {
		if _, err := ParseURL(rawURL); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want %s", rawURL, err, want)
		}
	}
}

func TestParseField(t *testing.T) {
	if name, value, err := ParseField("x-Token:  a: b "); err != nil || name != "x-Token" || value != "a: b" {
		t.Errorf("%q, %q, %v", name, value, err)
	}
	for line, want := range map[string]string{
		"X":                      "is no header",
		"X Y: a":                 "is no name",
		": a":                    "is no name",
		"X: a\r\nY: b":           "line break",
		"upgrade: h2c":           "handshake's own",
		"sec-websocket-KEY: abc": "handshake's own",
	} {
		if _, _, err := ParseField(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", line, err, want)
		}
	}
}

// TestTLS opens a connection by wss: not to a certificate that nobody trusts,
// unless told so, and over HTTP/1.1 though the server prefers 2.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(websocket.NewHandler(websocket.EchoHandler, websocket.Options{}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	k := client(t, "wss"+strings.TrimPrefix(server.URL, "https"))
	if _, err := k.Open(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "-cacert FILE") {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, config := range []*tls.Config{{RootCAs: roots}, {InsecureSkipVerify: true}} {
		k.TLS = config
		o, err := k.Open(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		o.Conn.Close()
	}
	k.URL.Scheme = "ws"
	if _, err := k.Open(t.Context(), ""); err == nil {
		t.Error("plain ws to a server of wss opened")
	}
}

// TestGivenUp: a server that does not answer is left when the context ends.
func TestGivenUp(t *testing.T) {
	server, conn := net.Pipe()
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = http.ReadRequest(bufio.NewReader(server))
		cancel()
	}()
	if _, err := client(t, "ws://h").Handshake(ctx, conn, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	conn.Close()
}

func TestAddress(t *testing.T) {
	for rawURL, want := range map[string]string{
		"ws://h": "h:80", "wss://h": "h:443", "http://h:1": "h:1", "wss://[::1]": "[::1]:443", "ws://h:": "h:80",
	} {
		if got := client(t, rawURL).Address(); got != want {
			t.Errorf("%s: %s, want %s", rawURL, got, want)
		}
	}
}
