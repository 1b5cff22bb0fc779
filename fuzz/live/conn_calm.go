package live

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// maxHeader is the size of the longest header of a frame.
const maxHeader = 14

// leeway is more virtual time than passes without the harness meaning it.
const leeway = 500 * time.Microsecond

// A scene is what the harness sees when all is calm. Its mutexes are held.
type scene struct {
	*connHarness
	now     time.Time
	want    model.Outcome // of what the peer sent
	spans   []input.Span  // its frames
	read    model.Outcome // of what the connection has read of that
	reasons reason
	certain reason // those that have had their effect
	closed  bool   // the transport
	sound   bool   // it is open, and takes and gives bytes
	reads   bool   // somebody reads
	free    bool   // and is not held up by a handler
	close   *sentFrame
	sent    wireTold
}

// calm checks what must hold when nothing more happens by itself.
func (h *connHarness) calm() error {
	s := h.look()
	err := s.check()
	busy := h.busy > 0
	h.unlook()
	if err != nil || !busy {
		return err
	}
	// A gathered reply leaves within a millisecond even while a handler works.
	time.Sleep(time.Millisecond + leeway)
	synctest.Wait()
	s = h.look()
	defer h.unlook()
	if err := s.readWire(); err != nil {
		return err
	}
	return s.checkReplies()
}

// known is what the model makes of what the peer has sent so far, and of what was read of
// that: at most calms it is what it was.
type known struct {
	sent  int
	want  model.Outcome
	spans []input.Span
	read  struct {
		model.Outcome
		consumed int
	}
}

// look returns the scene, and holds it.
func (h *connHarness) look() *scene {
	h.mu.Lock()
	h.pipe.mu.Lock()
	p := h.pipe
	s := &scene{connHarness: h, now: time.Now()}
	k := &h.known
	if k.spans == nil || k.sent != len(h.sent) {
		k.sent, k.want, k.spans = len(h.sent), h.meant(h.sent), append(make([]input.Span, 0, 1), input.Split(h.sent)...)
	}
	s.want, s.spans = k.want, k.spans
	s.closed = p.closed > 0
	s.sound = !s.closed && !p.stalled && p.writeErr == nil && p.readErr == nil && p.deadlineErr == nil
	for i := range p.frames {
		if p.frames[i].Opcode == wire.Close {
			s.close = &p.frames[i]
			break
		}
	}
	s.reads = !h.userDone || h.closing || s.lingers()
	if h.opt.two(bitUser) == userNobody {
		s.reads = h.closing
	}
	s.free = s.reads && h.busy == 0
	read := s.want // of what was read
	if p.consumed < len(h.sent) {
		if k.read.consumed != p.consumed || p.consumed == 0 {
			k.read.consumed, k.read.Outcome = p.consumed, h.meant(h.sent[:p.consumed])
		}
		read = k.read.Outcome
	}
	s.read = read
	ever := h.opt.two(bitUser) != userNobody || h.closing
	s.reasons = h.loud
	for _, r := range []struct {
		r  reason
		is bool
	}{
		{reasonHandler, h.handler != nil},
		{reasonRule, ever && read.Rule != ""},
		{reasonPeer, ever && read.End == model.Closed},
		{reasonReadTimeout, p.expired},
		{reasonWriteTimeout, p.cut},
		{reasonSilence, s.silent()},
		{reasonWriter, h.interrupted()},
		{h.hookCalls, true},
	} {
		if r.is {
			s.reasons |= r.r
		}
	}
	s.certain = s.reasons&(reasonClose|reasonHandler|reasonReadTimeout|reasonWriteTimeout) | p.failed
	if s.free {
		s.certain |= p.failedRead | s.reasons&reasonPeer
		if read.End == model.Failed { // before its frame is whole, it may have been noticed, or not
			s.certain |= s.reasons & reasonRule
		}
	}
	switch h.hookCalls {
	case 0:
	case reasonHook: // instead of what it was told of
		s.certain = s.certain&^(reasonRule|reasonPeer|reasonEOF|reasonFault|reasonReadTimeout) | reasonHook
	default:
		s.certain &^= reasonRule | reasonPeer | reasonEOF | reasonFault | reasonReadTimeout
	}
	return s
}

func (h *connHarness) unlook() {
	h.pipe.mu.Unlock()
	h.mu.Unlock()
}

// over tells whether what the peer sent has ended the conversation, or may have:
// what breaks a rule before its frame is whole.
func (s *scene) over() bool {
	return s.want.End != model.Open || s.want.Rule != "" && s.close != nil
}

// lingers tells whether the connection goes on reading although its user is done.
func (s *scene) lingers() bool {
	return !s.closed && (s.over() || s.handler != nil || s.pipe.expired || s.hookPanicked.Load())
}

// drops tells whether the connection only drops what the peer still sends, and
// not more than LingerBytes, which are few.
func (s *scene) drops() bool {
	return s.opt.has(bitLinger) && (s.over() || s.pipe.expired || s.hookPanicked.Load())
}

// interrupted tells whether a call of WriteMessage was writing when its context
// ended.
func (h *connHarness) interrupted() bool {
	for _, c := range h.calls {
		long := len(c.text) > 200_000 && h.pipe.broken != nil // of which any part may have been written last
		if c.ended && c.what == "WriteMessage" && c.err != nil && (long || h.pipe.wasWriting(c.text)) {
			return true
		}
	}
	return h.byAHair()
}

// byAHair tells whether the context of a message ended while its writing did: then the
// connection has ended, too, and the writer is told.
func (h *connHarness) byAHair() bool {
	return slices.ContainsFunc(h.calls, func(c *call) bool {
		return c.givenUp && c.ended && errors.As(c.err, new(*websocket.Error))
	})
}

func (s *scene) check() error {
	if len(s.errs) > 0 {
		return s.errs[0]
	}
	if s.pipe.breach != nil {
		return s.pipe.breach
	}
	if s.track.wrong != nil && !s.closed {
		return s.track.wrong
	}
	if err := s.readWire(); err != nil {
		return err
	}
	for _, check := range []func() error{s.checkWrites, s.checkGot, s.checkClosing, s.checkEnd, s.checkAnswered, s.checkPeer, s.checkPending, s.checkTimes, s.checkPings, s.checkCalls, s.checkHooks} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkWrites counts the calls that wrote, where a socket takes all at once: replies and pongs
// are written together before the reader waits again, when 64 KiB of them are there, and while
// a handler takes its time.
func (s *scene) checkWrites() error {
	if s.kernel == nil || s.opt.two(bitUser) >= userReads || s.pipe.most > 0 || s.hindered || s.opt.has(bitSlow) || s.opt.has(bitPings) ||
		len(s.calls) > 0 || s.reasons != 0 {
		return nil
	}
	most := len(s.pipe.reads) + len(s.pipe.out)>>16
	for _, m := range s.got {
		if len(m.Payload) > 0 && (m.Payload[0] == sayLater || m.Payload[0] == sayQuick) {
			most++
		}
	}
	if s.pipe.wrote > most {
		return fmt.Errorf("%d calls wrote what %d at most need, after %d reads", s.pipe.wrote, most, len(s.pipe.reads))
	}
	return nil
}

// checkGot checks what the application was given.
func (s *scene) checkGot() error {
	if len(s.got) > len(s.want.Messages) {
		return fmt.Errorf("%d messages were delivered, the peer sent %d", len(s.got), len(s.want.Messages))
	}
	for i, got := range s.got {
		if w := s.want.Messages[i]; got.Binary != w.Binary || !bytes.Equal(got.Payload, w.Payload) {
			return fmt.Errorf("message %d was delivered as %v, the peer sent %v", i+1, got, w)
		}
	}
	for i, k := range s.kept {
		if !bytes.Equal(k[0], k[1]) {
			return fmt.Errorf("message %d changed after it was delivered: %s", i+1, input.Differ(k[0], k[1]))
		}
	}
	return nil
}

// checkAnswered is checkReplies where no handler is at work.
func (s *scene) checkAnswered() error {
	if s.busy > 0 {
		return nil
	}
	return s.checkReplies()
}

// checkReplies checks that what is owed has been sent, where nothing holds that up.
func (s *scene) checkReplies() error {
	if !s.sound || s.close != nil || s.reasons&(reasonClose|reasonHandler|reasonHook) != 0 {
		return nil
	}
	if s.free || s.busy > 0 {
		if got, want := s.sent.replies, s.due(s.repliedAt); got < want && s.opt.two(bitUser) < userReads {
			return fmt.Errorf("%d replies are on the wire, want %d; a handler is at work: %t", got, want, s.busy > 0)
		}
	}
	owed := s.want.Pongs
	if !s.free {
		owed = s.pongsBefore(s.due(s.gotAt))
	}
	if len(owed) > 0 && (s.free || s.busy > 0) && s.sent.answered < len(owed) {
		return fmt.Errorf("the last of %d pings, %x, is not answered: the last pong is %x; a handler is at work: %t", len(owed), owed[len(owed)-1], s.sent.pong, s.busy > 0)
	}
	return nil
}

// due is how many of what was given at such times has to be on the wire: all of it, or what is
// not as new as replies may be that wait for a handler.
func (s *scene) due(given []time.Time) int {
	n := len(given)
	for ; s.busy > 0 && n > 0 && s.now.Sub(given[n-1]) <= gatherDelay; n-- {
	}
	return n
}

// pongsBefore returns the pongs owed for what came before the end of message n.
func (s *scene) pongsBefore(n int) [][]byte {
	pings := 0
	for _, f := range s.spans {
		switch op := f.Frame.Opcode; {
		case n == 0 || f.Cut:
			return s.want.Pongs[:min(pings, len(s.want.Pongs))]
		case op == wire.Ping:
			pings++
		case op&8 == 0 && f.Frame.Fin:
			n--
		}
	}
	return s.want.Pongs[:min(pings, len(s.want.Pongs))]
}

// checkPeer checks that the connection has done what the peer's bytes demand.
func (s *scene) checkPeer() error {
	p := s.pipe
	if !s.sound || !s.free {
		return nil
	}
	if p.writing != nil {
		return errors.New("a write is under way although the peer reads")
	}
	if !p.writeBy.IsZero() {
		return errors.New("a write has left its deadline behind")
	}
	if len(s.pipe.out) != s.pipe.scanned {
		return fmt.Errorf("half a frame was sent: %x", input.Clip(s.pipe.out[s.pipe.scanned:]))
	}
	if len(p.in) > 0 && !s.drops() {
		return fmt.Errorf("%d bytes of the peer's are not read", len(p.in))
	}
	if p.eof {
		return errors.New("the peer has ended, the connection has not")
	}
	if s.reasons == 0 && (len(s.got) != len(s.want.Messages)) {
		return fmt.Errorf("the peer sent %d messages, %d were delivered", len(s.want.Messages), len(s.got))
	}
	return nil
}

// readGrace is how long a call of ReadMessage stays at most when reading has ended, for the
// peer to get what it was sent last.
const readGrace = 100 * time.Millisecond

// checkGrace checks that it does.
func (s *scene) checkGrace() error {
	h := s.connHarness
	ended := s.read.End != model.Open || s.pipe.failedRead != 0 || s.pipe.expired
	if !ended || h.closing || s.userDone || s.busy > 0 || s.opt.two(bitUser) != userReads || s.hookPanicked.Load() {
		h.graceFrom = time.Time{}
		return nil
	}
	if h.graceFrom.IsZero() {
		h.graceFrom = s.now
	}
	if took := s.now.Sub(h.graceFrom); took > readGrace+leeway {
		return fmt.Errorf("reading has ended %v ago, and ReadMessage has not returned", took)
	}
	return nil
}

// checkTimes checks that what is bounded has ended in time.
func (s *scene) checkTimes() error {
	h, p := s.connHarness, s.pipe
	if s.closed {
		if !h.ending.IsZero() && p.ended.Sub(h.ending) > s.opt.closeTimeout()+leeway {
			return fmt.Errorf("the connection was closing for %v, CloseTimeout is %v", p.ended.Sub(h.ending), s.opt.closeTimeout())
		}
		return nil
	}
	if err := s.checkGrace(); err != nil {
		return err
	}
	late := func(since time.Time, bound time.Duration) bool {
		return !since.IsZero() && s.now.Sub(since) > bound+leeway
	}
	alone := s.opt.bare() && s.opt.role() == model.Server && s.sound && s.free && s.reasons == reasonPeer && len(p.in) == 0 && s.read.Offset == p.consumed
	switch {
	case alone && s.opt.two(bitUser) != userNobody:
		return errors.New("the peer has closed, this side's direction cannot be ended alone, and the connection is open")
	case s.close != nil && h.closes.Load() && p.reading && !p.readBy.IsZero() && p.deadlineErr == nil:
		return fmt.Errorf("this side has closed, and a read has the deadline %v", p.readBy.Time)
	case late(s.ending, s.opt.closeTimeout()):
		return fmt.Errorf("the connection is closing for %v, CloseTimeout is %v", s.now.Sub(s.ending), s.opt.closeTimeout())
	case s.opt.has(bitWriteTimeout) && p.writing != nil && p.deadlineErr == nil && late(p.since, connWriteTimeout):
		return fmt.Errorf("a write takes %v, WriteTimeout is %v", s.now.Sub(p.since), connWriteTimeout)
	case s.loud&reasonContext != 0 && !s.userDone && !(s.opt.two(bitUser) == userReads && (s.lingers() || s.busy > 0)):
		return errors.New("the context has ended, the connection has not")
	}
	return nil
}
