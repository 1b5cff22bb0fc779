package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// A reason is something that may end a connection, or fail a call.
type reason int

const (
	reasonEOF reason = 1 << iota
	reasonFault
	reasonWriteFault
	reasonContext
	reasonClose        // this side closes
	reasonHandler      // the handler does
	reasonRule         // the peer broke one
	reasonPeer         // the peer closes
	reasonReadTimeout  // ReadTimeout, or MessageTimeout
	reasonWriteTimeout // WriteTimeout
	reasonSilence      // PingInterval
	reasonWriter       // the context of a message that is being written
	reasonHook         // a hook panicked
	reasonHookLost     // one did in a call of Close
	reasonBound        // CloseTimeout is over
	reasonDrained      // the peer's direction has ended behind the end, or enough was dropped
)

// reasons are what each reason is to the end of a connection.
var reasons = [...]struct {
	event protocol.ClosingEvent
	name  string
}{
	{protocol.BytesEnd, "the peer's bytes end"},
	{protocol.Lost, "a fault of the transport"},
	{protocol.Lost, "a fault of writing"},
	{protocol.Lost, "the context ends"},
	{protocol.ThisSideCloses, "this side closes"},
	{protocol.ThisSideFails, "the handler closes"},
	{protocol.PeerFails, "the peer breaks a rule"},
	{protocol.PeerCloses, "the peer closes"},
	{protocol.PeerFails, "a timeout of reading"},
	{protocol.Lost, "a timeout of writing"},
	{protocol.Lost, "the peer is silent"},
	{protocol.Lost, "a writer's context ends"},
	{protocol.PeerFails, "a hook panics"},
	{protocol.Lost, "a hook panics in Close"},
	{protocol.Lost, "CloseTimeout is over"},
	{protocol.Drained, "the peer has ended its direction"},
}

func (r reason) String() string {
	var names []string
	for i := range reasons {
		if r&(1<<i) != 0 {
			names = append(names, reasons[i].name)
		}
	}
	if names == nil {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// An outcome is how far the end of a connection may have come, by the table of states in
// package protocol and by whatever order of what has happened.
type outcome struct {
	state   protocol.State
	sent    reason // for which the Close was sent; 0: there is none
	settled reason // of which the application is told; 0: of none yet
	bounded bool   // CloseTimeout runs
	shut    bool   // this side's direction is ended
	lost    bool   // it was dropped, not drained
}

// after returns what follows from a reason, and whether anything does.
func (o outcome) after(i int, role model.Role) (outcome, bool) {
	r, event := reason(1)<<i, reasons[i].event
	to, do := o.state.On(event)
	if do == 0 {
		return o, false
	}
	next := o
	next.state = to
	next.bounded = next.bounded || do&protocol.Bound != 0
	next.shut = next.shut || do&protocol.Shut != 0 && (to != protocol.CloseReceived || role == model.Server) // RFC 6455 §7.1.1
	next.lost = next.lost || event == protocol.Lost
	if do&protocol.SendClose != 0 {
		next.sent = r
	}
	if do&protocol.Settle != 0 && next.settled == 0 {
		next.settled = r
	}
	return next, next != o
}

func (o outcome) String() string {
	return fmt.Sprintf("%v (a Close by: %v; told of: %v; direction ended: %t)", o.state, o.sent, o.settled, o.shut)
}

// checkClosing follows the end of the connection through the table of states: of the
// outcomes that what has happened may lead to, those stay that fit what is seen. There
// must be one.
func (s *scene) checkClosing() error {
	h, p := s.connHarness, s.pipe
	if h.ends == nil {
		h.ends = []outcome{{}}
	}
	if s.reasons == 0 && !s.closed && s.close == nil && !p.shut && h.ends[0] == (outcome{}) {
		h.before, h.dropFrom = s.now, p.consumed
		return nil
	}
	all := slices.Clone(h.ends)
	for i := 0; i < len(all); i++ {
		happened := s.reasons
		if s.drainable(all[i]) {
			happened |= reasonDrained
		}
		if all[i].bounded {
			happened |= s.overdue()
		}
		for b := range reasons {
			if happened&(1<<b) == 0 {
				continue
			}
			if next, news := all[i].after(b, s.opt.role()); news && !slices.Contains(all, next) {
				all = append(all, next)
			}
		}
	}
	h.ends = h.ends[:0]
	var misfits []string
	for _, o := range all {
		if why := s.misfit(o); why != "" {
			misfits = append(misfits, fmt.Sprintf("%v: but %s", o, why))
		} else {
			h.ends = append(h.ends, o)
		}
	}
	if len(h.ends) == 0 {
		return fmt.Errorf("how the connection ends follows from no order of what has happened: %v. By the table of states it would be\n  %s", s.reasons, strings.Join(misfits, "\n  "))
	}
	bounded := 0
	for _, o := range h.ends {
		if o.bounded {
			bounded++
		}
	}
	switch {
	case s.closed:
	case bounded == 0:
		h.before, h.dropFrom = s.now, p.consumed
	case bounded == len(h.ends) && h.ending.IsZero():
		h.ending = s.now
	}
	return s.checkErr()
}

// overdue is reasonBound where that may be.
func (s *scene) overdue() reason {
	if s.closed && s.pipe.ended.Sub(s.before) >= s.opt.closeTimeout()-leeway {
		return reasonBound
	}
	return 0
}

// drainable reports whether an outcome may have been drained: the peer has ended its
// direction, or sent more than is dropped. A server on a transport whose directions
// cannot be ended one by one waits for neither behind the closing handshake.
func (s *scene) drainable(o outcome) bool {
	p := s.pipe
	return p.eof || p.atEnd || p.readErr != nil || o.state == protocol.CloseReceived && s.opt.bare() && s.opt.role() == model.Server && !s.behind() ||
		s.opt.has(bitLinger) && p.consumed-s.dropFrom >= smallLinger-maxHeader
}

// behind reports whether more came with the last byte of the peer's Close.
func (s *scene) behind() bool {
	if s.want.End != model.Closed {
		return false
	}
	for _, to := range s.pipe.upTo {
		if to >= s.want.Offset {
			return to > s.want.Offset
		}
	}
	return false
}

// misfit says what of what is seen does not fit an outcome, or "".
func (s *scene) misfit(o outcome) string {
	p := s.pipe
	switch {
	case (o.state == protocol.Ended) != s.closed:
		return fmt.Sprintf("the transport is closed: %t", s.closed)
	case s.close != nil && o.sent == 0:
		return fmt.Sprintf("a Close with %x was sent", s.close.Payload)
	case s.close != nil && !s.fits(o.sent, s.close.Payload):
		return fmt.Sprintf("the Close that was sent has %d %q", input.CloseCode(s.close.Payload), input.Clip(s.close.Payload[min(2, len(s.close.Payload)):]))
	case s.close == nil && o.sent != 0 && (s.closed && !o.lost || s.sound):
		return "no Close was sent"
	case p.shut && !o.shut:
		return "this side's direction was ended"
	case s.sound && o.shut && !p.shut && !s.opt.bare():
		return "this side's direction was not ended"
	case s.told.closes > 0 && !s.toldOf(o.settled, s.told.code, s.told.err):
		return fmt.Sprintf("OnClose was told %d and %v", s.told.code, s.told.err)
	}
	for b := range reasons {
		if s.certain&(1<<b) == 0 || s.pipe.failedRead&(1<<b) != 0 && o.state > protocol.CloseSent { // it drains
			continue
		}
		if to, _ := o.state.On(reasons[b].event); to != o.state {
			return "it has happened that " + reasons[b].name
		}
	}
	return ""
}

// fits tells whether the payload is that of a Close that is sent for a reason.
func (s *scene) fits(r reason, payload []byte) bool {
	code := input.CloseCode(payload)
	switch r {
	case reasonClose:
		return slices.ContainsFunc(s.calls, func(c *call) bool { return c.close != nil && slices.Equal(c.close, payload) })
	case reasonHandler:
		code := uint16(s.handler.Code)
		if !mayBeSent(code) {
			code = 1011
		}
		return slices.Equal(payload, closePayloadFor(code, strings.ToValidUTF8(s.handler.Reason, "\uFFFD")))
	case reasonPeer: // RFC 6455 §5.5.1: the code is echoed
		return len(payload) == 2 && (code == s.want.Code || s.want.Code == 1005 && code == 1000)
	case reasonRule:
		return slices.Contains(s.want.Codes, code)
	case reasonReadTimeout:
		return code == 1008
	case reasonHook:
		return code == 1011
	}
	return false
}

// toldOf tells whether code and err are what the application is told of a reason.
func (s *scene) toldOf(r reason, code websocket.StatusCode, err error) bool {
	switch r {
	case reasonPeer:
		return err == nil && uint16(code) == s.want.Code
	case reasonHandler:
		return err != nil && code == s.handler.Code && (s.handlerErr == nil || errors.Is(err, s.handlerErr))
	}
	var e *websocket.Error
	return errors.As(err, &e) && e.Code() == code && s.isOf(r, err)
}

// isOf tells whether err is what a reason makes reading end with.
func (s *scene) isOf(r reason, err error) bool {
	want, causes := websocket.StatusAbnormalClose, []error(nil)
	switch r {
	case reasonPeer:
		closed, ok := err.(*websocket.CloseError)
		return ok && uint16(closed.Code) == s.want.Code && closed.Reason == s.want.Reason
	case reasonClose:
		return errors.Is(err, net.ErrClosed)
	case reasonHandler:
		return s.handler != nil && errorCode(err) == s.handler.Code || s.handlerErr != nil && errors.Is(err, s.handlerErr)
	case reasonRule:
		if s.want.Rule == "" {
			return false
		}
		if s.want.End == model.Failed {
			return errors.Is(err, input.RuleError(s.want.Rule))
		}
		return slices.Contains(s.want.Codes, uint16(errorCode(err)))
	case reasonHook:
		want = websocket.StatusInternalError
	case reasonHookLost: // code 1006
	case reasonReadTimeout:
		want, causes = websocket.StatusPolicyViolation, []error{os.ErrDeadlineExceeded}
	case reasonEOF:
		causes = []error{io.EOF, io.ErrUnexpectedEOF}
	case reasonContext:
		causes = []error{context.Canceled}
	case reasonWriter:
		causes = []error{context.DeadlineExceeded, context.Canceled}
	case reasonFault:
		causes = []error{errFault, io.ErrNoProgress, syscall.ECONNRESET, syscall.ETIMEDOUT}
	case reasonWriteFault:
		causes = []error{errFault, io.ErrShortWrite, syscall.EPIPE}
		if s.kernel != nil && !s.stalls && s.pipe.most == 0 { // all is written without waiting
			causes = causes[2:]
		}
	case reasonWriteTimeout, reasonSilence, reasonBound:
		causes = []error{os.ErrDeadlineExceeded}
	default:
		return false
	}
	return errorCode(err) == want && wellWrapped(err) && (causes == nil || slices.ContainsFunc(causes, func(cause error) bool { return errors.Is(err, cause) }))
}

// wellWrapped tells whether an error of the kernel stands in one of package net's, as
// package net itself has it.
func wellWrapped(err error) bool {
	var op *net.OpError
	var call *os.SyscallError
	switch errno := syscall.Errno(0); {
	case !errors.As(err, &errno):
		return true
	case !errors.As(err, &op), !errors.As(op.Err, &call), !errors.Is(call, errno), op.Source != connAddr, op.Addr != net.Addr(peerAddr), op.Net != op.Source.Network():
		return false
	case errno == syscall.EPIPE:
		return op.Op == "write" && call.Syscall == "write"
	}
	return op.Op == "read" && call.Syscall == "read"
}

// errorCode is the code of an *Error, or 0.
func errorCode(err error) websocket.StatusCode {
	var e *websocket.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code()
}

// explains tells whether err comes of something that has happened.
func (s *scene) explains(err error) bool {
	for b := range reasons {
		if (s.reasons|s.overdue())&(1<<b) != 0 && s.isOf(1<<b, err) {
			return true
		}
	}
	return false
}

// checkErr checks what Err returns.
func (s *scene) checkErr() error {
	err := s.ws.Err()
	early := true // reading goes on
	for _, o := range s.ends {
		early = early && o.state <= protocol.CloseSent
	}
	switch {
	case err == nil && s.closed:
		return errors.New("the connection has ended, and Err returns nil")
	case err == nil:
	case early:
		return fmt.Errorf("the connection is %v, and Err returns %w", s.ends[0], err)
	case !s.explains(err) && !errors.Is(err, net.ErrClosed):
		return fmt.Errorf("err returns %w, after %v", err, s.reasons)
	}
	return nil
}
