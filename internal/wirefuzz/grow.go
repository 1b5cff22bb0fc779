package wirefuzz

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A memory watches how much memory the server has.
type memory struct {
	read  func() (int64, error) // bytes
	base  int64                 // what it has when it is warm
	peak  int64
	began time.Time
	asked int // how often growth was looked into
}

const (
	warmUp     = 4 * time.Second
	growth     = 64 << 20 // bytes, and half of what it had: less is no growth
	leakLeast  = 1 << 20  // bytes in which a leak must show when many inputs are played
	leakRounds = 6
	leakTime   = 45 * time.Second // that the search may take
	leakMost   = 1024             // inputs that it begins with
)

// newMemory returns nil where no process is known.
func newMemory(r *run) (*memory, error) {
	m := &memory{began: time.Now()}
	switch {
	case r.PID > 0:
		m.read = func() (int64, error) { return processMemory(r.PID) }
	case r.child != nil:
		m.read = func() (int64, error) {
			if r.child == nil {
				return 0, errors.New("there is no process")
			}
			return groupMemory(r.child.cmd.Process.Pid)
		}
		if _, err := m.read(); err != nil {
			return nil, nil // nobody has asked for it
		}
		return m, nil
	default:
		return nil, nil
	}
	if _, err := m.read(); err != nil {
		return nil, fmt.Errorf("-pid %d: its memory cannot be read: %w", r.PID, err)
	}
	return m, nil
}

// watchMemory looks at the server's memory now and then, and seeks the reason if it
// grows and grows.
func (r *run) watchMemory(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	epoch := -1
	m := r.memory
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		now := r.epoch
		r.mu.Unlock()
		if now != epoch { // another process
			epoch = now
			m.base, m.began = 0, time.Now()
		}
		r.alone.RLock() // nobody restarts it meanwhile
		has, err := m.read()
		r.alone.RUnlock()
		if err != nil {
			continue // it has ended: another's matter
		}
		m.peak = max(m.peak, has)
		switch {
		case time.Since(m.began) < warmUp:
			m.base = max(m.base, has)
		case has > m.base+max(growth, m.base/2):
			r.leak(ctx)
			if has, err := m.read(); err == nil {
				m.base = max(2*m.base, has) // once more where it doubles
			}
		}
	}
}

// grown plays inputs over and over, for about d, and returns by how many bytes an
// input the server's memory grew, and in all.
func (r *run) grown(ctx context.Context, list []record, d time.Duration) (each float64, total int64) {
	before, err := r.memory.read()
	if err != nil {
		return 0, 0
	}
	n := r.repeat(ctx, list, d)
	after, err := r.memory.read()
	if err != nil || n == 0 {
		return 0, 0
	}
	return float64(after-before) / float64(n), after - before
}

// repeat plays inputs over and over, and returns how many it played.
func (r *run) repeat(ctx context.Context, list []record, d time.Duration) int {
	var mu sync.Mutex
	n := 0
	over := time.Now().Add(d)
	var workers sync.WaitGroup
	for range r.Jobs {
		workers.Go(func() {
			for ctx.Err() == nil && time.Now().Before(over) {
				mu.Lock()
				rec := list[n%len(list)]
				n++
				mu.Unlock()
				if rec.handshake {
					_, _, _ = r.shake(ctx, rec.b, r.within(500*time.Millisecond))
					continue
				}
				p := r.plan(rec.b)
				_, _ = r.try(ctx, p, r.company(p))
			}
		})
	}
	workers.Wait()
	pause(ctx, 50*time.Millisecond)
	return n
}

// afresh makes the server's memory as small as can be, where it can be started anew,
// and as large as plain messages have it: what it has taken and not yet given back
// would hide what it takes.
func (r *run) afresh(ctx context.Context) {
	if r.Restart != "" && r.child != nil {
		_ = r.restart(ctx) // it shows if that fails
	}
	r.repeat(ctx, []record{{b: hello}}, r.within(200*time.Millisecond))
}

// short are the inputs that take little room themselves.
func short(list []record) []record {
	return slices.DeleteFunc(slices.Clone(list), func(rec record) bool { return len(rec.b) > 2048 })
}

// leak seeks the input by which memory grows: of those that were played lately it
// takes the half that grows more, again and again. What is left has to grow in each of
// some rounds, and much more than by plain messages.
func (r *run) leak(ctx context.Context) {
	r.alone.Lock()
	defer r.alone.Unlock()
	m := r.memory
	m.asked++
	if m.asked > 3 {
		return
	}
	r.mu.Lock()
	var list []record
	for i := 1; i <= min(r.next, recents); i++ {
		if rec := r.recent[(r.next-i)%recents]; rec.b != nil {
			list = append(list, rec)
		}
	}
	r.mu.Unlock()
	// Long ones make memory grow that is free again, so they come second.
	if few := short(list); m.asked != 2 && len(few) > 0 {
		list = few
	}
	if len(list) == 0 {
		return
	}
	list = list[:min(len(list), leakMost)]
	has, _ := m.read()
	r.tell(nil, fmt.Sprintf("the server's memory has grown to %s: the input that does it is sought", mebibytes(has)))
	over := time.Now().Add(max(leakTime, r.within(leakTime)))
	for len(list) > 1 && ctx.Err() == nil && time.Now().Before(over) {
		half := (len(list) + 1) / 2
		d := r.within(min(time.Second, 300*time.Millisecond+time.Duration(len(list))*time.Millisecond/2))
		var first, second float64
		var total int64
		for range 2 { // until one of them is clearly more
			r.afresh(ctx)
			g, n := r.grown(ctx, list[:half], d)
			first, total = first+g, total+max(n, 0)
			r.afresh(ctx)
			g, n = r.grown(ctx, list[half:], d)
			total += max(n, 0)
			if second += g; min(first, second) < max(first, second)/2 {
				break
			}
		}
		if total < leakLeast {
			r.tell(nil, "the server's memory grows no more: that it grew is no finding")
			return
		}
		if first >= second {
			list = list[:half]
		} else {
			list = list[half:]
		}
	}
	if len(list) > 1 {
		r.tell(nil, "the input was not found in time: that the memory grew is no finding")
		return
	}
	culprit := list[0]
	median, base, grows := r.grows(ctx, culprit)
	if !grows {
		if ctx.Err() == nil {
			r.tell(nil, fmt.Sprintf("no one input has the server's memory grow, so that is no finding: %.0f bytes by the one that grew most, %.0f by a plain message", median, base))
		}
		return
	}
	best := median
	if !culprit.handshake {
		tries := 0
		culprit.b = smaller(culprit.b, func(b []byte) bool {
			if tries++; tries > 30 || ctx.Err() != nil {
				return false
			}
			g, _ := r.grown(ctx, []record{{b: b}}, r.within(200*time.Millisecond))
			if g < median/2 {
				return false
			}
			best = cmp.Or(g, best)
			return true
		})
	}
	s := sighting{Level: Finding, Rule: GoodData, Kind: Grows, Why: fmt.Sprintf("the server's memory grows by about %.0f bytes with each connection that sends this, played again alone; by a plain message by %.0f", best, base)}
	info := Info(s.Rule)
	g := &group{counts: true, Group: Group{Level: s.Level, Rule: s.Rule, Kind: s.Kind, Why: s.Why, Place: info.Place(), Sentence: info.Sentence, Count: 1, Alone: true, Input: culprit.b, Handshake: culprit.handshake}}
	r.mu.Lock()
	key := string(s.Level) + " " + s.key()
	if r.groups[key] == nil {
		r.order = append(r.order, key)
	}
	r.groups[key] = g
	told := g.Group
	r.mu.Unlock()
	r.tell(&told, "")
}

// grows says whether memory grows with each connection that sends the input: in each
// of some rounds, no less in the later ones, for what a collector has not yet taken
// back grows at first alone, and much more than by plain messages.
func (r *run) grows(ctx context.Context, rec record) (median, base float64, grows bool) {
	r.afresh(ctx)
	base, _ = r.grown(ctx, []record{{b: hello}}, r.within(500*time.Millisecond))
	base = max(base, 0)
	var each []float64
	var total int64
	for range leakRounds {
		b, t := r.grown(ctx, []record{rec}, r.within(400*time.Millisecond))
		each, total = append(each, b), total+t
	}
	early, late := each[0]+each[1]+each[2], each[3]+each[4]+each[5]
	median = slices.Sorted(slices.Values(each))[leakRounds/2]
	return median, base, ctx.Err() == nil && slices.Min(each[3:]) > 0 && late > early/3 && median > 4*base+64 && total > 4<<20
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
