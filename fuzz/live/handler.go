package live

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"
	"weak"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/engine/transcript/opening"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// Handler has an HTTPHandler serve several connections, in virtual time. The first byte
// of the input chooses the options; each other one is an op on one of them.
//
// Oracles, whenever nothing more happens by itself: Shutdown has returned if and
// only if every connection has ended, or its context has; then all others get a
// Close with 1001, are dropped when the context ends, and new requests are
// refused with 503. A handler's context has the values that it is given and ends when the
// connection has ended, also while the handler is at work, and not before. A panic closes its connection alone, with 1011, and is
// logged, but for http.ErrAbortHandler.
func Handler(data []byte) error {
	defer input.Guard()()
	pools.begin()
	h := &handlerHarness{}
	if len(data) > 0 && handlerOptions(data[0]).has(handlerSocket) {
		var stop func()
		h.kernel, stop = playKernel()
		defer stop()
	}
	err := inBubble(func() error { return h.run(data) })
	return cmp.Or(err, pools.end(mostHeld*maxHandled))
}

// handlerHead is how many bytes of an input of target Handler choose the options.
const handlerHead = 2

// A handlerHarness is a server with its connections.
type handlerHarness struct {
	handler *websocket.HTTPHandler
	servers [2]*http.Server
	log     bytes.Buffer
	conns   []*handled
	calls   []*shutdown
	panics  int
	kernel  *kernel   // nil where the connections are no sockets, which are never parked
	faulty  time.Time // when one of its calls was to fail the last time
	aborted bool      // a Shutdown has given up
	options handlerOptions
	hooks   chan struct{} // calls of OnClose wait until it is closed; nil: they do not

	mu      sync.Mutex
	errs    []error
	early   []earlyEnd
	telling int // calls of OnClose under way
}

// handled is a connection of the harness.
type handled struct {
	w       *pipeWriter
	gate    chan struct{} // what waits while it is accepted goes on when this is closed; nil: nothing waits
	came    bool          // ServeHTTP has returned
	ws      atomic.Pointer[websocket.Websocket]
	done    <-chan struct{}    // of its context, if the handler asked for it
	derived context.Context    // from it
	cancel  context.CancelFunc // of that, which is never called: it ends with its parent
	pipe    *pipe
	server  *http.Server    // which the request came from
	raised  bool            // its handler has panicked
	ctx     context.Context // the handler's, once it was called
	quiet   bool            // something else than Shutdown may have closed it
	rude    bool            // its handler may have panicked, which ends the context at once
	idleness
}

// An earlyEnd is a handler that was called with a context that had ended, where the
// transport was open.
type earlyEnd struct {
	c  *handled
	at time.Time
}

type shutdown struct {
	ctx  context.Context
	done bool
	err  error
	at   time.Time // when it returned
}

type valueKey struct{}

const maxHandled = 4

// handlerOptions are the first bytes of an input.
type handlerOptions int

const (
	handlerReuse      handlerOptions = 1 << iota // ReuseBuffers
	handlerOpens                                 // OnOpen
	handlerTells                                 // OnClose, which may take its time
	handlerLate                                  // contexts are asked for their end only when it should have come
	handlerShared                                // no Options.Context
	handlerSocket                                // on sockets, where connections are parked
	handlerTimes                                 // ReadTimeout and MessageTimeout
	handlerInterrupts                            // system calls are interrupted
	handlerPings                                 // PingInterval; nobody answers
	handlerServers                               // connections come from two servers by turns
)

func (o handlerOptions) has(bit handlerOptions) bool { return o&bit != 0 }

func (h *handlerHarness) run(data []byte) error {
	var src input.Source
	src.Reset(data)
	h.options = handlerOptions(src.Next()) | handlerOptions(src.Next())<<8
	ops := src.Rest()
	for i := range h.servers {
		h.servers[i] = &http.Server{ErrorLog: log.New(&h.log, "", 0)}
	}
	opts := websocket.Options{ReuseBuffers: h.options.has(handlerReuse), Context: (*http.Request).Context}
	if h.options.has(handlerShared) {
		opts.Context = nil
	}
	if h.options.has(handlerTimes) {
		opts.ReadTimeout, opts.MessageTimeout = handlerReadTimeout, handlerMessageTimeout
	}
	if h.options.has(handlerPings) {
		opts.PingInterval = handlerPingInterval
	}
	if h.options.has(handlerOpens) {
		opts.OnOpen = h.onOpen
	}
	if h.options.has(handlerTells) {
		opts.Hooks.OnClose = h.onClose
	}
	h.handler = websocket.NewHandler(h.handle, opts)
	defer func() { // nothing is left behind a finding
		h.goOn()
		for _, c := range h.conns {
			c.pipe.set(func() { c.pipe.eof = true })
			c.pipe.Close()
		}
	}()
	h.accept(false)
	for _, op := range ops[:min(len(ops), maxOps)] {
		h.op(op)
		if op&racy == 0 {
			if err := h.settle(); err != nil {
				return fmt.Errorf("after %s: %w", handlerOps[op&15], err)
			}
		}
	}
	h.goOn()
	synctest.Wait()
	for _, c := range h.conns {
		c.pipe.set(func() { c.pipe.stalled, c.pipe.eof = false, true })
	}
	time.Sleep(time.Second)
	h.shutdown(time.Hour)
	for _, wait := range []time.Duration{0, 10 * time.Second, 2 * time.Hour} {
		time.Sleep(wait)
		if err := h.settle(); err != nil {
			return fmt.Errorf("in the end, after %v: %w", wait, err)
		}
	}
	h.accept(false)
	if err := h.settle(); err != nil || len(data)&7 != 0 {
		return err
	}
	return h.forgotten()
}

// forgotten checks that the handler holds no connection that has ended.
func (h *handlerHarness) forgotten() error {
	var all []weak.Pointer[websocket.Websocket]
	for _, c := range h.conns {
		if ws := c.ws.Load(); ws != nil {
			all = append(all, weak.Make(ws))
		}
	}
	h.conns = nil
	for range 2 {
		runtime.GC()
	}
	held := 0
	for _, ws := range all {
		if ws.Value() != nil {
			held++
		}
	}
	runtime.KeepAlive(h.handler)
	if held > 0 {
		return fmt.Errorf("%d of %d connections have ended, and something still holds them", held, len(all))
	}
	return nil
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

// onOpen is the hook OnOpen.
func (h *handlerHarness) onOpen(ws *websocket.Websocket, r *http.Request) {
	c, ok := r.Context().Value(valueKey{}).(*handled)
	if !ok || ws.Err() != nil {
		h.fail("OnOpen was called with a request that is not the one that opened it, or with a connection that has ended: %v", ws.Err())
		return
	}
	c.ws.Store(ws)
	c.w.wait() // once more
}

// onClose is the hook OnClose.
func (h *handlerHarness) onClose(_ websocket.ClientKey, code websocket.StatusCode, err error) {
	var e *websocket.Error
	if code == websocket.StatusAbnormalClose && (!errors.As(err, &e) || e.Code() != code) {
		h.fail("OnClose was told %d and %v, which is no *Error with that code", code, err)
	}
	h.mu.Lock()
	h.telling++
	wait := h.hooks
	h.mu.Unlock()
	if wait != nil {
		<-wait
	}
	h.mu.Lock()
	h.telling--
	h.mu.Unlock()
}

var handlerOps = [16]string{
	"a new connection", "a new connection whose being accepted waits", "text", "what waits goes on, or OnClose waits from now on", "text that ends with the context", "a handler that panics", "a handler that aborts",
	"a handler that fails", "a Close", "the end of the peer", "a peer that does not read", "a peer that reads again",
	"Shutdown for a second", "Shutdown for long", "a bad request, a fault of epoll, or a part of a message", "time",
}

func (h *handlerHarness) op(op byte) {
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

func (h *handlerHarness) fail(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = append(h.errs, fmt.Errorf(format, args...))
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

// opened reports whether the request was accepted.
func (c *handled) opened() bool {
	c.pipe.mu.Lock() // a ping may come at any time
	defer c.pipe.mu.Unlock()
	return c.came && c.w.taken && bytes.HasPrefix(c.pipe.out, []byte("HTTP/1.1 101 "))
}

// handle is the handler.
func (h *handlerHarness) handle(ctx context.Context, msg *websocket.Message) (*websocket.Message, error) {
	c, err := h.connOf(ctx)
	if err != nil {
		h.fail("the handler's context: %v", err)
		return msg, nil
	}
	h.mu.Lock()
	c.ctx = ctx
	h.mu.Unlock()
	if h.options.has(handlerLate) && string(msg.Payload) != "X" && string(msg.Payload) != "D" {
		return h.act(ctx, c, msg)
	}
	if ctx.Err() != nil && !c.pipe.isClosed() {
		h.mu.Lock()
		h.early = append(h.early, earlyEnd{c, time.Now()})
		h.mu.Unlock()
	}
	return h.act(ctx, c, msg)
}

// connOf returns the connection of a handler's context, and checks what that has.
func (h *handlerHarness) connOf(ctx context.Context) (*handled, error) {
	ws, _ := ctx.Value(websocket.ContextKey).(*websocket.Websocket)
	c, _ := ctx.Value(valueKey{}).(*handled)
	if h.options.has(handlerShared) {
		if c != nil {
			return nil, errors.New("it has a value of the request's, which nobody kept")
		}
		h.mu.Lock()
		conns := slices.Clone(h.conns)
		h.mu.Unlock()
		for _, other := range conns { // there is no other way to tell
			if opened := other.ws.Load(); opened == ws && ws != nil || opened == nil && !h.options.has(handlerOpens) {
				c = other
			}
		}
		if !h.options.has(handlerOpens) && len(conns) > 1 {
			c = &handled{pipe: newPipe()} // any
		}
	}
	deadline, ok := ctx.Deadline()
	switch {
	case ws == nil, c == nil:
		return nil, errors.New("it lacks the connection, or the value that it was given")
	case h.options.has(handlerOpens) && c.ws.Load() != ws:
		return nil, errors.New("it has another connection than OnOpen")
	case c.server != nil && ctx.Value(http.ServerContextKey) != any(c.server):
		return nil, errors.New("it has another server than the request")
	case h.options.has(handlerShared) && ctx.Value(http.LocalAddrContextKey) != any(connAddr), !h.options.has(handlerShared) && ctx.Value(http.LocalAddrContextKey) != any(requestAddr):
		return nil, fmt.Errorf("it has the address %v", ctx.Value(http.LocalAddrContextKey))
	case ok:
		return nil, fmt.Errorf("it has a deadline, %v", deadline)
	}
	return c, nil
}

// act does what a message says.
func (h *handlerHarness) act(ctx context.Context, c *handled, msg *websocket.Message) (*websocket.Message, error) {
	switch string(msg.Payload) {
	case "X":
		<-ctx.Done()
	case "D":
		c.done = ctx.Done()
		c.derived, c.cancel = context.WithCancel(ctx)
	case "P":
		h.panics++
		h.mu.Lock()
		c.raised = true
		h.mu.Unlock()
		panic(errFault)
	case "A":
		h.mu.Lock()
		c.raised = true
		h.mu.Unlock()
		panic(http.ErrAbortHandler)
	case "F":
		return nil, errFault
	}
	return msg, nil
}

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

// settle checks what must hold when nothing more happens by itself.
func (h *handlerHarness) settle() error {
	time.Sleep(time.Microsecond)
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.errs) > 0 {
		return h.errs[0]
	}
	open := h.telling // what has ended and is told is not over
	for _, c := range h.conns {
		if !c.came {
			open++
			continue
		}
		if !c.opened() {
			return fmt.Errorf("a request was answered with %d, taken over: %t, %q", c.w.code, c.w.taken, c.pipe.out)
		}
		c.pipe.mu.Lock()
		closed, stalled, frames, breach := c.pipe.closed > 0, c.pipe.stalled, c.pipe.frames, c.pipe.breach
		c.pipe.mu.Unlock()
		if breach != nil {
			return breach
		}
		if !closed {
			open++
		}
		for _, ctx := range []context.Context{c.ctx, c.derived} {
			if ctx == nil || !closed && h.options.has(handlerLate) {
				continue
			}
			if (closed || c.raised) && ctx.Err() == nil || !closed && ctx.Err() != nil && !c.rude {
				return fmt.Errorf("a connection has ended: %t, its handler's context: %v", closed, ctx.Err())
			}
		}
		if c.done != nil {
			select {
			case <-c.done:
				if !closed && !c.rude {
					return errors.New("the context of a handler is done, its connection is open")
				}
			default:
				if closed {
					return errors.New("a connection has ended, the context of its handler is not done")
				}
			}
		}
		if err := h.judgeIdle(c, closed, stalled, frames); err != nil {
			return err
		}
		if len(h.calls) > 0 {
			h.expire(c)
		}
		if len(h.calls) > 0 && !closed && !stalled && !c.quiet {
			if n := len(frames); n == 0 || frames[n-1].Opcode != wire.Close || input.CloseCode(frames[n-1].Payload) != 1001 {
				return fmt.Errorf("after Shutdown, a connection was sent %d frames and no Close with 1001", n)
			}
		}
	}
	if err := h.judgeEarly(); err != nil {
		return err
	}
	if err := h.judgeParked(); err != nil {
		return err
	}
	// Of two calls that give up at the same moment one may find that the other has dropped all.
	gaveUp := slices.ContainsFunc(h.calls, func(s *shutdown) bool { return s.done && s.err != nil })
	for _, s := range h.calls {
		expired := s.ctx.Err() != nil && errors.Is(s.ctx.Err(), context.DeadlineExceeded)
		h.aborted = h.aborted || expired && !s.done || s.done && s.err != nil
		switch {
		case s.done != (open == 0 || expired || s.done && s.err != nil):
			return fmt.Errorf("websocket.Shutdown has returned: %t, %v; %d connections are open, its context: %v", s.done, s.err, open, s.ctx.Err())
		case s.done && s.err == nil && !gaveUp && h.left(s):
			return errors.New("websocket.Shutdown gave up, and returned no error")
		case s.done && s.err != nil && !errors.Is(s.err, context.DeadlineExceeded):
			return fmt.Errorf("websocket.Shutdown returned %w", s.err)
		}
	}
	if h.aborted && open > h.telling+h.accepting() {
		return fmt.Errorf("websocket.Shutdown has given up, and %d connections are open", open)
	}
	if logged := strings.Count(h.log.String(), "panic serving"); logged != h.panics {
		return fmt.Errorf("%d panics were logged, there were %d:\n%s", logged, h.panics, h.log.String())
	}
	return nil
}

// judgeEarly holds contexts that had ended when a handler began against what may have ended
// them at that very moment: what closed the transport then, or a timeout that was due, or
// a silent peer that was given up, which expire knows of.
func (h *handlerHarness) judgeEarly() error {
	defer func() { h.early = nil }()
	for _, e := range h.early {
		may := func(c *handled) bool { return c.pipe.endedAt(e.at) || c.quiet && h.ends() || c.slow && h.ends() }
		if may(e.c) || !slices.Contains(h.conns, e.c) && slices.ContainsFunc(h.conns, may) { // one of them: which is not known
			continue
		}
		return fmt.Errorf("a handler was called with a context that had ended, %v ago", time.Since(e.at))
	}
	return nil
}

// left reports whether a Shutdown that has returned left a connection to be dropped when its
// context ended: at no other time its transport was closed, and there was no time for an
// end of its own.
func (h *handlerHarness) left(s *shutdown) bool {
	deadline, _ := s.ctx.Deadline()
	return !s.at.Before(deadline) && slices.ContainsFunc(h.conns, func(c *handled) bool {
		return c.came && c.pipe.ended.Equal(deadline) && c.slow && !c.quiet
	})
}

func explainHandler(data []byte) string {
	var b strings.Builder
	var src input.Source
	src.Reset(data)
	fmt.Fprintf(&b, "an HTTPHandler and its connections, by number; at first one; options %08b (from the right: ReuseBuffers, OnOpen, OnClose, contexts asked late, no Context, sockets, timeouts, interrupted calls), %02b (pings, two servers):\n", src.Next(), src.Next())
	for i, op := range src.Rest() {
		fmt.Fprintf(&b, "  %3d: %d, %s\n", i+handlerHead, op>>4&7, handlerOps[op&15])
	}
	return b.String()
}

// seedHandler takes pseudo-random ops.
func seedHandler([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for n := range 128 {
		ops := input.RandomInput(make([]byte, handlerHead), 19, uint64(n))
		ops[0], ops[1] = byte(n)&31|byte(n*37)&^31, byte(n>>1)
		for i := range ops[handlerHead:] {
			if op := &ops[handlerHead+i]; i < 4 && *op&12 == 12 {
				*op &^= 8 // at first, some life
			}
		}
		seeds = append(seeds, ops)
	}
	for i, scenario := range handlerScenarios {
		ops, err := parseHandlerOps(scenario)
		if err != nil {
			return nil, err
		}
		for n, options := range [...]handlerOptions{handlerSocket | handlerServers, handlerSocket | handlerTimes | handlerInterrupts, handlerTimes, handlerSocket | handlerTimes, handlerSocket | handlerInterrupts, handlerSocket | handlerPings, handlerPings | handlerTimes | handlerServers, handlerPings | handlerSocket | handlerTimes} {
			seeds = append(seeds, append([]byte{byte(options) | byte(i+5*n)&31, byte(options >> 8)}, ops...))
		}
	}
	return seeds, nil
}

// accepting is how many requests are being accepted.
func (h *handlerHarness) accepting() (n int) {
	for _, c := range h.conns {
		if !c.came {
			n++
		}
	}
	return n
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
