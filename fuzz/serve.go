package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/peers"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// Serve checks Serve under everything that can come at once. The first byte of
// the input chooses the role and options; the rest are ops: what the peer sends,
// whole, fragmented, in pieces or broken; faults of the transport; a peer that
// does not read; messages, pings and closes from other goroutines; the end of
// the context. A handler echoes, says nothing, fails or panics as the message
// tells it. A bad op is passed over. Then everything is drained.
//
// Oracles, whatever the order in which goroutines ran: Serve and every other
// call return, and no goroutine is left; what was sent are whole frames, masked
// as the role demands, messages not interleaved, the replies in order and each
// as it was owed; pongs answer pings; at most one Close is sent, with a code
// that may be sent, and nothing behind it; what the handler got is a beginning of
// the messages that the model reads; OnClose is called once.
func Serve(data []byte) error {
	defer guard()()
	h := newServeHarness(data)
	return h.run()
}

// A pipe is a transport whose other end is the harness: it waits as a socket
// does, and takes deadlines.
type pipe struct {
	mu       sync.Mutex
	change   sync.Cond
	in       []byte
	eof      bool
	eofEarly bool  // while others may still have been writing
	readErr  error // reported when in is empty
	out      []byte
	stalled  bool // the peer does not read: writes wait
	writeErr error
	closed   bool
	most     int // bytes a read, 0: as asked for

	deadline time.Time // of reads
	expired  bool      // it has passed
}

// SetReadDeadline sets the deadline of reads. It passes when the harness says so.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.set(func() { p.deadline = t })
	return nil
}

// SetWriteDeadline does nothing: writes end when the harness lets them.
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

func newPipe() *pipe {
	p := new(pipe)
	p.change.L = &p.mu
	return p
}

func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.closed:
			return 0, io.ErrClosedPipe
		case len(p.in) > 0:
			n := len(p.in)
			if p.most > 0 {
				n = min(n, p.most)
			}
			n = copy(b, p.in[:n])
			p.in = p.in[n:]
			return n, nil
		case p.readErr == errEmpty:
			return 0, nil
		case p.readErr != nil:
			return 0, p.readErr
		case p.expired && !p.deadline.IsZero():
			return 0, os.ErrDeadlineExceeded
		case p.eof:
			return 0, io.EOF
		}
		p.change.Wait()
	}
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled && !p.closed && p.writeErr == nil {
		p.change.Wait()
	}
	switch {
	case p.closed:
		return 0, io.ErrClosedPipe
	case p.writeErr != nil:
		return 0, p.writeErr
	}
	p.out = append(p.out, b...)
	return len(b), nil
}

func (p *pipe) Close() error {
	p.set(func() { p.closed = true })
	return nil
}

// CloseWrite ends the direction of writes.
func (p *pipe) CloseWrite() error { return nil }

// set changes the pipe and wakes who waits.
func (p *pipe) set(change func()) {
	p.mu.Lock()
	change()
	p.mu.Unlock()
	p.change.Broadcast()
}

// errFault is what a broken transport reports; errEmpty makes it return nothing, and
// no error either.
var (
	errFault = errors.New("fault of the transport")
	errEmpty = errors.New("reads return nothing")
)

// serveBound is the time within which everything must have ended.
const serveBound = 10 * time.Second

type serveHarness struct {
	src    Source
	role   model.Role
	limits model.Limits
	pipe   *pipe
	ws     *websocket.Websocket
	ctx    context.Context
	cancel context.CancelFunc

	sent    []byte // what the peer sent
	others  sync.WaitGroup
	before  int  // goroutines before it began
	message int  // number of the next message of another goroutine
	loud    bool // something was done that may cost replies

	// Told by the connection's own goroutines; read when they have ended.
	mu      sync.Mutex
	ended   bool            // the handler ended the connection
	got     []model.Message // by the handler
	replies []model.Message // owed for them
	closes  int             // calls of OnClose
	writes  int             // calls of OnWriteError, for coverage of the hook
	panics  bool

	hooked     bool
	seen       []websocket.Frame // by OnReadFrame: headers and sizes
	announced  int               // by OnReadMessage
	readErrors int
	queued     int // by OnWriteFrame
	errs       []error
}

// What the first byte of a message tells the handler.
const (
	sayNothing = 'N'
	sayFail    = 'F'
	sayClose   = 'C'
	sayPanic   = 'P'
	sayOther   = 'O' // with another message
)

func newServeHarness(data []byte) *serveHarness {
	h := &serveHarness{pipe: newPipe()}
	h.src.Reset(data)
	first := h.src.next()
	mode := websocket.ServerMode
	if first&1 != 0 {
		h.role, mode = model.Client, websocket.ClientMode
	}
	h.limits = model.Limits{Frame: 200, Message: 600}
	opts := websocket.Options{
		MaxFrameSize: h.limits.Frame, MaxMessageSize: h.limits.Message,
		CloseTimeout: serveBound / 2, // the drain ends what waits for it
		ReuseBuffers: first&2 != 0,
		Hooks: websocket.Hooks{
			OnClose:      func(websocket.ClientKey, websocket.StatusCode, error) { h.locked(func() { h.closes++ }) },
			OnWriteError: func(websocket.ClientKey, error) { h.locked(func() { h.writes++ }) },
		},
	}
	if first&4 != 0 {
		opts.MaxPending = 300
	}
	if first&32 != 0 {
		opts.Hooks.OnReadFrame = func(_ websocket.ClientKey, f *websocket.Frame) { h.locked(func() { h.seen = append(h.seen, *f) }) }
		opts.Hooks.OnReadMessage = func(_ websocket.ClientKey, m *websocket.Message) { h.locked(func() { h.announced++ }) }
		opts.Hooks.OnReadError = func(websocket.ClientKey, error) { h.locked(func() { h.readErrors++ }) }
		opts.Hooks.OnWriteFrame = func(_ websocket.ClientKey, f *websocket.Frame) { h.locked(func() { h.queued++ }) }
		opts.Hooks.OnWriteMessage = func(websocket.ClientKey, *websocket.Message) {}
	}
	if first&64 != 0 { // they end when the harness says so
		opts.ReadTimeout, opts.MessageTimeout, opts.WriteTimeout = time.Hour, time.Hour/2, time.Hour
	}
	if first&128 != 0 {
		opts.PingInterval = time.Hour
	}
	h.hooked = first&32 != 0
	h.pipe.most = []int{0, 1, 7, 64}[first>>3&3]
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.before = runtime.NumGoroutine()
	h.ws = websocket.New(h.pipe, "fuzz", mode, opts)
	return h
}

func (h *serveHarness) locked(f func()) {
	h.mu.Lock()
	f()
	h.mu.Unlock()
}

// handle is the handler.
func (h *serveHarness) handle(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
	got := model.Message{Binary: msg.Binary, Payload: bytes.Clone(msg.Payload)}
	reply := &got
	var what byte
	if len(msg.Payload) > 0 {
		what = msg.Payload[0]
	}
	var err error
	answer := msg
	switch what {
	case sayNothing:
		reply, answer = nil, nil
	case sayFail:
		reply, answer, err = nil, nil, errors.New("the handler fails")
	case sayClose:
		reply, answer, err = nil, nil, &websocket.CloseError{Code: 4001, Reason: "the handler closes"}
	case sayOther:
		reply = &model.Message{Binary: true, Payload: append([]byte("other:"), got.Payload...)}
		answer = &websocket.Message{Binary: true, Payload: bytes.Clone(reply.Payload)}
	case sayPanic:
		reply = nil
	}
	h.mu.Lock()
	h.ended = h.ended || err != nil || what == sayPanic
	h.got = append(h.got, got)
	if reply != nil {
		h.replies = append(h.replies, *reply)
	}
	h.mu.Unlock()
	if what == sayPanic {
		panic(errFault)
	}
	return answer, err
}

// peer has the peer send a frame.
func (h *serveHarness) peer(opcode byte, fin bool, payload []byte) {
	f := wire.Frame{Fin: fin, Opcode: opcode, Masked: h.role == model.Server, Key: [4]byte{1, 2, 3, byte(len(payload))}, Payload: payload}
	h.send(f.Append(nil))
}

func (h *serveHarness) send(b []byte) {
	h.pipe.set(func() {
		if h.pipe.eof || h.pipe.readErr != nil {
			return
		}
		h.sent = append(h.sent, b...)
		h.pipe.in = append(h.pipe.in, b...)
	})
}

// payload returns text whose first letter tells the handler what to do.
func (h *serveHarness) payload() []byte {
	letter := "eeeeeeeeNOeFCeeP"[h.src.next()&15]
	n := int(h.src.next())
	return append([]byte{letter}, padding[:n%200]...)
}

// op does the next op.
func (h *serveHarness) op() {
	switch op := h.src.next(); op % uint64(len(opNames)) {
	case 0, 1, 2:
		h.peer(wire.Text, true, h.payload())
	case 3:
		h.peer(wire.Binary, true, h.payload())
	case 4:
		p := h.payload()
		cut := len(p) / 2
		h.peer(wire.Text, false, p[:cut])
		h.peer(wire.Ping, true, []byte{byte(h.src.next())})
		h.peer(wire.Continuation, true, p[cut:])
	case 5:
		for range 1 + h.src.next()%8 { // a burst: replies are gathered
			h.peer(wire.Text, true, h.payload())
		}
	case 6, 7:
		h.peer(wire.Ping, true, []byte{byte(h.src.next()), byte(op)})
	case 8:
		h.peer(wire.Pong, true, []byte{byte(h.src.next())})
	case 9:
		h.peer(wire.Close, true, [][]byte{nil, {3, 232}, {3, 233, 'x'}, {3, 237}, {1}, {15, 161}}[h.src.next()%6])
	case 10:
		n := h.src.next() % 8
		raw := make([]byte, n)
		for i := range raw {
			raw[i] = byte(h.src.next())
		}
		h.send(raw)
	case 11:
		h.pipe.set(func() { h.pipe.eof, h.pipe.eofEarly = true, true })
	case 12:
		h.loud = true
		fault := []error{errFault, errEmpty}[h.src.next()&1]
		h.pipe.set(func() { h.pipe.readErr = fault })
	case 13:
		h.loud = true
		h.pipe.set(func() { h.pipe.writeErr = errFault })
	case 14:
		h.pipe.set(func() { h.pipe.stalled = true })
	case 15:
		h.pipe.set(func() { h.pipe.stalled = false })
	case 16, 17, 18:
		h.message++
		msg := &websocket.Message{Binary: op%2 == 0, Payload: fmt.Appendf(nil, "message %d %s", h.message, padding[:h.src.next()])}
		h.other(func() { _ = h.ws.WriteMessage(h.ctx, msg) })
	case 19:
		h.loud = true
		h.other(func() { _ = h.ws.Close() })
	case 20:
		h.loud = true
		code := closeCodes[int(h.src.next())%len(closeCodes)]
		h.other(func() { _ = h.ws.CloseWithStatus(websocket.StatusCode(code), "closing") })
	case 21:
		h.loud = true
		h.other(func() {
			ctx, cancel := context.WithTimeout(h.ctx, time.Millisecond)
			defer cancel()
			_ = h.ws.Ping(ctx)
		})
	case 22:
		h.loud = true
		h.cancel()
	case 23:
		if h.src.next()&1 != 0 {
			h.loud = true
			h.pipe.set(func() { h.pipe.expired = true })
		}
		runtime.Gosched()
	}
}

// other does something on another goroutine.
func (h *serveHarness) other(f func()) {
	h.others.Add(1)
	go func() {
		defer h.others.Done()
		f()
	}()
}

func (h *serveHarness) run() error {
	defer h.cancel()
	// Nothing waits for the peer in the end: whatever does not end before
	// CloseTimeout does has lost its turn.
	slow := make(chan string, 1)
	watch := time.AfterFunc(serveBound*4/10, func() { slow <- peers.Stacks() })
	defer watch.Stop()
	served := make(chan struct{})
	go func() {
		defer close(served)
		defer func() {
			if p := recover(); p != nil {
				h.locked(func() {
					h.panics = true
					if p != any(errFault) {
						h.errs = append(h.errs, fmt.Errorf("Serve panicked with %v", p))
					}
				})
			}
		}()
		h.ws.Serve(h.ctx, h.handle)
	}()
	for range 64 {
		if h.src.Len() == 0 {
			break
		}
		h.op()
	}
	// Drain: the peer reads what there is and ends.
	bound := time.NewTimer(serveBound)
	defer bound.Stop()
	h.pipe.set(func() { h.pipe.stalled = false })
	if !h.loud {
		// Writers first, so that what they send is owed too.
		written := make(chan struct{})
		go func() {
			h.others.Wait()
			close(written)
		}()
		select {
		case <-written:
		case <-bound.C:
			return fmt.Errorf("a write has not returned after %v; goroutines:\n%s", serveBound, peers.Stacks())
		}
	}
	h.pipe.set(func() { h.pipe.eof = true })
	select {
	case <-served:
	case <-bound.C:
		return fmt.Errorf("Serve has not returned %v after the transport ended; goroutines:\n%s", serveBound, peers.Stacks())
	}
	rest := make(chan struct{})
	go func() {
		h.others.Wait()
		_ = h.ws.Close()
		close(rest)
	}()
	select {
	case <-rest:
	case <-bound.C:
		return fmt.Errorf("a write, a ping or a close has not returned %v after Serve had; goroutines:\n%s", serveBound, peers.Stacks())
	}
	h.cancel()
	// The goroutines that end the connection may outlive the calls a little.
	for start := time.Now(); runtime.NumGoroutine() > h.before || !h.told(); runtime.Gosched() {
		if waited := time.Since(start); waited > serveBound {
			return fmt.Errorf("%d goroutines are left, there were %d before; OnClose was called: %t\n%s", runtime.NumGoroutine(), h.before, h.told(), peers.Stacks())
		} else if waited > time.Millisecond {
			time.Sleep(100 * time.Microsecond)
		}
	}
	if !watch.Stop() {
		return fmt.Errorf("only a timeout ended the connection; goroutines before it:\n%s", <-slow)
	}
	return h.judge()
}

// told reports whether OnClose was called.
func (h *serveHarness) told() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closes > 0
}

// judge checks what is left when all has ended.
func (h *serveHarness) judge() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pipe.mu.Lock()
	defer h.pipe.mu.Unlock()
	if len(h.errs) > 0 {
		return h.errs[0]
	}
	if !h.pipe.closed {
		return errors.New("the transport was not closed")
	}
	if h.closes != 1 {
		return fmt.Errorf("OnClose was called %d times, want once", h.closes)
	}
	want := model.Read(h.role, h.limits, h.sent)
	if len(h.got) > len(want.Messages) {
		return fmt.Errorf("the handler got %d messages, the peer sent %d", len(h.got), len(want.Messages))
	}
	for i, got := range h.got {
		if w := want.Messages[i]; got.Binary != w.Binary || !bytes.Equal(got.Payload, w.Payload) {
			return fmt.Errorf("the handler got %v as message %d, the peer sent %v", got, i+1, w)
		}
	}
	if h.hooked {
		if err := h.judgeHooks(); err != nil {
			return err
		}
	}
	return h.judgeSent(want)
}

// judgeHooks checks what the hooks were told.
func (h *serveHarness) judgeHooks() error {
	if h.announced < len(h.got) || h.announced > len(h.got)+1 {
		return fmt.Errorf("OnReadMessage was called %d times, the handler %d times", h.announced, len(h.got))
	}
	if h.readErrors > 1 {
		return fmt.Errorf("OnReadError was called %d times", h.readErrors)
	}
	spans := split(h.sent)
	if len(h.seen) > len(spans) {
		return fmt.Errorf("OnReadFrame saw %d frames, the peer sent %d", len(h.seen), len(spans))
	}
	for i := range h.seen {
		f, w := &h.seen[i], &spans[i].frame
		if byte(f.Opcode()) != w.Opcode || f.Fin() != w.Fin || len(f.Payload) != len(w.Payload) {
			return fmt.Errorf("OnReadFrame saw %v as frame %d, the peer sent opcode %#x with %d bytes", f, i+1, w.Opcode, len(w.Payload))
		}
	}
	sent := 0
	for range split(h.pipe.out) {
		sent++
	}
	if sent > h.queued {
		return fmt.Errorf("%d frames were sent, OnWriteFrame saw %d", sent, h.queued)
	}
	return nil
}

// judgeSent checks what stands on the wire.
func (h *serveHarness) judgeSent(want model.Outcome) error {
	owed := want.Pongs
	var latest []byte
	code := uint16(0)
	var message []byte
	var open, binary, closed bool
	replies, pong := 0, 0
	seen := map[string]bool{}
	for b := h.pipe.out; len(b) > 0; {
		f, n, err := wire.Split(b)
		if err != nil {
			return fmt.Errorf("the bytes sent end inside a frame: %x", clip(b))
		}
		b = b[n:]
		if closed {
			return fmt.Errorf("a frame with opcode %#x was sent behind the Close", f.Opcode)
		}
		if f.RSV != 0 || f.Masked != (h.role == model.Client) {
			return fmt.Errorf("a frame was sent with RSV %03b, masked %t, by a %v", f.RSV, f.Masked, h.role)
		}
		if f.Opcode&8 != 0 {
			if !f.Fin || len(f.Payload) > 125 {
				return fmt.Errorf("a control frame was sent with FIN %t and %d bytes", f.Fin, len(f.Payload))
			}
		}
		switch f.Opcode {
		case wire.Close:
			closed = true
			if err := checkSentClose(f.Payload); err != nil {
				return err
			}
			code = 1005
			if len(f.Payload) >= 2 {
				code = uint16(f.Payload[0])<<8 | uint16(f.Payload[1])
			}
		case wire.Pong:
			for pong < len(owed) && !bytes.Equal(owed[pong], f.Payload) {
				pong++
			}
			if pong == len(owed) {
				return fmt.Errorf("a pong %x was sent that answers no ping, or answers them out of order: %x", f.Payload, owed)
			}
			pong++
			latest = f.Payload
		case wire.Ping:
		case wire.Text, wire.Binary, wire.Continuation:
			if (f.Opcode == wire.Continuation) != open {
				return fmt.Errorf("messages interleave: a data frame with opcode %d, a message open: %t", f.Opcode, open)
			}
			if !open {
				message, binary = message[:0], f.Opcode == wire.Binary
			}
			if len(f.Payload) > h.limits.Frame {
				return fmt.Errorf("a frame of %d bytes was sent, MaxFrameSize is %d", len(f.Payload), h.limits.Frame)
			}
			message = append(message, f.Payload...)
			if open = !f.Fin; open {
				continue
			}
			if bytes.HasPrefix(message, []byte("message ")) {
				if seen[string(message)] {
					return fmt.Errorf("%q was sent twice", clip(message))
				}
				seen[string(message)] = true
				continue
			}
			if replies == len(h.replies) {
				return fmt.Errorf("%q was sent, which is no reply that is owed", clip(message))
			}
			if w := h.replies[replies]; w.Binary != binary || !bytes.Equal(w.Payload, message) {
				return fmt.Errorf("reply %d is %v, want %v", replies+1, model.Message{Binary: binary, Payload: message}, w)
			}
			replies++
		default:
			return fmt.Errorf("a frame with opcode %#x was sent", f.Opcode)
		}
	}
	if open {
		// Only a transport that failed, or was closed, may cut a message.
		if h.pipe.writeErr == nil && h.ctx.Err() == nil && !closed {
			return errors.New("the last message was not finished")
		}
	}
	if h.loud || h.ended {
		return nil
	}
	// Nothing stood in the way: all that was owed was sent.
	if len(h.got) != len(want.Messages) || replies != len(h.replies) {
		return fmt.Errorf("the peer sent %d messages, the handler got %d and owed %d replies, of which %d were sent; %v", len(want.Messages), len(h.got), len(h.replies), replies, want)
	}
	if n := len(owed); n > 0 && !bytes.Equal(latest, owed[n-1]) {
		return fmt.Errorf("the last of %d pings, %x, was not answered: the last pong is %x", n, owed[n-1], latest)
	}
	if sent := len(seen); sent != h.message && want.End == model.Open && want.Rule == "" && !h.pipe.eofEarly {
		return fmt.Errorf("%d messages of other goroutines were sent, want %d", sent, h.message)
	}
	if want.End != model.Open && !slices.Contains(want.Codes, code) {
		return fmt.Errorf("a Close with code %d was sent (0: none), want one of %d: %v", code, want.Codes, want)
	}
	return nil
}

// checkSentClose checks the payload of a Close that was sent (RFC 6455 sections 5.5.1
// and 7.4.1).
func checkSentClose(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	var code uint16
	if len(p) >= 2 {
		code = uint16(p[0])<<8 | uint16(p[1])
	}
	out := model.Read(model.Client, model.Limits{Frame: 125, Message: 125}, (&wire.Frame{Fin: true, Opcode: wire.Close, Payload: p}).Append(nil))
	if out.End != model.Closed {
		return fmt.Errorf("a Close with code %d and %d bytes was sent: %v", code, len(p), out)
	}
	return nil
}

// opNames are the ops, by what they are modulo their number.
var opNames = [...]string{
	"text", "text", "text", "binary", "text in two fragments with a ping between", "a burst of text", "ping", "ping", "pong", "Close",
	"raw bytes", "end of what the peer sends", "fault of reads", "fault of writes", "the peer stops reading", "the peer reads again",
	"message of another goroutine", "message of another goroutine", "message of another goroutine", "Close by another goroutine",
	"CloseWithStatus by another goroutine", "Ping by another goroutine", "end of the context", "yield, or the deadline passes",
}

// explainServe tells the options and the ops of an input. Some bytes are
// parameters of the op before: all are told as ops.
func explainServe(data []byte) string {
	if len(data) == 0 {
		return "no ops\n"
	}
	first := data[0]
	var b strings.Builder
	fmt.Fprintf(&b, "a %v, ReuseBuffers %t, small MaxPending %t, reads of %d bytes (0: as asked for), hooks %t, timeouts %t, pings %t; the bytes, as ops or parameters:\n",
		model.Role(first&1 != 0), first&2 != 0, first&4 != 0, []int{0, 1, 7, 64}[first>>3&3], first&32 != 0, first&64 != 0, first&128 != 0)
	for i, op := range data[1:] {
		fmt.Fprintf(&b, "  %3d: %3d %s\n", i+1, op, opNames[int(op)%len(opNames)])
	}
	return b.String()
}
