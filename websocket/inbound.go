package websocket

import (
	"io"
	"math"
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

var socketBuffers = sync.Pool{New: func() any { return new([socketBuffer]byte) }}

// inbound is the way from the transport to messages. All of it is the reader's.
type inbound struct {
	socket *socket // nil where the transport is no socket

	buf   []byte // what was read ahead is buf[start:]; more fits up to its capacity
	start int

	h header // of the current frame

	fragmented bool // a message is under way, its last frame was not final
	binary     bool // its kind
	gathered   bool // replies or pongs may wait in the queue
	text       utf8Stream
	lastSize   int32   // of the last message that came in pieces, in bytes
	body       []byte  // the message so far, where it is not in buf
	pooled     *[]byte // body's memory, where it is pooled, headroom included

	timing *timing // nil without timeouts
}

// preload makes unread the first bytes that are read.
func (in *inbound) preload(unread []byte) {
	if len(unread) > 0 {
		in.buf = append(make([]byte, 0, max(len(unread), streamBuffer)), unread...)
	}
}

// room returns the free part of the buffer, which is at least half of it: frames
// that need more than the other half are not collected here.
func (in *inbound) room() []byte {
	switch {
	case in.buf == nil && in.socket != nil:
		in.buf = socketBuffers.Get().(*[socketBuffer]byte)[:0]
	case in.buf == nil:
		in.buf = make([]byte, 0, streamBuffer)
	case in.start == len(in.buf):
		in.buf, in.start = in.buf[:0], 0
	case in.start > 0 && len(in.buf) > cap(in.buf)/2:
		in.buf = in.buf[:copy(in.buf, in.buf[in.start:])]
		in.start = 0
	}
	return in.buf[len(in.buf):cap(in.buf)]
}

// release gives the buffer back if nothing is in it, for a socket's reader that
// is about to wait.
func (in *inbound) release() {
	if in.start < len(in.buf) {
		return
	}
	if cap(in.buf) == socketBuffer {
		socketBuffers.Put((*[socketBuffer]byte)(in.buf[:socketBuffer]))
	}
	in.buf, in.start = nil, 0
}

func (in *inbound) buffered() []byte { return in.buf[in.start:] }

// came is told of n more bytes, which were read into room.
func (in *inbound) came(n int) { in.buf = in.buf[:len(in.buf)+n] }

// fill reads more bytes into the buffer.
func (c *Websocket) fill() error {
	if err := c.beforeWaiting(); err != nil {
		return err
	}
	n, err := c.readSome(nil)
	c.in.came(n)
	return err
}

// readSome reads into p, or into the buffer where p is nil, at least one byte.
//
// It and what it stands on have small frames: a goroutine that waits in here
// fits the smallest stack there is, 2 KiB (TestIdleStack).
func (c *Websocket) readSome(p []byte) (n int, err error) {
	if c.alive != nil {
		c.alive.beginWait()
	}
	if c.in.socket != nil {
		n, err = c.in.socket.read(p)
	} else {
		n, err = c.readStream(p)
	}
	if c.alive != nil {
		c.alive.endWait()
	}
	return n, err
}

// readStream is readSome where the transport is no socket.
func (c *Websocket) readStream(p []byte) (int, error) {
	if p == nil {
		p = c.in.room()
	}
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
	if c.in.timing == nil {
		return nil
	}
	return c.setDeadline()
}

// readMessage reads up to the end of the next message and returns its payload;
// its kind is in in.binary. Control frames on the way are answered. With reuse,
// the payload is valid until the next call.
func (c *Websocket) readMessage(reuse bool) ([]byte, error) {
	in := &c.in
	in.dropBody()
	for {
		if !in.fragmented && c.shortFrame() {
			return c.readWhole(reuse)
		}
		missing := in.h.parse(in.buffered())
		if err := c.checkHeader(missing); err != nil {
			return nil, err
		}
		if missing != partNone {
			if b := in.buffered(); len(b) > 0 && !Opcode(b[0]&opcodeBits).isControl() {
				c.timeMessage()
			}
			if err := c.fill(); err != nil {
				return nil, c.cutHeader(missing, err)
			}
			continue
		}
		in.start += int(in.h.size)
		if in.h.opcode().isControl() {
			if err := c.readControl(); err != nil {
				return nil, err
			}
			continue
		}
		if op := in.h.opcode(); op != OpcodeContinuation {
			in.binary = op == OpcodeBinary
			if in.h.fin() && in.h.length <= len(in.buf)-in.start {
				return c.readWhole(reuse)
			}
			in.text = utf8Stream{}
		}
		if err := c.readFragment(reuse); err != nil {
			return nil, err
		}
		if !in.fragmented {
			return c.takeBody(reuse)
		}
	}
}

// shortFrame takes the header of a frame that keeps all rules at a glance: a
// whole message of at most 125 bytes to a server, all in the buffer, with no
// message under way. It leaves everything else to the long way.
func (c *Websocket) shortFrame() bool {
	in := &c.in
	b := in.buffered()
	if len(b) < 2+4 || c.mode != ServerMode {
		return false
	}
	const text, binary = finBit | byte(OpcodeText), finBit | byte(OpcodeBinary)
	n := int(b[1]) - maskBit // negative where the frame is not masked
	if b[0] != text && b[0] != binary || n < 0 || n > maxControlPayload || 2+4+n > len(b) ||
		n > c.opts.MaxFrameSize || n > c.opts.MaxMessageSize {
		return false
	}
	in.binary = b[0] == binary
	in.h = header{b0: b[0], b1: b[1], size: 2 + 4, length: n, key: le.Uint32(b[2:])}
	in.start += 2 + 4
	return true
}

func (c *Websocket) cutHeader(missing part, cause error) error {
	return errCut(missing, len(c.in.buffered())-c.in.h.start(missing), cause)
}

// readWhole returns the message that is one frame and all in the buffer.
func (c *Websocket) readWhole(reuse bool) ([]byte, error) {
	in := &c.in
	n := in.h.length
	p := in.buf[in.start : in.start+n : in.start+n]
	mask(p, p, in.h.key)
	if !in.binary && !validUTF8(p) { // RFC 6455 §8.1
		return nil, ErrInvalidFramePayload
	}
	in.start += n
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
	n, first, final := in.h.length, len(in.body), in.h.fin()
	if in.body == nil {
		in.startBody(n, final, reuse)
	}
	in.fragmented = true
	if b := in.buffered(); n <= len(b) && n <= cap(in.body)-first { // all there, and room for it
		in.body = in.body[:first+n]
		mask(in.body[first:], b[:n], in.h.key)
		in.start += n
		if !in.binary && !in.text.valid(in.body[first:]) { // RFC 6455 §8.1
			return ErrInvalidFramePayload
		}
	} else if err := c.readRest(n); err != nil {
		return err
	}
	if final && !in.binary && !in.text.complete() { // RFC 6455 §8.1
		return ErrInvalidFramePayload
	}
	c.endFrame(in.body[first:])
	if final {
		in.fragmented = false
		in.lastSize = int32(min(len(in.body), math.MaxInt32))
	} else {
		c.timeMessage()
	}
	return nil
}

// readRest reads the n bytes of the current frame's payload piece by piece.
func (c *Websocket) readRest(n int) error {
	in := &c.in
	c.timeMessage()
	key := in.h.key
	first := len(in.body)
	for want := first + n; len(in.body) < want; {
		have := len(in.body)
		in.growBody(want)
		space := in.body[have:min(want, cap(in.body))]
		var got int
		switch b := in.buffered(); {
		case len(b) > 0:
			got = min(len(b), len(space))
			key = mask(space, b[:got], key)
			in.start += got
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
			if in.socket == nil {
				most = unmaskStep
			}
			var err error
			if got, err = c.readSome(space[:min(most, len(space))]); err != nil {
				return errCutPayload(n, have-first, err)
			}
			key = mask(space[:got], space[:got], key)
		}
		in.body = in.body[:have+got]
		if !in.binary && !in.text.valid(space[:got]) { // RFC 6455 §8.1
			return ErrInvalidFramePayload
		}
	}
	return nil
}

// endFrame ends the current frame, which passed, with its unmasked payload.
func (c *Websocket) endFrame(payload []byte) {
	if t := c.in.timing; t != nil {
		t.frameBy = time.Time{}
		if c.in.h.fin() && !c.in.h.opcode().isControl() {
			t.messageBy = time.Time{}
		}
	}
	if hook := c.opts.Hooks.OnReadFrame; hook != nil {
		if len(payload) == 0 {
			payload = nil
		}
		hook(c.key, &Frame{b0: c.in.h.b0, Payload: payload})
	}
}

// startBody makes room for a message that begins with n bytes. If those are all
// of it and the application is to own them, the memory is new; otherwise it is
// pooled, and where the pool has it, large enough for a message like the last.
// A header alone makes it allocate allocStep bytes at most.
func (in *inbound) startBody(n int, final, reuse bool) {
	if final && !reuse {
		in.body = make([]byte, 0, min(n, allocStep))
		return
	}
	if !final {
		n = max(n, int(in.lastSize))
	}
	if in.pooled = takePooled(headroom + n); in.pooled == nil {
		in.pooled = takeBuffer(min(headroom+n, allocStep))
	}
	in.body = (*in.pooled)[headroom:headroom]
}

// growBody makes room for at least one more byte on the way to want.
func (in *inbound) growBody(want int) {
	if len(in.body) < cap(in.body) {
		return
	}
	if in.pooled == nil {
		in.body = growFor(in.body, want)
		return
	}
	size := min(want, max(2*len(in.body), allocStep))
	if want <= allocStep { // fragments may follow: doubling copies less than growing with each
		size = max(want, 2*len(in.body))
	}
	grown := takeBuffer(headroom + size)
	body := append((*grown)[headroom:headroom], in.body...)
	giveBuffer(in.pooled)
	in.pooled, in.body = grown, body
}

// takeBody returns the message that was put together.
func (c *Websocket) takeBody(reuse bool) ([]byte, error) {
	in := &c.in
	if reuse || in.pooled == nil {
		return in.body, nil
	}
	return append([]byte(nil), in.body...), nil
}

// dropBody forgets the last message, unless it is still under way.
func (in *inbound) dropBody() {
	if in.fragmented || in.body == nil {
		return
	}
	if in.pooled != nil {
		giveBuffer(in.pooled)
	}
	in.pooled, in.body = nil, nil
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
	p := in.buf[in.start : in.start+n : in.start+n]
	mask(p, p, in.h.key)
	var closed *CloseError
	op := in.h.opcode()
	if op == OpcodeClose {
		var err error
		if closed, err = parseClose(p); err != nil {
			return err
		}
	}
	in.start += n
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
