package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
			synctest.Test(t, func(t *testing.T) { // so that no machine is too slow
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
