package wirefuzz

import (
	"context"
	"slices"
	"time"

	"github.com/wsproof/wsproof/internal/model"
)

// A Group is what was seen of one rule and behaviour.
type Group struct {
	Level    Level      `json:"level"`
	Rule     model.Rule `json:"rule"`
	Kind     Kind       `json:"kind"`
	What     string     `json:"what,omitempty"`
	Place    string     `json:"place"`    // "RFC 6455 §5.1"
	Sentence string     `json:"sentence"` // of the RFC
	Why      string     `json:"why"`      // of Input
	Count    int        `json:"count"`    // how often it was seen
	// Alone is set where it was seen again alone, with patience.
	Alone bool `json:"alone"`
	// Input is the smallest transcript that does it, or the request of an opening
	// handshake.
	Input     []byte `json:"input"`
	Handshake bool   `json:"handshake,omitempty"`
	// More are further inputs, where it is not known which of them it was.
	More [][]byte `json:"more,omitempty"`
}

// Key names the group, as a list of what is known does.
func (g *Group) Key() string {
	s := sighting{Rule: g.Rule, Kind: g.Kind, What: g.What}
	return s.key()
}

// Harm says whether the server came to harm: it ended, answered no more, or grew. What
// does that to a public library is not for publishing (SECURITY.md).
func (g *Group) Harm() bool { return g.Kind == Crashes || g.Kind == Hangs || g.Kind == Grows }

// A group is a Group that is being made.
type group struct {
	Group
	counts  bool // it was seen again, or need not be
	busy    bool // somebody is at it
	refuted int  // how often it was not seen again alone
}

// mostRefuted is how often a sighting is played again alone that does not come again.
const mostRefuted = 3

// see takes a sighting into its group. The first of a group is made smaller, and if it
// may come of a busy machine, it has to come again first.
func (r *run) see(ctx context.Context, s sighting, in *item) {
	key := string(s.Level) + " " + s.key()
	r.mu.Lock()
	g := r.groups[key]
	if g == nil {
		info := Info(s.Rule)
		g = &group{Group: Group{Level: s.Level, Rule: s.Rule, Kind: s.Kind, What: s.What, Place: info.Place(), Sentence: info.Sentence}}
		r.groups[key] = g
		r.order = append(r.order, key)
	}
	g.Count++
	if g.counts || g.busy || g.refuted >= mostRefuted {
		if g.counts && !g.busy && !s.timed && !g.Handshake && len(in.b) < len(g.Input) {
			g.Input, g.Why = slices.Clone(in.b), s.Why
		}
		r.mu.Unlock()
		return
	}
	g.busy = true
	g.Input, g.Why, g.Handshake = slices.Clone(in.b), s.Why, in.handshake
	r.mu.Unlock()

	counts := !s.timed
	if s.timed {
		counts = r.again(ctx, &s, in)
	}
	// A note is not worth that all others wait for it to become smaller.
	if counts && !in.handshake && ctx.Err() == nil && (!s.timed || s.Level == Finding) {
		r.shrink(ctx, &s, g)
	}

	r.mu.Lock()
	g.busy = false
	switch {
	case counts:
		g.counts = true
		g.Alone = s.timed
		if s.timed {
			r.slow[waitKey{s.Rule, s.Kind}] = true
		}
	case ctx.Err() == nil:
		g.refuted++
	}
	told := g.Group
	r.mu.Unlock()
	if counts {
		r.tell(&told, "")
	}
}

// again plays an input alone, with patience, and says whether that is seen again. If
// not, the server gets more time from now on; and if it does nothing any more, it is
// another matter.
func (r *run) again(ctx context.Context, s *sighting, in *item) bool {
	r.alone.Lock()
	defer r.alone.Unlock()
	if in.handshake {
		list, _, err := r.shake(ctx, in.b, r.patient().owed)
		return err == nil && seen(list, s)
	}
	p := r.plan(in.b)
	w := r.patient()
	if s.Level == Note {
		w.owed, w.end = w.owed/2, w.end/2
	}
	a, err := r.try(ctx, p, w)
	if ctx.Err() != nil {
		return false
	}
	if err == nil && seen(judge(p, a), s) {
		if err = r.down(ctx, r.patient()); err == nil {
			return true
		}
	}
	if err != nil {
		if err = r.down(ctx, r.patient()); err != nil && ctx.Err() == nil {
			r.fallen(ctx, err)
		}
		return false
	}
	r.soft.Store(min(2*r.soft.Load(), int64(r.within(5*time.Second))))
	return false
}

// seen says whether a list has a sighting of the same group.
func seen(list []sighting, of *sighting) bool {
	return slices.ContainsFunc(list, func(s sighting) bool { return s.Level == of.Level && s.key() == of.key() })
}
