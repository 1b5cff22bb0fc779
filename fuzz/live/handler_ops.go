package live

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/engine/transcript/opening"
	"github.com/wsproof/wsproof/internal/wire"
)

var handlerOps = [16]string{
	"a new connection", "a new connection whose being accepted waits", "text", "what waits goes on, or OnClose waits from now on", "text that ends with the context", "a handler that panics", "a handler that aborts",
	"a handler that fails", "a Close", "the end of the peer", "a peer that does not read", "a peer that reads again",
	"Shutdown for a second", "Shutdown for long", "a bad request, a fault of epoll, or a part of a message", "time",
}

func (h *handlerHarness) op(op byte) {
	h.ops = append(h.ops, time.Now())
	c := h.conns[int(op>>4&7)%max(1, len(h.conns))]
	say := func(opcode byte, payload string) {
		f := wire.Frame{Fin: true, Opcode: opcode, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: []byte(payload)}
		c.pipe.set(func() { c.pipe.in = f.Append(c.pipe.in) })
		h.touch(c, opcode, payload)
	}
	switch op & 15 {
	case 0, 1:
		h.accept(op&15 == 1)
	case 2:
		say(wire.Text, [2]string{"hello", "D"}[op>>6&1])
	case 3:
		h.goOn()
		if op>>6&1 != 0 {
			h.mu.Lock()
			h.hooks = make(chan struct{})
			h.mu.Unlock()
		}
	case 4:
		say(wire.Text, "X")
	case 5, 6, 7:
		c.quiet = true
		c.rude = c.rude || op&15 != 7
		say(wire.Text, string("PAF"[op&15-5]))
	case 8:
		c.quiet = true
		say(wire.Close, "\x03\xe8")
	case 9:
		c.quiet = true
		c.pipe.set(func() { c.pipe.eof = true })
	case 10:
		c.slow = true
		c.pipe.set(func() { c.pipe.stalled = true })
	case 11:
		c.pipe.set(func() { c.pipe.stalled = false })
	case 12:
		h.shutdown(time.Second)
	case 13:
		h.shutdown(time.Hour)
	case 14:
		if h.fault(c, op>>4&7) {
			return
		}
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
		if w.Code < 400 {
			h.fail("a bad request was answered with %d", w.Code)
		}
	case 15:
		time.Sleep(handlerPauses[op>>4&7])
	}
}

// goOn lets go on what waits.
func (h *handlerHarness) goOn() {
	for _, c := range h.conns {
		if c.gate != nil {
			close(c.gate)
			c.gate = nil
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hooks != nil {
		close(h.hooks)
		h.hooks = nil
	}
}

// accept has a client connect, and wait while it is accepted.
func (h *handlerHarness) accept(waits bool) {
	if len(h.conns) >= maxHandled && len(h.calls) == 0 {
		return
	}
	c := &handled{pipe: newPipe(), server: h.servers[0]}
	if h.options.has(handlerServers) {
		c.server = h.servers[len(h.conns)%2]
	}
	c.pipe.answers = true
	c.pipe.interrupts = h.options.has(handlerInterrupts)
	c.began, c.touched, c.waits = time.Now(), time.Now(), time.Now()
	c.w = &pipeWriter{conn: netPipe{c.pipe}, header: http.Header{}}
	if h.kernel != nil {
		c.w.conn = h.kernel.socket(c.pipe)
	}
	if waits {
		c.slow = true
		c.gate = make(chan struct{})
		c.w.gate = c.gate
	}
	r := handlerRequest()
	ctx := context.WithValue(context.WithValue(context.Background(), http.ServerContextKey, c.server), valueKey{}, c)
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, requestAddr)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel() // as net/http does when ServeHTTP returns
		h.handler.ServeHTTP(c.w, r.WithContext(ctx))
		h.mu.Lock()
		defer h.mu.Unlock()
		c.came = true
	}()
	synctest.Wait()
	if len(h.calls) > 0 {
		if c.w.taken || c.w.code != http.StatusServiceUnavailable {
			h.fail("after Shutdown, a request was answered with %d, taken over: %t", c.w.code, c.w.taken)
		}
		return
	}
	h.mu.Lock()
	h.conns = append(h.conns, c)
	h.mu.Unlock()
	if !waits && !c.opened() {
		h.fail("a request was answered with %d, taken over: %t, %q", c.w.code, c.w.taken, c.pipe.out)
	}
}

// handlerRequest is the request of each client: nobody changes it.
var handlerRequest = sync.OnceValue(func() *http.Request {
	_, r, _ := opening.Upgrade(transcript.NewConn(&transcript.Transcript{}))
	return r
})

// shutdown has another goroutine call Shutdown.
func (h *handlerHarness) shutdown(within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	s := &shutdown{ctx: ctx}
	h.calls = append(h.calls, s)
	go func() {
		defer cancel()
		err := h.handler.Shutdown(ctx)
		h.mu.Lock()
		defer h.mu.Unlock()
		s.done, s.err, s.at = true, err, time.Now()
	}()
	synctest.Wait() // from now on, requests are refused
}

// The addresses of the connections, and the one that the context of the requests has.
var (
	connAddr    = transcript.NewConn(&transcript.Transcript{}).LocalAddr()
	requestAddr = &net.UnixAddr{Name: "request"}
	peerAddr    = &net.UnixAddr{Name: "peer"}
)

// A netPipe is a pipe as net/http gives it away.
type netPipe struct{ *pipe }

func (p netPipe) LocalAddr() net.Addr  { return connAddr }
func (p netPipe) RemoteAddr() net.Addr { return peerAddr }
func (p netPipe) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}

// A pipeWriter is net/http's ResponseWriter for a pipe.
type pipeWriter struct {
	conn   net.Conn
	header http.Header
	code   int
	taken  bool
	gate   chan struct{} // taking over, and OnOpen, wait for it; nil: for nothing
}

func (w *pipeWriter) wait() {
	if w.gate != nil {
		<-w.gate
	}
}

func (w *pipeWriter) Header() http.Header         { return w.header }
func (w *pipeWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *pipeWriter) WriteHeader(code int)        { w.code = code }
func (w *pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.wait()
	w.taken = true
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}
