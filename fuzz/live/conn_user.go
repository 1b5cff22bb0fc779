package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// hooks are what the connection tells the application.
func (h *connHarness) hooks() websocket.Hooks {
	frame := func(key websocket.ClientKey, f *websocket.Frame) wire.Frame {
		if key != "fuzz" {
			h.errs = append(h.errs, fmt.Errorf("a hook was called with the key %q", key))
		}
		var rsv byte
		for i, set := range [...]bool{f.RSV3(), f.RSV2(), f.RSV1()} {
			if set {
				rsv |= 1 << i
			}
		}
		return wire.Frame{Fin: f.Fin(), RSV: rsv, Opcode: byte(f.Opcode()), Payload: bytes.Clone(f.Payload)}
	}
	message := func(key websocket.ClientKey, msg *websocket.Message) (m model.Message) {
		if key != "fuzz" || msg == nil {
			h.errs = append(h.errs, fmt.Errorf("a hook was called with the key %q and the message %v", key, msg))
			return m
		}
		return model.Message{Binary: msg.Binary, Payload: bytes.Clone(msg.Payload)}
	}
	t := &h.told
	told := func(hook int, f func()) {
		h.locked(f)
		if h.opt.has(bitSlow) {
			h.telling.Add(1)
			time.Sleep(time.Nanosecond) // in which all others go on
			h.telling.Add(-1)
		}
		if hook == onWriteMessage {
			h.written()
		}
		h.maybePanic(hook)
	}
	hooks := websocket.Hooks{
		OnClose: func(_ websocket.ClientKey, code websocket.StatusCode, err error) {
			told(onClose, func() { t.closes++; t.code, t.err, t.failed = code, err, t.writeErrors })
		},
		OnReadError: func(_ websocket.ClientKey, err error) {
			told(onReadError, func() { t.readErrors = append(t.readErrors, err) })
		},
		OnReadFrame: func(key websocket.ClientKey, f *websocket.Frame) {
			told(onReadFrame, func() { t.read = append(t.read, frame(key, f)) })
		},
		OnReadMessage: func(key websocket.ClientKey, msg *websocket.Message) {
			told(onReadMessage, func() { t.messages = append(t.messages, message(key, msg)) })
		},
		OnWriteError: func(websocket.ClientKey, error) { told(onWriteError, func() { t.writeErrors++ }) },
		OnWriteFrame: func(key websocket.ClientKey, f *websocket.Frame) {
			told(onWriteFrame, func() { t.written = append(t.written, frame(key, f)) })
		},
		OnWriteMessage: func(key websocket.ClientKey, msg *websocket.Message) {
			told(onWriteMessage, func() { t.writtenMsgs = append(t.writtenMsgs, message(key, msg)) })
		},
	}
	for hook, unset := range map[int]func(){
		onClose: func() { hooks.OnClose = nil }, onReadError: func() { hooks.OnReadError = nil }, onReadFrame: func() { hooks.OnReadFrame = nil }, onReadMessage: func() { hooks.OnReadMessage = nil },
		onWriteError: func() { hooks.OnWriteError = nil }, onWriteFrame: func() { hooks.OnWriteFrame = nil }, onWriteMessage: func() { hooks.OnWriteMessage = nil },
	} {
		if !h.opt.hooked(hook) {
			unset()
		}
	}
	return hooks
}

// mayPanic notes that hooks may panic on this goroutine, where it is caught: on another
// one nobody could catch it.
func (h *connHarness) mayPanic(reads bool) {
	if h.quiet {
		return
	}
	h.locked(func() {
		if h.goroutines == nil {
			h.goroutines = map[uint64]bool{}
		}
		h.goroutines[goroutine()] = reads
	})
}

// goroutine is the number of the goroutine that calls it.
func goroutine() (n uint64) {
	var b [32]byte
	for _, c := range b[len("goroutine "):runtime.Stack(b[:], false)] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// maybePanic panics once in a hook, where an op said so.
func (h *connHarness) maybePanic(hook int) {
	var now bool
	h.locked(func() {
		if h.panics != hook || h.panicked {
			return
		}
		reads, known := h.goroutines[goroutine()]
		if !known || reads && h.userDone {
			return
		}
		now, h.panics = true, 0
		h.hookPanicked.Store(true)
		switch {
		case reads:
			h.panicked = true
			h.hookCalls |= reasonHook
		default: // also of Close, which reads where nobody does
			h.hookCalls |= reasonHook | reasonHookLost
		}
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
	sayUnsent  = 'U' // an error with a code that must not be sent
	sayAppend  = 'A' // with the same, and something behind it
	sayQuick   = 'Q' // after a moment
	sayTwin    = 'V' // with the same, of which another payload of its length is no text
)

// handlerTime is how long a handler takes that takes its time, and quickTime one that takes a
// moment.
const (
	handlerTime = 50 * time.Millisecond
	quickTime   = 300 * time.Microsecond
)

// handle is the handler.
func (h *connHarness) handle(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
	got := model.Message{Binary: msg.Binary, Payload: bytes.Clone(msg.Payload)}
	h.locked(func() {
		if h.handler != nil {
			h.errs = append(h.errs, errors.New("the handler was called again after it had ended the connection"))
		}
		h.busy++
		h.got, h.gotAt = append(h.got, got), append(h.gotAt, time.Now())
		for i := range h.lent { // the handler has it back
			h.lent[i] = '!'
		}
		h.lent = nil
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
		defer h.nudged()
		h.busy--
		switch closed := new(websocket.CloseError); {
		case what == sayPanic:
			h.panicked = true
			h.told.silent, h.told.before = true, len(h.told.read)
			h.handlerEnds(1011, "the handler panicked", nil)
		case errors.As(err, &closed):
			h.handlerEnds(closed.Code, closed.Reason, err)
		case errors.Is(err, websocket.ErrMessageTooLarge):
			h.handlerEnds(1009, err.Error(), err)
		case err != nil:
			h.handlerEnds(1011, err.Error(), err)
		case answer != nil && !answer.Binary && !model.ValidUTF8(answer.Payload):
			h.handlerEnds(1007, websocket.ErrInvalidFramePayload.Error(), websocket.ErrInvalidFramePayload)
		case answer != nil:
			h.replies = append(h.replies, model.Message{Binary: answer.Binary, Payload: bytes.Clone(answer.Payload)})
			h.replied = append(h.replied, h.epoch)
			h.repliedAt = append(h.repliedAt, time.Now())
			if what == sayOther || what == sayLong || what == sayTwin {
				h.lent = answer.Payload
			}
		}
		h.counts = append(h.counts, len(h.replies))
	})
	if what == sayPanic {
		panic(errFault)
	}
	return answer, err
}

// handlerEnds notes how the handler ended the connection.
func (h *connHarness) handlerEnds(code websocket.StatusCode, reason string, err error) {
	h.closes.Store(true)
	if h.handler == nil {
		h.handler, h.handlerErr = &websocket.CloseError{Code: code, Reason: reason}, err
	}
}

// answer does what a message says.
func (h *connHarness) answer(what byte, msg *websocket.Message) (*websocket.Message, error) {
	switch what {
	case sayNothing:
		return nil, nil
	case sayFail:
		if len(msg.Payload) > 20 {
			return nil, errors.New("the handler fails: \xff\xfe" + strings.Repeat(" and fäils", 15))
		}
		return nil, errors.New("the handler fails")
	case sayClose:
		return nil, fmt.Errorf("wrapped: %w", &websocket.CloseError{Code: 4001, Reason: "the handler closes"})
	case sayUnsent:
		return nil, &websocket.CloseError{Code: websocket.StatusAbnormalClose, Reason: "the handler closes"}
	case sayBroken:
		return nil, fmt.Errorf("wrapped: %w", websocket.ErrMessageTooLarge)
	case sayOther:
		return &websocket.Message{Binary: true, Payload: append([]byte("other:"), msg.Payload...)}, nil
	case sayLong:
		return &websocket.Message{Binary: !msg.Binary, Payload: bytes.Repeat([]byte("long"), min(3*h.opt.limits.Frame, 20000)/4)}, nil
	case sayAppend:
		msg.Payload = append(msg.Payload, "appended"...)
	case sayTwin:
		msg.Payload = append(bytes.Clone(msg.Payload[:len(msg.Payload)-1]), 0xff)
	case sayShorter:
		msg.Payload = msg.Payload[:len(msg.Payload)/2]
	case sayInvalid:
		return &websocket.Message{Binary: msg.Binary, Payload: []byte("\xff invalid")}, nil
	case sayLater:
		before := bytes.Clone(msg.Payload)
		time.Sleep(handlerTime)
		h.locked(h.upset)
		if !bytes.Equal(before, msg.Payload) {
			h.fail("a message changed while the handler had it")
		}
	case sayQuick:
		time.Sleep(quickTime)
	case sayChanged:
		if !h.opt.has(bitReuse) {
			h.locked(func() { h.kept = h.kept[:len(h.kept)-1] })
		}
		copy(msg.Payload, bytes.ToLower(msg.Payload[:1]))
	}
	return msg, nil
}

// use is what the application does on the goroutine that reads.
func (h *connHarness) use() {
	h.mayPanic(true)
	defer h.locked(func() { h.userDone = true })
	defer func() {
		p := recover()
		var panicked bool // behind a panic another goroutine reads on, and its hooks look at this, too
		h.locked(func() { panicked = h.panicked })
		if p != nil && p != any(errFault) || (p != nil) != panicked {
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
func (h *connHarness) readMessages() {
	for {
		ctx, cancel := h.ctx, context.CancelFunc(func() {})
		if h.opt.has(bitContexts) {
			ctx, cancel = context.WithCancel(h.ctx)
		}
		msg, err := h.ws.ReadMessage(ctx)
		cancel() // which is nothing to a read that has returned
		if err == nil {
			h.locked(func() {
				got := bytes.Clone(msg.Payload)
				h.got, h.gotAt = append(h.got, model.Message{Binary: msg.Binary, Payload: got}), append(h.gotAt, time.Now())
				h.kept = append(h.kept, [2][]byte{msg.Payload, got})
			})
			if len(msg.Payload) > 0 && msg.Payload[0] == sayLater {
				h.locked(func() { h.busy++ })
				time.Sleep(handlerTime)
				h.locked(func() { h.busy--; h.upset() })
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
