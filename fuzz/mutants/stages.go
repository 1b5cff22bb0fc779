package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/gofuzz"
)

// fuzzers are the targets that fuzz a mutant: those that it names, or the ones that
// reach it, those first that reach the least besides.
func (h *hunter) fuzzers(m *mutant, units []*unit) []*unit {
	var targets []*unit
	for _, name := range m.targets {
		for _, u := range h.units[m.tags] {
			if u.stage == stageSeeds && u.name == "Fuzz"+name {
				targets = append(targets, u)
			}
		}
	}
	if len(m.targets) > 0 {
		return targets
	}
	if len(units) == 0 { // no seed comes there: a target that comes near it may
		for _, u := range h.units[m.tags] {
			for name := range m.changed {
				if slices.ContainsFunc(u.hits[name], func(h hit) bool { return h.reached }) {
					units = append(units, u)
				}
			}
		}
	}
	size := map[*unit]int{}
	for _, u := range units {
		// What is made for bugs of libraries, or needs a server, finds none of the core's.
		if u.stage != stageSeeds || u.name == "FuzzPeers" || u.name == "FuzzTarget" {
			continue
		}
		targets = append(targets, u)
		for _, hits := range u.hits {
			for _, h := range hits {
				if h.reached {
					size[u]++
				}
			}
		}
	}
	slices.SortStableFunc(targets, func(a, b *unit) int { return size[a] - size[b] })
	return targets[:min(len(targets), mostTargets)]
}

// judge runs the units of a stage, the quickest first, until one kills.
func (h *hunter) judge(ctx context.Context, r *result, b *build, stage string, units []*unit) {
	units = slices.DeleteFunc(slices.Clone(units), func(u *unit) bool { return u.stage != stage })
	slices.SortStableFunc(units, func(a, b *unit) int { return int(a.took - b.took) })
	for _, u := range units {
		if r.stage != "" || r.err != nil {
			return
		}
		binary, err := b.binary(ctx, u.pkg, buildTest)
		if err != nil {
			r.err = err
			return
		}
		h.mu.Lock()
		t := trial{stage: stage, dir: filepath.Join(b.core.root, u.pkg), number: r.mutant.number}
		t.limit = spareTime + time.Duration(spareFactor*h.slower*float64(u.took))
		t.silence = max(silentTime, silentFactor*u.silence, spareFactor*h.silent)
		h.mu.Unlock()
		if b.race {
			t.limit, t.silence = 5*t.limit, 5*t.silence
		}
		begin := time.Now()
		silent := r.try(ctx, t, binary, "-test.run=^"+u.name+"$", "-test.failfast", "-test.v", "-test.timeout="+t.limit.String())
		if slow := float64(time.Since(begin)) / float64(u.took); r.stage == "" && !b.race {
			h.mu.Lock()
			h.slower, h.silent = max(h.slower, slow), max(h.silent, silent)
			h.mu.Unlock()
		}
	}
}

// tests runs all tests of a package of the core.
func (h *hunter) tests(ctx context.Context, r *result, b *build, pkg string) {
	binary, err := b.binary(ctx, pkg, buildTest)
	if err != nil {
		r.err = err
		return
	}
	t := trial{stage: stageTests, dir: filepath.Join(b.core.root, pkg), limit: testTime, silence: testTime, number: r.mutant.number}
	r.try(ctx, t, binary, "-test.failfast", "-test.v", "-test.timeout="+testTime.String())
}

// fuzz runs a target in a folder with a copy of the committed corpus and an empty
// fuzz cache.
func (h *hunter) fuzz(ctx context.Context, r *result, b *build, u *unit) {
	binary, err := b.binary(ctx, u.pkg, buildFuzz)
	if err != nil {
		r.err = err
		return
	}
	dir, err := os.MkdirTemp(b.dir, u.name)
	if err != nil {
		r.err = err
		return
	}
	defer os.RemoveAll(dir)
	corpus := filepath.Join("testdata", "fuzz", u.name)
	if r.err = os.MkdirAll(filepath.Join(dir, corpus), 0o755); r.err != nil {
		return
	}
	committed := filepath.Join(b.core.root, u.pkg, corpus)
	if _, err := os.Stat(committed); err == nil {
		if r.err = os.CopyFS(filepath.Join(dir, corpus), os.DirFS(committed)); r.err != nil {
			return
		}
	}
	t := trial{stage: stageFuzz, dir: dir, limit: h.conf.fuzzTime + fuzzSpare, silence: h.conf.fuzzTime + fuzzSpare, number: r.mutant.number}
	r.try(ctx, t, binary, "-test.run=^$", "-test.fuzz=^"+u.name+"$",
		"-test.fuzztime="+h.conf.fuzzTime.String(), "-test.fuzzminimizetime=0s",
		"-test.fuzzcachedir="+filepath.Join(dir, "cache"),
		fmt.Sprintf("-test.parallel=%d", max(1, runtime.GOMAXPROCS(0)/h.conf.jobs)))
	if r.stage != "" && gofuzz.Read(r.said).TimeLimit(h.conf.fuzzTime.String()) {
		r.stage, r.killer, r.words, r.took = "", "", "", 0 // the engine's failure, not the mutant's
	}
	if r.stage != "" && !strings.HasPrefix(r.killer, u.name) {
		r.killer = u.name + ": " + r.killer
	}
}
