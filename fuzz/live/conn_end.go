package live

import (
	"errors"
	"fmt"
	"net"
	"slices"

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
	if s.userErr != nil && !s.explains(s.userErr) && !errors.Is(s.userErr, net.ErrClosed) {
		return fmt.Errorf("reading ended with %w, after %v", s.userErr, s.reasons)
	}
	if s.opt.hooked(onClose) && s.told.closes != 1 {
		return fmt.Errorf("the connection ended and OnClose was called %d times", s.told.closes)
	}
	return s.checkReadErrors()
}

// checkReadErrors checks what OnReadError was told: what ended reading, but for the peer's
// Close.
func (s *scene) checkReadErrors() error {
	errs := s.told.readErrors
	if s.told.writeErrors == 0 && s.opt.hooked(onWriteError) && !s.byAHair() && !slices.ContainsFunc(s.ends, func(o outcome) bool { return o.settled&(reasonWriteFault|reasonWriteTimeout|reasonWriter) == 0 }) {
		return errors.New("writing failed and OnWriteError was not called")
	}
	byWriting := !slices.ContainsFunc(s.ends, func(o outcome) bool { return o.settled&(reasonWriteFault|reasonWriteTimeout) == 0 })
	if byWriting && s.told.failed == 0 && s.opt.hooked(onWriteError) && s.opt.hooked(onClose) && !s.hookPanicked.Load() {
		return errors.New("writing failed, and OnClose was called before OnWriteError")
	}
	if !s.opt.hooked(onReadError) {
		return nil
	}
	for _, err := range errs {
		if !s.explains(err) && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("OnReadError was told %w, after %v", err, s.reasons)
		}
	}
	peers, closed := s.ws.Err().(*websocket.CloseError)
	closed = closed && error(peers) != s.handlerErr
	closed = closed || errors.As(s.ws.Err(), new(*websocket.CloseError)) && errors.Is(s.ws.Err(), net.ErrClosed) // the answer to ours
	switch {
	case closed && len(errs) != 0, len(errs) > 1, s.told.silent && len(errs) != 0:
		return fmt.Errorf("OnReadError was called with %v, and reading ended with %w", errs, s.ws.Err())
	case !closed && !s.told.silent && len(errs) == 0 && s.userDone && s.opt.two(bitUser) < userReads && !s.hookPanicked.Load():
		return fmt.Errorf("OnReadError was not called, and reading ended with %w", s.ws.Err())
	}
	return nil
}
