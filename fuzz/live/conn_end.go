package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
)

// checkEnd checks the end of the connection, where it came to that.
func (s *scene) checkEnd() error {
	switch {
	case !s.closed && s.userDone && s.opt.two(bitUser) < userReads && !s.panicked:
		return errors.New("Serve has returned and the connection goes on")
	case !s.closed:
		return nil
	case s.reasons == 0:
		return errors.New("the connection ended without a reason")
	case !s.userDone && s.busy == 0:
		return errors.New("the connection ended and its reader has not returned")
	}
	bound := s.opt.closeTimeout() - leeway
	early := !s.ending.IsZero() && s.pipe.ended.Sub(s.before) < bound
	switch {
	case s.first == reasonRule && s.only(reasonRule, reasonReadTimeout) && s.want.End == model.Failed && early && !s.overLinger():
		return fmt.Errorf("a failed connection was closed after %v at most although the peer had not ended: it may lose the Close", s.pipe.ended.Sub(s.before))
	case (s.only(reasonClose) || s.only(reasonHandler, reasonClose)) && early:
		return fmt.Errorf("this side closed, the peer has not answered, and the connection ended after %v at most", s.pipe.ended.Sub(s.before))
	case s.first == reasonPeer && s.only(reasonPeer, reasonReadTimeout) && (s.opt.role() == model.Client || !s.opt.bare()) && early && !s.overLinger():
		return errors.New("the transport was closed before the peer's direction had ended: what is on its way may be lost")
	}
	if s.userErr != nil {
		if err := s.checkReason("ReadMessage", s.userErr); err != nil {
			return err
		}
	}
	if s.opt.noHooks() {
		return nil
	}
	if s.told.closes != 1 {
		return fmt.Errorf("the connection ended and OnClose was called %d times", s.told.closes)
	}
	return s.checkOnClose()
}

// overLinger tells whether the peer sent more than is read after the end.
func (s *scene) overLinger() bool {
	return s.opt.has(bitLinger) && len(s.peerSent())-s.want.Offset >= smallLinger-maxHeader
}

// checkReason checks the error that reading ended with.
func (s *scene) checkReason(where string, err error) error {
	var e *websocket.Error
	var closed *websocket.CloseError
	ok := true
	code := websocket.StatusAbnormalClose
	switch {
	case s.only(reasonEOF):
		ok = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	case s.only(reasonRule, reasonEOF) && s.want.End == model.Failed:
		ok, code = errors.Is(err, input.RuleErrors[s.want.Rule]), 0
	case s.only(reasonPeer, reasonEOF):
		if !errors.As(err, &closed) || uint16(closed.Code) != s.want.Code || closed.Reason != s.want.Reason {
			return fmt.Errorf("%s: %v, want the peer's Close with %d %q", where, err, s.want.Code, s.want.Reason)
		}
		return nil
	case s.only(reasonContext, reasonEOF):
		ok = errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	case s.only(reasonReadTimeout, reasonEOF):
		ok, code = errors.Is(err, os.ErrDeadlineExceeded), websocket.StatusPolicyViolation
	case s.only(reasonSilence):
		ok = errors.Is(err, os.ErrDeadlineExceeded)
	default:
		return nil
	}
	if !ok || !errors.As(err, &e) || code != 0 && e.Code() != code {
		return fmt.Errorf("%s: %v (code %d), after %v and reasons %b", where, err, errorCode(e), s.want, s.reasons)
	}
	return nil
}

func errorCode(e *websocket.Error) websocket.StatusCode {
	if e == nil {
		return 0
	}
	return e.Code()
}

// checkOnClose checks what OnClose and OnReadError were told.
func (s *scene) checkOnClose() error {
	t := &s.told
	reads, code, clean := 1, websocket.StatusAbnormalClose, false
	switch {
	case s.first == reasonPeer && s.want.End == model.Closed: // whatever came then
		reads, code, clean = 0, websocket.StatusCode(s.want.Code), true
	case s.first == reasonRule && s.want.End == model.Failed:
		code = input.RuleErrors[s.want.Rule].(*websocket.Error).Code()
	case s.first == reasonHandler:
		reads, code = -1, s.handler.Code
	case s.only(reasonContext):
		reads = -1 // none was under way, perhaps
	case s.only(reasonEOF), s.only(reasonSilence):
	case s.only(reasonFault), s.only(reasonFault, reasonEOF):
		reads = -1
	case s.only(reasonWriteTimeout), s.only(reasonWriteFault), s.only(reasonWriter):
		if t.writeErrors == 0 {
			return errors.New("writing failed and OnWriteError was not called")
		}
		reads = -1
	case s.only(reasonRule, reasonEOF) && s.want.End == model.Failed:
		code = input.RuleErrors[s.want.Rule].(*websocket.Error).Code()
	case s.only(reasonPeer, reasonEOF):
		reads, code, clean = 0, websocket.StatusCode(s.want.Code), true
	case s.reasons&reasonPeer != 0 && s.only(reasonClose, reasonPeer, reasonEOF) && s.opt.two(bitUser) != userNobody:
		reads, code, clean = 0, websocket.StatusCode(s.want.Code), true
	case s.only(reasonReadTimeout, reasonEOF):
		code = websocket.StatusPolicyViolation
	case s.only(reasonHandler, reasonPeer, reasonEOF):
		reads, code = -1, s.handler.Code
	default:
		return nil
	}
	if t.code != code || (t.err == nil) != clean {
		return fmt.Errorf("OnClose was told %d and %v, want %d and an error: %t; %v, reasons %b", t.code, t.err, code, !clean, s.want, s.reasons)
	}
	if s.userDone && s.opt.two(bitUser) != userNobody && reads >= 0 && len(t.readErrors) != reads {
		return fmt.Errorf("OnReadError was called with %v, want %d calls; %v, reasons %b", t.readErrors, reads, s.want, s.reasons)
	}
	for _, err := range t.readErrors {
		if err := s.checkReason("OnReadError", err); err != nil {
			return err
		}
	}
	return nil
}
