package websocket

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/iotest"
)

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

// A stuckConn takes all that is written, and is stuck behind its answer.
type stuckConn struct {
	net.Conn
	stuckReader
}

func (c *stuckConn) Read(p []byte) (int, error)  { return c.stuckReader.Read(p) }
func (c *stuckConn) Write(p []byte) (int, error) { return len(p), nil }
func (c *stuckConn) Close() error                { return nil }

// A transport that returns nothing and no error, for ever, ends Dial too.
func TestDialNoProgress(t *testing.T) {
	socks := http.ProxyURL(&url.URL{Scheme: "socks5", Host: "p"})
	for _, c := range []struct {
		name, answer string
		proxy        func(*http.Request) (*url.URL, error)
		text         string
	}{
		{"answer", "HTTP/1.1 101 Sw", noProxy, "websocket handshake: reading the answer: " + io.ErrNoProgress.Error()},
		{"body", "HTTP/1.1 404 Not Found\r\n\r\nno such", noProxy, `websocket handshake: the server answered "404 Not Found"`},
		{"SOCKS5", "\x05", socks, "websocket handshake: proxy: SOCKS5 to h:80: greeting: " + io.ErrNoProgress.Error()},
		{"SOCKS5 bound", "\x05\x00\x05\x00\x00\x01", socks, "websocket handshake: proxy: SOCKS5 to h:80: reply: " + io.ErrNoProgress.Error()},
	} {
		conn := &stuckConn{stuckReader: stuckReader{data: c.answer}}
		_, response, err := Dial(t.Context(), "ws://h", DialOptions{Proxy: c.proxy, NetDial: func(context.Context, string, string) (net.Conn, error) {
			return conn, nil
		}})
		if err == nil || err.Error() != c.text {
			t.Errorf("%s: error %v, want %s", c.name, err, c.text)
		}
		if c.name == "body" {
			if body, _ := io.ReadAll(response.Body); string(body) != "no such" {
				t.Errorf("body %q", body)
			}
		}
	}
}
