package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// The stages of a hunt.
const (
	stageVectors = "vectors"
	stageSeeds   = "seeds"
	stageFuzz    = "fuzz"
	stageTests   = "tests"
)

const (
	// testTime bounds a run of tests on the core as it is.
	testTime = 3 * time.Minute
	// A mutant may take this much, and so many times as long as the core as it is:
	// what hangs is found by that.
	spareTime, spareFactor = 30 * time.Second, 6
	// Nor may it say nothing for so long, or so many times as long as the core as it
	// is at most.
	silentTime, silentFactor = 8 * time.Second, 20
	// fuzzSpare is what an engine may take besides its time: seeds, workers.
	fuzzSpare = 90 * time.Second
	// mostTargets bounds how many targets fuzz a mutant that names none itself.
	mostTargets = 2
)

// A hunter hunts the mutants of a run.
type hunter struct {
	conf     config
	work     string // a folder
	progress io.Writer
	mutants  []*mutant
	units    map[string][]*unit // by tags
	tested   []string           // packages of the core with tests

	mu      sync.Mutex
	results map[*mutant]*result
	slower  float64       // how much longer than measured the slowest run without a kill took
	silent  time.Duration // the longest silence in such a run
}

// hunt sends every mutant through the stages. Before that it sends the core as it
// is: a stage that fails it would kill everything.
func hunt(ctx context.Context, cores *cores, mutants []*mutant, conf config, progress io.Writer) ([]*result, error) {
	work, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	h := &hunter{conf: conf, work: work, progress: progress, mutants: mutants, units: map[string][]*unit{}, slower: 1, results: map[*mutant]*result{}}
	if err := h.choosePlain(ctx, cores, mutants); err != nil {
		return nil, err
	}
	all, err := groups(ctx, cores, mutants)
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		if err := h.measure(ctx, g.core); err != nil {
			return nil, err
		}
	}
	var singles []*group
	for i, g := range all {
		if g.alone {
			singles = append(singles, g)
			continue
		}
		dir, err := makeDir(work, fmt.Sprintf("group-%d", i))
		if err != nil {
			return nil, err
		}
		b, err := newSchema(g.core, dir, g.mutants, g.race)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(progress, "%d mutants in one build%s\n", len(g.mutants), words(g))
		if !g.race {
			if err := b.markSame(ctx, g.mutants); err != nil {
				return nil, err
			}
		}
		if err := h.sound(ctx, b); err != nil {
			return nil, err
		}
		h.each(len(g.mutants), func(i int) {
			h.done(h.hunt(ctx, b, g.mutants[i]))
		})
		_ = os.RemoveAll(dir) // binaries take a gigabyte
		if ctx.Err() != nil {
			return nil, errors.New("interrupted")
		}
	}
	if len(singles) > 0 {
		fmt.Fprintf(progress, "%d mutants with a build of their own\n", len(singles))
	}
	h.each(len(singles), func(i int) {
		g := singles[i]
		r := &result{mutant: g.mutants[0]}
		dir, err := makeDir(work, fmt.Sprintf("single-%d", i))
		var b *build
		if err == nil {
			b, err = newSingle(g.core, dir, r.mutant)
		}
		if err != nil {
			r.err = err
		} else {
			r = h.hunt(ctx, b, r.mutant)
		}
		_ = os.RemoveAll(dir)
		h.done(r)
	})
	if err := h.raced(ctx, cores, mutants); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	list := make([]*result, 0, len(mutants))
	for _, m := range mutants {
		list = append(list, h.results[m])
	}
	return list, nil
}

func words(g *group) string {
	out := ""
	if g.race {
		out += ", with the race detector"
	}
	if g.core.tags != "" {
		out += ", with the tags " + g.core.tags
	}
	return out
}

// raced hunts again, under the race detector, what survived of the changes at random
// that concern a lock: most of them do nothing but race.
func (h *hunter) raced(ctx context.Context, cores *cores, mutants []*mutant) error {
	var left []*mutant
	c := cores.known[""]
	for _, m := range mutants {
		if m.locks && m.number > 0 && m.tags == "" && h.results[m].end() == endSurvived {
			left = append(left, m)
			m.number = len(left)
		}
	}
	if len(left) == 0 || ctx.Err() != nil {
		return nil
	}
	dir, err := makeDir(h.work, "race")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newSchema(c, dir, left, true)
	if err != nil {
		return err
	}
	fmt.Fprintf(h.progress, "%d of them concern locks: again, with the race detector\n", len(left))
	if err := h.sound(ctx, b); err != nil {
		return err
	}
	h.each(len(left), func(i int) {
		r := h.hunt(ctx, b, left[i])
		if r.stage != "" {
			r.killer += " (-race)"
		}
		h.done(r)
	})
	return nil
}

// each calls f for 0 to n-1, as many at a time as there are jobs.
func (h *hunter) each(n int, f func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range h.conf.jobs {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// done keeps a result, and says what became of the mutant.
func (h *hunter) done(r *result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.results[r.mutant] = r
	fmt.Fprintf(h.progress, "%s\n", r.line())
	if h.conf.verbose && r.words != "" {
		fmt.Fprintf(h.progress, "    %s\n", strings.ReplaceAll(r.words, "\n", "\n    "))
	}
}

// reaching are the units that run what a mutant changes.
func (h *hunter) reaching(c *core, m *mutant) []*unit {
	var fit []*unit
	places := c.places(m)
	for _, u := range h.units[c.tags] {
		if slices.ContainsFunc(places, func(p place) bool { return u.reaches(c, p) }) {
			fit = append(fit, u)
		}
	}
	return fit
}

// measure finds what each unit reaches in the core as it is, and how long it takes.
func (h *hunter) measure(ctx context.Context, c *core) error {
	if h.units[c.tags] != nil {
		return nil
	}
	units, tested, err := findUnits(ctx, c)
	if err != nil {
		return err
	}
	dir, err := makeDir(h.work, "core-"+c.tags)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newSchema(c, dir, nil, false)
	if err != nil {
		return err
	}
	if err := checkTargets(h.mutants, units); err != nil {
		return err
	}
	h.units[c.tags], h.tested = units, tested
	return measure(ctx, b, units)
}

// sound sends the core as it is, within the build of mutants, through the stages.
func (h *hunter) sound(ctx context.Context, b *build) error {
	for _, stage := range h.conf.stages {
		r := &result{mutant: &mutant{name: "the core as it is", race: b.race}}
		switch stage {
		case stageVectors, stageSeeds:
			h.judge(ctx, r, b, stage, h.units[b.tags])
		case stageTests:
			for _, pkg := range h.tested {
				if r.stage == "" && r.err == nil {
					h.tests(ctx, r, b, pkg)
				}
			}
		}
		if r.err != nil {
			return r.err
		}
		if r.stage != "" {
			return fmt.Errorf("the core as it is fails in the stage %s: %s\n%s", r.stage, r.killer, r.words)
		}
	}
	return nil
}

// hunt sends one mutant through the stages until one kills it.
func (h *hunter) hunt(ctx context.Context, b *build, m *mutant) *result {
	r := &result{mutant: m, reached: true}
	units := h.units[b.tags]
	if m.number > 0 {
		fit := h.reaching(b.core, m)
		r.reached = len(fit) > 0
		if r.reached || m.random {
			units = fit
		}
	}
	if m.same && m.random {
		return r
	}
	for _, stage := range h.conf.stages {
		switch stage {
		case stageVectors, stageSeeds:
			h.judge(ctx, r, b, stage, units)
		case stageFuzz:
			for _, u := range h.fuzzers(m, units) {
				if r.stage == "" && r.err == nil {
					h.fuzz(ctx, r, b, u)
				}
			}
		case stageTests:
			for _, pkg := range h.tested {
				if r.stage == "" && r.err == nil {
					h.tests(ctx, r, b, pkg)
				}
			}
		}
		if r.stage != "" || r.err != nil {
			break
		}
	}
	return r
}
