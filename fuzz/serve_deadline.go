package fuzz

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/model"
)

// track follows the frames that a connection has read, to know which deadline is
// due: ReadTimeout runs from the moment the reader waits for a frame until the
// frame is complete, MessageTimeout from a message's first frame until the message
// is.
type track struct {
	seen    int       // bytes that are accounted for
	whole   int       // bytes of whole frames
	frames  int       // their number
	message bool      // a fragmented message is under way
	first   time.Time // when its first byte was read
	known   time.Time // when its first frame was complete
	partial time.Time // when the first byte of the frame was read that is not complete

	waited  int       // for how many frames a read has waited
	frameBy time.Time // the deadline of the present one
}

// advance accounts for the bytes that were read at a time.
func (t *track) advance(read []byte, at time.Time) {
	fresh := t.seen == t.whole
	for _, f := range split(read[t.whole:]) {
		if f.cut {
			break
		}
		if f.frame.Opcode&8 == 0 {
			if !t.message {
				if t.first = at; !fresh {
					t.first = t.partial
				}
				t.known = at
			}
			t.message = !f.frame.Fin
		}
		t.whole += f.end - f.start
		t.frames++
		fresh = true
	}
	if t.seen = len(read); t.seen > t.whole && fresh {
		t.partial = at
	}
}

// deadlineDue checks the deadline of a read that begins. The pipe's mutex is held.
func (h *serveHarness) deadlineDue() error {
	p, t := h.pipe, &h.track
	if h.opt.bare() || p.deadlineErr != nil || p.expired {
		return nil
	}
	now := time.Now()
	t.advance(h.sent[:p.consumed], p.heard)
	if t.waited != t.frames+1 {
		t.waited, t.frameBy = t.frames+1, time.Time{}
		if h.opt.has(bitReadTimeout) {
			t.frameBy = now.Add(serveReadTimeout)
		}
	}
	ok := p.readBy.Equal(t.frameBy)
	lo, hi := t.first.Add(serveMessageTimeout), t.known.Add(serveMessageTimeout)
	if h.opt.has(bitMessageTimeout) {
		switch {
		case t.message:
			ok = within(p.readBy, t.frameBy, lo, hi)
		case t.seen > t.whole: // its first frame has begun
			lo, hi = t.partial.Add(serveMessageTimeout), now.Add(serveMessageTimeout)
			ok = ok || within(p.readBy, t.frameBy, lo, hi)
		}
	}
	if ok {
		return nil
	}
	// What a failed connection still reads is bounded otherwise.
	if out := model.Read(h.opt.role(), h.opt.limits, h.sent[:p.consumed]); out.End != model.Open || out.Rule != "" {
		return nil
	}
	return fmt.Errorf("after %d frames and %d bytes, %v after the start, a read began with the deadline %v; that of the frame is %v, of a message under way (%t) %v",
		t.frames, t.seen-t.whole, now.Sub(h.start), p.readBy, t.frameBy, t.message, hi)
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
