package wirefuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
)

const (
	suspects   = 256              // inputs that are played again where the server went down
	searchTime = 25 * time.Second // how long
	mostFalls  = 50               // that a run goes on after
	toldFalls  = 5                // that are told as they come
)

// trouble is called for an input that had no connection, or no opening handshake. It
// waits until it is alone, and sees what has become of the server.
func (r *run) trouble(ctx context.Context, epoch int, err error) {
	r.alone.Lock()
	defer r.alone.Unlock()
	r.mu.Lock()
	r.skipped++
	over := r.epoch != epoch || r.gone != nil
	r.mu.Unlock()
	if over || ctx.Err() != nil {
		return // it is dealt with
	}
	if !isRefused(err) {
		if err = r.down(ctx, r.patient()); err == nil || ctx.Err() != nil {
			return // it was too much at once
		}
	}
	r.fallen(ctx, err)
}

// isRefused says whether nobody listens.
func isRefused(err error) bool {
	open := new(openError)
	return errors.As(err, &open) && open.connect && errors.Is(err, syscall.ECONNREFUSED)
}

// down returns why the server does not echo, nil if it does. One that drops a
// connection is asked again: it may be about to end.
func (r *run) down(ctx context.Context, w waits) error {
	for over := time.Now().Add(r.within(2 * time.Second)); ; pause(ctx, 20*time.Millisecond) {
		err := r.echoes(ctx, w)
		late := new(noEchoError)
		if err == nil || isRefused(err) || ctx.Err() != nil || time.Now().After(over) ||
			errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &late) && late.nothing {
			return err
		}
	}
}

// harm is what an error of down says about the server.
func harm(err error) Kind {
	if isRefused(err) {
		return Crashes
	}
	return Hangs
}

// fallen is called alone, where the server ended or answers no more. It brings the
// server back and seeks the input that does it.
func (r *run) fallen(ctx context.Context, err error) {
	kind := harm(err)
	r.mu.Lock()
	r.epoch++
	r.fell++
	fell := r.fell
	list := r.last256()
	r.mu.Unlock()
	said := ""
	if r.child != nil {
		if kind == Crashes {
			r.child.wait(time.Second)
		}
		said = r.child.said()
	}
	if fell <= toldFalls {
		r.tell(nil, fmt.Sprintf("the server %s (%v)", map[Kind]string{Crashes: "has ended", Hangs: "answers no more"}[kind], err))
	}
	if !r.revive(ctx) {
		if ctx.Err() == nil {
			r.fall(kind, nil, list, said)
			r.end(fmt.Errorf("the server %s, and does not come back; -restart COMMAND brings it back", map[Kind]string{Crashes: "has ended", Hangs: "answers no more"}[kind]))
		}
		return
	}
	if fell > mostFalls {
		r.end(fmt.Errorf("the server went down %d times", fell))
		return
	}
	culprit := r.seek(ctx, list, &kind, &said)
	r.fall(kind, culprit, list, said)
}

// end ends the run.
func (r *run) end(err error) {
	r.mu.Lock()
	if r.gone == nil {
		r.gone = err
	}
	r.mu.Unlock()
	r.stopped.Store(true)
}

// last256 returns the inputs that are under way, and those before, the latest first.
func (r *run) last256() []record {
	var list []record
	add := func(rec record) {
		if rec.b != nil && !slices.ContainsFunc(list, func(o record) bool { return bytes.Equal(o.b, rec.b) }) {
			list = append(list, rec)
		}
	}
	for _, rec := range r.current {
		add(rec)
	}
	for i := 1; i <= min(r.next, recents) && len(list) < suspects; i++ {
		add(r.recent[(r.next-i)%recents])
	}
	return list
}

// quick is how long a server that is down is asked.
func (r *run) quick() waits {
	w := r.patient()
	w.open, w.owed, w.end = r.within(2*time.Second), r.within(2*time.Second), r.within(200*time.Millisecond)
	return w
}

// brings plays an input alone and returns what it does to the server, "" if nothing.
func (r *run) brings(ctx context.Context, rec record) (kind Kind, said string) {
	if rec.handshake {
		_, _, _ = r.shake(ctx, rec.b, r.within(500*time.Millisecond))
	} else {
		p := r.plan(rec.b)
		w := r.company(p)
		w.owed, w.end = min(w.owed, r.within(500*time.Millisecond)), min(w.end, r.within(100*time.Millisecond))
		_, _ = r.try(ctx, p, w)
	}
	err := r.down(ctx, r.quick())
	if err == nil || ctx.Err() != nil {
		return "", ""
	}
	if r.child != nil {
		if isRefused(err) {
			r.child.wait(time.Second)
		}
		said = r.child.said()
	}
	return harm(err), said
}

// seek plays the suspects again alone, and makes the one that does it smaller. The
// server is up again when it returns, if it can be.
func (r *run) seek(ctx context.Context, list []record, kind *Kind, said *string) *record {
	over := time.Now().Add(r.within(searchTime))
	for i := range list {
		if ctx.Err() != nil || time.Now().After(over) {
			return nil
		}
		did, words := r.brings(ctx, list[i])
		if did == "" {
			continue
		}
		*kind = did
		if words != "" {
			*said = words
		}
		culprit := list[i]
		if !r.revive(ctx) || culprit.handshake {
			return &culprit
		}
		tries := 0
		culprit.b = smaller(culprit.b, func(b []byte) bool {
			if tries++; tries > 60 || ctx.Err() != nil || time.Now().After(over) {
				return false
			}
			did, _ := r.brings(ctx, record{b: b})
			return did != "" && r.revive(ctx)
		})
		return &culprit
	}
	return nil
}

// fall takes what brought the server down into its group.
func (r *run) fall(kind Kind, culprit *record, list []record, said string) {
	s := sighting{Level: Finding, Rule: GoodData, Kind: kind}
	what := map[Kind]string{Crashes: "the server ended", Hangs: "the server answered no more, on other connections neither"}[kind]
	g := &group{counts: true}
	if culprit != nil {
		p := r.plan(culprit.b)
		if rule := p.breaks(); rule != "" && !culprit.handshake {
			s.Rule = rule
			r.mu.Lock()
			r.avoid = append(r.avoid, rule)
			r.mu.Unlock()
		}
		s.Why = what + ": played again alone, this input does it"
		g.Alone, g.Input, g.Handshake = true, culprit.b, culprit.handshake
	} else {
		s.What = "by an unknown input"
		s.Why = what + "; the input is one of those that were under way, or several"
		if len(list) > 0 {
			g.Input, g.Handshake = list[0].b, list[0].handshake
		}
		for i := 1; i < min(len(list), 32); i++ {
			if !list[i].handshake {
				g.More = append(g.More, list[i].b)
			}
		}
	}
	if said != "" {
		s.Why += "; it said: " + said
	}
	info := Info(s.Rule)
	g.Group.Level, g.Rule, g.Kind, g.What, g.Why = Finding, s.Rule, s.Kind, s.What, s.Why
	g.Place, g.Sentence, g.Count = info.Place(), info.Sentence, 1
	key := string(s.Level) + " " + s.key()
	r.mu.Lock()
	if old := r.groups[key]; old != nil && old.counts {
		old.Count++
		r.mu.Unlock()
		return
	}
	if r.groups[key] == nil {
		r.order = append(r.order, key)
	}
	r.groups[key] = g
	told := g.Group
	r.mu.Unlock()
	r.tell(&told, "")
}

// avoids says whether a frame of the transcript is of a kind that is known to bring the
// server down: by itself, it breaks the same rule.
func (r *run) avoids(p *plan) bool {
	r.mu.Lock()
	rules := r.avoid
	r.mu.Unlock()
	if len(rules) == 0 {
		return false
	}
	limits := model.Limits{Frame: noLimit, Message: noLimit}
	return slices.Contains(rules, p.want.Rule) || slices.ContainsFunc(p.spans, func(s input.Span) bool {
		return slices.Contains(rules, model.Read(model.Server, limits, p.b[s.Start:s.End]).Rule)
	})
}

// revive brings the server back, by the command of the user's or by waiting for it.
func (r *run) revive(ctx context.Context) bool {
	if r.Restart != "" || r.Again != nil {
		return r.restart(ctx) == nil
	}
	for over := time.Now().Add(r.within(10 * time.Second)); ctx.Err() == nil && time.Now().Before(over); {
		if r.echoes(ctx, r.quick()) == nil {
			return true
		}
		pause(ctx, 100*time.Millisecond)
	}
	return false
}

// restart runs the user's command, and waits until the server echoes.
func (r *run) restart(ctx context.Context) error {
	if r.Again != nil {
		client, err := r.Again(ctx)
		if err != nil {
			return err
		}
		r.Client = client
		return r.down(ctx, r.patient())
	}
	if r.child != nil {
		r.child.stop()
		r.child = nil
	}
	child, err := launch(r.Restart)
	if err != nil {
		return fmt.Errorf("-restart %q: %w", r.Restart, err)
	}
	r.child = child
	wait := r.within(30 * time.Second)
	var last error
	for over := time.Now().Add(wait); time.Now().Before(over); {
		if last = r.echoes(ctx, r.quick()); last == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause(ctx, 20*time.Millisecond)
	}
	said := child.said()
	if said != "" {
		said = "; it said: " + said
	}
	return fmt.Errorf("-restart %q: the server does not echo within %v: %w%s", r.Restart, wait, last, said)
}

// pause waits, unless ctx is done before.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
