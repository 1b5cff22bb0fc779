package websocket

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// inbound is the way from the transport's bytes to messages: all that the reader of a
// connection has for itself. Nobody reads one that is parked, so that has none, unless
// something of a message has come.
type inbound struct {
	reader   protocol.Reader       // makes messages of the bytes that come
	clock    *clock                // nil without timeouts
	tryRead  func(fd uintptr) bool // onReadable, made once, so that no call allocates
	result   int32                 // of the last read: bytes, 0 at the end, or a negative errno of the kernel
	gathered bool                  // something may be queued
	silent   bool                  // no hook is told of what is read any more
}

// inbounds are for connections of a NewHandler.
var inbounds = sync.Pool{New: func() any { return new(inbound) }}

// init makes in that of l; unread, which it copies, was read already.
func (in *inbound) init(l *link, unread []byte) {
	opts := l.tell.settings()
	in.result = 0 // of whoever had it before
	in.reader = opts.reader(l.out.mode(), l.agreed.compression())
	if !l.transport.isSocket() {
		in.reader.ReadAhead(streamBuffer)
	}
	in.reader.Preload(unread)
	if opts.timesReads() {
		in.clock = &clock{readTimeout: opts.ReadTimeout, messageTimeout: opts.MessageTimeout}
	}
}

// reader returns what makes messages of the bytes that come.
func (c *Websocket) reader() *protocol.Reader { return &c.in.reader }

// takeIn gives the connection what its reader needs; unread, which it copies, was read
// already. giveBack takes that from one that has nobody to read, unless it is still needed.
func (c *Websocket) takeIn(unread []byte) {
	if c.in == nil {
		c.in = inbounds.Get().(*inbound)
	}
	c.in.init(&c.link, unread)
}

func (c *Websocket) giveBack() {
	if in := c.in; in.clock == nil && in.reader.Blank() {
		c.in = nil
		in.reader = protocol.Reader{}
		inbounds.Put(in)
	}
}

// wait waits for bytes and puts what there are into the reader's space. It returns errIdle
// where the sweep has ended that.
//
// A goroutine that waits in here fits the smallest stack there is, 2 KiB
// (TestIdleStack). How much of that is in use counts once more: the garbage collector
// lets the heap grow by the stack that it has to scan.
func (c *Websocket) wait() error {
	if !c.transport.isSocket() {
		return c.transport.wait(c.reader())
	}
	err := c.in.waitSocket(&c.transport)
	switch {
	case err == nil:
		c.parking.came()
	case c.parking.wasInterrupted() && errors.Is(err, errTimeout):
		return errIdle
	}
	return err
}

// goOn has a reader wait on whose wait was interrupted, and returns by when the next bytes
// must come, the zero time, if never, with the clock that says so.
func (c *Websocket) goOn() (by time.Time, k *clock) {
	by = c.readBy()
	c.parking.goOn()
	_ = c.transport.setReadDeadline(by)      // reading finds out what is wrong
	if !by.IsZero() && c.readBy().IsZero() { // it was closed meanwhile
		by = time.Time{}
		c.boundByClose()
	}
	return by, c.in.clock
}

// park parks the connection of who, behind goOn: see parking. It reports whether it has. If
// not, who goes on.
func (c *Websocket) park(who *served) bool {
	if !c.in.waited() {
		return false
	}
	c.giveBack()
	if c.parking.park(c.transport.raw(), who) {
		return true
	}
	c.awake()
	return false
}

// beIdle begins a time in which nothing comes, and reports whether sweep is to be called.
func (c *Websocket) beIdle() bool {
	c.parking.begin()
	return c.transport.isSocket()
}

// sweep is parking.sweep.
func (c *Websocket) sweep() (over bool) { return c.parking.sweep(c.transport.conn()) }

// wakeInTime wakes the connection, which has a clock, if it is parked.
func (c *Websocket) wakeInTime() {
	c.in.clock.woken()
	c.parking.wake()
}

// awake is called by who is woken, before the reader goes on.
func (c *Websocket) awake() {
	c.parking.awake()
	if c.in == nil {
		c.takeIn(nil)
	}
}

// leave gives the reader's role back. Only a panic, or runtime.Goexit, of a handler or
// a hook leaves a connection that is open.
func (c *Websocket) leave(handling bool) {
	defer c.end.leave()
	if !handling {
		c.failHook()
		return
	}
	// The panic goes on up; the closing handshake must not hold it up.
	c.orAbort(func() { c.closeFor(errPanic) })
	c.end.linger()
	c.in.silent = true
	go c.discard()
}

// answer has handler answer message after message, as far as they have come. It
// returns why reading ends, if it does. handling is true while a handler is at work.
func (c *Websocket) answer(ctx context.Context, handler Handler, handling *bool) error {
	var shared *Message
	if c.tell.settings().ReuseBuffers {
		shared = reused.Get().(*Message)
	}
	reader := c.reader()
	reader.Own = shared == nil
	for {
		event, payload, err := reader.Next()
		switch {
		case event != protocol.MessageComes:
			if event != protocol.NeedMore {
				err = c.passed(event, payload)
			}
			if event != protocol.NeedMore && err == nil {
				continue
			}
			if shared != nil {
				*shared = Message{}
				reused.Put(shared)
			}
			return err
		case c.out.hasClosed(): // no data may follow our Close
			continue
		}
		msg := shared
		if msg == nil {
			msg = new(Message)
		}
		binary := reader.Binary()
		*msg = Message{Binary: binary, Payload: payload}
		c.tell.readMessage(msg)
		if c.in.gathered {
			c.out.flushInTime()
		}
		*handling = true
		reply, err := handler(ctx, msg)
		*handling = false
		if err == nil && reply != nil {
			unchanged := reply == msg && msg.Binary == binary && same(msg.Payload, payload)
			err = c.reply(reply, unchanged)
		}
		if err != nil {
			c.closeFor(err)
		}
	}
}

// reply queues msg, a handler's answer. It is not checked if it came back unchanged.
func (c *Websocket) reply(msg *Message, unchanged bool) error {
	if !unchanged && !msg.Binary && !protocol.ValidUTF8(msg.Payload) {
		return ErrInvalidFramePayload
	}
	queued, frames, ok := c.out.message(msg, c.tell.seesWrites())
	if !ok {
		return nil
	}
	c.in.gathered = true
	c.tell.wrote(msg, frames)
	if queued >= gatherMost {
		c.in.gathered = false
		c.out.flushForRoom(c.tell.settings().MaxPending)
	}
	return nil
}

// waitMessage returns the payload of the next message, in memory of its own or not, or why
// reading ends: its errors are those of rules and of the transport, and the peer's Close.
func (c *Websocket) waitMessage(own bool) ([]byte, error) {
	c.reader().Own = own
	for {
		event, payload, err := c.reader().Next()
		switch {
		case event == protocol.MessageComes:
			return payload, nil
		case event != protocol.NeedMore:
			err = c.passed(event, payload)
		case err == nil:
			if err = c.beforeWaiting(); err == nil {
				err = c.wait()
			}
			err = c.afterWaiting(err)
		}
		if err != nil {
			return nil, err
		}
	}
}

// passed acts on a frame other than a message that has passed all rules.
func (c *Websocket) passed(event protocol.Event, payload []byte) error {
	if c.in.clock != nil {
		c.in.clock.frameEnds(event == protocol.FrameComes && c.reader().Last())
	}
	if c.tell.seesReads() && !c.in.silent {
		c.tell.readFrame(c.reader().Frame(payload))
	}
	switch event {
	case protocol.PingComes: // RFC 6455 §5.5.2
		if c.control(OpcodePong, payload) {
			c.in.gathered = true
		}
	case protocol.PongComes: // RFC 6455 §5.5.3
		c.pings.answered(payload)
	case protocol.CloseComes: // RFC 6455 §5.5.1
		closed, _ := protocol.ParseClose(payload)
		return closed
	}
	return nil
}

// beforeWaiting has all written that was gathered, and sets the deadline.
func (c *Websocket) beforeWaiting() error {
	if c.in.gathered {
		c.in.gathered = false
		c.out.flushForRoom(c.tell.settings().MaxPending)
	}
	c.pings.reading(true)
	if c.in.clock == nil {
		return nil
	}
	by, news := c.in.clock.next(c.reader().InMessage())
	if !news || c.out.hasClosed() {
		return nil
	}
	err := c.transport.setReadDeadline(by)
	if c.out.hasClosed() { // meanwhile
		c.boundByClose()
	}
	return err
}

// readBy is by when the next bytes must come; the zero time, if never.
func (c *Websocket) readBy() (by time.Time) {
	if !c.out.hasClosed() {
		by = c.in.clock.deadline()
	}
	return by
}

// afterWaiting is told what waiting came to, and returns why reading ends.
func (c *Websocket) afterWaiting(err error) error {
	c.pings.reading(false)
	if err != nil {
		return c.reader().Cut(err)
	}
	return nil
}

// delivered returns the message of a payload, for ReadMessage.
func (c *Websocket) delivered(payload []byte) *Message {
	if c.in.gathered {
		c.out.flush() // and the next wait sees whether there is too much
	}
	msg := &Message{Binary: c.reader().Binary(), Payload: payload}
	c.tell.readMessage(msg)
	return msg
}

// discard reads and drops messages until the end, and returns nil if the peer closed.
func (c *Websocket) discard() error {
	returned := false
	defer func() {
		if !returned {
			c.failHook()
		}
	}()
	if c.parking.stop() {
		_ = c.transport.setReadDeadline(c.readBy())
	}
	for {
		if _, err := c.waitMessage(false); err != nil {
			err = c.endRead(err, true)
			returned = true
			if _, ok := err.(*CloseError); ok {
				return nil
			}
			return err
		}
	}
}

// endRead ends the connection as err, which ended reading, demands, and returns
// the error for the application. With wait, it returns when the transport is closed.
func (c *Websocket) endRead(err error, wait bool) error {
	c.agreed.readEnds()
	if closed, ok := err.(*CloseError); ok {
		c.end.readEnds(closed)
		c.drain(c.happens(protocol.PeerCloses, closed.Code, nil, ""), draining{shut: c.out.mode() == ServerMode, wait: wait, behind: c.reader().Buffered() > 0})
		return err
	}
	why := c.end.why()
	switch {
	case why != nil:
		err = why
	case errors.Is(err, errTimeout):
		err = protocol.NewError(StatusPolicyViolation, "timeout", err)
	}
	c.end.readEnds(err)
	if !c.in.silent {
		c.tell.readFailed(err)
	}
	if why != nil {
		return err
	}
	c.failed(err, wait)
	return err
}

// failHook fails the connection because a hook panicked, or ended the goroutine that
// reads. The caller has the reader's role.
func (c *Websocket) failHook() {
	if c.end.has() {
		return // it was OnClose
	}
	c.orAbort(func() {
		// Behind an event in whose Close it panicked, nobody drains yet.
		do := c.happens(protocol.PeerFails, StatusInternalError, errHook, errHook.Text())
		c.drain(do|protocol.Drain, draining{shut: c.out.mode() == ServerMode || !c.end.is(protocol.CloseReceived), failed: true})
	})
}
