package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"
	"weak"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// A connHarness has a connection in virtual time, on a pipe: the harness is its peer, its
// application, and whoever else writes to it, pings and closes it. The first bytes of an
// input choose the role, the options, who reads and what the transport is like
// (conn_options.go); a target does the rest (serve.go, stream.go).
//
// Time is virtual, so that it is known when nothing more will happen by itself.
// Oracles, whatever the order in which goroutines ran: whenever all is calm, what
// is owed has been done (conn_calm.go): the peer's bytes are read, its messages
// answered, its pings too, its Close and its faults; each call has returned what
// it should; each deadline, and each end by a timeout, comes when it is due, none
// comes early, and nothing ends without a reason. What was sent are whole frames,
// masked as the role demands, messages not interleaved, the replies in order and
// each as it was owed, at most one Close and nothing behind it (conn_wire.go).
// The hooks are told exactly that. No goroutine is left.
type connHarness struct {
	src    input.Source
	opt    connOptions
	pipe   *pipe
	kernel *kernel // nil where the transport is no socket
	ws     *websocket.Websocket
	ctx    context.Context
	cancel context.CancelFunc
	start  time.Time

	// The harness's own.
	sent      []byte       // what the peer sent
	rest      []byte       // of a frame of which it sent a part
	known     known        // what the model makes of that
	window    input.Window // of the peer's compressor
	inflater  inflater     // of what the connection sends
	opened    [][]byte     // messages of it, inflated
	numbered  int          // messages of other goroutines
	answered  uint64       // the highest number of a ping that the peer answered
	floods    int          // of messages
	pinged    int          // pings that the peer has looked at
	epoch     int          // how often all was calm
	full      bool         // more than MaxPending bytes waited, and nothing is to be read
	fullAt    int          // with so many bytes read
	steady    time.Time    // since when the transport has been sound, and the reader free
	ticks     int          // intervals of pings that were judged
	collects  bool         // look for what holds the connection in the end
	quiet     bool         // no hook ever panics
	ends      []outcome    // that fit what was seen
	before    time.Time    // when all was calm and closing had not begun
	dropFrom  int          // how much was read then
	ending    time.Time    // when it had, for certain
	graceFrom time.Time    // since when ReadMessage may return
	stalls    bool         // the peer did not read for a while
	hindered  bool         // that, or the transport was at fault
	loud      reason       // what was done that may end the connection
	closing   bool         // Close was called, with a code that may be sent

	track        track
	hookPanicked atomic.Bool
	telling      atomic.Int32 // hooks that take their time
	closes       atomic.Bool  // this side has, or its handler; set before it does

	// Told by the connection's own goroutines.
	mu         sync.Mutex
	busy       int  // handlers at work
	userDone   bool // Serve, or the loop of ReadMessage, has returned
	userErr    error
	got        []model.Message       // by the handler
	gotAt      []time.Time           // when
	kept       [][2][]byte           // payloads that are the application's to keep, and copies
	replies    []model.Message       // owed for them
	replied    []int                 // in which epoch each was given
	repliedAt  []time.Time           // and when
	lent       []byte                // of the last one, if it was the handler's own memory
	handler    *websocket.CloseError // how the handler ended the connection
	handlerErr error                 // and by what, if that was an error
	panicked   bool                  // the handler, or a hook
	panics     int                   // the hook that panics the next time, or 0
	goroutines map[uint64]bool       // on which it may: true for the one that reads
	hookCalls  reason                // what hooks that panicked may have ended the connection for
	calls      []*call
	onWritten  context.CancelFunc // see overtaken
	nudge      chan struct{}      // closed when the handler has returned
	counts     []int              // of replies owed, when the handler had returned for each message
	errs       []error
	told       told
}

// told is what the hooks were told.
type told struct {
	closes      int
	code        websocket.StatusCode
	err         error
	read        []wire.Frame
	messages    []model.Message
	readErrors  []error
	written     []wire.Frame
	writtenMsgs []model.Message
	writeErrors int
	failed      int  // of them, before OnClose was called
	matched     int  // frames of written that were found on the wire
	silent      bool // the handler has panicked: nobody is told what is read any more
	before      int  // frames that were read, then
}

// A call is one of another goroutine.
type call struct {
	what     string    // the method
	epoch    int       // in which it was called
	text     string    // of WriteMessage
	plain    bool      // which is not to be compressed
	binary   bool      // which is binary
	close    []byte    // the payload of the Close that it sends
	bad      bool      // it must fail
	ctxed    bool      // its context ends by itself
	until    time.Time // then
	ended    bool      // by that
	givenUp  bool      // it may be, at any moment
	panicked bool      // a hook panicked in it
	done     bool
	err      error
}

func (h *connHarness) locked(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// fail notes what is wrong.
func (h *connHarness) fail(format string, args ...any) {
	h.locked(func() { h.errs = append(h.errs, fmt.Errorf(format, args...)) })
}

func (h *connHarness) open() {
	if d := h.opt.deflate(); d != nil {
		later()
		h.window = input.NewWindow(d, !h.opt.role())
		h.inflater = inflater{sender: h.opt.role(), deflate: d, compressed: true}
	}
	h.start = time.Now()
	h.before = h.start
	h.pipe = newPipe()
	h.pipe.most = connMost[h.opt.two(bitMost)]
	h.pipe.slow = h.opt.has(bitSlow)
	h.pipe.due = h.deadlineDue
	if h.opt.has(bitWriteTimeout) {
		h.pipe.timeout = connWriteTimeout
	}
	opts := h.opt.options()
	opts.Hooks = h.hooks()
	h.ctx, h.cancel = context.WithCancel(context.Background())
	if h.opt.has(bitBare) && h.opt.timed() {
		h.mustPanic(opts)
	}
	h.pipe.interrupts = h.opt.has(bitInterrupts)
	if h.kernel != nil {
		h.ws = websocket.New(h.kernel.socket(h.pipe), "fuzz", h.opt.mode(), opts)
	} else if h.opt.bare() {
		h.ws = websocket.New(barePipe{h.pipe}, "fuzz", h.opt.mode(), opts)
	} else {
		h.ws = websocket.New(h.pipe, "fuzz", h.opt.mode(), opts)
	}
}

// mustPanic checks that a timeout is refused where the transport has no deadlines.
func (h *connHarness) mustPanic(opts websocket.Options) {
	defer func() {
		if recover() == nil {
			h.fail("New with a timeout and a transport without deadlines did not panic")
		}
	}()
	opts.PingInterval = 0
	websocket.New(barePipe{newPipe()}, "fuzz", h.opt.mode(), opts)
}

// settle waits until nothing more happens by itself, and checks that all is well
// then.
func (h *connHarness) settle() error {
	for {
		time.Sleep(time.Microsecond) // slow writes
		synctest.Wait()
		if !h.pipe.slowly() && h.telling.Load() == 0 {
			h.locked(func() { h.epoch++ })
			return h.calm()
		}
	}
}

// pass lets time pass.
func (h *connHarness) pass(d time.Duration) error {
	time.Sleep(d)
	return h.settle()
}

// runConn has a target's ops happen on the connection of an input, then drains it and
// checks what is left.
func runConn(data []byte, limits func(*input.Source) model.Limits, ops func(*connHarness) error) error {
	defer input.Guard()()
	h := &connHarness{}
	h.src.Reset(data)
	h.opt = newConnOptions(&h.src)
	if h.opt.socket() {
		var stop func()
		h.kernel, stop = playKernel()
		defer stop()
	}
	pools.begin()
	err := inBubble(func() error {
		if limits != nil {
			h.opt.limits = limits(&h.src)
		}
		h.quiet = limits != nil
		h.collects = len(data)&15 == 0 // it takes a while
		return h.run(ops)
	})
	return cmp.Or(err, pools.end(mostHeld))
}

// forgotten checks that nothing holds the connection that has ended: no timer, no context,
// no pool.
func (h *connHarness) forgotten() error {
	ws := weak.Make(h.ws)
	h.ws, h.calls = nil, nil
	defer runtime.KeepAlive(h) // with the context
	for range 2 {
		if runtime.GC(); ws.Value() == nil {
			return nil
		}
	}
	return errors.New("the connection has ended, and something still holds it")
}

func (h *connHarness) run(ops func(*connHarness) error) error {
	h.open()
	defer func() { // nothing is left behind a finding
		h.cancel()
		h.pipe.set(func() { h.pipe.eof = true })
		h.pipe.Close()
		if h.ws != nil {
			h.ws.Close()
		}
	}()
	go h.use()
	if err := h.settle(); err != nil {
		return err
	}
	if err := ops(h); err != nil {
		return err
	}
	if err := h.drain(); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	if err := h.judge(); err != nil || !h.collects {
		return err
	}
	return h.forgotten()
}

// drain lets the peer read what there is and ends the conversation.
func (h *connHarness) drain() error {
	h.flushRest()
	h.pipe.set(func() { h.pipe.stalled = false })
	for busy := true; busy; h.locked(func() { busy = h.busy > 0 }) { // handlers get done
		if err := h.pass(time.Second); err != nil {
			return err
		}
	}
	switch h.opt.two(bitEnding) {
	case endsByContext:
		h.loud |= reasonContext
		h.cancel()
		if err := h.settle(); err != nil {
			return err
		}
	case endsBySilence:
		for passed := time.Duration(0); passed < silence; {
			step := time.Second
			if passed >= silence/5 { // what had to end has, or is found to be late
				step *= 4
			}
			passed += step
			if err := h.pass(step); err != nil {
				return err
			}
		}
	}
	h.loud |= reasonEOF
	h.pipe.set(func() { h.pipe.eof = true })
	if err := h.settle(); err != nil {
		return err
	}
	if h.opt.two(bitUser) == userNobody {
		h.callClose(0, "")
		if err := h.settle(); err != nil {
			return err
		}
	}
	if h.pipe.closed == 0 {
		return errors.New("the transport ended, the connection has not")
	}
	return h.afterwards()
}

// afterwards makes each call once more: all return at once.
func (h *connHarness) afterwards() error {
	h.writeMessage("afterwards", false, 0)
	h.callClose(0, "")
	h.other(&call{what: "Ping"}, func() error { return h.ws.Ping(context.Background()) })
	h.other(&call{what: "ReadMessage", bad: true}, func() error {
		_, err := h.ws.ReadMessage(context.Background())
		return err
	})
	if err := h.settle(); err != nil {
		return err
	}
	if _, agreed := h.ws.Compression(); agreed != (h.opt.deflate() != nil) || h.ws.ClientKey() != "fuzz" || h.ws.Subprotocol() != "" {
		return fmt.Errorf("compression was agreed on: %t; the key is %q, the subprotocol %q", agreed, h.ws.ClientKey(), h.ws.Subprotocol())
	}
	for _, c := range h.calls[len(h.calls)-4:] {
		if (c.err == nil) != (c.what == "Close") {
			return fmt.Errorf("after the end, %s returned %v", c.what, c.err)
		}
		if why := h.told.err; why != nil && (c.what == "WriteMessage" && h.ctx.Err() == nil || c.what == "Ping") && !errors.Is(c.err, why) {
			return fmt.Errorf("after the end, for %w, %s returned %v", why, c.what, c.err)
		}
	}
	return nil
}
