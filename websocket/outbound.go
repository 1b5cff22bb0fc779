package websocket

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

const (
	// gatherMost is how many bytes of replies are gathered before they are written.
	gatherMost = 64 << 10
	// gatherDelay is how long a gathered reply may wait for a handler that takes
	// its time.
	gatherDelay = time.Millisecond
)

// outbound is the way from messages to the transport: a queue of bytes, and the turn to
// write. Whoever has the turn takes what is queued, writes it, and passes the turn on.
// The reader never waits for the transport: it writes what a socket takes at once and
// leaves the rest, or all of it where the transport is no socket, to a goroutine.
// Other writers wait for their turn, in their order, and then write themselves.
type outbound struct {
	owner  *link
	mu     sync.Mutex
	queue  queue       // what lock returns
	armed  atomic.Bool // the timer that flushes what is gathered runs
	closed atomic.Bool // no more can be queued; set under the lock
}

func (o *outbound) init(owner *link, writer protocol.Writer) {
	o.owner, o.queue.writer = owner, writer
}

// mode is the role of this side: the writer masks, or does not.
func (o *outbound) mode() Mode { return o.queue.writer.Mode() }

// A queue is what is guarded by the lock of outbound. What a connection that is idle
// does not need is in waiting (turn.go).
type queue struct {
	writer  protocol.Writer
	waiting *waiting // nil until somebody waits
	taken   int32    // bytes that left the queue and are being written, as far as they can be counted
	busy    bool     // somebody has the turn
	shut    bool     // end this side's direction once all is written
	ended   bool     // nothing is written any more
}

func (o *outbound) lock() *queue {
	o.mu.Lock()
	return &o.queue
}

// message queues a message and returns how many bytes are queued, or false behind a
// Close; with tell also its frames, in memory of their own.
func (o *outbound) message(msg *Message, tell bool) (queued int, frames []*Frame, ok bool) {
	q := o.lock()
	defer o.mu.Unlock()
	if tell || q.writer.Compresses() {
		frames, ok = o.fragments(msg, tell)
	} else {
		ok = q.writer.Message(msg.Binary, msg.Payload)
	}
	return q.writer.Len(), frames, ok
}

// fragments is message, for what is not as usual.
func (o *outbound) fragments(msg *Message, tell bool) (frames []*Frame, ok bool) {
	f := o.cut(msg, nil)
	if tell {
		frames = f.Frames()
	}
	return frames, o.queue.writer.Queue(&f)
}

// cut cuts a message into frames, unless that is done: r. It needs the lock.
func (o *outbound) cut(msg *Message, r *protocol.Rendering) (f protocol.Fragments) {
	w := &o.queue.writer
	switch {
	case r != nil:
		f = w.Send(r)
	case msg.Uncompressed:
		f = w.PlainFragments(msg.Binary, msg.Payload)
	default:
		f = w.Fragments(msg.Binary, msg.Payload)
	}
	if w.Wakes() {
		sweeping.add(o)
	}
	return f
}

// doze gives back what compressing the next message makes again, if no message was
// compressed since it was last called, and reports whether that is so. Who has the lock is
// at work.
func (o *outbound) doze() bool {
	if !o.mu.TryLock() {
		return false
	}
	defer o.mu.Unlock()
	return o.queue.writer.Doze()
}

// control queues a control frame, unless a Close went before.
func (o *outbound) control(opcode Opcode, payload []byte) bool {
	q := o.lock()
	defer o.mu.Unlock()
	ok := q.writer.Control(opcode, payload)
	o.closed.Store(q.writer.Closed())
	return ok
}

// hasClosed reports whether a Close went, or the end came: nothing can be queued.
func (o *outbound) hasClosed() bool { return o.closed.Load() }

// take empties the queue into the hands of the caller, who has the turn.
func (q *queue) take() *protocol.Buffer {
	b := q.writer.Take()
	if b != nil {
		q.taken = int32(min(int(q.taken)+len(b.Bytes), math.MaxInt32))
	}
	return b
}

// pending is the number of bytes that wait for the transport.
func (q *queue) pending() int { return int(q.taken) + q.writer.Len() }

// drained reports whether all is written, or nothing is written any more.
func (q *queue) drained() bool { return q.ended || !q.busy && q.writer.Len() == 0 }

// flush has what is queued written without waiting for the transport.
func (o *outbound) flush() {
	q := o.lock()
	var buf *protocol.Buffer
	if !q.busy && !q.ended && q.writer.Len() > 0 {
		q.busy = true
		buf = q.take()
	}
	o.mu.Unlock()
	if buf != nil {
		o.startWriting(buf)
	}
}

// flushForRoom is flush, and waits while more than most bytes wait for the transport.
func (o *outbound) flushForRoom(most int) {
	o.flush()
	o.waitRoom(most)
}

// flushInTime sees to it that what is queued leaves in time while a handler is at work.
func (o *outbound) flushInTime() {
	if o.armed.Load() {
		return
	}
	o.armed.Store(true)
	q := o.lock()
	defer o.mu.Unlock()
	if m := q.more(); m.timer != nil {
		m.timer.Reset(gatherDelay)
	} else {
		m.timer = time.AfterFunc(gatherDelay, func() {
			o.armed.Store(false) // what comes after this flush needs another one
			o.flush()
		})
	}
}

// startWriting writes what a socket takes of buf, or else of what is queued, and
// leaves the rest to a goroutine. The caller has the turn, and buf if not nil.
func (o *outbound) startWriting(buf *protocol.Buffer) {
	for {
		if buf == nil {
			buf = o.lock().take()
			o.mu.Unlock()
		}
		n, err := o.owner.under().writeNow(buf.Bytes)
		if err != nil {
			buf.Free()
			o.owner.writeFailed(err)
			return
		}
		if n < len(buf.Bytes) {
			o.writeBehind(buf, n)
			return
		}
		buf.Free()
		buf = nil
		if !o.nextTurn() {
			return
		}
	}
}

// behind is what the goroutine that writes behind the reader begins with. It is
// kept, so that starting one allocates nothing. It belongs to whoever has the turn.
type behind struct {
	run func()
	buf *protocol.Buffer
	n   int
}

// writeBehind leaves buf from offset n on, and the turn, to a goroutine.
func (o *outbound) writeBehind(buf *protocol.Buffer, n int) {
	b := &o.lock().more().behind
	o.mu.Unlock()
	if b.run == nil {
		b.run = func() { o.keepWriting(b) }
	}
	b.buf, b.n = buf, n
	go b.run()
}

// keepWriting writes what it was left, then what is queued, until nothing is left
// or somebody else takes the turn.
func (o *outbound) keepWriting(b *behind) {
	buf, n := b.buf, b.n
	b.buf = nil
	for {
		err := o.owner.under().write(buf.Bytes[n:], o.owner.writeTimeout())
		buf.Free()
		if err != nil {
			o.owner.writeFailed(err)
			return
		}
		if !o.nextTurn() {
			return
		}
		buf, n = o.lock().take(), 0
		o.mu.Unlock()
	}
}

// write writes a message, or one that was prepared, behind what is queued, in the turn of
// the caller. It returns the error of the transport, of which the owner is not yet told,
// or false where a Close went before.
func (o *outbound) write(ctx context.Context, msg *Message, p *Prepared, tell bool) (frames []*Frame, ok bool, err error) {
	var r *protocol.Rendering
	if p != nil {
		r = p.Render(o.queue.writer.Terms(p))
	}
	buf, fragments, ok := o.begin(msg, r)
	if !ok {
		return nil, false, nil
	}
	defer fragments.Free()
	if tell {
		frames = fragments.Frames()
	}
	if buf == nil && r != nil && r.Whole() != nil {
		if err := o.writeWaiting(ctx, r.Whole()); err != nil {
			return nil, false, err
		}
		return frames, true, nil
	}
	buf = withRoom(buf, min(fragments.Size(), max(writeStep, fragments.NextSize())))
	defer buf.Free()
	for more := true; more; {
		if len(buf.Bytes)+fragments.NextSize() > cap(buf.Bytes) {
			if err := o.writeWaiting(ctx, buf.Bytes); err != nil {
				return nil, false, err
			}
			buf.Bytes = buf.Bytes[:0]
		}
		buf.Bytes, more = fragments.Append(buf.Bytes)
	}
	if err := o.writeWaiting(ctx, buf.Bytes); err != nil {
		return nil, false, err
	}
	return frames, true, nil
}

// begin empties the queue, and cuts a message that goes out behind what was in it.
func (o *outbound) begin(msg *Message, r *protocol.Rendering) (buf *protocol.Buffer, f protocol.Fragments, ok bool) {
	q := o.lock()
	defer o.mu.Unlock()
	if q.writer.Closed() {
		return nil, f, false
	}
	return q.take(), o.cut(msg, r), true
}

// withRoom returns b, or a larger buffer in its place, with room for n more bytes.
func withRoom(b *protocol.Buffer, n int) *protocol.Buffer {
	if b == nil {
		return protocol.TakeBuffer(n)
	}
	if cap(b.Bytes)-len(b.Bytes) < n {
		grown := protocol.TakeBuffer(len(b.Bytes) + n)
		grown.Bytes = append(grown.Bytes, b.Bytes...)
		b.Free()
		return grown
	}
	return b
}

// writeWaiting writes p, which ends when ctx does. The caller has the turn.
func (o *outbound) writeWaiting(ctx context.Context, p []byte) error {
	n, err := o.owner.under().writeNow(p)
	if err != nil || n == len(p) {
		return err
	}
	stop := func() bool { return true }
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() { _ = o.owner.cancelled(ctx) })
	}
	err = o.owner.under().write(p[n:], o.owner.writeTimeout())
	if !stop() && err == nil {
		err = ctx.Err() // in the moment in which all was written: the connection has ended
	}
	return err
}

// shutNow ends this side's direction: nothing is left to be written, nor will be.
func (o *outbound) shutNow() { o.owner.under().shut() }

// shutWhenWritten ends this side's direction once all that is queued is written.
func (o *outbound) shutWhenWritten() {
	q := o.lock()
	now := q.drained() && !q.ended
	q.shut = !now
	if now {
		o.stop()
	}
	o.mu.Unlock()
	if now {
		o.shutNow()
	}
}

// stop refuses all that is to come. The caller has the lock.
func (o *outbound) stop() {
	o.queue.writer.Stop()
	o.closed.Store(true)
}

// end ends all writing, and wakes everybody who waits for it.
func (o *outbound) end() {
	q := o.lock()
	defer o.mu.Unlock()
	q.ended = true
	o.stop()
	q.wake()
	if m := q.waiting; m != nil && m.timer != nil {
		m.timer.Stop()
	}
}
