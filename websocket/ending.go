package websocket

import (
	"errors"
	"io"
	"time"
)

// failGrace is how long ReadMessage waits for the Close frame of a failed
// connection to be on its way before it returns.
const failGrace = 100 * time.Millisecond

// endRead ends the connection as err, which ended reading, demands, and returns
// the error for the application. With wait, it returns when the transport is
// closed; otherwise a goroutine sees to that, and this one waits only a little
// for the Close frame to be on its way. The caller has the reader's role.
func (c *Websocket) endRead(err error, wait bool) error {
	c.out.show() // replies to what came before it still go out
	if closed, ok := err.(*CloseError); ok {
		c.setReadErr(err)
		c.answerClose(closed, wait)
		return err
	}
	cause := c.endCause(err)
	ended := cause != err
	err = cause
	if !ended && errors.Is(err, errTimeout) {
		err = &Error{code: StatusPolicyViolation, text: "timeout", cause: err}
	}
	c.setReadErr(err)
	if hook := c.opts.Hooks.OnReadError; hook != nil {
		hook(c.opened.key, err)
	}
	switch code := errorCode(err); {
	case ended:
		return err
	case code != StatusAbnormalClose:
		c.fail(code, err, wait)
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		// The peer may still be reading what is on its way, also if it ended its
		// own direction inside a frame.
		c.boundClose(StatusAbnormalClose, err)
		c.flush()
		<-c.whenWritten()
	}
	c.end(StatusAbnormalClose, err)
	return err
}

func (c *Websocket) setReadErr(err error) {
	c.mu.Lock()
	c.more().readErr = err
	c.mu.Unlock()
}

// answerClose ends the connection after the peer's Close (RFC 6455 §5.5.1,
// §7.1.1): the server closes the transport first.
func (c *Websocket) answerClose(closed *CloseError, wait bool) {
	c.settle(closed.Code, nil)
	code := closed.Code
	if code == StatusNoStatusRcvd {
		code = StatusNormalClosure
	}
	c.sendClose(code, "")
	if !c.allWritten() {
		c.boundClose(closed.Code, nil)
		<-c.whenWritten()
	}
	if c.mode == ServerMode {
		if !c.unread() {
			c.end(closed.Code, nil)
			return
		}
		// The peer sees the end of TCP now, whatever it sent behind its Close.
		c.finishWriting()
	}
	c.boundClose(closed.Code, nil)
	c.lingerThenEnd(closed.Code, nil, wait)
}

// unread reports whether there are bytes that nobody will read: closing a socket
// with such bytes destroys what is still on its way to the peer.
func (c *Websocket) unread() bool {
	if len(c.in.buffered()) > 0 {
		return true
	}
	if !c.socket.there() {
		return false
	}
	c.dropDeadline() // one that has passed allows no look
	n, _ := c.readNow()
	c.in.came(n)
	return n > 0
}

// fail sends a Close frame with code and the text of err, and ends the
// connection (RFC 6455 §7.1.7). See endRead for wait.
func (c *Websocket) fail(code StatusCode, err error, wait bool) {
	c.settle(code, err)
	c.boundClose(StatusAbnormalClose, err)
	reason := err.Error()
	if e, ok := err.(*Error); ok {
		reason = e.text // the cause of a timeout names this side's address
	}
	c.sendClose(sendable(code), reason)
	c.finishWriting()
	c.lingerThenEnd(code, err, wait)
}

// closeFor starts the closing handshake because a handler returned err. The
// caller has the reader's role and goes on reading.
func (c *Websocket) closeFor(err error) {
	code, reason := errorCode(err), err.Error()
	var closed *CloseError
	if errors.As(err, &closed) {
		reason = closed.Reason
	}
	if c.sendClose(sendable(code), reason) {
		c.settle(code, err)
	}
	c.boundClose(StatusAbnormalClose, err)
}

// failHook fails the connection because a hook panicked, or ended its goroutine,
// in the reader, whose state is none to go on from. Nothing waits for the peer:
// the panic goes on up.
func (c *Websocket) failHook() {
	if c.hasEnded() {
		return // it was OnClose
	}
	c.orAbort(func() { c.fail(StatusInternalError, errHook, false) })
}

// orAbort runs f and drops the connection if a hook panics in it, which goes on up.
func (c *Websocket) orAbort(f func()) {
	returned := false
	defer func() {
		if !returned {
			c.abort(errHook)
		}
	}()
	f()
	returned = true
}

// sendable returns code, or what goes on the wire for one that must not.
func sendable(code StatusCode) StatusCode {
	switch {
	case code == StatusNoStatusRcvd:
		return StatusNormalClosure
	case checkCloseStatus(code) != nil:
		return StatusInternalError
	}
	return code
}

// setLingering keeps the reader's role for a goroutine that sees to the end.
func (c *Websocket) setLingering() {
	c.mu.Lock()
	c.lingering = true
	c.mu.Unlock()
}

// lingerThenEnd reads and drops what the peer still sends, up to its end,
// LingerBytes, or the timeout of boundClose, and then ends the connection: so
// that the Close frame is not destroyed by bytes that nobody read. Without wait a
// goroutine does that, and this one waits only a little for what is queued to be
// written.
func (c *Websocket) lingerThenEnd(code StatusCode, err error, wait bool) {
	if !wait {
		written := c.whenWritten()
		go c.lingerThenEnd(code, err, true)
		c.await(written, failGrace) // or the end, which that of the context brings
		c.setLingering()
		return
	}
	c.dropDeadline() // boundClose bounds it
	trash := takeBuffer(socketBuffer)
	for left := c.opts.LingerBytes; left > 0; {
		n, readErr := c.readInto((*trash)[:min(left, cap(*trash))])
		left -= n
		if readErr != nil {
			break
		}
	}
	giveBuffer(trash)
	<-c.whenWritten() // writing may still work where reading does not
	c.end(code, err)
}
