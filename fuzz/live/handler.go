package live

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log"
	"net/http"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
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
	ops     []time.Time // when they were
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

func (h *handlerHarness) fail(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = append(h.errs, fmt.Errorf(format, args...))
}
