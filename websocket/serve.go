package websocket

import (
	"context"
	"sync"
)

// A Handler answers a message with a message of its own, or with none if it
// returns nil. The context is Serve's. An error closes the connection: one that
// wraps an *Error or a *CloseError with its status code, any other one with
// StatusInternalError, and its text as the reason.
//
// A handler that changes msg.Payload in place and answers with msg itself vouches
// for it being UTF-8, if msg is text: what comes back as it was handed out is
// not checked again.
type Handler func(ctx context.Context, msg *Message) (*Message, error)

// EchoHandler answers each message with itself.
var EchoHandler Handler = func(_ context.Context, msg *Message) (*Message, error) { return msg, nil }

// ReadMessage returns the next message, in memory of its own. On the way it
// answers pings and the peer's Close. For that it must be called again and
// again: no control frame is seen where nobody reads.
//
// The error is a *[CloseError] when the peer has closed; an *[Error] that
// matches one of the Err variables when the peer broke a rule and was told so;
// and otherwise an *[Error] with StatusAbnormalClose that wraps the cause, or
// with StatusPolicyViolation after a timeout of the Options. It is final: what
// comes after is the same error. A read that ctx ends is the last one too: the
// connection is closed.
func (c *Websocket) ReadMessage(ctx context.Context) (*Message, error) {
	if !c.takeReader(ctx) {
		return nil, c.notReader(ctx)
	}
	returned := false
	defer func() {
		if !returned {
			c.failHook()
		}
		c.giveReader()
	}()
	msg, err := c.nextMessage(ctx)
	returned = true
	return msg, err
}

func (c *Websocket) nextMessage(ctx context.Context) (*Message, error) {
	if ctx.Err() != nil {
		return nil, c.endRead(c.cancelled(ctx), false)
	}
	payload, err := c.readMessage(false)
	if err != nil {
		return nil, c.endRead(err, false)
	}
	if c.in.gathered {
		c.flush() // and the next wait sees whether there is too much
	}
	msg := &Message{Binary: c.in.binary, Payload: payload}
	if hook := c.opts.Hooks.OnReadMessage; hook != nil {
		hook(c.opened.key, msg)
	}
	return msg, nil
}

// notReader says why the caller cannot read. Where that is because of a Close
// that waits for its answer, it waits, too.
func (c *Websocket) notReader(ctx context.Context) error {
	c.mu.Lock()
	discarding := c.discarding
	c.mu.Unlock()
	if discarding {
		select {
		case <-c.doneChan():
		case <-ctx.Done():
			return c.cancelled(ctx)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m := c.more(); {
	case m.readErr != nil:
		return m.readErr
	case c.ended:
		return orClosed(m.endErr)
	}
	return errReader
}

// Serve reads messages and answers each with what handler returns, in order,
// until the connection has ended or ctx has. Replies to messages that came
// together are written together; none waits longer than a millisecond for a
// handler that takes its time. Only when Options.MaxPending bytes wait for a
// peer that does not read does Serve stop reading.
//
// When Serve returns, the connection has ended and the OnClose hook has returned;
// only where another goroutine reads, Serve returns at once. A panic of handler
// closes the connection with StatusInternalError and goes on up.
func (c *Websocket) Serve(ctx context.Context, handler Handler) {
	if !c.takeReader(ctx) {
		if c.hasEnded() {
			c.awaitHook()
		}
		return
	}
	if ctx.Err() != nil {
		c.cancelled(ctx)
	}
	defer c.leaveServing()
	for more := c.serve(ctx, handler, false, nil); more; more = c.serve(ctx, handler, true, c.wait()) {
	}
}

// serve has handler answer what is at hand, and reports whether to wait for more
// and to call it again, with what that ended with. If not, the connection has ended.
// The caller has the reader's role, and leaveServing deferred.
func (c *Websocket) serve(ctx context.Context, handler Handler, waited bool, err error) (more bool) {
	if waited {
		err = c.endFill(err)
	}
	if err == nil {
		var missing part
		missing, err = c.serveBuffered(ctx, handler)
		if missing == partNone {
			c.endServing(err)
			return false
		}
		if err = c.beginFill(); err == nil {
			return true
		}
	}
	c.endServing(c.cutHeader(c.in.h.parse(c.in.buffered()), err))
	return false
}

func (c *Websocket) endServing(err error) {
	c.endRead(err, true)
	c.awaitHook()
}

// leaveServing is deferred: only a panic, or runtime.Goexit, leaves a connection
// that has not ended.
func (c *Websocket) leaveServing() {
	defer c.giveReader()
	if !c.in.handling {
		c.failHook()
		return
	}
	// The panic goes on up; the closing handshake must not hold it up.
	c.orAbort(func() { c.closeFor(errPanic) })
	c.setLingering()
	go c.discard()
}

// messages are for Serve with ReuseBuffers: an idle connection has none.
var messages = sync.Pool{New: func() any { return new(Message) }}

// serveBuffered has handler answer message after message, until it would wait for a
// header: it returns the part of that which is missing, or why reading ends.
func (c *Websocket) serveBuffered(ctx context.Context, handler Handler) (part, error) {
	var msg *Message
	if c.opts.ReuseBuffers {
		msg = messages.Get().(*Message)
	}
	for {
		c.serveShort(ctx, handler, msg)
		payload, missing, err := c.takeMessage(msg != nil)
		if missing != partNone || err != nil {
			if msg != nil {
				*msg = Message{}
				messages.Put(msg)
			}
			return missing, err
		}
		if !c.out.closing.Load() { // no data may follow our Close
			c.serveMessage(ctx, handler, msg, payload)
		}
	}
}

// serveMessage has handler answer the message that payload is of. It is handed
// out in msg, or if that is nil in memory of its own.
func (c *Websocket) serveMessage(ctx context.Context, handler Handler, msg *Message, payload []byte) {
	if msg == nil {
		msg = new(Message)
	}
	*msg = Message{Binary: c.in.binary, Payload: payload}
	if hook := c.opts.Hooks.OnReadMessage; hook != nil {
		hook(c.opened.key, msg)
	}
	if c.in.gathered {
		c.flushInTime()
	}
	c.in.handling = true
	reply, err := handler(ctx, msg)
	c.in.handling = false
	if err == nil && reply != nil {
		err = c.reply(reply, reply == msg && same(reply, payload, c.in.binary))
	}
	if err != nil {
		c.closeFor(err)
	}
}
