package conformance

import (
	"context"
	"regexp"
	"strings"
	"time"
)

// What is done before a failure counts: cases whose failure may come of a busy
// machine are played again, a few at once, and then alone, each time with more
// patience. A failure that the load cannot have made counts at once, so that a
// peer with a hundred faults does not take half an hour.
const (
	againPatience = 3  // times the patience of the run
	againJobs     = 16 // at most, in the first of the two rounds
	againAlone    = 3  // of each cause; all of them if one of these changes its verdict
)

// certain says whether the verdict cannot have come of a peer or a tester that
// had too little time.
func (r *Result) certain() bool {
	o := &r.Outcome
	switch {
	case r.sure && o.GaveUp == "":
		return true
	case r.Opening != "", o.GaveUp != "", o.Late:
		return false
	case r.Behavior == OK && r.BehaviorClose == OK, r.Case.Info, r.Behavior == Unimplemented:
		return true
	case o.Fault != "", o.EchoFault != "":
		return true // the peer's own frames were wrong
	case r.refusedAsTooBig():
		return true
	case r.Behavior == Failed && r.Case.came(o.Received):
		return true
	case r.Behavior == Failed && !r.Case.Close.ByTester && o.ClosedByMe && o.WasClean && o.answered():
		return true // it has read on to the tester's Close, and did not fail
	case r.BehaviorClose == WrongCode && o.RemoteCode != nil && *o.RemoteCode < 3000 && *o.RemoteCode != 1001 && *o.RemoteCode < 1011:
		return true
	case r.BehaviorClose == FailedByClient && o.CloseTook > 0 && o.CloseTook < dropTimeout/10:
		return true // it was awake, and left TCP open
	}
	return false
}

// final says whether the result stays as it is, whatever comes of other cases.
func (r *Result) final() bool { return r.certain() && !r.refusedAsTooBig() }

// answered says whether the peer's Close is an answer to the tester's, not one of
// its own that was on its way.
func (o *Outcome) answered() bool {
	return o.RemoteCode == nil || *o.RemoteCode == 1000 || o.LocalCode != nil && *o.LocalCode == *o.RemoteCode
}

// came says whether something has come that none of the case's lists has at its
// place.
func (c *Case) came(received []Event) bool {
	received, _ = c.counted(received)
	for _, w := range c.Want {
		wrong := false
		for i, e := range received {
			if e.Kind != WaitPassed && (i >= len(w.Events) || !e.Equal(w.Events[i])) {
				wrong = true
			}
			if e.Kind == WaitPassed && (i >= len(w.Events) || !e.Equal(w.Events[i])) {
				break
			}
		}
		if !wrong {
			return false
		}
	}
	return len(c.Want) > 0
}

var specifics = regexp.MustCompile(`RFC 6455 \d[\d.]*\d(?: and \d[\d.]*\d)?|"(?:[^"\\]|\\.)*"(?:… \(\d+ octets\))?|hex [0-9a-f]+(?:… \(\d+ octets\))?|\b\d[\w.]*\b`)

// Cause is Why without what differs from case to case, for grouping: payloads and
// numbers become "…". It is empty where Why is.
func (r *Result) Cause() string { return general(r.Why) }

func general(s string) string {
	return specifics.ReplaceAllStringFunc(s, func(found string) string {
		if strings.HasPrefix(found, "RFC") {
			return found
		}
		return "…"
	})
}

// replayUncertain plays the cases whose results are not certain anew: play does so
// with the cases of those indices, so many at once, with so many times the patience,
// and puts the new results in the place of the old ones.
func replayUncertain(cases []*Case, results []*Result, jobs int, play func(picked []int, jobs int, patience float64)) {
	pick := func(want func(r *Result) bool) (picked []int) {
		for i, r := range results {
			if r != nil && r.Skipped == "" && !r.certain() && want(r) {
				picked = append(picked, i)
			}
		}
		return picked
	}
	replay := func(picked []int, jobs int) (changed map[string]bool) {
		if len(picked) == 0 {
			return nil
		}
		before := make(map[int]*Result)
		for _, i := range picked {
			before[i] = results[i]
		}
		play(picked, jobs, againPatience)
		changed = make(map[string]bool)
		for i, old := range before {
			r := results[i]
			if r == old || r == nil {
				continue
			}
			r.Earlier = old.Earlier
			if r.Verdict() != old.Verdict() {
				r.Earlier = old.Verdict() + ": " + old.Why
				changed[old.Cause()] = true
			}
		}
		return changed
	}
	if jobs > 1 {
		replay(pick(func(*Result) bool { return true }), min(jobs, againJobs))
	}
	counts := make(map[string]int)
	changed := replay(pick(func(r *Result) bool {
		counts[r.Cause()]++
		return !r.Passed() && counts[r.Cause()] <= againAlone
	}), 1)
	counts = make(map[string]int)
	replay(pick(func(r *Result) bool {
		counts[r.Cause()]++
		return !r.Passed() && changed[r.Cause()] && counts[r.Cause()] > againAlone
	}), 1)
}

// leaveUncertain takes the failures away that an interrupted run has not played
// again: they do not count.
func leaveUncertain(results []*Result) {
	for i, r := range results {
		if r != nil && r.Skipped == "" && !r.Passed() && !r.certain() {
			results[i] = nil
		}
	}
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
