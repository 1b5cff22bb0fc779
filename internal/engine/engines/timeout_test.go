package engines

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/internal/engine/serve/servetest"
	"github.com/wsproof/wsproof/internal/wire"
)

// A hijackable is a ResponseWriter whose connection is a pipe.
type hijackable struct {
	header http.Header
	conn   net.Conn
}

func (h hijackable) Header() http.Header         { return h.header }
func (h hijackable) Write(p []byte) (int, error) { return h.conn.Write(p) }
func (h hijackable) WriteHeader(status int) {
	response := http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: h.header}
	_ = response.Write(h.conn)
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// TestReadTimeoutOfFrames: the timeout is for the next frame, of whatever kind. A
// peer that sends pings stays, and is dropped when it has stopped.
func TestReadTimeoutOfFrames(t *testing.T) {
	const timeout = time.Minute
	for _, e := range All() {
		t.Run("engine="+e.Name, func(t *testing.T) {
			wants(t, &e, engine.PingTimes)
			synctest.Test(t, func(t *testing.T) {
				l, events := newLog()
				s := e.NewServer(serve.Echo, serve.Options{ReadTimeout: timeout, Events: events})
				ours, theirs := net.Pipe()
				defer ours.Close()
				request, err := http.NewRequest("GET", "http://x/", nil)
				if err != nil {
					t.Fatal(err)
				}
				for key, value := range map[string]string{
					"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
				} {
					request.Header.Set(key, value)
				}
				go s.ServeHTTP(hijackable{http.Header{}, theirs}, request)
				br := bufio.NewReader(ours)
				if _, err := http.ReadResponse(br, request); err != nil {
					t.Fatal(err)
				}
				c := servetest.New(t, ours, br)
				begin := time.Now()
				for range 5 {
					time.Sleep(timeout * 3 / 4)
					c.Send(servetest.Part(wire.Ping, true, "p"))
					c.Want(wire.Pong, "p")
					time.Sleep(timeout * 3 / 4)
					c.Send(servetest.Part(wire.Pong, true, ""))
				}
				last := time.Since(begin)
				_, _ = io.Copy(io.Discard, br)
				if e := l.wait(t); e.err == nil || time.Since(begin) < last+timeout {
					t.Errorf("ended %v after the last frame by %v, want a timeout after %v", time.Since(begin)-last, e.err, timeout)
				}
				synctest.Wait()
			})
		})
	}
}
