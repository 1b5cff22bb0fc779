package websocket

import (
	"context"
	"io"
)

// A Websocket is a connection after its handshake. One goroutine reads, by
// [Websocket.ReadMessage] or [Websocket.Serve]; any number write and close.
//
// Data flows one way:
//
//	transport ─ bytes ─▶ in ─ messages ─▶ application ─ messages ─▶ out ─ bytes ─▶ transport
//
// What all goroutines share is in link, and what is the reader's alone in in.
type Websocket struct {
	link
	in *inbound // nil while the connection is parked
}

// New returns a connection on src, a transport on which the opening handshake is done and
// whose next byte is the first one of a frame: bytes that the handshake has read past its
// end are lost unless src returns them; [Accept] and [Dial] see to that. It panics if a
// timeout is set in opts and src has no deadlines (SetReadDeadline, SetWriteDeadline);
// CloseTimeout needs none.
func New(src io.ReadWriteCloser, clientKey ClientKey, mode Mode, opts Options) *Websocket {
	c := newWebsocket()
	settings := opts.shared()
	c.init(src, mode, settings, nil, newOpened(clientKey, "", settings.Compression.assumed(mode)))
	return c
}

// newWebsocket returns a connection that is never parked, in one piece of memory.
func newWebsocket() *Websocket {
	c := new(struct {
		Websocket
		own inbound
	})
	c.in = &c.own
	return &c.Websocket
}

// init makes c what New returns; unread, which it copies, was read from src already.
func (c *Websocket) init(src io.ReadWriteCloser, mode Mode, opts *settings, unread []byte, o opened) {
	c.link.init(src, mode, opts, o)
	c.takeIn(unread)
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
	if !c.ending().become(messages, ctx, c) {
		return nil, c.notReader(ctx)
	}
	returned := false
	defer func() {
		if !returned {
			c.failHook()
		}
		c.ending().leave()
	}()
	var payload []byte
	err := ctx.Err()
	if err != nil {
		err = c.cancelled(ctx)
	} else {
		payload, err = c.waitMessage(true)
	}
	if err != nil {
		err = c.endRead(err, false)
		returned = true
		return nil, err
	}
	msg := c.delivered(payload)
	returned = true
	return msg, nil
}

// notReader says why the caller cannot read. Where that is because of a Close
// that waits for its answer, it waits, too.
func (c *Websocket) notReader(ctx context.Context) error {
	if c.ending().reads(discarding) {
		select {
		case <-c.ending().done():
		case <-ctx.Done():
			return c.cancelled(ctx)
		}
	}
	if err := c.ending().last(); err != nil {
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
	if !c.ending().become(messages, ctx, c) {
		if c.ending().has() {
			<-c.ending().told()
		}
		return
	}
	if ctx.Err() != nil {
		_ = c.cancelled(ctx)
	}
	var err error
	for c.step(ctx, handler, err) {
		err = c.wait()
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
	<-c.ending().told()
	return false
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
	defer c.ending().leave()
	return c.discard()
}
