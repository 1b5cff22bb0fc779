package websocket

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// pipeClient connects to h through a pipe, on which a peer that does not read
// blocks each write.
func pipeClient(t *testing.T, h *HTTPHandler, change func(*http.Request) *http.Request) *Websocket {
	t.Helper()
	server, client := net.Pipe()
	return clientOf(t, h, server, client, change)
}

// socketClient connects to h through a socket.
func socketClient(t *testing.T, h *HTTPHandler, change func(*http.Request) *http.Request) *Websocket {
	t.Helper()
	server, client := socketPair(t)
	return clientOf(t, h, server, client, change)
}

// clientOf connects to h as net/http would, and returns when ServeHTTP has
// returned. What change does to the request comes in front.
func clientOf(t *testing.T, h *HTTPHandler, server, client net.Conn, change func(*http.Request) *http.Request) *Websocket {
	t.Helper()
	r := upgradeRequest()
	if change != nil {
		r = change(r)
	}
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		h.ServeHTTP(failingWriter{httptest.NewRecorder(), server, nil, nil}, r)
	}()
	br := bufio.NewReader(client)
	response, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answered %s", response.Status)
	}
	<-returned
	unread, _ := br.Peek(br.Buffered())
	c := new(Websocket)
	c.init(client, ClientMode, new(Options).shared(), unread, opened{key: rfcKey})
	return c
}

// wantEcho fails the test unless the peer answers a message with the same.
func wantEcho(t *testing.T, ws *Websocket, text string) {
	t.Helper()
	ctx := context.Background()
	if err := ws.WriteMessage(ctx, &Message{Payload: []byte(text)}); err != nil {
		t.Fatalf("writing %q: %v", text, err)
	}
	wantMessage(t, ws, text)
}

func wantMessage(t *testing.T, ws *Websocket, text string) {
	t.Helper()
	msg, err := ws.ReadMessage(context.Background())
	if err != nil || msg.Binary || string(msg.Payload) != text {
		t.Fatalf("read %v, %v, want the text %q", msg, err, text)
	}
}

// wantClose fails the test unless the peer's Close comes next, and answers it.
func wantClose(t *testing.T, ws *Websocket, code StatusCode, reason string) {
	t.Helper()
	msg, err := ws.ReadMessage(context.Background())
	var closed *CloseError
	if !errors.As(err, &closed) || closed.Code != code || closed.Reason != reason {
		t.Fatalf("read %v, %v, want a Close with %d %q", msg, err, code, reason)
	}
}

func TestHTTPHandlerServes(t *testing.T) {
	h := NewHandler(EchoHandler, Options{Subprotocols: []string{"chat"}})
	server := httptest.NewServer(h)
	defer server.Close()
	ws, response, err := Dial(t.Context(), server.URL, DialOptions{Options: Options{Subprotocols: []string{"x", "chat"}}})
	if err != nil {
		t.Fatal(err)
	}
	if ws.Subprotocol() != "chat" || response.StatusCode != 101 {
		t.Errorf("subprotocol %q, status %d, want chat, 101", ws.Subprotocol(), response.StatusCode)
	}
	wantEcho(t, ws, "hello")
	if err := ws.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// What a client sends behind its request, without waiting for the answer, are
// the first frames: all of them, none twice.
func TestBytesBehindTheRequestAreTheFirstFrames(t *testing.T) {
	h := NewHandler(EchoHandler, Options{})
	server := httptest.NewServer(h)
	defer server.Close()
	request := "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + rfcKey + "\r\n\r\n"
	wire := []byte(request)
	for i := range 1000 { // more than net/http's buffer holds
		wire = AppendFrame(wire, NewFrame(OpcodeText, true, fmt.Append(nil, "message ", i)), NewMaskingKey())
	}
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(wire); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	response, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	frames := NewFrameReader(br, ClientMode, 100)
	for i := range 1000 {
		frame, err := frames.Next()
		if want := fmt.Sprint("message ", i); err != nil || string(frame.Payload) != want {
			t.Fatalf("read %v, %v, want %q", frame, err, want)
		}
	}
	conn.Close()
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func TestHTTPHandlerAnswersRefusals(t *testing.T) {
	h := NewHandler(EchoHandler, Options{})
	for _, rule := range handshakeRules {
		if rule.status == 0 {
			continue
		}
		r := upgradeRequest()
		rule.change(r)
		w := newHijackable("")
		h.ServeHTTP(w, r)
		if got, want := w.Body.String(), "websocket handshake: "+rule.reason+"\n"; w.Code != rule.status || got != want {
			t.Errorf("%s: answered %d %q, want %d %q", rule.name, w.Code, got, rule.status, want)
		}
		wantVersion := ""
		if rule.status == http.StatusUpgradeRequired {
			wantVersion = "13"
		}
		if got := w.Header().Get("Sec-WebSocket-Version"); got != wantVersion {
			t.Errorf("%s: answered version %q, want %q", rule.name, got, wantVersion)
		}
		if w.hijacked {
			t.Errorf("%s: hijacked", rule.name)
		}
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, upgradeRequest())
	if recorder.Code != http.StatusNotImplemented {
		t.Errorf("without a Hijacker: answered %d, want 501", recorder.Code)
	}
	r := upgradeRequest()
	r.Header.Set("Origin", "https://evil.example.org")
	recorder = httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	if recorder.Code != http.StatusForbidden {
		t.Errorf("cross-origin: answered %d, want 403", recorder.Code)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown with nothing to do: %v", err)
	}
}

// A plain request gets an answer that a browser shows, over HTTP/2 too.
func TestHTTPHandlerAnswersThroughNetHTTP(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(NewHandler(EchoHandler, Options{}))
		server.EnableHTTP2 = http2
		server.StartTLS()
		response, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		status, text := 426, "websocket handshake: no Upgrade to websocket\n"
		if http2 {
			status, text = 505, "websocket handshake: the request came by \"HTTP/2.0\", must come by HTTP/1.1\n"
		}
		if response.StatusCode != status || string(body) != text {
			t.Errorf("HTTP/2 %v: answered %d %q, want %d %q", http2, response.StatusCode, body, status, text)
		}
		server.Close()
	}
}

func TestNewHandlerNeedsAHandler(t *testing.T) {
	defer func() {
		if got := recover(); got != "websocket: NewHandler with a nil handler" {
			t.Errorf("panic %v", got)
		}
	}()
	NewHandler(nil, Options{})
}

type testContextKey struct{}

// The handler's context has the values that it is given, outlives the request, and ends
// with the connection.
func TestHandlerContext(t *testing.T) {
	contexts := make(chan context.Context)
	h := NewHandler(func(ctx context.Context, msg *Message) (*Message, error) {
		contexts <- ctx
		return msg, nil
	}, Options{Context: (*http.Request).Context})
	requestContext, cancel := context.WithCancel(context.WithValue(t.Context(), testContextKey{}, "value"))
	ws := pipeClient(t, h, func(r *http.Request) *http.Request { return r.WithContext(requestContext) })
	cancel()
	if err := ws.WriteMessage(t.Context(), &Message{}); err != nil {
		t.Fatal(err)
	}
	ctx := <-contexts
	if got := ctx.Value(testContextKey{}); got != "value" {
		t.Errorf("the value is %v", got)
	}
	if err := ctx.Err(); err != nil {
		t.Errorf("the context ended with the request's: %v", err)
	}
	wantMessage(t, ws, "")
	ws.abort(io.EOF)
	<-ctx.Done()
	if got := context.Cause(ctx); got != context.Canceled {
		t.Errorf("cause %v, want context.Canceled", got)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// lockedBuffer is a log that may be read meanwhile.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestHandlerPanics(t *testing.T) {
	boom := func(context.Context, *Message) (*Message, error) { panic("boom") }
	abort := func(context.Context, *Message) (*Message, error) { panic(http.ErrAbortHandler) }
	var errorLog, defaultLog lockedBuffer
	defer log.SetOutput(log.Writer())
	defer log.SetFlags(log.Flags())
	log.SetOutput(&defaultLog)
	log.SetFlags(0)
	for _, c := range []struct {
		name    string
		server  *http.Server
		handler Handler
		logged  *lockedBuffer
	}{
		{"to the server's log", &http.Server{ErrorLog: log.New(&errorLog, "", 0)}, boom, &errorLog},
		{"server without a log", &http.Server{}, boom, &defaultLog},
		{"no server", nil, boom, &defaultLog},
		{"ErrAbortHandler", &http.Server{ErrorLog: log.New(&errorLog, "", 0)}, abort, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			errorLog.buf.Reset()
			defaultLog.buf.Reset()
			h := NewHandler(c.handler, Options{})
			ws := socketClient(t, h, func(r *http.Request) *http.Request {
				if c.server == nil {
					return r
				}
				return r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, c.server))
			})
			if err := ws.WriteMessage(t.Context(), &Message{}); err != nil {
				t.Fatal(err)
			}
			wantClose(t, ws, StatusInternalError, "the handler panicked")
			if err := h.Shutdown(t.Context()); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			for _, l := range []*lockedBuffer{&errorLog, &defaultLog} {
				got := l.String()
				if l != c.logged {
					if got != "" {
						t.Errorf("logged %q in the wrong place", got)
					}
					continue
				}
				if !strings.HasPrefix(got, "websocket: panic serving 127.0.0.1:") || !strings.Contains(got, ": boom\ngoroutine ") || !strings.Contains(got, "TestHandlerPanics") {
					t.Errorf("logged %q, want the address, the value and the stack", got)
				}
			}
		})
	}
}

// A handler that ends its goroutine, as testing's FailNow does, leaves nothing
// behind for Shutdown to wait for.
func TestHandlerGoexit(t *testing.T) {
	h := NewHandler(func(context.Context, *Message) (*Message, error) {
		runtime.Goexit()
		return nil, nil
	}, Options{})
	ws := socketClient(t, h, nil)
	if err := ws.WriteMessage(t.Context(), &Message{}); err != nil {
		t.Fatal(err)
	}
	wantClose(t, ws, StatusInternalError, "the handler panicked")
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// Where the 101 could not be written nothing is left to answer, nor to be logged.
func TestHTTPHandlerSaysNothingToAPeerThatIsGone(t *testing.T) {
	var errorLog lockedBuffer
	h := NewHandler(EchoHandler, Options{})
	served := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		h.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(&errorLog, "", 0)
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		_ = conn.(*net.TCPConn).CloseWrite() // so that the answer cannot be written
		return ctx
	}
	server.Start()
	defer server.Close()
	if ws, _, err := Dial(t.Context(), server.URL, DialOptions{}); err == nil {
		ws.abort(io.EOF)
		t.Error("the handshake succeeded")
	}
	<-served
	if got := errorLog.String(); got != "" {
		t.Errorf("logged %q", got)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// CheckOrigin runs on net/http's goroutine, which sees its panic; Shutdown does
// not wait for the request.
func TestCheckOriginPanics(t *testing.T) {
	h := NewHandler(EchoHandler, Options{CheckOrigin: func(*http.Request) bool { panic("boom") }})
	func() {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("recovered %v, want boom", got)
			}
		}()
		h.ServeHTTP(newHijackable(""), upgradeRequest())
	}()
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

// So does the context of a middleware that panics when it is asked: nothing is taken
// over then that nobody would close.
func TestRequestContextPanics(t *testing.T) {
	h := NewHandler(EchoHandler, Options{})
	w := newHijackable("")
	func() {
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("recovered %v, want boom", got)
			}
		}()
		h.ServeHTTP(w, upgradeRequest().WithContext(boomingContext{t.Context()}))
	}()
	if w.hijacked {
		t.Error("the connection was taken over")
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

type boomingContext struct{ context.Context }

func (boomingContext) Value(any) any { panic("boom") }
