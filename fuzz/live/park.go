package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
)

const (
	mostParks = 3 // of a conversation: each takes a millisecond
	// parkPatience is how long a connection may take to be parked. It may not come to it:
	// it may be at the end, or have stopped to read.
	parkPatience = 20 * time.Millisecond
)

// parks reports whether the connection is one of NewHandler and is parked now and then.
func (h *socketHarness) parks() bool {
	return h.t.Role == model.Server && h.t.Deflate == nil && len(h.t.Sizes)%2 == 1 && h.reset == 0
}

// serve has the connection served, and returns what is closed when that has ended.
func (h *socketHarness) serve(ours net.Conn) (<-chan struct{}, error) {
	served := make(chan struct{})
	mode, opts := h.options()
	if !h.parks() {
		h.ws = websocket.New(ours, "fuzz", mode, opts)
		go func() {
			defer close(served)
			h.ws.Serve(context.Background(), h.handle)
		}()
		return served, nil
	}
	opts.ParkAfter = time.Nanosecond
	opts.OnOpen = func(ws *websocket.Websocket, _ *http.Request) { h.ws = ws }
	opts.OnEnd = func(context.Context, *websocket.Websocket) { close(served) }
	h.handler = websocket.NewHandler(h.handle, opts)
	r := httptest.NewRequest(http.MethodGet, "http://h/", nil)
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
	h.handler.ServeHTTP(socketWriter{httptest.NewRecorder(), ours}, r)
	if h.ws == nil {
		return nil, errors.New("the opening handshake was refused")
	}
	return served, nil
}

// awaitPark returns when the connection is parked, or will not be.
func (h *socketHarness) awaitPark() {
	for begin := time.Now(); h.handler.Parked() == 0 && h.ws.Err() == nil && time.Since(begin) < parkPatience; {
		runtime.Gosched()
	}
}

// inherited looks once, where the system tells, whether a process that this one starts would
// get a descriptor of epoll.
var inherited = sync.OnceValue(func() error {
	const closeOnExec = 0o2000000
	files, _ := os.ReadDir("/proc/self/fd")
	for _, file := range files {
		if link, _ := os.Readlink("/proc/self/fd/" + file.Name()); link != "anon_inode:[eventpoll]" {
			continue
		}
		info, _ := os.ReadFile("/proc/self/fdinfo/" + file.Name())
		_, flags, _ := strings.Cut(string(info), "flags:")
		flags, _, _ = strings.Cut(strings.TrimSpace(flags), "\n")
		if n, err := strconv.ParseInt(flags, 8, 64); err == nil && n&closeOnExec == 0 {
			return fmt.Errorf("descriptor %s of epoll goes on to processes that are started", file.Name())
		}
	}
	return nil
})

// behindAnswer is what the connection has sent behind its answer to the opening handshake.
func (h *socketHarness) behindAnswer(out []byte) []byte {
	if h.parks() {
		_, out, _ = bytes.Cut(out, []byte("\r\n\r\n"))
	}
	return out
}

// A socketWriter lets its connection be taken over.
type socketWriter struct {
	http.ResponseWriter
	conn net.Conn
}

func (w socketWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.conn, nil, nil }
