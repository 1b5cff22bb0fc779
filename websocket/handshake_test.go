package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// The example of RFC 6455 §1.3.
const (
	rfcKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	rfcAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// upgradeRequest returns the request of RFC 6455 §1.3, without Origin and
// subprotocols, as net/http would parse it.
func upgradeRequest() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/chat", nil)
	r.Host = "server.example.com"
	r.Header = http.Header{
		headerUpgrade:    {"websocket"},
		headerConnection: {"Upgrade"},
		headerKey:        {rfcKey},
		headerVersion:    {"13"},
	}
	return r
}

// handshakeRules are the ways a request can be, and what becomes of it.
var handshakeRules = []struct {
	name   string
	change func(r *http.Request)
	status int    // 0: accepted
	reason string // of the error
}{
	{"as in RFC 6455 1.3", func(r *http.Request) {}, 0, ""},
	{"HTTP/1.0", func(r *http.Request) { r.Proto, r.ProtoMinor = "HTTP/1.0", 0 }, 505, `the request came by "HTTP/1.0", must come by HTTP/1.1`},
	{"HTTP/2", func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0 }, 505, `the request came by "HTTP/2.0", must come by HTTP/1.1`},
	{"HTTP/2 extended CONNECT", func(r *http.Request) {
		r.Method, r.Proto, r.ProtoMajor, r.ProtoMinor = http.MethodConnect, "HTTP/2.0", 2, 0
	}, 505, `the request came by "HTTP/2.0", must come by HTTP/1.1`},
	{"HTTP/1.2", func(r *http.Request) { r.Proto, r.ProtoMinor = "HTTP/1.2", 2 }, 505, `the request came by "HTTP/1.2", must come by HTTP/1.1`},
	{"HTTP/2.1", func(r *http.Request) { r.Proto, r.ProtoMajor = "HTTP/2.1", 2 }, 505, `the request came by "HTTP/2.1", must come by HTTP/1.1`},
	{"POST", func(r *http.Request) { r.Method = http.MethodPost }, 405, `method is "POST", must be GET`},
	{"HEAD", func(r *http.Request) { r.Method = http.MethodHead }, 405, `method is "HEAD", must be GET`},
	{"lower-case get", func(r *http.Request) { r.Method = "get" }, 405, `method is "get", must be GET`},
	{"no method, which means GET to clients only", func(r *http.Request) { r.Method = "" }, 405, `method is "", must be GET`},
	{"no Host", func(r *http.Request) { r.Host = "" }, 400, "no Host"},
	{"no headers at all", func(r *http.Request) { r.Header = nil }, 426, "no Upgrade to websocket"},

	{"no Upgrade", func(r *http.Request) { r.Header.Del("Upgrade") }, 426, "no Upgrade to websocket"},
	{"empty Upgrade", func(r *http.Request) { r.Header.Set("Upgrade", "") }, 426, "no Upgrade to websocket"},
	{"Upgrade to h2c", func(r *http.Request) { r.Header.Set("Upgrade", "h2c") }, 426, "no Upgrade to websocket"},
	{"Upgrade to a longer name", func(r *http.Request) { r.Header.Set("Upgrade", "websockets") }, 426, "no Upgrade to websocket"},
	{"Upgrade to a part of the name", func(r *http.Request) { r.Header.Set("Upgrade", "web socket") }, 426, "no Upgrade to websocket"},
	{"Upgrade with another version", func(r *http.Request) { r.Header.Set("Upgrade", "websocket/13") }, 426, "no Upgrade to websocket"},
	{"Upgrade with a Kelvin sign for the k", func(r *http.Request) { r.Header.Set("Upgrade", "websoc\u212Aet") }, 426, "no Upgrade to websocket"},
	{"Upgrade with a long s for the s", func(r *http.Request) { r.Header.Set("Upgrade", "web\u017Focket") }, 426, "no Upgrade to websocket"},
	{"Upgrade to a name of the same length", func(r *http.Request) { r.Header.Set("Upgrade", "websockit") }, 426, "no Upgrade to websocket"},
	{"Upgrade in other case", func(r *http.Request) { r.Header.Set("Upgrade", "WebSOCKET") }, 0, ""},
	{"Upgrade as a list", func(r *http.Request) { r.Header.Set("Upgrade", "h2c,,\t WebSocket ,foo") }, 0, ""},
	{"Upgrade over two lines", func(r *http.Request) { r.Header["Upgrade"] = []string{"h2c", "websocket"} }, 0, ""},

	{"no Connection", func(r *http.Request) { r.Header.Del("Connection") }, 400, "Connection lacks the token upgrade"},
	{"Connection: keep-alive", func(r *http.Request) { r.Header.Set("Connection", "keep-alive") }, 400, "Connection lacks the token upgrade"},
	{"Connection: upgraded", func(r *http.Request) { r.Header.Set("Connection", "upgraded") }, 400, "Connection lacks the token upgrade"},
	{"Connection with blanks for commas", func(r *http.Request) { r.Header.Set("Connection", "keep-alive Upgrade") }, 400, "Connection lacks the token upgrade"},
	{"Connection in other case", func(r *http.Request) { r.Header.Set("Connection", "uPGRADE") }, 0, ""},
	{"Connection as a list", func(r *http.Request) { r.Header.Set("Connection", "keep-alive, Upgrade") }, 0, ""},
	{"Connection over two lines", func(r *http.Request) { r.Header["Connection"] = []string{"keep-alive", "x,\tupgrade\t"} }, 0, ""},

	{"a body with a length", func(r *http.Request) { r.ContentLength = 1 }, 400, "the request has a body"},
	{"a body of unknown length", func(r *http.Request) { r.ContentLength = -1 }, 400, "the request has a body"},
	{"a chunked body", func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }, 400, "the request has a body"},

	{"no version", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Version") }, 426, "no Sec-WebSocket-Version, must be 13"},
	{"empty version", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "") }, 426, `Sec-WebSocket-Version is "", must be 13`},
	{"version 8", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, 426, `Sec-WebSocket-Version is "8", must be 13`},
	{"version 14", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "14") }, 426, `Sec-WebSocket-Version is "14", must be 13`},
	{"version 013", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "013") }, 426, `Sec-WebSocket-Version is "013", must be 13`},
	{"version 13 with a blank", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "13 ") }, 426, `Sec-WebSocket-Version is "13 ", must be 13`},
	{"a list of versions", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "13, 8") }, 426, `Sec-WebSocket-Version is "13, 8", must be 13`},
	{"two lines of versions", func(r *http.Request) { r.Header["Sec-Websocket-Version"] = []string{"13", "8"} }, 426, "more than one Sec-WebSocket-Version, must be 13 alone"},
	{"a very long version", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", strings.Repeat("9", 65)) }, 426, `Sec-WebSocket-Version is "` + strings.Repeat("9", 64) + `"…, must be 13`},
	{"a version with a line break", func(r *http.Request) { r.Header["Sec-Websocket-Version"] = []string{"8\r\nX: y"} }, 426, `Sec-WebSocket-Version is "8\r\nX: y", must be 13`},

	{"no key", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }, 400, "no Sec-WebSocket-Key"},
	{"empty key", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"two keys", func(r *http.Request) { r.Header["Sec-Websocket-Key"] = []string{rfcKey, rfcKey} }, 400, "more than one Sec-WebSocket-Key"},
	{"two keys in a line", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", rfcKey+", "+rfcKey) }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key of 15 bytes", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key of 17 bytes", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZWU=") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key of 18 bytes", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZWVl") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key of 16 bytes in hexadecimal", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "00112233445566778899aabbccddeeff") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key in the URL alphabet", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j-_==") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key without padding", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key padded too early", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j====") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key with a line break behind", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", rfcKey+"\r\n") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key between blanks", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", " \t"+rfcKey+"  ") }, 0, ""},
	{"a key with a blank inside", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25 ZQ==") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"a key with line breaks, as encoding/base64 skips them", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub2\r\nZQ==") }, 400, "Sec-WebSocket-Key is not base64 of 16 bytes"},
	{"the key of RFC 6455 4.1, with stray bits", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC==") }, 0, ""},
	{"a key with plus and slash", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "++++////++++////++++/w==") }, 0, ""},

	{"extensions offered", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate") }, 0, ""},
	{"a malformed list of subprotocols", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Protocol", ",, ,;") }, 0, ""},
}

func TestHandshakeRules(t *testing.T) {
	for _, rule := range handshakeRules {
		t.Run(rule.name, func(t *testing.T) {
			r := upgradeRequest()
			rule.change(r)
			w := httptest.NewRecorder()
			w.Header().Set("X-Preset", "kept")
			key, err := Handshake(w, r)
			if rule.status == 0 {
				if want := ClientKey(strings.Trim(r.Header.Get("Sec-WebSocket-Key"), " \t")); err != nil || key != want {
					t.Fatalf("Handshake = %q, %v, want %q, no error", key, err, want)
				}
				if w.Code != http.StatusSwitchingProtocols {
					t.Errorf("status %d, want 101", w.Code)
				}
				return
			}
			if key != "" {
				t.Errorf("key %q with an error", key)
			}
			wantRefusal(t, err, rule.status, rule.reason)
			if w.Code != 200 || w.Body.Len() != 0 || w.Flushed || len(w.Header()) != 1 {
				t.Errorf("a refusal wrote status %d, body %q, header %v", w.Code, w.Body, w.Header())
			}
		})
	}
}

func TestAcceptRules(t *testing.T) {
	for _, rule := range handshakeRules {
		t.Run(rule.name, func(t *testing.T) {
			r := upgradeRequest()
			rule.change(r)
			w := newHijackable("")
			ws, err := Accept(w, r, Options{})
			if rule.status == 0 {
				if err != nil {
					t.Fatalf("Accept: %v", err)
				}
				defer ws.abort(io.EOF)
				wantLabels(t, ws, strings.Trim(r.Header.Get("Sec-WebSocket-Key"), " \t"), "")
				return
			}
			if ws != nil {
				t.Errorf("connection %v with an error", ws)
			}
			wantRefusal(t, err, rule.status, rule.reason)
			if w.hijacked || w.Body.Len() != 0 || w.Code != 200 || len(w.Header()) != 0 {
				t.Errorf("a refusal hijacked: %v, wrote status %d, body %q, header %v", w.hijacked, w.Code, w.Body, w.Header())
			}
		})
	}
}

// wantRefusal fails the test unless err is a *HandshakeError with status and
// reason.
func wantRefusal(t *testing.T, err error, status int, reason string) {
	t.Helper()
	var refusal *HandshakeError
	if !errors.As(err, &refusal) {
		t.Fatalf("error %v, want a *HandshakeError", err)
	}
	if refusal.Status != status || refusal.Reason != reason {
		t.Errorf("refused with %d %q, want %d %q", refusal.Status, refusal.Reason, status, reason)
	}
}

// wantLabels fails the test unless the connection has the key and the
// subprotocol.
func wantLabels(t *testing.T, ws *Websocket, key, subprotocol string) {
	t.Helper()
	if got := ws.ClientKey(); string(got) != key {
		t.Errorf("client key %q, want %q", got, key)
	}
	if got := ws.Subprotocol(); got != subprotocol {
		t.Errorf("subprotocol %q, want %q", got, subprotocol)
	}
}

// A Websocket that nothing has opened, as in somebody's test, has no labels.
func TestZeroWebsocketHasNoLabels(t *testing.T) { wantLabels(t, new(Websocket), "", "") }

// hijackable is a ResponseWriter over a connection that records what is written
// and holds no more to read than what was buffered.
type hijackable struct {
	*httptest.ResponseRecorder
	conn     *recordedConn
	buffered string
	hijacked bool
}

func newHijackable(buffered string) *hijackable {
	return &hijackable{ResponseRecorder: httptest.NewRecorder(), conn: &recordedConn{}, buffered: buffered}
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.hijacked = true
	r := bufio.NewReader(strings.NewReader(h.buffered))
	r.Peek(len(h.buffered))
	return h.conn, bufio.NewReadWriter(r, bufio.NewWriter(h.conn)), nil
}

// recordedConn records writes and deadlines; its methods can be made to fail.
type recordedConn struct {
	writes        []string
	failAfter     int // bytes that Write takes before it fails, if err is set
	err           error
	closed        int
	read, write   time.Time // the deadlines that are set
	writeDeadline time.Time // the one that was set when Write was called
}

func (c *recordedConn) Read([]byte) (int, error) { return 0, io.EOF }
func (c *recordedConn) Write(p []byte) (int, error) {
	c.writeDeadline = c.write
	n := len(p)
	if c.failAfter > 0 || c.err != nil {
		n = min(n, c.failAfter)
	}
	c.writes = append(c.writes, string(p[:n]))
	return n, c.err
}
func (c *recordedConn) Close() error         { c.closed++; return nil }
func (c *recordedConn) LocalAddr() net.Addr  { return &net.TCPAddr{Port: 1} }
func (c *recordedConn) RemoteAddr() net.Addr { return &net.TCPAddr{Port: 2} }
func (c *recordedConn) SetDeadline(t time.Time) error {
	c.read, c.write = t, t
	return nil
}
func (c *recordedConn) SetReadDeadline(t time.Time) error  { c.read = t; return nil }
func (c *recordedConn) SetWriteDeadline(t time.Time) error { c.write = t; return nil }

func TestHandshakeAnswer(t *testing.T) {
	r := upgradeRequest()
	r.Header["Sec-Websocket-Protocol"] = []string{"soap, chat", "superchat"}
	w := httptest.NewRecorder()
	w.Header().Set("X-Preset", "kept")
	w.Header()["upgrade"] = []string{"h2c"}
	w.Header()["SEC-WEBSOCKET-EXTENSIONS"] = []string{"permessage-deflate"}
	w.Header().Set("Content-Length", "5")
	w.Header().Set("Sec-WebSocket-Accept", "wrong")
	w.Header().Set("Sec-WebSocket-Protocol", "xmpp, superchat, chat")
	// A list in one field is one name, which the client does not offer.
	if _, err := Handshake(w, r); err != nil {
		t.Fatal(err)
	}
	wantHeader(t, w.Header(), http.Header{
		"X-Preset":             {"kept"},
		"Upgrade":              {"websocket"},
		"Connection":           {"Upgrade"},
		"Sec-Websocket-Accept": {rfcAccept},
	})

	w = httptest.NewRecorder()
	w.Header()["Sec-Websocket-Protocol"] = []string{"xmpp", "superchat", "chat"}
	if _, err := Handshake(w, r); err != nil {
		t.Fatal(err)
	}
	wantHeader(t, w.Header(), http.Header{
		"Upgrade":                {"websocket"},
		"Connection":             {"Upgrade"},
		"Sec-Websocket-Accept":   {rfcAccept},
		"Sec-Websocket-Protocol": {"superchat"},
	})
}

func wantHeader(t *testing.T, got, want http.Header) {
	t.Helper()
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("header %s is %q, want %q", name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("header %s: %q is too much", name, got[name])
		}
	}
}

func TestAcceptAnswer(t *testing.T) {
	r := upgradeRequest()
	r.Header["Sec-Websocket-Protocol"] = []string{"soap,chat", "superchat"}
	w := newHijackable("")
	for name, values := range map[string][]string{
		"X-B":                      {"two", "three"},
		"X-A":                      {"one"},
		"x-split":                  {"a\r\nEvil: yes\r\n\r\nb\x00c"},
		"Bad Name":                 {"x"},
		"Evil: yes\r\nX":           {"x"},
		"":                         {"x"},
		"upgrade":                  {"h2c"},
		"CONNECTION":               {"close"},
		"Sec-WebSocket-Accept":     {"wrong"},
		"sec-websocket-protocol":   {"soap"},
		"Sec-Websocket-Extensions": {"permessage-deflate"},
		"Content-Length":           {"5"},
		"Transfer-Encoding":        {"chunked"},
		"Trailer":                  {"X"},
	} {
		w.Header()[name] = values
	}
	ws, err := Accept(w, r, Options{Subprotocols: []string{"xmpp", "superchat", "soap"}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.abort(io.EOF)
	want := "HTTP/1.1 101 Switching Protocols\r\n" +
		"Upgrade: websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + rfcAccept + "\r\n" +
		"Sec-WebSocket-Protocol: superchat\r\n" +
		"X-A: one\r\n" +
		"X-B: two\r\n" +
		"X-B: three\r\n" +
		"x-split: a  Evil: yes    b c\r\n\r\n"
	if got := w.conn.writes; len(got) != 1 || got[0] != want {
		t.Errorf("wrote %q, want %q in one write", got, want)
	}
	wantLabels(t, ws, rfcKey, "superchat")
}

func TestRespond(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    *HandshakeError
		status int
		header http.Header
	}{
		{"another version", refuse(426, "why"), 426, http.Header{"Sec-Websocket-Version": {"13"}, "Upgrade": {"websocket"}, "Connection": {"Upgrade"}}},
		{"another method", refuse(405, "why"), 405, http.Header{"Allow": {"GET"}}},
		{"bad request", refuse(400, "why"), 400, http.Header{}},
		{"a status of a client", refuse(0, "why"), 500, http.Header{}},
		{"a status of success", refuse(101, "why"), 500, http.Header{}},
		{"no status at all", refuse(1000, "why"), 500, http.Header{}},
		{"a cause, which is not told", &HandshakeError{Status: 501, Reason: "why", Err: errors.New("secret")}, 501, http.Header{}},
	} {
		w := httptest.NewRecorder()
		c.err.Respond(w)
		c.header.Set("Content-Type", "text/plain; charset=utf-8")
		c.header.Set("X-Content-Type-Options", "nosniff")
		if got, want := w.Body.String(), "websocket handshake: why\n"; w.Code != c.status || got != want {
			t.Errorf("%s: answered %d %q, want %d %q", c.name, w.Code, got, c.status, want)
		}
		wantHeader(t, w.Header(), c.header)
	}
}

func TestClientKeys(t *testing.T) {
	if got := string(appendAccept([]byte("x"), rfcKey)); got != "x"+rfcAccept {
		t.Errorf("appendAccept = %q, want %q", got, "x"+rfcAccept)
	}
	seen := map[ClientKey]bool{}
	for range 1000 {
		key := NewClientKey()
		if !key.valid() || seen[key] {
			t.Fatalf("NewClientKey = %q, want a valid key that was not there yet", key)
		}
		seen[key] = true
	}
	// One byte changed makes a key invalid, unless it is base64 too.
	for i := range len(rfcKey) {
		for b := range 256 {
			text := []byte(rfcKey)
			text[i] = byte(b)
			inAlphabet := bytes.IndexByte([]byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), byte(b)) >= 0
			want := i < 22 && inAlphabet || i >= 22 && b == '='
			if got := ClientKey(text).valid(); got != want {
				t.Fatalf("%q: valid = %v, want %v", text, got, want)
			}
		}
	}
}
