package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A result tells what became of a mutant.
type result struct {
	mutant  *mutant
	stage   string        // that killed it; "" if it survived
	killer  string        // the test, seed or target
	took    time.Duration // up to the kill, in that stage, without building
	words   string        // the last ones
	said    string        // all that the command said that killed it
	reached bool          // by a vector or a seed
	err     error         // the hunt itself failed
}

// A trial is how a command is run to see whether it kills a mutant.
type trial struct {
	stage   string
	dir     string
	limit   time.Duration // what takes longer hangs
	silence time.Duration // and so does what says nothing for so long
	number  int           // of the mutant in its build
}

// try runs a command. If it fails or hangs, it has killed the mutant. It returns the
// longest time in which the command said nothing.
func (r *result) try(ctx context.Context, t trial, binary string, args ...string) time.Duration {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, t.limit+10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", chosenEnv, t.number))
	// Workers of a fuzzer are children: an interrupt lets it end them.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	out := &listener{heard: time.Now()}
	cmd.Stdout, cmd.Stderr = out, out
	begin := time.Now()
	hung := make(chan bool, 1)
	over := make(chan struct{})
	go func() { hung <- out.wait(over, t.silence, cancel) }()
	err := cmd.Run()
	close(over)
	silent := <-hung
	took := time.Since(begin)
	if err == nil {
		return out.longest
	}
	if outer.Err() != nil {
		r.err = errors.New("interrupted")
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) && ctx.Err() == nil && !errors.Is(err, exec.ErrWaitDelay) {
		r.err = err
		return 0
	}
	r.stage, r.took = t.stage, took
	r.said = out.text.String()
	r.killer, r.words = lastWords(r.said)
	if silent || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		r.killer += " (hangs)"
	}
	return 0
}

// A listener keeps what a command says, and when it spoke last.
type listener struct {
	mu      sync.Mutex
	text    bytes.Buffer
	heard   time.Time
	longest time.Duration
}

func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.longest = max(l.longest, time.Since(l.heard))
	l.heard = time.Now()
	return l.text.Write(p)
}

// wait calls stop when nothing was heard for so long, and reports whether that was.
func (l *listener) wait(over <-chan struct{}, silence time.Duration, stop func()) bool {
	tick := time.NewTicker(max(silence/20, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-over:
			return false
		case <-tick.C:
			l.mu.Lock()
			quiet := time.Since(l.heard) > silence
			l.mu.Unlock()
			if quiet {
				stop()
				return true
			}
		}
	}
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
