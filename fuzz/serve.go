package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// Serve checks a connection under everything that can come at once. The first
// bytes of the input choose the role, the options, who reads and what the
// transport is like (serve_options.go); the rest are ops (serve_ops.go): what the
// peer sends, whole, fragmented, in pieces or broken; faults of the transport; a
// peer that does not read; time that passes; messages, pings and closes from
// other goroutines; the end of the context. A handler echoes, changes, says
// nothing, takes its time, fails or panics as the message tells it. Then
// everything is drained.
//
// Time is virtual, so that it is known when nothing more will happen by itself.
// Oracles, whatever the order in which goroutines ran: whenever all is calm, what
// is owed has been done (serve_calm.go): the peer's bytes are read, its messages
// answered, its pings too, its Close and its faults; each call has returned what
// it should; each deadline, and each end by a timeout, comes when it is due, none
// comes early, and nothing ends without a reason. What was sent are whole frames,
// masked as the role demands, messages not interleaved, the replies in order and
// each as it was owed, at most one Close and nothing behind it (serve_wire.go).
// The hooks are told exactly that. No goroutine is left.
func Serve(data []byte) error {
	defer guard()()
	h := &serveHarness{}
	h.src.Reset(data)
	h.opt = newServeOptions(&h.src)
	if h.opt.has(bitSocket) && !h.opt.has(bitRaw) {
		return serveSocket(&h.opt, data[min(len(data), serveHead):])
	}
	return inBubble(h.run)
}

type serveHarness struct {
	src    Source
	opt    serveOptions
	pipe   *pipe
	ws     *websocket.Websocket
	ctx    context.Context
	cancel context.CancelFunc
	start  time.Time

	// The harness's own.
	sent     []byte    // what the peer sent
	rest     []byte    // of a frame of which it sent a part
	numbered int       // messages of other goroutines
	answered uint64    // the highest number of a ping that the peer answered
	before   time.Time // when all was calm and the end had not begun
	ending   time.Time // and when it had, for certain
	loud     reason    // what was done that may end the connection
	closing  bool      // Close was called, with a code that may be sent

	track        track
	hookPanicked atomic.Bool

	// Told by the connection's own goroutines.
	mu         sync.Mutex
	busy       int  // handlers at work
	userDone   bool // Serve, or the loop of ReadMessage, has returned
	userErr    error
	got        []model.Message // by the handler
	kept       [][2][]byte     // payloads that are the application's to keep, and copies
	replies    []model.Message // owed for them
	handler    *websocket.CloseError
	panicked   bool // the handler, or a hook
	hookPanics bool // the next time
	calls      []*call
	errs       []error
	told       told
}

// told is what the hooks were told.
type told struct {
	closes      int
	code        websocket.StatusCode
	err         error
	read        []wire.Frame
	messages    int
	readErrors  []error
	written     []wire.Frame
	writtenMsgs int
	writeErrors int
}

// A call is one of another goroutine.
type call struct {
	what  string // the method
	text  string // of WriteMessage
	close []byte // the payload of the Close that it sends
	bad   bool   // it must fail
	ctxed bool   // its context ends by itself
	ended bool   // by that
	done  bool
	err   error
}

func (h *serveHarness) locked(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// fail notes what is wrong.
func (h *serveHarness) fail(format string, args ...any) {
	h.locked(func() { h.errs = append(h.errs, fmt.Errorf(format, args...)) })
}

func (h *serveHarness) open() {
	h.start = time.Now()
	h.before = h.start
	h.pipe = newPipe()
	h.pipe.most = serveMost[h.opt.two(bitMost)]
	h.pipe.slow = h.opt.has(bitSlow)
	h.pipe.due = h.deadlineDue
	if h.opt.has(bitWriteTimeout) {
		h.pipe.timeout = serveWriteTimeout
	}
	opts := h.opt.options()
	if !h.opt.noHooks() {
		opts.Hooks = h.hooks()
	}
	if h.opt.has(bitFewHooks) { // then replies are gathered without a lock
		opts.Hooks.OnReadFrame, opts.Hooks.OnReadMessage = nil, nil
		opts.Hooks.OnWriteFrame, opts.Hooks.OnWriteMessage = nil, nil
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	if h.opt.bare() {
		h.ws = websocket.New(barePipe{h.pipe}, "fuzz", h.opt.mode(), opts)
	} else {
		h.ws = websocket.New(h.pipe, "fuzz", h.opt.mode(), opts)
	}
}

func (h *serveHarness) hooks() websocket.Hooks {
	frame := func(key websocket.ClientKey, f *websocket.Frame) wire.Frame {
		if key != "fuzz" {
			h.errs = append(h.errs, fmt.Errorf("a hook was called with the key %q", key))
		}
		var rsv byte
		if f.RSV1() || f.RSV2() || f.RSV3() {
			rsv = 1
		}
		return wire.Frame{Fin: f.Fin(), RSV: rsv, Opcode: byte(f.Opcode()), Payload: bytes.Clone(f.Payload)}
	}
	t := &h.told
	return websocket.Hooks{
		OnClose: func(_ websocket.ClientKey, code websocket.StatusCode, err error) {
			h.locked(func() { t.closes++; t.code, t.err = code, err })
		},
		OnReadFrame: func(key websocket.ClientKey, f *websocket.Frame) {
			h.locked(func() { t.read = append(t.read, frame(key, f)) })
			h.maybePanic()
		},
		OnReadMessage: func(websocket.ClientKey, *websocket.Message) { h.locked(func() { t.messages++ }) },
		OnReadError: func(_ websocket.ClientKey, err error) {
			h.locked(func() { t.readErrors = append(t.readErrors, err) })
		},
		OnWriteFrame: func(key websocket.ClientKey, f *websocket.Frame) {
			h.locked(func() { t.written = append(t.written, frame(key, f)) })
		},
		OnWriteMessage: func(websocket.ClientKey, *websocket.Message) { h.locked(func() { t.writtenMsgs++ }) },
		OnWriteError:   func(websocket.ClientKey, error) { h.locked(func() { t.writeErrors++ }) },
	}
}

// maybePanic panics once where an op said so, on the goroutine that serves: on
// another one nobody could catch it.
func (h *serveHarness) maybePanic() {
	var now bool
	h.locked(func() {
		now = h.hookPanics && !h.panicked && !h.userDone && h.opt.two(bitUser) < userReads
		if now {
			h.hookPanicked.Store(true)
		}
		h.panicked = h.panicked || now
		h.hookPanics = false
	})
	if now {
		panic(errFault)
	}
}

// What the first byte of a message tells the handler.
const (
	sayNothing = 'N'
	sayFail    = 'F'
	sayClose   = 'C'
	sayBroken  = 'B' // an error that wraps an *Error
	sayPanic   = 'P'
	sayOther   = 'O' // with another message
	sayLong    = 'L' // with one of several frames
	sayChanged = 'M' // with the same, changed in place
	sayShorter = 'S' // with the same, cut
	sayInvalid = 'T' // with text that is not UTF-8
	sayLater   = 'W' // after a while
)

// handlerTime is how long a handler takes that takes its time.
const handlerTime = 50 * time.Millisecond

// handle is the handler.
func (h *serveHarness) handle(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
	got := model.Message{Binary: msg.Binary, Payload: bytes.Clone(msg.Payload)}
	h.locked(func() {
		if h.handler != nil {
			h.errs = append(h.errs, errors.New("the handler was called again after it had ended the connection"))
		}
		h.busy++
		h.got = append(h.got, got)
		if !h.opt.has(bitReuse) {
			h.kept = append(h.kept, [2][]byte{msg.Payload, got.Payload})
		}
	})
	var what byte
	if len(msg.Payload) > 0 {
		what = msg.Payload[0]
	}
	answer, err := h.answer(what, msg)
	h.locked(func() {
		h.busy--
		switch closed := new(websocket.CloseError); {
		case what == sayPanic:
			h.panicked = true
			h.ends(1011, "the handler panicked")
		case errors.As(err, &closed):
			h.ends(closed.Code, closed.Reason)
		case errors.Is(err, websocket.ErrMessageTooLarge):
			h.ends(1009, err.Error())
		case err != nil:
			h.ends(1011, err.Error())
		case answer != nil && !answer.Binary && !model.ValidUTF8(answer.Payload):
			h.ends(1007, websocket.ErrInvalidFramePayload.Error())
		case answer != nil:
			h.replies = append(h.replies, model.Message{Binary: answer.Binary, Payload: bytes.Clone(answer.Payload)})
		}
	})
	if what == sayPanic {
		panic(errFault)
	}
	return answer, err
}

// ends notes how the handler ended the connection.
func (h *serveHarness) ends(code websocket.StatusCode, reason string) {
	if h.handler == nil {
		h.handler = &websocket.CloseError{Code: code, Reason: reason}
	}
}

// answer does what a message says.
func (h *serveHarness) answer(what byte, msg *websocket.Message) (*websocket.Message, error) {
	switch what {
	case sayNothing:
		return nil, nil
	case sayFail:
		return nil, errors.New("the handler fails")
	case sayClose:
		return nil, fmt.Errorf("wrapped: %w", &websocket.CloseError{Code: 4001, Reason: "the handler closes"})
	case sayBroken:
		return nil, fmt.Errorf("wrapped: %w", websocket.ErrMessageTooLarge)
	case sayOther:
		return &websocket.Message{Binary: true, Payload: append([]byte("other:"), msg.Payload...)}, nil
	case sayLong:
		return &websocket.Message{Binary: !msg.Binary, Payload: bytes.Repeat([]byte("long"), min(3*h.opt.limits.Frame, 20000)/4)}, nil
	case sayShorter:
		msg.Payload = msg.Payload[:len(msg.Payload)/2]
	case sayInvalid:
		return &websocket.Message{Binary: msg.Binary, Payload: []byte("\xff invalid")}, nil
	case sayLater:
		before := bytes.Clone(msg.Payload)
		time.Sleep(handlerTime)
		if !bytes.Equal(before, msg.Payload) {
			h.fail("a message changed while the handler had it")
		}
	case sayChanged:
		if !h.opt.has(bitReuse) {
			h.locked(func() { h.kept = h.kept[:len(h.kept)-1] })
		}
		copy(msg.Payload, bytes.ToLower(msg.Payload[:1]))
	}
	return msg, nil
}

// use is what the application does on the goroutine that reads.
func (h *serveHarness) use() {
	defer h.locked(func() { h.userDone = true })
	defer func() {
		p := recover()
		if panicked := h.panicked; p != nil && p != any(errFault) || (p != nil) != panicked {
			h.fail("reading panicked with %v, want a panic: %t", p, panicked)
		}
	}()
	switch h.opt.two(bitUser) {
	case userReads:
		h.readMessages()
	case userNobody:
	default:
		h.ws.Serve(h.ctx, h.handle)
	}
}

// readMessages reads to the end.
func (h *serveHarness) readMessages() {
	for {
		msg, err := h.ws.ReadMessage(h.ctx)
		if err == nil {
			h.locked(func() {
				got := bytes.Clone(msg.Payload)
				h.got = append(h.got, model.Message{Binary: msg.Binary, Payload: got})
				h.kept = append(h.kept, [2][]byte{msg.Payload, got})
			})
			if len(msg.Payload) > 0 && msg.Payload[0] == sayLater {
				h.locked(func() { h.busy++ })
				time.Sleep(handlerTime)
				h.locked(func() { h.busy-- })
			}
			continue
		}
		if msg != nil {
			h.fail("ReadMessage returned a message and %v", err)
		}
		if _, again := h.ws.ReadMessage(context.Background()); again == nil || again.Error() != err.Error() && h.ctx.Err() == nil {
			h.fail("after ReadMessage returned %v, it returned %v", err, again)
		}
		h.locked(func() { h.userErr = err })
		return
	}
}

// other makes a call on another goroutine.
func (h *serveHarness) other(c *call, f func() error) {
	h.locked(func() { h.calls = append(h.calls, c) })
	go func() {
		err := f()
		h.locked(func() { c.done, c.err = true, err })
	}()
}

// settle waits until nothing more happens by itself, and checks that all is well
// then.
func (h *serveHarness) settle() error {
	time.Sleep(time.Microsecond) // slow writes
	synctest.Wait()
	return h.calm()
}

// pass lets time pass.
func (h *serveHarness) pass(d time.Duration) error {
	time.Sleep(d)
	return h.settle()
}

func (h *serveHarness) run() error {
	h.open()
	defer func() { // nothing is left behind a finding
		h.cancel()
		h.pipe.set(func() { h.pipe.eof = true })
		h.pipe.Close()
		h.ws.Close()
	}()
	go h.use()
	if err := h.settle(); err != nil {
		return err
	}
	if err := h.ops(); err != nil {
		return err
	}
	if err := h.drain(); err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	return h.judge()
}

// drain lets the peer read what there is and ends the conversation.
func (h *serveHarness) drain() error {
	h.flushRest()
	h.pipe.set(func() { h.pipe.stalled = false })
	if err := h.pass(time.Second); err != nil { // handlers get done
		return err
	}
	switch h.opt.two(bitEnding) {
	case endsByContext:
		h.loud |= reasonContext
		h.cancel()
		if err := h.settle(); err != nil {
			return err
		}
	case endsBySilence:
		for range secondsSilence {
			if err := h.pass(time.Second); err != nil {
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
func (h *serveHarness) afterwards() error {
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
	for _, c := range h.calls[len(h.calls)-4:] {
		if (c.err == nil) != (c.what == "Close") {
			return fmt.Errorf("after the end, %s returned %v", c.what, c.err)
		}
	}
	return nil
}

// writeMessage has another goroutine write a message of a size.
func (h *serveHarness) writeMessage(word string, invalid bool, size int) *call {
	return h.writeWithin(word, invalid, size, 0)
}

// writeWithin is writeMessage with a context that ends after a while, if that is
// not 0.
func (h *serveHarness) writeWithin(word string, invalid bool, size int, within time.Duration) *call {
	h.numbered++
	head := fmt.Sprintf("message %d %s ", h.numbered, word)
	text := head + strings.Repeat("+", max(0, size-len(head)))
	c := &call{what: "WriteMessage", text: text, bad: invalid, ctxed: within > 0}
	payload := []byte(text)
	msg := &websocket.Message{Binary: h.numbered%2 == 0 && !invalid, Payload: payload}
	if invalid {
		msg.Payload = append(payload, 0xff)
	}
	h.other(c, func() error {
		ctx, cancel := h.ctx, context.CancelFunc(func() {})
		if within > 0 {
			ctx, cancel = context.WithTimeout(h.ctx, within)
		}
		defer cancel()
		err := h.ws.WriteMessage(ctx, msg)
		for i := range payload { // it is ours again
			payload[i] = '!'
		}
		h.locked(func() { c.ended = ctx.Err() != nil && within > 0 })
		return err
	})
	return c
}

// callClose has another goroutine close, with a code if that is not 0.
func (h *serveHarness) callClose(code websocket.StatusCode, reason string) {
	if code == 0 {
		h.closing = true
		h.loud |= reasonClose
		h.other(&call{what: "Close", close: closePayloadFor(1000, "")}, h.ws.Close)
		return
	}
	c := &call{what: "CloseWithStatus", bad: !mayBeSent(uint16(code)) && code != 1005}
	if !c.bad {
		h.closing = true
		h.loud |= reasonClose
		c.close = closePayloadFor(uint16(code), reason)
	}
	h.other(c, func() error { return h.ws.CloseWithStatus(code, reason) })
}

// mayBeSent tells whether a close code may stand in a Close (RFC 6455 section 7.4).
func mayBeSent(code uint16) bool {
	return code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
}
