package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
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

// testTime bounds a run of tests: a mutant that hangs is found by that.
const testTime = 90 * time.Second

// A result tells what became of a mutant.
type result struct {
	mutant *mutant
	stage  string        // that killed it; "" if it survived
	killer string        // the test, seed or target
	took   time.Duration // up to the kill, in that stage, without building
	words  string        // the last ones
	err    error         // the hunt itself failed
}

// hunt sends every mutant through the stages. Before that it sends the core as it
// is: a stage that fails it would kill everything.
func hunt(ctx context.Context, c *core, mutants []mutant, conf config, progress io.Writer) ([]result, error) {
	work, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)

	var sound config
	for _, stage := range conf.stages {
		if stage != stageFuzz { // a finding of the fuzzers in the core itself is theirs to report
			sound.stages = append(sound.stages, stage)
		}
	}
	for _, race := range []bool{false, true} {
		any := false
		for i := range mutants {
			any = any || mutants[i].race == race
		}
		if !any {
			continue
		}
		h := hunter{core: c, conf: sound, dir: filepath.Join(work, fmt.Sprintf("core-race-%v", race)), race: race}
		r := h.hunt(ctx, nil)
		if r.err != nil {
			return nil, r.err
		}
		if r.stage != "" {
			return nil, fmt.Errorf("the core as it is fails in the stage %s: %s\n%s", r.stage, r.killer, r.words)
		}
	}

	results := make([]result, len(mutants))
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range conf.jobs {
		wg.Go(func() {
			for i := range next {
				m := &mutants[i]
				h := hunter{core: c, conf: conf, dir: filepath.Join(work, m.name), race: m.race, tags: m.tags}
				r := h.hunt(ctx, m)
				_ = os.RemoveAll(h.dir) // binaries of a hundred mutants take gigabytes
				mu.Lock()
				results[i] = r
				fmt.Fprintf(progress, "%s\n", r.line())
				if conf.verbose && r.words != "" {
					fmt.Fprintf(progress, "    %s\n", strings.ReplaceAll(r.words, "\n", "\n    "))
				}
				mu.Unlock()
			}
		})
	}
feed:
	for i := range mutants {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, errors.New("interrupted")
	}
	return results, nil
}

// A hunter hunts one mutant, in a folder of its own.
type hunter struct {
	core    *core
	conf    config
	dir     string
	race    bool
	tags    string
	overlay string
}

func (h *hunter) hunt(ctx context.Context, m *mutant) result {
	r := result{mutant: m}
	if r.err = os.MkdirAll(h.dir, 0o755); r.err != nil {
		return r
	}
	if h.overlay, r.err = h.core.overlay(m, h.dir); r.err != nil {
		return r
	}
	for _, stage := range h.conf.stages {
		switch stage {
		case stageVectors:
			h.test(ctx, &r, stage, "./websocket", "^TestVectors")
		case stageSeeds:
			h.test(ctx, &r, stage, "./fuzz", "^Fuzz")
		case stageTests:
			h.test(ctx, &r, stage, "./websocket", "")
		case stageFuzz:
			for _, target := range m.targets {
				if r.stage == "" && r.err == nil {
					h.fuzz(ctx, &r, "Fuzz"+target)
				}
			}
		}
		if r.stage != "" || r.err != nil {
			break
		}
	}
	return r
}

// build builds the tests of a package with the mutant in it, instrumented for
// fuzzing or not.
func (h *hunter) build(ctx context.Context, pkg string, fuzz bool) (string, error) {
	name := strings.TrimPrefix(pkg, "./")
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", h.overlay} // -s -w: half of the time to link
	if h.race {
		args = append(args, "-race")
	}
	if h.tags != "" {
		args = append(args, "-tags", h.tags)
	}
	if fuzz {
		name += "-fuzz"
		args = append(args, "-fuzz=.")
	}
	binary := filepath.Join(h.dir, name+".test")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	_, err := goTool(ctx, h.core.root, append(args, "-o", binary, pkg)...)
	return binary, err
}

// test runs tests of a package in the folder of the package.
func (h *hunter) test(ctx context.Context, r *result, stage, pkg, names string) {
	binary, err := h.build(ctx, pkg, false)
	if err != nil {
		r.err = err
		return
	}
	r.try(ctx, stage, filepath.Join(h.core.root, pkg), testTime,
		binary, "-test.run="+names, "-test.failfast", "-test.v", "-test.timeout="+testTime.String())
}

// fuzz runs a target in a folder with a copy of the committed corpus and an empty
// fuzz cache.
func (h *hunter) fuzz(ctx context.Context, r *result, target string) {
	binary, err := h.build(ctx, "./fuzz", true)
	if err != nil {
		r.err = err
		return
	}
	dir := filepath.Join(h.dir, "run-"+target)
	corpus := filepath.Join("testdata", "fuzz", target)
	if r.err = os.MkdirAll(filepath.Join(dir, corpus), 0o755); r.err != nil {
		return
	}
	committed := filepath.Join(h.core.root, "fuzz", corpus)
	if _, err := os.Stat(committed); err == nil {
		if r.err = os.CopyFS(filepath.Join(dir, corpus), os.DirFS(committed)); r.err != nil {
			return
		}
	}
	before := *r
	r.try(ctx, stageFuzz, dir, h.conf.fuzzTime+testTime,
		binary, "-test.run=^$", "-test.fuzz=^"+target+"$",
		"-test.fuzztime="+h.conf.fuzzTime.String(), "-test.fuzzminimizetime=0s",
		"-test.fuzzcachedir="+filepath.Join(h.dir, "cache-"+target),
		fmt.Sprintf("-test.parallel=%d", max(1, runtime.GOMAXPROCS(0)/h.conf.jobs)))
	if r.stage != "" && strings.Contains(r.words, "no fuzz tests to fuzz") {
		*r = before
		r.err = fmt.Errorf("%s: there is no target %s", r.mutant.name, target)
	}
	if r.stage != "" && !strings.HasPrefix(r.killer, target) {
		r.killer = target + ": " + r.killer
	}
}

// try runs a command in a folder. If it fails, it has killed the mutant.
func (r *result) try(ctx context.Context, stage, dir string, limit time.Duration, binary string, args ...string) {
	ctx, cancel := context.WithTimeout(ctx, limit+30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = dir
	// Workers of a fuzzer are children: an interrupt lets it end them.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if err == nil {
		return
	}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		r.err = errors.New("interrupted")
		return
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, exec.ErrWaitDelay) {
		r.err = err
		return
	}
	r.stage, r.took = stage, took
	r.killer, r.words = lastWords(out.String())
}

var (
	failed  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	started = regexp.MustCompile(`(?m)^=== (?:RUN|NAME|CONT)\s+(\S+)`)
	crashed = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*|WARNING: DATA RACE|.*fuzzing process hung or terminated.*)$`)
)

// lastWords returns which test failed, and the lines that say why.
func lastWords(out string) (killer, words string) {
	for _, found := range failed.FindAllStringSubmatch(out, -1) {
		// A subtest's line is the most precise one.
		if len(found[1]) > len(killer) {
			killer = found[1]
		}
	}
	if killer == "" {
		if runs := started.FindAllStringSubmatch(out, -1); len(runs) > 0 {
			killer = runs[len(runs)-1][1]
		}
	}
	at := len(out)
	if i := crashed.FindStringIndex(out); i != nil {
		at = i[0]
	} else if i := failed.FindStringIndex(out); i != nil {
		at = max(i[0]-600, 0) // with -test.v the reasons stand before the verdict
	}
	lines := strings.Split(strings.TrimSpace(out[at:]), "\n")
	var kept []string
	for _, line := range lines {
		if strings.HasPrefix(line, "===") || strings.Contains(line, "--- PASS") || strings.TrimSpace(line) == "" {
			continue
		}
		if len(line) > 200 {
			line = line[:200] + "…"
		}
		if kept = append(kept, line); len(kept) == 8 {
			break
		}
	}
	return killer, strings.Join(kept, "\n")
}
