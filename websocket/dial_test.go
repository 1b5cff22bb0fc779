package websocket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
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

// TestDialRefusesAnswers holds RFC 6455 §4.1, what a client must not take.
func TestDialRefusesAnswers(t *testing.T) {
	// change replaces a line of the good answer, or drops it.
	change := func(line string, by ...string) func(string) string {
		return func(request string) string {
			good := strings.Split(answerTo(request), "\r\n")
			i := slices.IndexFunc(good, func(l string) bool { return strings.HasPrefix(l, line) })
			return strings.Join(slices.Replace(good, i, i+1, by...), "\r\n")
		}
	}
	more := func(lines ...string) func(string) string {
		return func(request string) string { return answerTo(request, lines...) }
	}
	const (
		upgrade    = "the answer has not exactly one Upgrade, to websocket"
		connection = "the answer's Connection lacks the token upgrade"
		accept     = "the answer has not exactly one Sec-WebSocket-Accept"
	)
	for _, c := range []struct {
		name   string
		answer func(request string) string
		text   string // "": taken
	}{
		{"as it should be", more(), ""},
		{"other reason", change("HTTP", "HTTP/1.1 101 Whatever"), ""},
		{"no reason", change("HTTP", "HTTP/1.1 101"), ""},
		{"other case", func(request string) string {
			return "HTTP/1.1 101 x\r\nUPGRADE: WebSocket\r\nconnection: keep-alive, UPGRADE\r\nsec-websocket-accept:   " + acceptOf(request) + " \r\n\r\n"
		}, ""},
		{"lines without carriage returns", func(request string) string {
			return strings.ReplaceAll(answerTo(request), "\r\n", "\n")
		}, ""},
		{"interim responses in front", func(request string) string {
			return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answerTo(request)
		}, ""},
		{"other fields", more("Date: today", "Set-Cookie: a=b"), ""},
		{"empty extensions", more("Sec-WebSocket-Extensions:"), ""},
		{"the first subprotocol", more("Sec-WebSocket-Protocol: a"), ""},
		{"the second subprotocol", more("Sec-WebSocket-Protocol: b"), ""},

		{"HTTP/1.0", change("HTTP", "HTTP/1.0 101 Switching Protocols"), `the server answered by "HTTP/1.0", must answer by HTTP/1.1`},
		{"HTTP/2", change("HTTP", "HTTP/2.0 101 Switching Protocols"), `the server answered by "HTTP/2.0", must answer by HTTP/1.1`},
		{"no Upgrade", change("Upgrade"), upgrade},
		{"Upgrade to h2c", change("Upgrade", "Upgrade: h2c"), upgrade},
		{"Upgrade to more", change("Upgrade", "Upgrade: websocket, h2c"), upgrade},
		{"two Upgrades", more("Upgrade: websocket"), upgrade},
		{"Upgrade with a Kelvin sign", change("Upgrade", "Upgrade: websoc\u212Aet"), upgrade},
		{"no Connection", change("Connection"), connection},
		{"Connection: close", change("Connection", "Connection: close"), connection},
		{"no accept", change("Sec-WebSocket-Accept"), accept},
		{"two accepts", more("Sec-WebSocket-Accept: x"), accept},
		{"an empty accept", change("Sec-WebSocket-Accept", "Sec-WebSocket-Accept:"), `Sec-WebSocket-Accept is "", does not belong to the key`},
		{"accept of another key", change("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: "+rfcAccept), `Sec-WebSocket-Accept is "` + rfcAccept + `", does not belong to the key`},
		{"an extension", more("Sec-WebSocket-Extensions: permessage-deflate"), `the server uses the extensions "permessage-deflate", none of which was offered`},
		{"extensions over two lines", more("Sec-WebSocket-Extensions:", "Sec-WebSocket-Extensions: x"), `the server uses the extensions ", x", none of which was offered`},
		{"a subprotocol not offered", more("Sec-WebSocket-Protocol: c"), `the server selected the subprotocol "c", which was not offered`},
		{"a subprotocol in other case", more("Sec-WebSocket-Protocol: A"), `the server selected the subprotocol "A", which was not offered`},
		{"an empty subprotocol", more("Sec-WebSocket-Protocol:"), `the server selected the subprotocol "", which was not offered`},
		{"a list of subprotocols", more("Sec-WebSocket-Protocol: a, b"), `the server selected the subprotocol "a, b", which was not offered`},
		{"two subprotocols", more("Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: a"), "the server selected more than one subprotocol"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want string
			opts := DialOptions{Options: Options{Subprotocols: []string{"a", "b"}}}
			ws, response, err := dialScripted(t.Context(), "ws://h", opts, func(conn net.Conn, request string) {
				answer := c.answer(request)
				want = fieldOf(answer, "Sec-WebSocket-Protocol")
				io.WriteString(conn, answer)
				if c.text == "" {
					return
				}
				if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("after a bad answer the server reads %v, want EOF", err)
				}
			})
			if response == nil || response.StatusCode != 101 {
				t.Fatalf("response %v, error %v, want a 101", response, err)
			}
			if n, err := response.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("reading the body: %d, %v, want EOF", n, err)
			}
			if c.text != "" {
				wantFailure(t, ws, err, 101, c.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer ws.abort(io.EOF)
			wantLabels(t, ws, string(ws.ClientKey()), want)
		})
	}
}

// A refused upgrade comes back with its status, its header, and what fits of its
// body, which can be read when the connection is gone.
func TestDialRefused(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1000)
	for _, c := range []struct {
		name, answer string
		closes       bool // the server's side, behind the answer
		status       int
		text, body   string
	}{
		{"not found", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry", false, 404, `the server answered "404 Not Found"`, "sorry"},
		{"by HTTP/1.0", "HTTP/1.0 403 Forbidden\r\n\r\nno", true, 403, `the server answered "403 Forbidden"`, "no"},
		{"no upgrade at all", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, 200, `the server answered "200 OK"`, "hi"},
		{"another version", "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n", false, 426, `the server answered "426 Upgrade Required"`, ""},
		{"a redirect", "HTTP/1.1 301 Moved Permanently\r\nLocation: wss://h/\r\nContent-Length: 0\r\n\r\n", false, 301, `the server answered "301 Moved Permanently", a redirect to "wss://h/" that Dial does not follow`, ""},
		{"a redirect to nowhere", "HTTP/1.1 304 Not Modified\r\n\r\n", false, 304, `the server answered "304 Not Modified"`, ""},
		{"after an interim response", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", false, 503, `the server answered "503 Busy"`, ""},
		{"a large body", "HTTP/1.1 500 Oops\r\nContent-Length: 16000\r\n\r\n" + large, false, 500, `the server answered "500 Oops"`, large[:1024]},
		{"a large body in chunks of a byte", "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 3000), false, 500, `the server answered "500 Oops"`, strings.Repeat("x", 1024)},
		{"a body that breaks off", "HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\n12345", true, 500, `the server answered "500 Oops"`, "12345"},
		{"a body that never comes", "HTTP/1.1 500 Oops\r\nContent-Length: 10\r\n\r\n12345", false, 500, `the server answered "500 Oops"`, "12345"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := DialOptions{Options: Options{CloseTimeout: 10 * time.Millisecond}}
			ws, response, err := dialScripted(t.Context(), "ws://h", opts, func(conn net.Conn, _ string) {
				io.WriteString(conn, c.answer)
				if c.closes {
					return
				}
				if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("after its refusal the server reads %v, want EOF", err)
				}
			})
			wantFailure(t, ws, err, c.status, c.text)
			if response == nil || response.StatusCode != c.status {
				t.Fatalf("response %v, want one with status %d", response, c.status)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || string(body) != c.body {
				t.Errorf("body %q, %v, want %q", body, err, c.body)
			}
			if err := response.Body.Close(); err != nil {
				t.Errorf("closing the body: %v", err)
			}
		})
	}
}

// An endless header is cut off, whatever it is made of.
func TestDialBoundsTheHeader(t *testing.T) {
	for name, c := range map[string]struct{ first, again string }{
		"a status line":      {"HTTP/1.1 101 ", "x"},
		"a field":            {"HTTP/1.1 101 x\r\nX: ", "x"},
		"fields":             {"HTTP/1.1 101 x\r\n", "X: y\r\n"},
		"interim responses":  {"", "HTTP/1.1 100 Continue\r\n\r\n"},
		"a field name":       {"HTTP/1.1 101 x\r\n", "x"},
		"continuation lines": {"HTTP/1.1 101 x\r\nX: y\r\n", " z\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			sent := 0
			ws, response, err := dialScripted(t.Context(), "ws://h", DialOptions{}, func(conn net.Conn, _ string) {
				for text := []byte(c.first + strings.Repeat(c.again, 1000/len(c.again))); ; text = []byte(strings.Repeat(c.again, 1000/len(c.again))) {
					n, err := conn.Write(text)
					if sent += n; err != nil {
						return
					}
				}
			})
			wantFailure(t, ws, err, 0, "reading the answer: header of more than 64 KiB")
			if response != nil {
				t.Errorf("response %v", response)
			}
			if sent != maxAnswerHeader {
				t.Errorf("%d bytes were read, want %d", sent, maxAnswerHeader)
			}
		})
	}
	// The longest that is taken.
	ws, _, err := dialScripted(t.Context(), "ws://h", DialOptions{}, func(conn net.Conn, request string) {
		size := maxAnswerHeader - len(answerTo(request, "X: "))
		io.WriteString(conn, answerTo(request, "X: "+strings.Repeat("y", size)))
	})
	if err != nil {
		t.Fatalf("with a header of 64 KiB: %v", err)
	}
	ws.abort(io.EOF)
}

// What the server sends behind its answer are the first frames, however it is
// split.
func TestBytesBehindTheAnswerAreTheFirstFrames(t *testing.T) {
	frames := string(MarshalFrame(NewFrame(OpcodeText, true, []byte("first")), Unmasked)) +
		string(MarshalFrame(NewFrame(OpcodeText, true, []byte("second")), Unmasked))
	for split := 0; split <= len(frames); split++ {
		ws, _, err := dialScripted(t.Context(), "ws://h", DialOptions{}, func(conn net.Conn, request string) {
			io.WriteString(conn, answerTo(request)+frames[:split])
			io.WriteString(conn, frames[split:])
		})
		if err != nil {
			t.Fatal(err)
		}
		wantMessage(t, ws, "first")
		wantMessage(t, ws, "second")
		ws.abort(io.EOF)
	}
}

// faultyConn fails after some bytes.
type faultyConn struct {
	net.Conn
	reads, writes int // bytes before they fail, negative: never
	short         bool
	err           error
	oneByte       bool
}

func (c *faultyConn) Read(p []byte) (int, error) {
	if c.reads == 0 {
		return 0, c.err
	}
	if c.reads > 0 {
		p = p[:min(len(p), c.reads)]
	}
	r := io.Reader(c.Conn)
	if c.oneByte {
		r = iotest.OneByteReader(r)
	}
	n, err := r.Read(p)
	if c.reads > 0 {
		c.reads -= n
	}
	return n, err
}

func (c *faultyConn) Write(p []byte) (int, error) {
	if c.writes < 0 || len(p) <= c.writes {
		if c.writes >= 0 {
			c.writes -= len(p)
		}
		return c.Conn.Write(p)
	}
	n, _ := c.Conn.Write(p[:c.writes])
	c.writes = 0
	if c.short {
		return n, nil
	}
	return n, c.err
}

// Reads and writes may fail at each byte of the handshake: the cause is told and
// the connection closed.
func TestDialTransportFailures(t *testing.T) {
	cause := errors.New("cable cut")
	dial := func(t *testing.T, faults faultyConn, want error, reason string) (done bool) {
		server, client := net.Pipe()
		faults.Conn = client
		closed := make(chan error)
		go func() {
			request, err := readHeader(server)
			if err == nil {
				io.WriteString(server, answerTo(request))
			}
			_, err = io.Copy(io.Discard, server)
			closed <- err
		}()
		ws, response, err := Dial(t.Context(), "ws://h", DialOptions{
			Proxy:   noProxy,
			NetDial: func(context.Context, string, string) (net.Conn, error) { return &faults, nil },
		})
		if err == nil {
			ws.abort(io.EOF)
			<-closed
			return true
		}
		wantFailure(t, ws, err, 0, reason+": "+want.Error())
		if !errors.Is(err, want) || response != nil {
			t.Errorf("error %v, response %v, want %v, none", err, response, want)
		}
		if err := <-closed; err != nil {
			t.Errorf("the server reads %v, want EOF", err)
		}
		return false
	}
	wire := len("GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: Go-http-client/1.1\r\nConnection: Upgrade\r\nSec-WebSocket-Key: 123456789012345678901234\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n\r\n")
	for n := range wire {
		for _, c := range []struct {
			short bool
			want  error
		}{{false, cause}, {true, io.ErrShortWrite}} {
			if dial(t, faultyConn{reads: -1, writes: n, short: c.short, err: cause}, c.want, "writing the request") {
				t.Errorf("connected after %d bytes of the request", n)
			}
		}
	}
	wire = len(answerTo(""))
	for n := range wire {
		for _, c := range []struct{ err, want error }{{cause, cause}, {io.EOF, io.ErrUnexpectedEOF}} {
			if dial(t, faultyConn{reads: n, writes: -1, err: c.err}, c.want, "reading the answer") {
				t.Errorf("connected after %d bytes of the answer", n)
			}
		}
	}
	if !dial(t, faultyConn{reads: wire, writes: -1, oneByte: true}, nil, "") {
		t.Error("not connected, byte by byte")
	}
}

// What is wrong with a malformed answer net/http tells; here it only counts that
// there is an error.
func TestDialMalformedAnswers(t *testing.T) {
	for _, answer := range []string{
		"", "\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 1010 x\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/1.1 101 x\r\nno colon\r\n\r\n", "HTTP/1.1 101 x\r\n: y\r\n\r\n", "HTTP/1.1 101 x\r\n Upgrade: websocket\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	} {
		ws, response, err := dialScripted(t.Context(), "ws://h", DialOptions{}, func(conn net.Conn, _ string) { io.WriteString(conn, answer) })
		var failure *HandshakeError
		if ws != nil || response != nil || !errors.As(err, &failure) || failure.Status != 0 || failure.Reason != "reading the answer" || failure.Err == nil {
			t.Errorf("answer %q: %v, %v, error %v", answer, ws, response, err)
		}
	}
}

// The context ends each step at once, and leaves no connection behind.
func TestDialContext(t *testing.T) {
	cause := errors.New("cause")
	for _, c := range []struct {
		name, url string
		proxy     string
		play      func(server net.Conn, cancel func())
		text      string
	}{
		{"connecting", "ws://h", "", nil, "connecting to h:80"},
		{"connecting to a proxy", "ws://h", "http://p", nil, "connecting to the proxy p:80"},
		{"writing", "ws://h", "", func(server net.Conn, cancel func()) {
			server.Read(make([]byte, 1))
			cancel()
		}, "writing the request"},
		{"reading", "ws://h", "", func(server net.Conn, cancel func()) {
			readHeader(server)
			io.WriteString(server, "HTTP/1.1 101")
			cancel()
		}, "reading the answer"},
		{"TLS, writing", "wss://h", "", func(server net.Conn, cancel func()) {
			server.Read(make([]byte, 1))
			cancel()
		}, "TLS with h"},
		{"TLS, reading", "wss://h", "", func(server net.Conn, cancel func()) {
			server.Read(make([]byte, 9000))
			cancel()
		}, "TLS with h"},
		{"CONNECT, writing", "ws://h", "http://p", func(server net.Conn, cancel func()) {
			server.Read(make([]byte, 1))
			cancel()
		}, "proxy: writing the request"},
		{"CONNECT, reading", "ws://h", "http://p", func(server net.Conn, cancel func()) {
			readHeader(server)
			cancel()
		}, "proxy: reading the answer"},
		{"TLS with a proxy", "ws://h", "https://p", func(server net.Conn, cancel func()) {
			server.Read(make([]byte, 9000))
			cancel()
		}, "proxy: TLS with p"},
		{"SOCKS", "ws://h", "socks5://p", func(server net.Conn, cancel func()) {
			server.Read(make([]byte, 9))
			cancel()
		}, "proxy: SOCKS5 to h:80"},
		{"behind a proxy", "ws://h", "http://p", func(server net.Conn, cancel func()) {
			readHeader(server)
			io.WriteString(server, "HTTP/1.1 200 OK\r\n\r\n")
			readHeader(server)
			cancel()
		}, "reading the answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			server, client := net.Pipe()
			defer server.Close()
			done, closed := make(chan struct{}), make(chan struct{})
			opts := DialOptions{Proxy: noProxy, NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				if c.play == nil {
					cancel(cause)
					<-ctx.Done()
					return nil, errors.New("some error of the dialer's own")
				}
				go func() {
					defer close(done)
					c.play(server, func() { cancel(cause) })
					<-closed
					if _, err := io.Copy(io.Discard, server); err != nil {
						t.Errorf("the server reads %v, want EOF", err)
					}
				}()
				return notedConn{client, new(sync.Once), closed}, nil
			}}
			if c.proxy != "" {
				proxy, err := url.Parse(c.proxy)
				if err != nil {
					t.Fatal(err)
				}
				opts.Proxy = http.ProxyURL(proxy)
			}
			ws, response, err := Dial(ctx, c.url, opts)
			wantFailure(t, ws, err, 0, c.text+": context canceled: cause")
			if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || response != nil {
				t.Errorf("error %v, response %v", err, response)
			}
			if c.play != nil {
				<-done
			}
		})
	}
}

func TestDialContextEndedBefore(t *testing.T) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	ws, _, err := Dial(ctx, "ws://127.0.0.1:1", DialOptions{})
	wantFailure(t, ws, err, 0, "connecting to 127.0.0.1:1: context deadline exceeded")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want a context.DeadlineExceeded", err)
	}
}

// notedConn tells when it is closed.
type notedConn struct {
	net.Conn
	once   *sync.Once
	closed chan struct{}
}

func (c notedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// lateConn delivers the end of the answer after ctx has ended and Close has been
// called for it.
type lateConn struct {
	notedConn
	cancel func()
}

func (c lateConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.cancel()
	<-c.closed
	return n, err
}

// A context that ends when all is done but Dial has not returned: there is an
// error, not a connection that is closed.
func TestDialContextEndsLast(t *testing.T) {
	server, client := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		request, _ := readHeader(server)
		io.WriteString(server, answerTo(request))
	}()
	ws, response, err := Dial(ctx, "ws://h", DialOptions{
		Proxy: noProxy,
		NetDial: func(context.Context, string, string) (net.Conn, error) {
			return lateConn{notedConn{client, new(sync.Once), make(chan struct{})}, cancel}, nil
		},
	})
	wantFailure(t, ws, err, 0, "given up: context canceled")
	if response != nil {
		t.Errorf("response %v", response)
	}
}

// Once Dial has returned, its context has no effect.
func TestDialContextEndsLater(t *testing.T) {
	h := NewHandler(EchoHandler, Options{})
	server := httptest.NewServer(h)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ws, _, err := Dial(ctx, "ws"+strings.TrimPrefix(server.URL, "http"), DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	wantEcho(t, ws, "hello")
	if err := ws.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestDialTLS(t *testing.T) {
	names := make(chan string, 10)
	h := NewHandler(EchoHandler, Options{})
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = quietLog()
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names <- hello.ServerName + " " + strings.Join(hello.SupportedProtos, ",")
		return nil, nil
	}}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	toServer := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	config := &tls.Config{RootCAs: roots, NextProtos: []string{"h2", "http/1.1"}}
	before := config.Clone()
	for _, c := range []struct {
		name, url string
		config    *tls.Config
		hello     string
	}{
		{"wss", "wss://example.com", config, "example.com http/1.1"},
		{"https", "https://example.com:1", config, "example.com http/1.1"},
		{"a name of its own", "wss://other.test", &tls.Config{RootCAs: roots, ServerName: "example.com"}, "example.com http/1.1"},
	} {
		ws, response, err := Dial(t.Context(), c.url, DialOptions{Proxy: noProxy, NetDial: toServer, TLSConfig: c.config})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := <-names; got != c.hello {
			t.Errorf("%s: hello %q, want %q", c.name, got, c.hello)
		}
		if response.TLS == nil || response.TLS.NegotiatedProtocol != "http/1.1" {
			t.Errorf("%s: response.TLS is %v", c.name, response.TLS)
		}
		wantEcho(t, ws, "hello")
		if err := ws.Close(); err != nil {
			t.Errorf("%s: Close: %v", c.name, err)
		}
	}
	if config.ServerName != before.ServerName || !slices.Equal(config.NextProtos, before.NextProtos) {
		t.Errorf("the caller's configuration was changed: %v", config)
	}
	for name, c := range map[string]struct {
		url    string
		config *tls.Config
	}{
		"an unknown authority": {"wss://example.com", nil},
		"another name":         {"wss://other.test", config},
	} {
		ws, response, err := Dial(t.Context(), c.url, DialOptions{Proxy: noProxy, NetDial: toServer, TLSConfig: c.config})
		var failure *HandshakeError
		var invalid *tls.CertificateVerificationError
		host := strings.TrimPrefix(c.url, "wss://")
		if ws != nil || response != nil || !errors.As(err, &failure) || failure.Reason != "TLS with "+host || !errors.As(err, &invalid) {
			t.Errorf("%s: %v, %v, error %v", name, ws, response, err)
		}
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// The proxy of the environment is asked by default, with http for ws: seen in a
// process of its own, since net/http reads the environment once.
func TestDialProxyFromEnvironment(t *testing.T) {
	const variable = "WEBSOCKET_TEST_DIAL"
	if rawURL := os.Getenv(variable); rawURL != "" {
		_, _, err := Dial(t.Context(), rawURL, DialOptions{NetDial: func(_ context.Context, _, addr string) (net.Conn, error) {
			return nil, errors.New("asked for " + addr)
		}})
		fmt.Println(err)
		return
	}
	for rawURL, want := range map[string]string{
		"ws://h.test":    "websocket handshake: connecting to the proxy plain.test:1: asked for plain.test:1\n",
		"wss://h.test":   "websocket handshake: connecting to the proxy secure.test:1080: asked for secure.test:1080\n",
		"ws://not.test":  "websocket handshake: connecting to not.test:80: asked for not.test:80\n",
		"wss://not.test": "websocket handshake: connecting to not.test:443: asked for not.test:443\n",
	} {
		got := runSelf(t, "^TestDialProxyFromEnvironment$", variable+"="+rawURL,
			"HTTP_PROXY=http://plain.test:1", "HTTPS_PROXY=socks5://secure.test", "NO_PROXY=not.test")
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", rawURL, got, want)
		}
	}
}

// A server may talk before it is spoken to; this one uses Handshake and New.
func TestDialServerThatTalksFirst(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, err := Handshake(w, r)
		if err != nil {
			err.(*HandshakeError).Respond(w)
			return
		}
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		ws := New(struct {
			io.Reader
			io.WriteCloser
		}{buffered, conn}, key, ServerMode, Options{})
		if err := ws.WriteMessage(context.Background(), &Message{Payload: []byte("welcome")}); err != nil {
			t.Error(err)
		}
		ws.Serve(context.Background(), EchoHandler)
	}))
	defer server.Close()
	ws, _, err := Dial(t.Context(), server.URL, DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantMessage(t, ws, "welcome")
	wantEcho(t, ws, "hello")
	if err := ws.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
