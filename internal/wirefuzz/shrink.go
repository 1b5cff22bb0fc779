package wirefuzz

import (
	"context"
	"slices"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
)

// How long a transcript is made smaller, and how often at most.
const (
	shrinkTime  = 3 * time.Second
	shrinkTries = 300
)

// shrink makes a group's transcript smaller, as long as the same is seen: alone if it
// may come of a busy machine.
func (r *run) shrink(ctx context.Context, s *sighting, g *group) {
	if s.timed {
		r.alone.Lock()
		defer r.alone.Unlock()
	}
	over := time.Now().Add(r.within(shrinkTime))
	tries := 0
	why := s.Why
	shows := func(b []byte) bool {
		if tries++; ctx.Err() != nil || tries > shrinkTries || time.Now().After(over) {
			return false
		}
		p := r.plan(b)
		if s.timed {
			w := r.patient()
			w.owed, w.end = w.owed/10, w.end/6 // the last word has patience again
			return r.shows(ctx, p, w, s, &why)
		}
		r.alone.RLock()
		defer r.alone.RUnlock()
		return r.shows(ctx, p, r.company(p), s, &why)
	}
	smallest := smaller(g.Input, shows)
	if s.timed && len(smallest) < len(g.Input) && !r.shows(ctx, r.plan(smallest), r.patient(), s, &why) {
		return
	}
	r.mu.Lock()
	if len(smallest) < len(g.Input) {
		g.Input, g.Why = smallest, why
	}
	r.mu.Unlock()
}

// shows says whether a transcript shows a sighting of the same group, and why.
func (r *run) shows(ctx context.Context, p *plan, w waits, of *sighting, why *string) bool {
	a, err := r.try(ctx, p, w)
	if err != nil || ctx.Err() != nil {
		return false
	}
	for _, s := range judge(p, a) {
		if s.Level == of.Level && s.key() == of.key() {
			*why = s.Why
			return true
		}
	}
	return false
}

// smaller returns the smallest transcript that it finds for which shows holds: without
// some of the frames of b, with less in them.
func smaller(b []byte, shows func([]byte) bool) []byte {
	for again := true; again; {
		again = false
		spans := input.Split(b)
		// Frames, in runs that become shorter.
		for size := max(len(spans)/2, 1); size > 0; size /= 2 {
			for i := 0; i+size <= len(spans); {
				try := slices.Concat(b[:spans[i].Start], b[spans[i+size-1].End:])
				if len(try) > 0 && shows(try) {
					b, spans, again = try, input.Split(try), true
					continue
				}
				i += size
			}
		}
		// Payloads.
		for i := 0; i < len(spans); i++ {
			f := spans[i].Frame
			if spans[i].Cut || len(f.Payload) == 0 {
				continue
			}
			for _, n := range []int{0, 1, 2, len(f.Payload) / 2, len(f.Payload) - 1} {
				if n >= len(f.Payload) {
					continue
				}
				short := f
				short.Payload, short.Length = f.Payload[:n], uint64(n)
				if short.Form == input.ShortestForm(len(f.Payload)) {
					short.Form = input.ShortestForm(n)
				}
				try := slices.Concat(b[:spans[i].Start], short.Append(nil), b[spans[i].End:])
				if len(try) < len(b) && shows(try) {
					b, spans, again = try, input.Split(try), true
					break
				}
			}
		}
	}
	return b
}
