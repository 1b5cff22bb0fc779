package websocket

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// A Websocket is a connection after its handshake. One goroutine reads, by
// [Websocket.ReadMessage] or [Websocket.Serve]; any number write and close.
//
// Data flows one way:
//
//	transport ─ bytes ─▶ reader ─ messages ─▶ application ─ messages ─▶ out ─ bytes ─▶ transport
//
// What all goroutines share is in link, and the reader with the transport that feeds it.
type Websocket struct {
	link
	clock *clock // nil without timeouts
}

// reader returns what makes messages of the bytes that come.
func (c *Websocket) reader() *protocol.Reader { return c.transport.reader() }

// New returns a connection on src, a transport on which the opening handshake is done and
// whose next byte is the first one of a frame: bytes that the handshake has read past its
// end are lost unless src returns them; [Accept] and [Dial] see to that. It panics if a
// timeout is set in opts and src has no deadlines (SetReadDeadline, SetWriteDeadline);
// CloseTimeout needs none.
func New(src io.ReadWriteCloser, clientKey ClientKey, mode Mode, opts Options) *Websocket {
	c := new(Websocket)
	settings := opts.shared()
	c.init(src, mode, settings, nil, newOpened(clientKey, "", settings.Compression.assumed(mode)))
	return c
}

// init makes c what New returns; unread, which it copies, was read from src already.
func (c *Websocket) init(src io.ReadWriteCloser, mode Mode, opts *settings, unread []byte, o opened) {
	c.link.init(src, mode, opts, o)
	c.reader().Preload(unread)
	if opts.timesReads() {
		c.clock = &clock{readTimeout: opts.ReadTimeout, messageTimeout: opts.MessageTimeout}
	}
}

// ReadMessage returns the next message, in memory of its own. On the way it answers pings
// and the peer's Close: no control frame is seen where nobody reads.
//
// The error is a *[CloseError] when the peer has closed; an *[Error] that matches one of
// the Err variables when the peer broke a rule and was told so; and otherwise an *[Error]
// with StatusAbnormalClose that wraps the cause, or with StatusPolicyViolation after a
// timeout of the Options. It is final, also where ctx has ended the read: the connection
// is closed. Only where another goroutine is reading nothing has happened, and the *[Error]
// says so.
func (c *Websocket) ReadMessage(ctx context.Context) (*Message, error) {
	if !c.end.become(messages, ctx, c) {
		return nil, c.notReader(ctx)
	}
	returned := false
	defer func() {
		if !returned {
			c.failHook()
		}
		c.end.leave()
	}()
	c.reader().Own = true
	var payload []byte
	err := ctx.Err()
	if err != nil {
		err = c.cancelled(ctx)
	} else {
		payload, err = c.waitMessage()
	}
	if err != nil {
		err = c.endRead(err, false)
		returned = true
		return nil, err
	}
	if c.gathered {
		c.out.flush() // and the next wait sees whether there is too much
	}
	msg := &Message{Binary: c.reader().Binary(), Payload: payload}
	c.tell.readMessage(msg)
	returned = true
	return msg, nil
}

// notReader says why the caller cannot read. Where that is because of a Close
// that waits for its answer, it waits, too.
func (c *Websocket) notReader(ctx context.Context) error {
	if c.end.reads(discarding) {
		select {
		case <-c.end.done():
		case <-ctx.Done():
			return c.cancelled(ctx)
		}
	}
	if err := c.end.last(); err != nil {
		return err
	}
	return errReader
}

// Serve reads messages and answers each with what handler returns, in order, until the
// connection has ended or ctx has. Replies to messages that came together are written
// together; none waits longer than a millisecond for a handler that takes its time. Only
// when Options.MaxPending bytes wait for a peer that does not read does Serve stop reading.
//
// When Serve returns, the connection has ended and the OnClose hook has returned;
// only where another goroutine reads, Serve returns at once. [Websocket.Err] tells why
// it has ended. A panic of handler closes the connection with StatusInternalError and
// goes on up.
func (c *Websocket) Serve(ctx context.Context, handler Handler) {
	if !c.end.become(messages, ctx, c) {
		if c.end.has() {
			<-c.end.told()
		}
		return
	}
	if ctx.Err() != nil {
		_ = c.cancelled(ctx)
	}
	var err error
	for c.step(ctx, handler, err) {
		err = c.transport.wait()
	}
}

// step has handler answer what has come, and reports whether to wait for more and to
// call it again with what that ended with. If not, the connection has ended.
func (c *Websocket) step(ctx context.Context, handler Handler, err error) (more bool) {
	handling := false
	defer func() {
		if !more {
			c.leave(handling)
		}
	}()
	if err = c.afterWaiting(err); err == nil {
		err = c.answer(ctx, handler, &handling)
	}
	if err == nil {
		if err = c.beforeWaiting(); err == nil {
			return true
		}
		err = c.afterWaiting(err)
	}
	_ = c.endRead(err, true)
	<-c.end.told()
	return false
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
	c.silent = true
	go c.discard()
}

// answer has handler answer message after message, as far as they have come. It
// returns why reading ends, if it does. handling is true while a handler is at work.
func (c *Websocket) answer(ctx context.Context, handler Handler, handling *bool) error {
	var shared *Message
	if c.tell.settings().ReuseBuffers {
		shared = reused.Get().(*Message)
	}
	c.reader().Own = shared == nil
	for {
		event, payload, err := c.reader().Next()
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
		binary := c.reader().Binary()
		*msg = Message{Binary: binary, Payload: payload}
		c.tell.readMessage(msg)
		if c.gathered {
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
	c.gathered = true
	c.tell.wrote(msg, frames)
	if queued >= gatherMost {
		c.gathered = false
		c.out.flushForRoom(c.tell.settings().MaxPending)
	}
	return nil
}

// waitMessage returns the payload of the next message, or why reading ends: its errors
// are those of rules and of the transport, and the peer's Close.
func (c *Websocket) waitMessage() ([]byte, error) {
	for {
		event, payload, err := c.reader().Next()
		switch {
		case event == protocol.MessageComes:
			return payload, nil
		case event != protocol.NeedMore:
			err = c.passed(event, payload)
		case err == nil:
			if err = c.beforeWaiting(); err == nil {
				err = c.transport.wait()
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
	if c.clock != nil {
		c.clock.frameEnds(event == protocol.FrameComes && c.reader().Last())
	}
	if c.tell.seesReads() && !c.silent {
		c.tell.readFrame(c.reader().Frame(payload))
	}
	switch event {
	case protocol.PingComes: // RFC 6455 §5.5.2
		if c.control(OpcodePong, payload) {
			c.gathered = true
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
	if c.gathered {
		c.gathered = false
		c.out.flushForRoom(c.tell.settings().MaxPending)
	}
	c.pings.reading(true)
	if c.clock == nil {
		return nil
	}
	by, news := c.clock.next(c.reader().InMessage())
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
		by = c.clock.deadline()
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

// Close is CloseWithStatus(StatusNormalClosure, "").
func (c *Websocket) Close() error { return c.CloseWithStatus(StatusNormalClosure, "") }

// CloseWithStatus starts the closing handshake (RFC 6455 §7.1.2): it sends a Close frame
// with code and reason, cut to 123 bytes. A code of 0 or StatusNoStatusRcvd sends an empty
// one; one that must not be sent (RFC 6455 §7.4) is an error, and nothing is done.
//
// Where another goroutine reads, or the caller is a handler of Serve, the rest is left to
// the reader, which gets the peer's answer within Options.CloseTimeout. Otherwise
// CloseWithStatus itself reads, and discards, until the answer has come or CloseTimeout is
// over, and returns nil or what went wrong. It may be called from any goroutine, any number
// of times: what is closing or closed stays so, without an error.
func (c *Websocket) CloseWithStatus(code StatusCode, reason string) error {
	reads, err := c.startClosing(code, reason)
	if !reads {
		return err
	}
	defer c.end.leave()
	return c.discard()
}

// discard reads and drops messages until the end, and returns nil if the peer closed.
func (c *Websocket) discard() error {
	returned := false
	defer func() {
		if !returned {
			c.failHook()
		}
	}()
	if c.transport.undisturbed() {
		_ = c.transport.setReadDeadline(c.readBy())
	}
	c.reader().Own = false
	for {
		if _, err := c.waitMessage(); err != nil {
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
		c.drain(c.happens(protocol.PeerCloses, closed.Code, nil, ""), draining{shut: c.mode == ServerMode, wait: wait, behind: c.reader().Buffered() > 0})
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
	if !c.silent {
		c.tell.readFailed(err)
	}
	if why != nil {
		return err
	}
	c.failed(err, wait)
	return err
}
