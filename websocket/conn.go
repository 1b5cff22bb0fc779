package websocket

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// A Websocket is a connection after its handshake. One goroutine reads, by
// [Websocket.ReadMessage] or [Websocket.Serve]; any number write and close.
//
// Data flows one way: bytes from the transport become frames and messages
// (inbound.go), and messages become frames and bytes (outbound.go), of which one
// goroutine at a time has the turn to write (turn.go).
type Websocket struct {
	src  io.ReadWriteCloser
	opts *Options // with their defaults; may be shared

	opened *opened // nil where nobody can ask: of a NewHandler without hooks
	socket socket  // the transport, where it is one of the kernel's

	in  inbound  // the reader's own
	out outbound // guarded by mu, but for what says otherwise

	// mu guards what several goroutines share: out, and the life of the connection.
	// No hook, no handler and no call of the transport runs under it, but methods of
	// a context do.
	mu         sync.Mutex
	mode       Mode       // fixed; here for want of room elsewhere
	reading    bool       // a goroutine has the reader's role
	lingering  bool       // the reader only waits for the peer to go
	discarding bool       // the reader only waits for the answer to its Close
	ended      bool       // the transport is closed, or is being closed
	settled    bool       // endCode and endErr are decided, whatever ends it now
	endCode    StatusCode // what OnClose is told
	clocks     *clocks    // nil without timeouts and pings; not guarded
	seldom     *seldom    // nil until it is needed
}

// opened is what the opening handshake has settled.
type opened struct {
	key         ClientKey
	subprotocol string
}

// A seldom has what an idle connection does not need: there may be very many of
// those. Websocket.mu guards it, but for behind.
type seldom struct {
	endErr     error       // why the connection has ended, for those who come later
	readErr    error       // what reading ended with
	finish     *finish     // what is closed at the end; nil until it is needed
	closeTimer *time.Timer // bounds the closing handshake
	watched    watch       // the context of the read that is under way
	pings      *pings      // those that wait for their pongs; nil if there were none

	turns      []chan struct{} // of those who wait for their turn to write, in their order
	idle       []chan struct{} // of those who wait for all to be written
	room       chan struct{}   // for what waits to fit MaxPending again
	flushTimer *time.Timer     // flushes what is gathered
	behind     behind
}

// more returns what is seldom needed. The caller holds mu.
func (c *Websocket) more() *seldom {
	if c.seldom == nil {
		c.seldom = new(seldom)
	}
	return c.seldom
}

// A finish has the channels for those who wait for the end.
type finish struct {
	done chan struct{} // closed at the end
	told chan struct{} // closed when OnClose has been told, and has returned
}

// deadliner is a transport with deadlines, such as a net.Conn.
type deadliner interface {
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// writeCloser is a transport that can end its own direction alone.
type writeCloser interface{ CloseWrite() error }

var (
	errClosed   = &Error{code: StatusNormalClosure, text: "connection closed", cause: net.ErrClosed}
	errReader   = &Error{code: StatusInternalError, text: "another goroutine is reading"}
	errPanic    = &Error{code: StatusInternalError, text: "the handler panicked"}
	errHook     = &Error{code: StatusInternalError, text: "a hook panicked"}
	errNoAnswer = &Error{code: StatusAbnormalClose, text: "the peer did not answer the Close in time", cause: errTimeout}
)

// New returns a connection on src, a transport on which the opening handshake
// is done and whose next byte is the first one of a frame. It panics if a
// timeout is set in opts and src has no deadlines (SetReadDeadline,
// SetWriteDeadline); CloseTimeout needs none.
//
// Bytes that the handshake has read past its end are lost unless src returns
// them; [Accept] and [Dial] see to that.
func New(src io.ReadWriteCloser, clientKey ClientKey, mode Mode, opts Options) *Websocket {
	c := newWebsocket()
	c.init(src, clientKey, mode, opts.shared(), nil, "")
	return c
}

// newWebsocket returns memory for a connection and what it has opened.
func newWebsocket() *Websocket {
	both := new(struct {
		ws     Websocket
		opened opened
	})
	both.ws.opened = &both.opened
	return &both.ws
}

// init makes c what New returns, with options that have their defaults and may
// be shared, and bytes that were read from src already, which it copies.
func (c *Websocket) init(src io.ReadWriteCloser, key ClientKey, mode Mode, opts *Options, unread []byte, subprotocol string) {
	c.src, c.opts, c.mode = src, opts, mode
	if c.opened != nil {
		*c.opened = opened{key, subprotocol}
	}
	if opts.ReadTimeout > 0 || opts.WriteTimeout > 0 || opts.MessageTimeout > 0 {
		transport, ok := src.(deadliner)
		if !ok {
			panic("websocket: a timeout is set, but the transport has no deadlines")
		}
		c.clocks = &clocks{timing: timing{transport: transport}}
	}
	c.findSocket()
	c.in.preload(unread)
	if opts.PingInterval > 0 {
		c.startKeepalive()
	}
}

// ClientKey returns the Sec-WebSocket-Key of the handshake: the client chose it,
// it is a label for logs and no identity.
func (c *Websocket) ClientKey() ClientKey {
	if c.opened == nil {
		return ""
	}
	return c.opened.key
}

// Subprotocol returns the subprotocol that was agreed on, or "".
func (c *Websocket) Subprotocol() string {
	if c.opened == nil {
		return ""
	}
	return c.opened.subprotocol
}

// Close is CloseWithStatus(StatusNormalClosure, "").
func (c *Websocket) Close() error { return c.CloseWithStatus(StatusNormalClosure, "") }

// CloseWithStatus starts the closing handshake (RFC 6455 §7.1.2): it sends a
// Close frame with code and reason, cut to 123 bytes. A code of 0 or
// StatusNoStatusRcvd sends an empty one; one that must not be sent (RFC 6455
// §7.4) is an error, and nothing is done.
//
// Where another goroutine reads, or the caller is a handler of Serve, the rest
// is left to the reader, which gets the peer's answer within
// Options.CloseTimeout. Otherwise CloseWithStatus itself reads, and discards,
// until the answer has come or CloseTimeout is over, and returns nil or what
// went wrong. It may be called from any goroutine, any number of times: what is
// closing or closed stays so, without an error.
func (c *Websocket) CloseWithStatus(code StatusCode, reason string) error {
	if code == StatusNoStatusRcvd {
		code = 0
	}
	if code != 0 {
		if err := checkCloseStatus(code); err != nil {
			return err
		}
	}
	var first bool
	c.orAbort(func() { first = c.sendClose(code, reason) })
	if !c.takeReader(context.Background()) {
		if first {
			c.boundClose(StatusAbnormalClose, errNoAnswer)
		} else if c.isLingering() {
			c.await(c.doneChan(), c.opts.CloseTimeout)
		}
		return nil
	}
	defer c.giveReader()
	c.setDiscarding(true)
	defer c.setDiscarding(false)
	c.boundClose(StatusAbnormalClose, errNoAnswer)
	return c.discard()
}

// discard reads and drops messages until the connection has ended, and returns
// nil if the peer closed it.
func (c *Websocket) discard() error {
	returned := false
	defer func() {
		if !returned {
			c.failHook()
		}
	}()
	for {
		if _, err := c.readMessage(true); err != nil {
			err = c.endRead(err, true)
			returned = true
			if _, closed := err.(*CloseError); closed {
				return nil
			}
			return err
		}
	}
}

// takeReader makes the caller the reader unless there is one, and the end of ctx
// the end of what it reads.
func (c *Websocket) takeReader(ctx context.Context) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading || c.ended {
		return false
	}
	c.reading = true
	c.watch(ctx)
	return true
}

// giveReader gives the role back, unless the reader is still needed.
func (c *Websocket) giveReader() {
	c.mu.Lock()
	c.reading = c.lingering
	c.mu.Unlock()
}

func (c *Websocket) setDiscarding(discarding bool) {
	c.mu.Lock()
	c.discarding = discarding
	c.mu.Unlock()
}

func (c *Websocket) hasEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

func (c *Websocket) isLingering() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lingering && !c.ended
}

// settle decides what OnClose is told, unless that is decided: the peer's Close,
// or what this side failed with, counts for more than how the transport then
// went.
func (c *Websocket) settle(code StatusCode, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled && !c.ended {
		c.settled, c.endCode, c.more().endErr = true, code, err
	}
}

// boundClose ends the connection with code and err if closing it takes too long.
// The first bound counts.
func (c *Websocket) boundClose(code StatusCode, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m := c.more(); m.closeTimer == nil && !c.ended {
		m.closeTimer = time.AfterFunc(c.opts.CloseTimeout, func() { c.end(code, err) })
	}
}

// abort drops the transport at once.
func (c *Websocket) abort(cause error) {
	c.end(StatusAbnormalClose, &Error{code: StatusAbnormalClose, text: "connection aborted", cause: cause})
}

// end closes the transport, wakes everybody who waits, and reports the end to
// the hook: once. err is nil after a clean close.
func (c *Websocket) end(code StatusCode, err error) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	m := c.more()
	drop := code == StatusAbnormalClose && !errors.Is(err, io.EOF)
	if c.settled {
		code, err = c.endCode, m.endErr
	}
	c.ended, m.endErr = true, err
	if m.closeTimer != nil {
		m.closeTimer.Stop()
	}
	if m.watched.stop != nil {
		m.watched.stop()
	}
	if c.pinging() {
		c.clocks.alive.timer.Stop()
	}
	hook := c.opts.Hooks.OnClose
	if hook != nil {
		m.makeFinish()
	}
	finish := m.finish
	c.endWriting()
	c.mu.Unlock()

	if drop {
		closeUnderTLS(c.src)
	}
	_ = c.src.Close() // whatever it says, the connection is gone
	if finish != nil {
		close(finish.done)
		defer close(finish.told)
	}
	if hook != nil {
		hook(c.opened.key, code, err)
	}
}

// closeUnderTLS closes what is under src where that is TLS, whose own Close would
// wait seconds for a peer that takes nothing. To a proxy there may be TLS in TLS.
func closeUnderTLS(src any) {
	if secure, ok := src.(*tls.Conn); ok {
		closeUnderTLS(secure.NetConn())
		_ = secure.NetConn().Close()
	}
}

// awaitHook waits until OnClose, which may run on another goroutine, has
// returned. The connection has ended.
func (c *Websocket) awaitHook() {
	if c.opts.Hooks.OnClose == nil {
		return
	}
	c.mu.Lock()
	finish := c.more().finish
	c.mu.Unlock()
	<-finish.told
}

// makeFinish makes the channels that are closed at the end.
func (m *seldom) makeFinish() {
	if m.finish == nil {
		m.finish = &finish{done: make(chan struct{}), told: make(chan struct{})}
	}
}

func orClosed(err error) error {
	if err == nil {
		return errClosed
	}
	return err
}

// endCause returns err, or why the connection was ended by someone else, which
// is why err came up.
func (c *Websocket) endCause(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return orClosed(c.more().endErr)
	}
	return err
}

// doneChan returns a channel that is closed when the connection has ended.
func (c *Websocket) doneChan() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.more()
	if m.finish == nil {
		m.makeFinish()
		if c.ended {
			close(m.finish.done)
		}
	}
	return m.finish.done
}

// await waits for ch, but no longer than d.
func (c *Websocket) await(ch <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ch:
	case <-timer.C:
	}
}

// A watch ends the connection when the context of a read that is under way is
// cancelled. It stays registered from one read to the next with the same
// context, so that reading in a loop costs one registration.
type watch struct {
	done <-chan struct{}
	stop func() bool
}

// watch sees to it that the end of ctx ends the read that begins, and that of
// the last read's context no longer does. The caller takes the reader's role under
// the same lock: that context may end at any time.
func (c *Websocket) watch(ctx context.Context) {
	done := ctx.Done()
	if done == nil && c.seldom == nil {
		return
	}
	watched := &c.more().watched
	if watched.done == done {
		return
	}
	if watched.stop != nil {
		watched.stop()
	}
	*watched = watch{done: done}
	if done == nil {
		return
	}
	watched.stop = context.AfterFunc(ctx, func() {
		c.mu.Lock()
		current := c.reading && !c.lingering && watched.done == done
		c.mu.Unlock()
		if current {
			c.cancelled(ctx)
		}
	})
}

// cancelled ends the connection because ctx has ended, and returns the error
// that says so.
func (c *Websocket) cancelled(ctx context.Context) error {
	err := &Error{code: StatusAbnormalClose, text: "context ended", cause: ctx.Err()}
	c.end(StatusAbnormalClose, err)
	return err
}
