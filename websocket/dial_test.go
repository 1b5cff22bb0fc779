package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// noProxy keeps the environment of the machine out of a test.
func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// A script is a server's side of a connection, up to its end.
type script func(conn net.Conn, request string)

// dialScripted dials rawURL, over a pipe, to a server that reads the header of
// one request and then follows the script. It returns when both are done.
func dialScripted(ctx context.Context, rawURL string, opts DialOptions, play script) (*Websocket, *http.Response, error) {
	server, client := net.Pipe()
	opts.NetDial = func(context.Context, string, string) (net.Conn, error) { return client, nil }
	if opts.Proxy == nil {
		opts.Proxy = noProxy
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		request, err := readHeader(server)
		if err == nil {
			play(server, request)
		}
	}()
	ws, response, err := Dial(ctx, rawURL, opts)
	if err != nil {
		<-done
	}
	return ws, response, err
}

// readHeader reads up to the empty line that ends a header, and not a byte more.
func readHeader(r io.Reader) (string, error) {
	var text []byte
	var b [1]byte
	for !strings.HasSuffix(string(text), "\r\n\r\n") {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		text = append(text, b[0])
	}
	return string(text), nil
}

// fieldOf returns the value of a field in the text of a header.
func fieldOf(header, name string) string {
	for line := range strings.SplitSeq(header, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return value
		}
	}
	return ""
}

// answerTo answers a request as RFC 6455 §4.2.2 wants it, with more fields
// behind.
func answerTo(request string, more ...string) string {
	return strings.Join(append([]string{
		"HTTP/1.1 101 Switching Protocols",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Accept: " + acceptOf(request),
	}, more...), "\r\n") + "\r\n\r\n"
}

func acceptOf(request string) string {
	return string(appendAccept(nil, ClientKey(fieldOf(request, "Sec-WebSocket-Key"))))
}

// wantFailure fails the test unless err is a *HandshakeError with this status
// and text, which came without a connection.
func wantFailure(t *testing.T, ws *Websocket, err error, status int, text string) {
	t.Helper()
	if ws != nil {
		t.Error("a connection with an error")
	}
	var failure *HandshakeError
	if !errors.As(err, &failure) {
		t.Fatalf("error %v, want a *HandshakeError", err)
	}
	if got, want := err.Error(), "websocket handshake: "+text; failure.Status != status || got != want {
		t.Errorf("failed with %d %q, want %d %q", failure.Status, got, status, want)
	}
}

func TestDialRequest(t *testing.T) {
	for _, c := range []struct {
		name, url string
		opts      DialOptions
		want      []string // of it, in front of the fields of the handshake
		unwanted  []string
	}{
		{"plain", "ws://server.example.com/chat?room=1&x=%20", DialOptions{}, []string{"GET /chat?room=1&x=%20 HTTP/1.1", "Host: server.example.com"}, []string{"Origin", "Authorization", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Cookie"}},
		{"http", "http://server.example.com", DialOptions{}, []string{"GET / HTTP/1.1", "Host: server.example.com"}, nil},
		{"a port", "WS://server.example.com:8080?x", DialOptions{}, []string{"GET /?x HTTP/1.1", "Host: server.example.com:8080"}, nil},
		{"IPv6", "ws://[::1]:80/a%2Fb", DialOptions{}, []string{"GET /a%2Fb HTTP/1.1", "Host: [::1]:80"}, nil},
		{"a query that is no URI's", "ws://h/a b?q=a b&\"<>[]{}|^'=\u00e9%zz", DialOptions{}, []string{"GET /a%20b?q=a%20b&%22%3C%3E%5B%5D%7B%7D%7C%5E'=%C3%A9%zz HTTP/1.1", "Host: h"}, nil},
		{"an empty query", "ws://h?", DialOptions{}, []string{"GET /? HTTP/1.1", "Host: h"}, nil},
		{"an empty port", "ws://h:/", DialOptions{}, []string{"GET / HTTP/1.1", "Host: h"}, nil},
		{"an empty port of IPv6", "ws://[::1]:/", DialOptions{}, []string{"GET / HTTP/1.1", "Host: [::1]"}, nil},
		{"an empty port in Host", "ws://h/", DialOptions{Header: http.Header{"Host": {"other:"}}}, []string{"GET / HTTP/1.1", "Host: other"}, nil},
		{"an escaped number sign", "ws://h/a%23b", DialOptions{}, []string{"GET /a%23b HTTP/1.1", "Host: h"}, nil},
		{
			"headers", "ws://h/",
			DialOptions{Header: http.Header{"Origin": {"https://h"}, "cookie": {"a=1"}, "X-Two": {"1", "2"}, "Host": {"other:1"}, "User-Agent": {"agent"}}},
			[]string{"GET / HTTP/1.1", "Host: other:1", "User-Agent: agent", "Origin: https://h", "Cookie: a=1", "X-Two: 1", "X-Two: 2"},
			nil,
		},
		{"user and password", "ws://me:s%3Acret@h/", DialOptions{}, []string{"GET / HTTP/1.1", "Host: h", "Authorization: Basic bWU6czpjcmV0"}, nil},
		{"a user alone", "ws://me@h/", DialOptions{}, []string{"Host: h", "Authorization: Basic bWU6"}, nil},
		{"user, but other credentials", "ws://me@h/", DialOptions{Header: http.Header{"Authorization": {"Bearer x"}}}, []string{"Authorization: Bearer x"}, []string{"Authorization: Basic bWU6"}},
		{"subprotocols", "ws://h/", DialOptions{Options: Options{Subprotocols: []string{"chat", "v1.superchat"}}}, []string{"Sec-WebSocket-Protocol: chat, v1.superchat"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var request string
			ws, response, err := dialScripted(t.Context(), c.url, c.opts, func(conn net.Conn, got string) {
				request = got
				io.WriteString(conn, answerTo(got))
			})
			if err != nil {
				t.Fatal(err)
			}
			defer ws.abort(io.EOF)
			if response.StatusCode != 101 || response.Header.Get("Sec-WebSocket-Accept") != acceptOf(request) {
				t.Errorf("response %v", response)
			}
			if n, err := response.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("reading the body: %d, %v, want EOF", n, err)
			}
			lines := strings.Split(request, "\r\n")
			key := ClientKey(fieldOf(request, "Sec-WebSocket-Key"))
			if !key.valid() {
				t.Errorf("the key %q is not valid", key)
			}
			wantLabels(t, ws, string(key), "")
			for _, want := range append(c.want, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13") {
				if n := count(lines, want); n != 1 {
					t.Errorf("%d times %q in %q, want once", n, want, request)
				}
			}
			for _, unwanted := range c.unwanted {
				if strings.Contains(request, "\n"+unwanted) {
					t.Errorf("%q in %q", unwanted, request)
				}
			}
		})
	}
}

func count(lines []string, line string) (n int) {
	for _, l := range lines {
		if l == line {
			n++
		}
	}
	return n
}

// Each client's key is its own (RFC 6455 §4.1).
func TestDialKeysDiffer(t *testing.T) {
	var keys []ClientKey
	for range 10 {
		ws, _, err := dialScripted(t.Context(), "ws://h", DialOptions{}, func(conn net.Conn, request string) {
			io.WriteString(conn, answerTo(request))
		})
		if err != nil {
			t.Fatal(err)
		}
		ws.abort(io.EOF)
		if slices.Contains(keys, ws.ClientKey()) {
			t.Errorf("key %q twice", ws.ClientKey())
		}
		keys = append(keys, ws.ClientKey())
	}
}

// What cannot be right is refused before anything is connected.
func TestDialRefusesToStart(t *testing.T) {
	header := func(name string, values ...string) DialOptions {
		return DialOptions{Header: http.Header{name: values}}
	}
	offer := func(names ...string) DialOptions {
		return DialOptions{Options: Options{Subprotocols: names}}
	}
	const own = " is the handshake's own, it cannot be set"
	const broken = " has a value with a line break or a NUL in it"
	for _, c := range []struct {
		name, url string
		opts      DialOptions
		text      string
	}{
		{"no URL", "", DialOptions{}, `the URL's scheme is "", must be ws or wss`},
		{"no scheme", "h/chat", DialOptions{}, `the URL's scheme is "", must be ws or wss`},
		{"a port for a scheme", "localhost:80", DialOptions{}, `the URL's scheme is "localhost", must be ws or wss`},
		{"ftp", "ftp://h/", DialOptions{}, `the URL's scheme is "ftp", must be ws or wss`},
		{"a line break", "ws://h/\r\nX: y", DialOptions{}, `the URL cannot be parsed: parse "ws://h/\r\nX: y": net/url: invalid control character in URL`},
		{"a bad port", "ws://h:x/", DialOptions{}, `the URL cannot be parsed: parse "ws://h:x/": invalid port ":x" after host`},
		{"no host", "ws:///chat", DialOptions{}, "the URL has no host"},
		{"opaque", "ws:chat", DialOptions{}, "the URL has no host"},
		{"a port alone", "ws://:80/", DialOptions{}, "the URL has no host"},
		{"no ASCII", "ws://b\u00fccher.example/", DialOptions{}, `the URL's host "b\u00fccher.example" has characters that no host has: write a name in its xn-- form`},
		{"no ASCII, escaped", "ws://b%C3%BCcher.example/", DialOptions{}, `the URL's host "b\u00fccher.example" has characters that no host has: write a name in its xn-- form`},
		{"a blank in a zone", "ws://[fe80::1%25a%20b]/", DialOptions{}, `the URL's host "[fe80::1%a b]" has characters that no host has: write a name in its xn-- form`},
		{"a quote", `ws://a"b/`, DialOptions{}, `the URL's host "a\"b" has characters that no host has: write a name in its xn-- form`},
		{"a fragment", "ws://h/chat#room", DialOptions{}, "the URL has a fragment; a # that belongs to it is written %23"},
		{"an empty fragment", "ws://h/chat#", DialOptions{}, "the URL has a fragment; a # that belongs to it is written %23"},

		{"Upgrade", "ws://h", header("Upgrade", "h2c"), "header Upgrade" + own},
		{"Connection", "ws://h", header("Connection", "close"), "header Connection" + own},
		{"key", "ws://h", header("Sec-WebSocket-Key", "x"), "header Sec-WebSocket-Key" + own},
		{"version", "ws://h", header("sec-websocket-version", "8"), "header sec-websocket-version" + own},
		{"accept", "ws://h", header("Sec-Websocket-Accept", "x"), "header Sec-Websocket-Accept" + own},
		{"extensions", "ws://h", header("Sec-WebSocket-Extensions", "permessage-deflate"), "header Sec-WebSocket-Extensions" + own},
		{"subprotocols in the header", "ws://h", header("SEC-WEBSOCKET-PROTOCOL", "chat"), "header SEC-WEBSOCKET-PROTOCOL" + own},
		{"a length", "ws://h", header("Content-Length", "5"), "header Content-Length" + own},
		{"an encoding", "ws://h", header("transfer-encoding", "chunked"), "header transfer-encoding" + own},
		{"a line break in a name", "ws://h", header("X: y\r\nZ", "x"), `header name "X: y\r\nZ" is not a token`},
		{"a blank in a name", "ws://h", header("X ", "x"), `header name "X " is not a token`},
		{"an empty name", "ws://h", header("", "x"), `header name "" is not a token`},
		{"a line break in a value", "ws://h", header("X", "a", "b\nUpgrade: h2c"), "header X" + broken},
		{"a carriage return in a value", "ws://h", header("X", "a\rb"), "header X" + broken},
		{"a NUL in a value", "ws://h", header("X", "a\x00b"), "header X" + broken},
		{"a line break in Host", "ws://h", header("Host", "h\r\nX: y"), "header Host" + broken},
		{"two Hosts", "ws://h", header("Host", "a", "b"), "header Host needs exactly one value"},
		{"an empty Host", "ws://h", header("Host", ""), "header Host needs exactly one value"},
		{"no Host", "ws://h", header("Host"), "header Host needs exactly one value"},
		{"a blank in Host", "ws://h", header("Host", "a b"), `header Host is "a b", must be a host, with or without a port`},
		{"a path in Host", "ws://h", header("Host", "a/b"), `header Host is "a/b", must be a host, with or without a port`},
		{"a user in Host", "ws://h", header("Host", "me@a"), `header Host is "me@a", must be a host, with or without a port`},
		{"a quote in Host", "ws://h", header("Host", `a"b`), `header Host is "a\"b", must be a host, with or without a port`},
		{"two Hosts, spelled differently", "ws://h", DialOptions{Header: http.Header{"Host": {"a"}, "host": {"a"}}}, "header Host needs exactly one value"},

		{"an empty subprotocol", "ws://h", offer("a", ""), `subprotocol "" is not a token`},
		{"a list for a subprotocol", "ws://h", offer("a, b"), `subprotocol "a, b" is not a token`},
		{"a line break in a subprotocol", "ws://h", offer("a\r\nX: y"), `subprotocol "a\r\nX: y" is not a token`},
		{"a subprotocol twice", "ws://h", offer("a", "b", "a"), `subprotocol "a" is offered twice`},

		{"a proxy of another scheme", "ws://h", DialOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "ftp", Host: "p"})}, `the proxy's scheme is "ftp", must be http, https, socks5 or socks5h`},
		{"a proxy without a host", "ws://h", DialOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: ":80"})}, "the proxy's URL has no host"},
		{"a proxy that cannot be chosen", "ws://h", DialOptions{Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("no idea") }}, "choosing the proxy: no idea"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.opts.NetDial = func(context.Context, string, string) (net.Conn, error) {
				t.Error("connected")
				return nil, errors.New("connected")
			}
			ws, response, err := Dial(t.Context(), c.url, c.opts)
			wantFailure(t, ws, err, 0, c.text)
			if response != nil {
				t.Errorf("response %v", response)
			}
		})
	}
}

func TestDialConnects(t *testing.T) {
	for rawURL, want := range map[string]string{
		"ws://h":            "h:80",
		"http://h":          "h:80",
		"ws://h:8080/x":     "h:8080",
		"ws://[::1]/":       "[::1]:80",
		"wss://h":           "h:443",
		"https://h":         "h:443",
		"wss://[fe80::1]:1": "[fe80::1]:1",
		"ws://h:":           "h:80",
	} {
		cause := errors.New("cable cut")
		var got string
		ws, response, err := Dial(t.Context(), rawURL, DialOptions{
			Proxy: noProxy,
			NetDial: func(_ context.Context, network, addr string) (net.Conn, error) {
				got = network + " " + addr
				return nil, cause
			},
		})
		wantFailure(t, ws, err, 0, "connecting to "+want+": cable cut")
		if !errors.Is(err, cause) || response != nil {
			t.Errorf("%s: error %v, response %v", rawURL, err, response)
		}
		if got != "tcp "+want {
			t.Errorf("%s: connected to %s, want tcp %s", rawURL, got, want)
		}
	}
	ws, _, err := Dial(t.Context(), "ws://h", DialOptions{
		Proxy:   noProxy,
		NetDial: func(context.Context, string, string) (net.Conn, error) { return nil, nil },
	})
	wantFailure(t, ws, err, 0, "connecting to h:80: NetDial returned neither connection nor error")
}
