package websocket

import (
	"context"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// gatherMost is how many bytes of replies are gathered before they are written.
	gatherMost = 64 << 10
	// gatherLeast is the memory that gathering begins with, in bytes.
	gatherLeast = 1 << 10
	// writeStep is how much of a long message is marshalled before it is written.
	writeStep = 256 << 10
	// gatherDelay is how long a gathered reply may wait for a handler that takes
	// its time.
	gatherDelay = time.Millisecond
	// inPlaceLeast is the least payload that is sent from where it was read.
	inPlaceLeast = 4 << 10
)

// outbound is the way from messages to the transport.
//
// Bytes wait in queue: pongs, the Close, and replies, which the reader gathers
// apart (gather.go). Whoever sets busy has the turn: it takes the queue, writes,
// and passes the turn on. The reader never waits for the transport: it writes
// what a socket takes at once and leaves the rest, or all of it where the
// transport is no socket, to a goroutine. Other writers wait for their turn and
// then write themselves.
type outbound struct {
	gather  gathering   // replies that come behind the queue
	queue   *[]byte     // what waits; nil if nothing does
	taken   int         // bytes that left the queue and are being written
	pulled  int32       // of what is gathered, what has left for the queue
	busy    bool        // somebody has the turn
	fin     bool        // shut the write side once all is written
	closing atomic.Bool // a Close frame was queued, or the end has come: nothing follows; set under mu
	armed   atomic.Bool // seldom.flushTimer runs
}

// grow makes room in the queue for n more bytes and returns the queue. The
// caller holds mu.
func (o *outbound) grow(n int) *[]byte {
	if o.queue == nil {
		o.queue = takeBuffer(max(n, 1<<10))
	} else if b := *o.queue; cap(b)-len(b) < n {
		grown := takeBuffer(max(2*cap(b), len(b)+n))
		*grown = append(*grown, b...)
		giveBuffer(o.queue)
		o.queue = grown
	}
	return o.queue
}

// take empties the queue into the hands of the caller, who has the turn and
// holds mu.
func (o *outbound) take() *[]byte {
	o.pull()
	b := o.queue
	o.queue = nil
	if b != nil {
		o.taken += len(*b)
	}
	return b
}

// pending is the number of bytes that wait for the transport. The caller holds mu.
func (o *outbound) pending() int {
	o.pull()
	n := o.taken
	if o.queue != nil {
		n += len(*o.queue)
	}
	return n
}

// endWriting ends all writing. The caller holds mu, and has set ended.
func (c *Websocket) endWriting() {
	c.out.closing.Store(true)
	if timer := c.more().flushTimer; timer != nil {
		timer.Stop()
	}
	c.wake()
}

// maskingKey returns the key for the next frame (RFC 6455 §5.1, §5.3).
func (c *Websocket) maskingKey() MaskingKey {
	if c.mode == ClientMode {
		return NewMaskingKey()
	}
	return Unmasked
}

// appendMessage appends msg in frames of at most MaxFrameSize to dst.
func (c *Websocket) appendMessage(dst []byte, msg *Message) []byte {
	b0, rest := byte(msg.opcode()), msg.Payload
	for len(rest) > c.opts.MaxFrameSize {
		dst = appendFrame(dst, b0, rest[:c.opts.MaxFrameSize], c.maskingKey())
		b0, rest = byte(OpcodeContinuation), rest[c.opts.MaxFrameSize:]
	}
	return appendFrame(dst, b0|finBit, rest, c.maskingKey())
}

// wireSize is an upper bound of the bytes that a message of n bytes takes.
func (c *Websocket) wireSize(n int) int {
	if n <= c.opts.MaxFrameSize {
		return n + maxHeaderSize
	}
	return n + (n/c.opts.MaxFrameSize+1)*maxHeaderSize
}

// tellWritten tells the hooks of a message that was written or queued.
func (c *Websocket) tellWritten(msg *Message) {
	if hook := c.opts.Hooks.OnWriteFrame; hook != nil {
		for _, frame := range FrameMessage(msg, c.opts.MaxFrameSize) {
			hook(c.opened.key, frame)
		}
	}
	if hook := c.opts.Hooks.OnWriteMessage; hook != nil {
		hook(c.opened.key, msg)
	}
}

// WriteMessage writes msg in frames of at most Options.MaxFrameSize, whole:
// messages of several goroutines do not interleave. It returns when the
// transport has taken it. Text that is not UTF-8 is ErrInvalidFramePayload, and
// nothing is sent. msg is the caller's again when WriteMessage returns.
//
// When ctx ends while the message waits for its turn, nothing has happened but
// that ctx's error is returned; when it ends during the writing, the connection
// ends with it.
func (c *Websocket) WriteMessage(ctx context.Context, msg *Message) error {
	if !msg.Binary && !validUTF8(msg.Payload) {
		return ErrInvalidFramePayload
	}
	if err := c.waitTurn(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	if c.out.closing.Load() {
		c.mu.Unlock()
		c.passTurn()
		return errClosed
	}
	buf := c.out.take()
	c.mu.Unlock()

	err := c.writeWhole(ctx, buf, msg)
	if err != nil {
		return c.failWrite(ctx, err)
	}
	defer c.passTurn() // also when a hook panics
	c.tellWritten(msg)
	return nil
}

// writeWhole writes what is in buf already, which may be nil, and msg.
func (c *Websocket) writeWhole(ctx context.Context, buf *[]byte, msg *Message) error {
	size := c.wireSize(len(msg.Payload))
	if buf == nil {
		buf = takeBuffer(min(size, writeStep+c.opts.MaxFrameSize))
	}
	defer func() { giveBuffer(buf) }()
	b0, rest := byte(msg.opcode()), msg.Payload
	for {
		n := min(len(rest), c.opts.MaxFrameSize)
		if n == len(rest) {
			b0 |= finBit
		}
		*buf = appendFrame(*buf, b0, rest[:n], c.maskingKey())
		rest = rest[n:]
		if len(rest) == 0 {
			return c.write(ctx, *buf)
		}
		b0 = byte(OpcodeContinuation)
		if len(*buf) >= writeStep {
			if err := c.write(ctx, *buf); err != nil {
				return err
			}
			*buf = (*buf)[:0]
		}
	}
}

// flush has the queue written without waiting for the transport.
func (c *Websocket) flush() {
	o := &c.out
	c.mu.Lock()
	o.pull()
	buf := c.takeTurn()
	c.mu.Unlock()
	if buf != nil {
		c.startWriting(buf)
	}
}

// startWriting writes what a socket takes of buf, or else of the queue, and
// leaves the rest to a goroutine. The caller has the turn, and buf if not nil.
func (c *Websocket) startWriting(buf *[]byte) {
	for {
		if buf == nil {
			c.mu.Lock()
			buf = c.out.take()
			c.mu.Unlock()
		}
		if !c.socket.there() {
			c.writeBehind(buf, 0)
			return
		}
		n, err := c.writeNow(*buf)
		if err != nil {
			giveBuffer(buf)
			_ = c.failWrite(context.Background(), err)
			return
		}
		if n < len(*buf) {
			c.writeBehind(buf, n)
			return
		}
		giveBuffer(buf)
		buf = nil
		if !c.nextTurn() {
			return
		}
	}
}

// behind is what the goroutine that writes behind the reader begins with. It is
// kept, so that starting one allocates nothing. It belongs to whoever has the turn.
type behind struct {
	run func()
	buf *[]byte
	n   int
}

// writeBehind leaves buf from offset n on, and the turn, to a goroutine.
func (c *Websocket) writeBehind(buf *[]byte, n int) {
	c.mu.Lock()
	b := &c.more().behind
	c.mu.Unlock()
	if b.run == nil {
		b.run = func() { c.keepWriting(b) }
	}
	b.buf, b.n = buf, n
	go b.run()
}

// keepWriting writes what it was left, then what is queued, until nothing is left
// or somebody else takes the turn.
func (c *Websocket) keepWriting(b *behind) {
	buf, n := b.buf, b.n
	b.buf = nil
	for {
		err := c.writeWaiting((*buf)[n:])
		giveBuffer(buf)
		if err != nil {
			_ = c.failWrite(context.Background(), err)
			return
		}
		if !c.nextTurn() {
			return
		}
		c.mu.Lock()
		buf, n = c.out.take(), 0
		c.mu.Unlock()
	}
}

// write writes p, which ends when ctx does. The caller has the turn.
func (c *Websocket) write(ctx context.Context, p []byte) error {
	if c.socket.there() {
		n, err := c.writeNow(p)
		if err != nil || n == len(p) {
			return err
		}
		p = p[n:]
	}
	if ctx.Done() == nil {
		return c.writeWaiting(p)
	}
	stop := context.AfterFunc(ctx, func() { c.cancelled(ctx) })
	err := c.writeWaiting(p)
	stop()
	return err
}

// writeWaiting writes p, however long it takes within WriteTimeout.
func (c *Websocket) writeWaiting(p []byte) error {
	if timeout := c.opts.WriteTimeout; timeout > 0 {
		transport := c.clocks.timing.transport
		_ = transport.SetWriteDeadline(time.Now().Add(timeout))
		defer transport.SetWriteDeadline(time.Time{})
	}
	n, err := c.src.Write(p)
	if err == nil && n < len(p) {
		err = errShortWrite
	}
	return err
}

// failWrite ends the connection after writing failed with cause, and returns the
// error that says so. The caller has the turn; ctx is the writer's.
func (c *Websocket) failWrite(ctx context.Context, cause error) error {
	err := error(errWrite(cause))
	if ctx.Err() != nil {
		err = &Error{code: StatusAbnormalClose, text: "context ended", cause: ctx.Err()}
	}
	err = c.endCause(err)
	defer func() {
		c.end(StatusAbnormalClose, err)
		c.nextTurn()
	}()
	if hook := c.opts.Hooks.OnWriteError; hook != nil {
		hook(c.opened.key, err)
	}
	return err
}

// queueControl queues a control frame, unless a Close went before.
func (c *Websocket) queueControl(opcode Opcode, payload []byte) bool {
	o := &c.out
	c.mu.Lock()
	if o.closing.Load() {
		c.mu.Unlock()
		return false
	}
	o.pull()
	q := o.grow(maxHeaderSize + len(payload))
	*q = appendFrame(*q, finBit|byte(opcode), payload, c.maskingKey())
	if opcode == OpcodeClose {
		o.closing.Store(true)
	}
	c.mu.Unlock()
	if hook := c.opts.Hooks.OnWriteFrame; hook != nil {
		hook(c.opened.key, NewFrame(opcode, true, payload))
	}
	return true
}

// sendClose sends a Close frame, empty if code is 0, and reports whether it is
// the first one.
func (c *Websocket) sendClose(code StatusCode, reason string) bool {
	var payload []byte
	if code != 0 {
		// RFC 6455 §5.5.1: the reason is UTF-8, whatever an error's text is.
		payload = appendClosePayload(make([]byte, 0, maxControlPayload), code, strings.ToValidUTF8(reason, "\uFFFD"))
	}
	first := c.queueControl(OpcodeClose, payload)
	c.flush()
	return first
}

// finishWriting shuts the write side of the transport once all is written.
func (c *Websocket) finishWriting() {
	o := &c.out
	c.mu.Lock()
	o.pull()
	now := !o.busy && o.queue == nil && !c.ended
	o.fin = !now
	c.mu.Unlock()
	if now {
		c.closeWrite()
	}
}

func (c *Websocket) closeWrite() {
	if half, ok := c.src.(writeCloser); ok {
		_ = half.CloseWrite() // reading finds out what is wrong
	}
}
