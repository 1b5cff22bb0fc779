package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

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
