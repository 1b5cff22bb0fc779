package live

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
)

// track follows the frames that a connection has read, to know which deadline is
// due: ReadTimeout runs from the moment the reader waits for a frame until the
// frame is complete, MessageTimeout from the first byte of a message's first frame
// until the message is complete.
type track struct {
	seen    int       // bytes that are accounted for
	whole   int       // bytes of whole frames
	frames  int       // their number
	message bool      // a message is under way, and at least a byte of it is there
	first   time.Time // when that was read
	looked  time.Time // and when the next read began: a handler may have come between

	wrong error // a deadline that is none of those that are due: unless the connection has ended
	over  bool  // the conversation: what is read now is bounded otherwise

	waited  int       // for how many frames a read has waited
	frameBy time.Time // the deadline of the present one
}

// advance accounts for the bytes that were read at a time, when the next read
// begins.
func (t *track) advance(read []byte, at, now time.Time) {
	begin := func() {
		if !t.message {
			t.message, t.first, t.looked = true, at, now
		}
	}
	for _, f := range input.Split(read[t.whole:]) {
		data := read[t.whole]&8 == 0
		if data {
			begin()
		}
		if f.Cut {
			break
		}
		if data && f.Frame.Fin {
			t.message = false
		}
		t.whole += f.End - f.Start
		t.frames++
	}
	t.seen = len(read)
}

// deadlineDue checks the deadline of a read that begins. The pipe's mutex is held.
func (h *connHarness) deadlineDue() error {
	p, t := h.pipe, &h.track
	if h.opt.bare() || p.deadlineErr != nil || p.expired || p.atEnd || t.over || h.hookPanicked.Load() {
		return nil
	}
	now := time.Now()
	t.advance(h.sent[:p.consumed], p.heard, now)
	if t.waited != t.frames+1 {
		t.waited, t.frameBy = t.frames+1, time.Time{}
		if h.opt.has(bitReadTimeout) {
			t.frameBy = now.Add(connReadTimeout)
		}
	}
	ok := p.readBy.Equal(t.frameBy)
	lo, hi := t.first.Add(connMessageTimeout), t.looked.Add(connMessageTimeout)
	if t.message && h.opt.has(bitMessageTimeout) {
		ok = within(p.readBy.Time, t.frameBy, lo, hi)
	}
	if ok {
		return nil
	}
	// Behind this side's Close it is CloseTimeout that counts: the deadline is lifted
	// (checkTimes).
	if h.closes.Load() {
		t.over = p.readBy.IsZero()
		return nil
	}
	// A connection that has ended meanwhile is about to close the transport.
	if h.ws.Err() != nil {
		return nil
	}
	// What a failed connection still reads is bounded otherwise.
	out := model.Read(h.opt.role(), h.opt.limits, h.sent[:p.consumed])
	if t.over = out.End != model.Open || out.Rule != ""; t.over {
		return nil
	}
	// A connection that is just being dropped sets none any more.
	t.wrong = fmt.Errorf("after %d frames and %d bytes, %v after the start, a read began with the deadline %v; that of the frame is %v, of a message under way (%t) %v",
		t.frames, t.seen-t.whole, now.Sub(h.start), p.readBy.Time, t.frameBy, t.message, hi)
	return nil
}

// within tells whether by is the earlier one of a frame's deadline, if there is
// one, and a time from lo to hi.
func within(by, frameBy, lo, hi time.Time) bool {
	if !frameBy.IsZero() && frameBy.Before(lo) {
		return by.Equal(frameBy)
	}
	if !frameBy.IsZero() && by.Equal(frameBy) {
		return !frameBy.After(hi)
	}
	return !by.Before(lo) && !by.After(hi)
}
