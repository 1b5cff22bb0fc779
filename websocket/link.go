package websocket

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/wsproof/wsproof/websocket/deflate"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// A link is what of a connection belongs to all goroutines: writing to it, and ending
// it. out and end have a lock each; no hook, no handler and no call of the transport
// runs under them. The rest does not change, or is safe by itself.
type link struct {
	tell      teller
	agreed    *opened // nil where that is neither a subprotocol nor permessage-deflate
	transport transport
	parking   parking
	out       outbound
	end       ending
	pings     pinger
}

// init makes l a link over src.
func (l *link) init(src io.ReadWriteCloser, mode Mode, opts *settings, o opened) {
	l.tell = newTeller(opts, o.key)
	if o.subprotocol != "" || o.deflation != nil {
		l.agreed = &opened{subprotocol: o.subprotocol, deflation: o.deflation}
	}
	l.transport.init(src)
	l.out.init(l, opts.writer(mode, o.deflation))
	if (opts.timesReads() || opts.WriteTimeout > 0) && !l.transport.hasDeadlines() {
		panic("websocket: a timeout is set, but the transport has no deadlines")
	}
	if opts.PingInterval > 0 {
		l.pings.start(opts.pingRota(), l)
	}
}

// ClientKey returns the Sec-WebSocket-Key of the handshake: the client chose it,
// it is a label for logs and no identity.
func (l *link) ClientKey() ClientKey { return l.tell.clientKey() }

// Subprotocol returns the subprotocol that was agreed on, or "".
func (l *link) Subprotocol() string { return cmp.Or(l.agreed, new(opened)).subprotocol }

// Compression returns what was agreed on of permessage-deflate (RFC 7692 §7.1), and false
// where the connection goes without it.
func (l *link) Compression() (params deflate.Params, ok bool) {
	d := l.agreed.compression()
	if d == nil {
		return params, false
	}
	return d.Params(), true
}

// Err returns nil while the connection is open, and then what ReadMessage returns from
// then on: the *[CloseError] of the peer's Close, the *[Error] that ended it, or, where
// [Websocket.CloseWithStatus] itself has read the peer's answer, an error that wraps that
// and net.ErrClosed.
func (l *link) Err() error { return l.end.last() }

// WriteMessage writes msg in frames of at most Options.MaxFrameSize, whole:
// messages of several goroutines do not interleave. It returns when the
// transport has taken it. Text that is not UTF-8 is ErrInvalidFramePayload, and
// nothing is sent. msg is the caller's again when WriteMessage returns.
//
// When ctx ends while the message waits for its turn, nothing has happened but
// that ctx's error is returned; when it ends during the writing, the connection
// ends with it.
func (l *link) WriteMessage(ctx context.Context, msg *Message) error {
	if !msg.Binary && !protocol.ValidUTF8(msg.Payload) {
		return ErrInvalidFramePayload
	}
	return l.write(ctx, msg, nil)
}

// WritePrepared is WriteMessage for a message that goes to many connections: it was
// checked by [Prepare], and is compressed and framed once for all that send it alike.
// A connection with context takeover sends it compressed by itself.
func (l *link) WritePrepared(ctx context.Context, p *Prepared) error {
	return l.write(ctx, p.Message(), p)
}

func (l *link) write(ctx context.Context, msg *Message, p *Prepared) error {
	if err := l.out.waitTurn(ctx); err != nil {
		if err == errEnded {
			return l.end.orWhy(err)
		}
		return err
	}
	frames, ok, err := l.out.write(ctx, msg, p, l.tell.seesWrites())
	if err != nil {
		return l.failWrite(ctx, err)
	}
	defer l.out.passTurn() // also when a hook panics
	if !ok {
		return errClosed
	}
	l.tell.wrote(msg, frames)
	return nil
}

// control queues a control frame, unless a Close went before.
func (l *link) control(opcode Opcode, payload []byte) bool {
	if !l.out.control(opcode, payload) {
		return false
	}
	l.tell.wroteControl(opcode, payload)
	return true
}

// Ping sends a Ping frame and waits for its Pong (RFC 6455 §5.5.2), which only
// arrives while another goroutine reads. It returns ctx's error if that ends
// first, which does no harm, and otherwise what ended the connection.
func (l *link) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	payload, pong, forget := l.pings.next()
	defer forget()
	if !l.control(OpcodePing, payload) {
		return l.end.orWhy(errClosed)
	}
	l.out.flush()
	select {
	case <-pong:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-l.end.done():
		return l.end.why()
	}
}

// keepAlive pings a peer that is silent, and gives up one that stays so although a read
// is under way: see rota.
func (l *link) keepAlive() {
	if l.end.has() {
		return
	}
	silent, dead := l.pings.tick()
	if dead {
		l.lost(errDead)
		return
	}
	asked := silent && l.control(OpcodePing, l.pings.number())
	l.out.flush()
	l.pings.ticked(asked, l.tell.settings().pingRota(), l)
}

// ending returns how far the end has come.
func (l *link) ending() *ending { return &l.end }

// begin takes the reader's role from the beginning, for whoever serves.
func (l *link) begin() { l.end.become(messages, context.Background(), nil) }

// under returns the transport.
func (l *link) under() *transport { return &l.transport }

// writeTimeout bounds each step of a write on it; it is 0 for none.
func (l *link) writeTimeout() time.Duration { return l.tell.settings().WriteTimeout }

// closeFor starts the closing handshake because a handler returned err. The
// caller has the reader's role and goes on reading.
func (l *link) closeFor(err error) {
	reason := err.Error()
	var closed *CloseError
	if errors.As(err, &closed) {
		reason = closed.Reason
	}
	l.happens(protocol.ThisSideFails, errorCode(err), err, reason)
}

// happens applies an event of the end, for which the application is told code and err,
// and does what follows but for draining, which is for the reader. A Close that is to
// be sent has what of code may be sent, and reason.
func (l *link) happens(event protocol.ClosingEvent, code StatusCode, err error, reason string) protocol.Action {
	var payload []byte
	do := l.end.on(event, code, err, func() {
		if code != 0 || event != protocol.ThisSideCloses {
			// RFC 6455 §5.5.1: the reason is UTF-8, whatever an error's text is.
			payload = NewCloseFrame(sendable(code), strings.ToValidUTF8(reason, "\uFFFD")).Payload
		}
		l.out.control(OpcodeClose, payload)
	})
	if do&protocol.Bound != 0 {
		l.end.bound(l.tell.settings().CloseTimeout, func() { l.lost(errNoAnswer) })
		l.boundByClose()
	}
	switch {
	case do&protocol.Drop != 0:
		l.drop(event == protocol.Lost)
	case do != 0:
		l.out.flush()
	}
	if do&protocol.SendClose != 0 { // last: the hook may panic
		l.tell.wroteControl(OpcodeClose, payload)
	}
	return do
}

// boundByClose lifts the deadline of what is read behind this side's Close: CloseTimeout
// bounds that.
func (l *link) boundByClose() {
	if l.tell.settings().timesReads() {
		_ = l.transport.setReadDeadline(time.Time{})
	}
}

// failed ends the connection because reading has failed with err; wait is as in draining.
func (l *link) failed(err error, wait bool) {
	switch code := errorCode(err); {
	case code != StatusAbnormalClose:
		l.drain(l.happens(protocol.PeerFails, code, err, textOf(err)), draining{shut: true, failed: true, wait: wait})
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		// The peer may still be reading what is on its way, also if it ended its
		// own direction inside a frame.
		l.drain(l.happens(protocol.BytesEnd, code, err, ""), draining{shut: true, wait: wait})
	default:
		l.lost(err)
	}
}

// failGrace is how long ReadMessage waits for the Close frame of a failed
// connection to be on its way before it returns.
const failGrace = 100 * time.Millisecond

// How the reader sees to the end of its connection.
type draining struct {
	shut   bool // end this side's direction once all is written
	failed bool // wait for the Close to be on its way, not for the peer
	wait   bool // stay until the transport is closed; else a goroutine sees to the rest
	behind bool // bytes that came behind the end were read ahead
}

// drain does what happens returned, for the reader: it has all written, reads and drops
// what the peer still sends, and then ends the connection (RFC 6455 §7.1.1). Without wait
// it returns after failGrace at the latest.
func (l *link) drain(do protocol.Action, how draining) {
	if do&protocol.Drain == 0 {
		return
	}
	if l.parking.stop() || l.tell.settings().timesReads() {
		_ = l.transport.setReadDeadline(time.Time{}) // CloseTimeout bounds it
	}
	if how.shut {
		l.out.shutWhenWritten()
	}
	// A server closes first. On a transport whose directions cannot be ended one by
	// one, the peer waits for that, and would be waited for in vain.
	most := l.tell.settings().LingerBytes
	if how.shut && !how.failed && !how.behind && !l.transport.canShut() {
		most = 0
	}
	if !how.wait && !l.drained(most, how.failed) {
		l.end.linger()
		return
	}
	if how.wait {
		l.transport.drain(most)
		l.out.waitWritten() // writing may still work where reading does not
	}
	l.happens(protocol.Drained, 0, nil, "")
}

// drained drains on a goroutine, and reports whether that was done in time. If not, the
// goroutine ends the connection.
func (l *link) drained(most int, failed bool) bool {
	done, late := make(chan struct{}), make(chan struct{})
	go func() {
		l.transport.drain(most)
		l.out.waitWritten()
		select {
		case done <- struct{}{}:
		case <-late:
			l.happens(protocol.Drained, 0, nil, "")
		}
	}()
	var written <-chan struct{}
	if failed {
		if written = l.out.allWritten(); written == nil {
			close(late)
			return false
		}
	}
	timer := time.NewTimer(failGrace)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-written:
	case <-timer.C:
	}
	close(late)
	return false
}

// drop closes the transport, wakes everybody who waits, and reports the end to the
// hook. A lost one is dropped without more ado.
func (l *link) drop(lost bool) {
	code, err := l.end.finish()
	l.pings.stop(l.tell.settings().pingRota())
	l.out.end()
	if lost {
		l.transport.drop()
	} else {
		l.transport.close()
	}
	l.parking.wake()
	l.end.signalDone()
	defer l.end.signalTold()
	l.tell.closed(code, err)
}

// lost drops the transport at once because of err.
func (l *link) lost(err error) { l.happens(protocol.Lost, StatusAbnormalClose, err, "") }

// abort drops the transport at once.
func (l *link) abort(cause error) {
	l.lost(protocol.NewError(StatusAbnormalClose, "connection aborted", cause))
}

// cancelled ends the connection because ctx has ended, and returns the error
// that says so.
func (l *link) cancelled(ctx context.Context) error {
	err := protocol.NewError(StatusAbnormalClose, "context ended", ctx.Err())
	l.lost(err)
	return err
}

// failWrite ends the connection after writing failed with cause, and returns the
// error that says so. The caller has the turn; ctx is the writer's.
func (l *link) failWrite(ctx context.Context, cause error) error {
	err := protocol.ErrWrite(cause)
	if ctx.Err() != nil {
		err = protocol.NewError(StatusAbnormalClose, "context ended", ctx.Err())
	}
	err = l.end.orWhy(err)
	defer l.out.nextTurn()
	defer l.lost(err)
	l.tell.writeFailed(err)
	return err
}

// writeFailed is told of the error of the transport by who has the turn to write, which it
// gives up.
func (l *link) writeFailed(cause error) { _ = l.failWrite(context.Background(), cause) }

// startClosing sends a Close, and reports whether the caller has to read what answers it:
// then it has the reader's role. Where somebody sees to the end of a connection that was
// closed before, it waits for that.
func (l *link) startClosing(code StatusCode, reason string) (reads bool, err error) {
	if code, err = chosenCode(code); err != nil {
		return false, err
	}
	var do protocol.Action
	l.orAbort(func() { do = l.happens(protocol.ThisSideCloses, code, nil, reason) })
	if l.end.become(discarding, context.Background(), l) {
		return true, nil
	}
	if do == 0 && l.end.reads(lingering) {
		await(l.end.done(), l.tell.settings().CloseTimeout)
	}
	return false, nil
}

// orAbort runs f and drops the connection if a hook panics in it, which goes on up.
func (l *link) orAbort(f func()) {
	returned := false
	defer func() {
		if !returned {
			l.abort(errHook)
		}
	}()
	f()
	returned = true
}
