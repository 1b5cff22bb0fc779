package websocket

import (
	"io"
	"os"
	"sync"
	"time"
)

const (
	// socketBuffer is the size of the buffer that a socket's reader borrows while
	// there is something to read.
	socketBuffer = 16 << 10
	// streamBuffer is the size of the buffer that any other transport's reader keeps.
	streamBuffer = 4 << 10
	// headroom is left free before a message's payload in pooled memory, so that
	// the reply's header fits there.
	headroom = 16
	// readStep is how much is read from a socket at once.
	readStep = 256 << 10
	// noProgress is how often a transport may return nothing without an error.
	noProgress = 100
)

var (
	errTimeout    = os.ErrDeadlineExceeded
	errShortWrite = io.ErrShortWrite
)

// inbound is the way from the transport to messages. All of it is the reader's.
// Of an idle connection it holds next to nothing: what work needs is borrowed.
type inbound struct {
	buf   *readAhead // nil if nothing is read ahead
	parts *parts     // of the message under way, or of the last one; nil where that is all in buf

	h header // of the current frame

	fragmented bool  // a message is under way, its last frame was not final
	binary     bool  // its kind
	gathered   bool  // replies or pongs may wait in the queue
	handling   bool  // a handler is at work
	lastSize   int32 // of the last message that came in pieces, in bytes
}

// A readAhead has what was read and not yet parsed: bytes[start:]. More fits up to
// the capacity.
type readAhead struct {
	bytes []byte
	start int

	// What a socket's read into it works on.
	result int32 // bytes read, 0 at the end, or a negative errno of the kernel; with noWait, 0 also where nothing was there
	noWait bool  // the read is to return at once
}

// socketBuffers are for the readers of sockets.
var socketBuffers = sync.Pool{New: func() any { return newReadAhead(socketBuffer) }}

func newReadAhead(size int) *readAhead { return &readAhead{bytes: make([]byte, 0, size)} }

// preload makes unread the first bytes that are read.
func (in *inbound) preload(unread []byte) {
	if len(unread) > 0 {
		in.buf = newReadAhead(max(len(unread), streamBuffer))
		in.buf.bytes = append(in.buf.bytes, unread...)
	}
}

// room returns the free part of the buffer, which is at least half of it: frames
// that need more than the other half are not collected here.
func (c *Websocket) room() []byte {
	b := c.in.buf
	switch {
	case b == nil && c.socket.there():
		b = socketBuffers.Get().(*readAhead)
		c.in.buf = b
	case b == nil:
		b = newReadAhead(streamBuffer)
		c.in.buf = b
	case b.start == len(b.bytes):
		b.bytes, b.start = b.bytes[:0], 0
	case b.start > 0 && len(b.bytes) > cap(b.bytes)/2:
		b.bytes = b.bytes[:copy(b.bytes, b.bytes[b.start:])]
		b.start = 0
	}
	return b.bytes[len(b.bytes):cap(b.bytes)]
}

// release gives the buffer back if nothing is in it, for a socket's reader that
// is about to wait.
func (in *inbound) release() {
	b := in.buf
	if b.start < len(b.bytes) {
		return
	}
	if cap(b.bytes) == socketBuffer {
		*b = readAhead{bytes: b.bytes[:0]}
		socketBuffers.Put(b)
	}
	in.buf = nil
}

func (in *inbound) buffered() []byte {
	if in.buf == nil {
		return nil
	}
	return in.buf.bytes[in.buf.start:]
}

// came is told of n more bytes, which were read into room.
func (in *inbound) came(n int) {
	if n > 0 {
		in.buf.bytes = in.buf.bytes[:len(in.buf.bytes)+n]
	}
}

// fill waits for more bytes and reads them into the buffer.
func (c *Websocket) fill() error {
	if err := c.beginFill(); err != nil {
		return err
	}
	return c.endFill(c.wait())
}

func (c *Websocket) beginFill() error {
	if err := c.beforeWaiting(); err != nil {
		return err
	}
	c.countRead()
	return nil
}

// wait is the waiting and reading of fill.
//
// A goroutine that waits in here fits the smallest stack there is, 2 KiB
// (TestIdleStack). How much of that is in use, and in how many calls, counts
// once more: the garbage collector lets the heap grow by the stack that it has to
// scan, and by what is allocated while it does. So while a connection of a NewHandler
// is idle, nothing but socket.wait is on its stack.
func (c *Websocket) wait() error {
	if c.socket.there() {
		return c.socket.wait()
	}
	n, err := c.readStream(c.room())
	c.in.came(n)
	return err
}

// endFill is told what wait returned.
func (c *Websocket) endFill(err error) error {
	if c.socket.there() {
		var n int
		n, err = c.finishRead(err)
		c.in.came(n)
	}
	c.countRead()
	return err
}

// readInto waits, and reads at least one byte into p instead of the buffer.
func (c *Websocket) readInto(p []byte) (n int, err error) {
	c.countRead()
	if c.socket.there() {
		n, err = c.readSocket(p)
	} else {
		n, err = c.readStream(p)
	}
	c.countRead()
	return n, err
}

// readStream reads where the transport is no socket.
func (c *Websocket) readStream(p []byte) (int, error) {
	for range noProgress {
		n, err := c.src.Read(p)
		if n > 0 {
			return n, nil // an error will come again
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// beforeWaiting has everything written that was gathered, and sets the deadline.
func (c *Websocket) beforeWaiting() error {
	if c.in.gathered {
		c.flushGathered()
	}
	if !c.timed() {
		return nil
	}
	return c.setDeadline()
}

// readMessage reads up to the end of the next message and returns its payload;
// its kind is in in.binary. Control frames on the way are answered. With reuse,
// the payload is valid until the next call.
func (c *Websocket) readMessage(reuse bool) ([]byte, error) {
	for {
		payload, missing, err := c.takeMessage(reuse)
		if missing == partNone {
			return payload, err
		}
		if err := c.fill(); err != nil {
			return nil, c.cutHeader(missing, err)
		}
	}
}

// takeMessage is readMessage as far as it comes without waiting for a header: it
// returns the part of that which is missing, after which it wants to be called
// again when there is more. For a payload that has begun it does wait.
func (c *Websocket) takeMessage(reuse bool) (payload []byte, missing part, err error) {
	in := &c.in
	if in.parts != nil {
		in.dropParts()
	}
	for {
		switch {
		case !in.fragmented && c.shortFrame():
			payload, err = c.readWhole(reuse)
			return payload, partNone, err
		case in.fragmented && c.takeFragments():
			return in.takeBody(reuse), partNone, nil
		}
		missing := in.h.parse(in.buffered())
		if err := c.checkHeader(missing); err != nil {
			return nil, partNone, err
		}
		if missing != partNone {
			if b := in.buffered(); len(b) > 0 && !Opcode(b[0]&opcodeBits).isControl() {
				c.timeMessage()
			}
			return nil, missing, nil
		}
		in.buf.start += int(in.h.size)
		if in.h.opcode().isControl() {
			if err := c.readControl(); err != nil {
				return nil, partNone, err
			}
			continue
		}
		if op := in.h.opcode(); op != OpcodeContinuation {
			in.binary = op == OpcodeBinary
			if in.h.fin() && in.h.length <= len(in.buffered()) {
				payload, err = c.readWhole(reuse)
				return payload, partNone, err
			}
		}
		if err := c.readFragment(reuse); err != nil {
			return nil, partNone, err
		}
		if !in.fragmented {
			return in.takeBody(reuse), partNone, nil
		}
	}
}

// shortFrame takes the header of a short message, if one is next.
func (c *Websocket) shortFrame() bool {
	in := &c.in
	b := in.buffered()
	n := short(b, c.mostShort())
	if n < 0 {
		return false
	}
	in.binary = b[0] == shortBinary
	h := &in.h // field by field: whole, it would be written twice, the second time waiting for the first
	h.b0, h.b1, h.size, h.length, h.key = b[0], b[1], shortHeader, n, le.Uint32(b[2:])
	in.buf.start += shortHeader
	return true
}

func (c *Websocket) cutHeader(missing part, cause error) error {
	return errCut(missing, len(c.in.buffered())-c.in.h.start(missing), cause)
}

// readWhole returns the message that is one frame and all in the buffer.
func (c *Websocket) readWhole(reuse bool) ([]byte, error) {
	in := &c.in
	n := in.h.length
	p := in.buffered()[:n:n]
	mask(p, p, in.h.key)
	if !in.binary && !validUTF8(p) { // RFC 6455 §8.1
		return nil, ErrInvalidFramePayload
	}
	in.buf.start += n
	c.endFrame(p)
	if !reuse {
		p = append([]byte(nil), p...)
	}
	return p, nil
}

// readFragment reads the payload of a data frame behind what there is of its
// message. Text is validated as it arrives.
func (c *Websocket) readFragment(reuse bool) error {
	in := &c.in
	n, final := in.h.length, in.h.fin()
	if in.parts == nil {
		in.startParts(n, final, reuse)
	}
	in.fragmented = true
	parts := in.parts
	first := len(parts.body)
	if b := in.buffered(); n <= len(b) && n <= cap(parts.body)-first { // all there, and room for it
		parts.body = parts.body[:first+n]
		mask(parts.body[first:], b[:n], in.h.key)
		in.buf.start += n
		if !in.binary && !parts.text.valid(parts.body[first:]) { // RFC 6455 §8.1
			return ErrInvalidFramePayload
		}
	} else if err := c.readRest(n); err != nil {
		return err
	}
	if final && !in.binary && !parts.text.complete() { // RFC 6455 §8.1
		return ErrInvalidFramePayload
	}
	c.endFrame(parts.body[first:])
	if final {
		in.endParts()
	} else {
		c.timeMessage()
	}
	return nil
}

// readRest reads the n bytes of the current frame's payload piece by piece.
func (c *Websocket) readRest(n int) error {
	in, parts := &c.in, c.in.parts
	c.timeMessage()
	key := in.h.key
	first := len(parts.body)
	for want := first + n; len(parts.body) < want; {
		have := len(parts.body)
		parts.grow(want)
		space := parts.body[have:min(want, cap(parts.body))]
		var got int
		switch b := in.buffered(); {
		case len(b) > 0:
			got = min(len(b), len(space))
			key = mask(space, b[:got], key)
			in.buf.start += got
		case want-have < streamBuffer/2: // so little that reading ahead is better
			if err := c.fill(); err != nil {
				return errCutPayload(n, have-first, err)
			}
			continue
		default:
			if err := c.beforeWaiting(); err != nil {
				return errCutPayload(n, have-first, err)
			}
			most := readStep
			if !c.socket.there() {
				most = unmaskStep
			}
			var err error
			if got, err = c.readInto(space[:min(most, len(space))]); err != nil {
				return errCutPayload(n, have-first, err)
			}
			key = mask(space[:got], space[:got], key)
		}
		parts.body = parts.body[:have+got]
		if !in.binary && !parts.text.valid(space[:got]) { // RFC 6455 §8.1
			return ErrInvalidFramePayload
		}
	}
	return nil
}

// endFrame ends the current frame, which passed, with its unmasked payload.
func (c *Websocket) endFrame(payload []byte) {
	if c.timed() || c.opts.Hooks.OnReadFrame != nil {
		c.endAndTell(payload)
	}
}

func (c *Websocket) endAndTell(payload []byte) {
	if c.timed() {
		t := &c.clocks.timing
		t.frameBy = time.Time{}
		if c.in.h.fin() && !c.in.h.opcode().isControl() {
			t.messageBy = time.Time{}
		}
	}
	if hook := c.opts.Hooks.OnReadFrame; hook != nil {
		if len(payload) == 0 {
			payload = nil
		}
		hook(c.opened.key, &Frame{b0: c.in.h.b0, Payload: payload})
	}
}

// readControl reads a control frame's payload and acts on it (RFC 6455 §5.5).
func (c *Websocket) readControl() error {
	in := &c.in
	n := in.h.length
	for len(in.buffered()) < n {
		if err := c.fill(); err != nil {
			return errCutPayload(n, len(in.buffered()), err)
		}
	}
	p := in.buffered()[:n:n]
	mask(p, p, in.h.key)
	var closed *CloseError
	op := in.h.opcode()
	if op == OpcodeClose {
		var err error
		if closed, err = parseClose(p); err != nil {
			return err
		}
	}
	in.buf.start += n
	c.endFrame(p)
	switch op {
	case OpcodePing:
		c.out.show() // the replies before it go first
		if c.queueControl(OpcodePong, p) {
			in.gathered = true
		}
	case OpcodePong:
		c.ponged(p)
	case OpcodeClose:
		return closed
	}
	return nil
}
