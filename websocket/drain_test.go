package websocket

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A client keeps all rules and reads late: what it is owed comes, whatever it sends
// behind its Close, however its directions end, over TLS as over TCP (RFC 6455 §7.1.1).
func TestAnswersSurviveTheEnd(t *testing.T) {
	const messages, size = 40, 8000
	late := bytes.Repeat((&peer{mode: ServerMode}).text("late"), 64<<10/10)
	for _, c := range []struct {
		name string
		tls  bool
		end  func(t *testing.T, conn net.Conn) // what the client does behind its Close
	}{
		{"close_notify", true, func(t *testing.T, conn net.Conn) { endDirection(t, conn) }},
		{"nothing", true, func(*testing.T, net.Conn) {}},
		{"64 KiB behind the Close", true, func(_ *testing.T, conn net.Conn) { _, _ = conn.Write(late) }},
		{"64 KiB behind the Close, and close_notify", true, func(t *testing.T, conn net.Conn) {
			_, _ = conn.Write(late)
			endDirection(t, conn)
		}},
		{"the end of TCP", false, func(t *testing.T, conn net.Conn) { endDirection(t, conn) }},
		{"nothing", false, func(*testing.T, net.Conn) {}},
		{"64 KiB behind the Close", false, func(_ *testing.T, conn net.Conn) { _, _ = conn.Write(late) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			closes := make(chan struct{}, 1)
			handler := NewHandler(EchoHandler, Options{Hooks: Hooks{OnWriteFrame: func(_ ClientKey, f *Frame) {
				if f.Opcode() == OpcodeClose {
					closes <- struct{}{}
				}
			}}})
			server := httptest.NewUnstartedServer(handler)
			if c.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			conn := rawClient(t, server)
			defer conn.Close()
			guard(t, conn)
			p := &peer{t: t, conn: conn, mode: ServerMode}
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				payload := bytes.Repeat([]byte{'x'}, size)
				for range messages {
					p.send(p.frame(OpcodeBinary, true, string(payload)))
				}
				p.send(p.close(StatusNormalClosure, ""))
				<-closes
				c.end(t, conn)
			}()
			<-sent
			got := 0
			for {
				f, err := p.next()
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Errorf("reading: %v", err)
					}
					break
				}
				got += len(f.Payload)
			}
			if want := messages*size + 2; got != want {
				t.Errorf("%d bytes of payload came, want %d", got, want)
			}
			conn.Close()
			if err := handler.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func endDirection(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.(writeCloser).CloseWrite(); err != nil {
		t.Error(err)
	}
}

// rawClient opens a connection to an echo server by hand, with a small receive buffer.
func rawClient(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	var conn net.Conn
	ws, _, err := Dial(context.Background(), server.URL, DialOptions{
		TLSConfig: tlsConfigOf(server),
		NetDial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err == nil {
				err = c.(*net.TCPConn).SetReadBuffer(64 << 10)
			}
			return c, err
		},
		Header: http.Header{"User-Agent": {"raw"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	conn = ws.under().conn() // nothing was read ahead: the server speaks when it is spoken to
	return conn
}

func tlsConfigOf(server *httptest.Server) *tls.Config {
	if server.TLS == nil {
		return nil
	}
	return server.Client().Transport.(*http.Transport).TLSClientConfig
}
