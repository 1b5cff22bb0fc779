package websocket

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Writers that cannot be hijacked, each in another way.
type (
	plainWriter   struct{ http.ResponseWriter }
	wrappedWriter struct{ http.ResponseWriter }
	hollowWriter  struct {
		http.ResponseWriter
		http.Hijacker
	}
	assertingWriter struct{ http.ResponseWriter }
	failingWriter   struct {
		http.ResponseWriter
		conn     net.Conn
		buffered *bufio.ReadWriter
		err      error
	}
)

func (w wrappedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w assertingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.ResponseWriter.(http.Hijacker).Hijack()
}

func (w failingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, w.buffered, w.err
}

func TestAcceptWhereNothingCanBeHijacked(t *testing.T) {
	const unsupported = "the connection cannot be taken over from net/http, by a middleware perhaps"
	const failed = "taking the connection over from net/http"
	cause := errors.New("cause")
	recorder := httptest.NewRecorder()
	for _, c := range []struct {
		name   string
		w      http.ResponseWriter
		status int
		reason string
		cause  error
	}{
		{"a recorder", recorder, 501, unsupported, http.ErrNotSupported},
		{"a wrapper without Unwrap", plainWriter{newHijackable("")}, 501, unsupported, http.ErrNotSupported},
		{"a wrapper with Unwrap around a recorder", wrappedWriter{recorder}, 501, unsupported, http.ErrNotSupported},
		{"a nil Hijacker", hollowWriter{ResponseWriter: recorder}, 501, unsupported, http.ErrNotSupported},
		{"a wrapper that asserts a Hijacker", assertingWriter{recorder}, 501, unsupported, http.ErrNotSupported},
		{"a Hijacker that cannot", failingWriter{recorder, nil, nil, http.ErrNotSupported}, 501, unsupported, http.ErrNotSupported},
		{"a Hijacker that fails", failingWriter{recorder, nil, nil, cause}, 500, failed, cause},
		{"a connection hijacked before", failingWriter{recorder, nil, nil, http.ErrHijacked}, 500, failed, http.ErrHijacked},
		{"a Hijacker without a connection", failingWriter{recorder, nil, nil, nil}, 500, failed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ws, err := Accept(c.w, upgradeRequest(), Options{})
			if ws != nil {
				t.Errorf("connection %v with an error", ws)
			}
			wantRefusal(t, err, c.status, c.reason)
			if c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("error %v does not wrap %v", err, c.cause)
			}
			if recorder.Body.Len() != 0 || len(recorder.Header()) != 0 {
				t.Errorf("a refusal wrote %q, header %v", recorder.Body, recorder.Header())
			}
		})
	}
}

func TestAcceptThroughUnwrap(t *testing.T) {
	w := newHijackable("")
	ws, err := Accept(wrappedWriter{wrappedWriter{w}}, upgradeRequest(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.abort(io.EOF)
	if !w.hijacked || len(w.conn.writes) != 1 {
		t.Errorf("hijacked: %v, writes %q", w.hijacked, w.conn.writes)
	}
}

func TestAcceptWithoutReader(t *testing.T) {
	for _, buffered := range []*bufio.ReadWriter{nil, {}} {
		ws, err := Accept(failingWriter{httptest.NewRecorder(), &recordedConn{}, buffered, nil}, upgradeRequest(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		ws.abort(io.EOF)
	}
}

// The answer is written under WriteTimeout; neither that deadline nor one of
// net/http's is left on the connection.
func TestAcceptDeadlines(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
	}{
		{"default", 0},
		{"WriteTimeout", time.Hour},
	} {
		w := newHijackable("")
		w.conn.SetDeadline(time.Unix(1, 0))
		before := time.Now()
		ws, err := Accept(w, upgradeRequest(), Options{WriteTimeout: c.timeout})
		if err != nil {
			t.Fatal(err)
		}
		got := w.conn.writeDeadline
		if c.timeout == 0 && !got.IsZero() {
			t.Errorf("%s: written under the deadline %v, want none", c.name, got)
		}
		if c.timeout > 0 && (got.Before(before.Add(c.timeout)) || got.After(time.Now().Add(c.timeout))) {
			t.Errorf("%s: written under the deadline %v, want %v from now", c.name, got, c.timeout)
		}
		if !w.conn.read.IsZero() || !w.conn.write.IsZero() {
			t.Errorf("%s: deadlines %v and %v are left", c.name, w.conn.read, w.conn.write)
		}
		ws.abort(io.EOF)
	}
}

// A peer that reads nothing cannot hold Accept up.
func TestAcceptGivesUpOnAPeerThatDoesNotRead(t *testing.T) {
	server, client := net.Pipe()
	defer client.Close()
	w := failingWriter{httptest.NewRecorder(), server, nil, nil}
	_, err := Accept(w, upgradeRequest(), Options{WriteTimeout: time.Millisecond})
	wantRefusal(t, err, 500, "writing the answer")
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("error %v, want a timeout", err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the client reads %v, want EOF: the connection is closed", err)
	}
}

// Writing the answer may fail at any byte: the connection is closed and the
// cause told.
func TestAcceptWriteFailures(t *testing.T) {
	cause := errors.New("cable cut")
	whole := string(appendAnswer(nil, rfcKey, "", "", nil))
	for n := range len(whole) {
		for _, failure := range []error{cause, nil} {
			if n == 0 && failure == nil {
				continue // recordedConn takes this for success
			}
			w := newHijackable("")
			w.conn.failAfter, w.conn.err = n, failure
			ws, err := Accept(w, upgradeRequest(), Options{})
			if ws != nil {
				t.Errorf("%d bytes: a connection", n)
			}
			wantRefusal(t, err, 500, "writing the answer")
			want := failure
			if want == nil {
				want = io.ErrShortWrite
			}
			if !errors.Is(err, want) {
				t.Errorf("%d bytes: error %v, want %v", n, err, want)
			}
			if w.conn.closed != 1 {
				t.Errorf("%d bytes: closed %d times", n, w.conn.closed)
			}
			if got := strings.Join(w.conn.writes, "|"); got != whole[:n] {
				t.Errorf("%d bytes: wrote %q", n, got)
			}
		}
	}
}

func TestAcceptLargeHeaders(t *testing.T) {
	w := newHijackable("")
	large := strings.Repeat("x", 8<<10) // more than fits the buffer of net/http
	w.Header().Set("X-Large", large)
	ws, err := Accept(w, upgradeRequest(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.abort(io.EOF)
	if want := "X-Large: " + large + "\r\n\r\n"; len(w.conn.writes) != 1 || !strings.HasSuffix(w.conn.writes[0], want) {
		t.Errorf("%d writes, want one that ends in the large header", len(w.conn.writes))
	}
}

func TestSubprotocolSelection(t *testing.T) {
	for _, c := range []struct {
		name            string
		offered, spoken []string
		want            string
	}{
		{"nothing offered", nil, []string{"a"}, ""},
		{"nothing spoken", []string{"a"}, nil, ""},
		{"the server's order counts", []string{"a, b"}, []string{"b", "a"}, "b"},
		{"over two lines", []string{"a", "x ,b"}, []string{"b", "c"}, "b"},
		{"blanks", []string{"\t a \t,b"}, []string{"a"}, "a"},
		{"none in common", []string{"a, b"}, []string{"c"}, ""},
		{"another case", []string{"Chat"}, []string{"chat"}, ""},
		{"a part of a name", []string{"chat2, superchat"}, []string{"chat"}, ""},
		{"an empty name", []string{"a,,b"}, []string{"", "b"}, "b"},
		{"a name that is no token", []string{"a b"}, []string{"a b"}, ""},
		{"a name that ends the line", []string{"a\r\nX: y"}, []string{"a\r\nX: y"}, ""},
		{"a comma in a name", []string{"a,b"}, []string{"a,b"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := upgradeRequest()
			r.Header[headerProtocol] = c.offered
			w := newHijackable("")
			ws, err := Accept(w, r, Options{Subprotocols: c.spoken})
			if err != nil {
				t.Fatal(err)
			}
			defer ws.abort(io.EOF)
			wantLabels(t, ws, rfcKey, c.want)
			if got, want := w.conn.writes[0], string(appendAnswer(nil, rfcKey, c.want, "", nil)); got != want {
				t.Errorf("wrote %q, want %q", got, want)
			}
		})
	}
}

// Accepting costs at most four allocations of its own (RFC 6455 leaves little
// to do), whatever the length of the answer.
func TestAcceptAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	r := upgradeRequest()
	w := newAllocationFree()
	opts := Options{Subprotocols: []string{"chat"}}
	r.Header[headerProtocol] = []string{"superchat, chat"}
	r.Header[headerOrigin] = []string{"https://server.example.com"}
	got := testing.AllocsPerRun(1000, func() {
		if _, err := Accept(w, r, opts); err != nil {
			t.Fatal(err)
		}
	})
	if got > 4 {
		t.Errorf("%v allocations, want at most 4", got)
	}
}

// allocationFree is a hijackable ResponseWriter that allocates nothing.
type allocationFree struct {
	header http.Header
	conn   net.Conn
	rw     *bufio.ReadWriter
}

func newAllocationFree() *allocationFree {
	conn := discardConn{}
	return &allocationFree{http.Header{}, conn, bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))}
}

func (w *allocationFree) Header() http.Header         { return w.header }
func (w *allocationFree) Write(p []byte) (int, error) { return len(p), nil }
func (w *allocationFree) WriteHeader(int)             {}
func (w *allocationFree) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, w.rw, nil
}

type discardConn struct{ net.Conn }

func (discardConn) Read([]byte) (int, error)         { return 0, io.EOF }
func (discardConn) Write(p []byte) (int, error)      { return len(p), nil }
func (discardConn) Close() error                     { return nil }
func (discardConn) SetDeadline(time.Time) error      { return nil }
func (discardConn) SetReadDeadline(time.Time) error  { return nil }
func (discardConn) SetWriteDeadline(time.Time) error { return nil }

// Through net/http: the whole exchange byte by byte, as a client sees it.
func TestHandshakeThroughNetHTTP(t *testing.T) {
	const request = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nupgrade: WebSocket\r\nCONNECTION: keep-alive, Upgrade\r\n" +
		"sec-websocket-key:  " + rfcKey + " \r\nSec-WebSocket-Version: 13\r\n\r\n"
	const answer = "HTTP/1.1 101 Switching Protocols\r\n"
	for _, c := range []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request) error
	}{
		{"Handshake", func(w http.ResponseWriter, r *http.Request) error {
			if _, err := Handshake(w, r); err != nil {
				return err
			}
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
			return err
		}},
		{"Accept", func(w http.ResponseWriter, r *http.Request) error {
			ws, err := Accept(w, r, Options{})
			if err == nil {
				ws.abort(io.EOF)
			}
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			errs := make(chan error, 1)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Preset", "kept")
				errs <- c.handler(w, r)
			}))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
			br := bufio.NewReader(conn)
			response, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := fmt.Sprintf("%s %s\r\n", response.Proto, response.Status); got != answer {
				t.Errorf("answer %q, want %q", got, answer)
			}
			response.Header.Del("Date")
			wantHeader(t, response.Header, http.Header{
				"Upgrade":              {"websocket"},
				"Connection":           {"Upgrade"},
				"Sec-Websocket-Accept": {rfcAccept},
				"X-Preset":             {"kept"},
			})
		})
	}
}
