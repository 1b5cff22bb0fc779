package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// checkCalls checks what the calls of other goroutines returned.
func (s *scene) checkCalls() error {
	pings, answered := 0, 0
	for _, c := range s.calls {
		where := fmt.Sprintf("%s %.20q", c.what, c.text)
		if !c.done {
			switch {
			case s.closed:
				return fmt.Errorf("%s has not returned although the connection has ended", where)
			case c.ctxed && !c.givenUp && s.now.Sub(c.until) > leeway, s.loud&reasonContext != 0 && (c.what == "WriteMessage" || c.what == "Ping"):
				return fmt.Errorf("%s has not returned although its context has ended", where)
			case c.what == "WriteMessage" && s.sound, c.what == "ReadMessage":
				return fmt.Errorf("%s has not returned", where)
			case c.what == "Ping":
				pings++
			case c.close != nil && s.opt.two(bitUser) < userReads && s.want.End == model.Open && s.reasons&^reasonClose == 0:
				return fmt.Errorf("%s has not returned although somebody reads", where)
			}
			continue
		}
		if c.panicked {
			continue
		}
		if err := s.checkCallError(c); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		times := s.sent.messages[c.text]
		switch c.what {
		case "WriteMessage":
			switch {
			case c.bad && !errors.Is(c.err, websocket.ErrInvalidFramePayload):
				return fmt.Errorf("%s returned %v, want ErrInvalidFramePayload", where, c.err)
			case c.err == nil && times != 1:
				return fmt.Errorf("%s returned, and is on the wire %d times", where, times)
			case c.err != nil && !s.closed && s.close == nil && times != 0:
				return fmt.Errorf("%s returned %v, and is on the wire", where, c.err)
			case c.err != nil && !c.bad && s.reasons == 0 && !c.ended:
				return fmt.Errorf("%s returned %v although nothing stood in the way", where, c.err)
			}
		case "Ping":
			switch {
			case c.err == nil:
				answered++
			case s.reasons == 0 && !c.ctxed:
				return fmt.Errorf("%s returned %v although nothing stood in the way", where, c.err)
			}
		default:
			if c.bad != (c.err != nil) && (c.bad || s.opt.two(bitUser) < userReads) {
				return fmt.Errorf("%s returned %v, want an error: %t", where, c.err, c.bad)
			}
		}
	}
	if err := s.checkDiscard(); err != nil {
		return err
	}
	numbers := s.sent.numbers
	if answered > int(s.answered) {
		return fmt.Errorf("%d pings counted as answered, the peer answered %d", answered, s.answered)
	}
	if s.sound && s.free && !s.lingers() && pings > numbers-int(s.answered) {
		return fmt.Errorf("%d calls of Ping wait, %d were sent and the one before number %d answered", pings, numbers, s.answered+1)
	}
	return nil
}

// checkDiscard checks that where nobody reads, the call of Close that then did tells what
// went wrong.
func (s *scene) checkDiscard() error {
	if !s.closed || s.opt.two(bitUser) != userNobody || s.hookPanicked.Load() {
		return nil
	}
	var errs []error
	for _, c := range s.calls {
		if c.what == "Close" || c.what == "CloseWithStatus" && !c.bad {
			errs = append(errs, c.err)
		}
	}
	failed := slices.ContainsFunc(errs, func(err error) bool { return err != nil })
	byReading := !slices.ContainsFunc(s.ends, func(o outcome) bool { return o.settled&(reasonEOF|reasonRule|reasonReadTimeout) == 0 })
	answered := !slices.ContainsFunc(s.ends, func(o outcome) bool { return o.settled != reasonPeer })
	if byReading && !failed || answered && failed {
		return fmt.Errorf("nobody read, Close returned %v, and the connection ended: %v", errs, s.ends)
	}
	return nil
}

// checkCallError checks that the error of a call comes of something that has happened.
func (s *scene) checkCallError(c *call) error {
	err := c.err
	open := !s.closed && s.close == nil && !slices.ContainsFunc(s.ends, func(o outcome) bool { return o.state != protocol.Open })
	switch {
	case err == nil, c.bad && c.what != "ReadMessage", s.explains(err):
	case c.ctxed && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)), s.loud&reasonContext != 0 && errors.Is(err, context.Canceled):
	case !open && errors.Is(err, net.ErrClosed):
	case c.what == "ReadMessage" && errorCode(err) == websocket.StatusInternalError: // another goroutine reads
	default:
		return fmt.Errorf("it returned %w, after %v", err, s.reasons)
	}
	return nil
}

// checkHooks checks what the hooks were told.
func (s *scene) checkHooks() error {
	t := &s.told
	if !s.closed && t.closes != 0 {
		return errors.New("OnClose was called, and the transport is open")
	}
	if s.opt.hooked(onReadMessage) && len(t.messages) != len(s.got) && s.opt.two(bitUser) != userNobody && !s.hookPanicked.Load() {
		return fmt.Errorf("OnReadMessage was called %d times, %d messages were delivered", len(t.messages), len(s.got))
	}
	for i, m := range t.messages {
		if i >= len(s.want.Messages) || m.Binary != s.want.Messages[i].Binary || !bytes.Equal(m.Payload, s.want.Messages[i].Payload) {
			return fmt.Errorf("OnReadMessage saw %v as message %d of %d", m, i+1, len(s.want.Messages))
		}
	}
	if s.opt.hooked(onReadFrame) {
		if err := s.checkReadFrames(); err != nil {
			return err
		}
	}
	if !s.sound || s.busy > 0 || s.reasons&(reasonWriter|reasonWriteTimeout) != 0 || s.hookPanicked.Load() {
		return nil
	}
	if n := s.sent.whole; s.opt.hooked(onWriteMessage) && n != len(t.writtenMsgs) {
		return fmt.Errorf("OnWriteMessage saw %d messages, %d were sent", len(t.writtenMsgs), n)
	}
	if got, want := messageBag(t.writtenMsgs), messageBag(s.sent.told); s.opt.hooked(onWriteMessage) && got != want {
		return fmt.Errorf("OnWriteMessage saw %s, sent were %s", got, want)
	}
	if !s.opt.hooked(onWriteFrame) {
		return nil
	}
	if n := len(s.pipe.frames); n != len(t.written) {
		return fmt.Errorf("OnWriteFrame saw %d frames, %d were sent", len(t.written), n)
	}
	if n := len(t.written); n == t.matched { // nothing new
		return nil
	}
	if got, want := frameBag(t.written), s.sent.bag(); got != want {
		return fmt.Errorf("OnWriteFrame saw %s, sent were %s", got, want)
	}
	t.matched = len(t.written)
	return nil
}

// checkReadFrames checks what OnReadFrame was told.
func (s *scene) checkReadFrames() error {
	t := &s.told
	spans := s.spans
	if n := len(spans); n > 0 && spans[n-1].Cut {
		spans = spans[:n-1]
	}
	if len(t.read) > len(spans) {
		return fmt.Errorf("OnReadFrame saw %d frames, the peer sent %d", len(t.read), len(spans))
	}
	passed := 0
	for i := range spans {
		end := spans[i].End
		if s.want.End == model.Open && end <= s.want.Offset || s.want.End == model.Closed && end <= s.want.Offset || s.want.End == model.Failed && end < s.want.Offset {
			passed++
		}
	}
	if n := len(t.read); t.silent && n != t.before {
		return fmt.Errorf("OnReadFrame saw %d frames, %d of them behind a panic of the handler", n, n-t.before)
	} else if n > passed || !t.silent && s.sound && s.free && !s.pipe.expired && !s.hookPanicked.Load() && n != passed {
		return fmt.Errorf("OnReadFrame saw %d frames, %d passed: %v", n, passed, s.want)
	}
	for i := range t.read {
		if got, want := &t.read[i], &spans[i].Frame; !sameFrame(got, want) {
			return fmt.Errorf("OnReadFrame saw %v as frame %d, the peer sent %v", got, i+1, want)
		}
	}
	return nil
}

func sameFrame(a, b *wire.Frame) bool {
	return a.Fin == b.Fin && a.Opcode == b.Opcode && a.RSV == b.RSV && bytes.Equal(a.Payload, b.Payload)
}

// messageBag tells messages, whatever their order.
func messageBag(messages []model.Message) string {
	lines := make([]string, len(messages))
	for i, m := range messages {
		lines[i] = fmt.Sprintf("%t %s", m.Binary, m.Payload)
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// frameBag tells frames, whatever their order.
func frameBag(frames []wire.Frame) string {
	lines := make([]string, len(frames))
	for i, f := range frames {
		lines[i] = fmt.Sprintf("%d %d %t %x", f.Opcode, f.RSV, f.Fin, f.Payload)
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}
