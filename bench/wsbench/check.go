package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/wsproof/wsproof/bench/stat"
)

// errWorse is the gate's verdict; other errors mean that it could not judge.
var errWorse = errors.New("worse")

// check compares the core of two revisions. What looks worse is measured once
// more, and only what is worse again fails: with many rows at once, chance
// would otherwise refuse a good change now and then.
func check(ctx context.Context, base, overlay string, stdout, stderr io.Writer) error {
	top, err := root(ctx)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "wsbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	s := sets["core"]
	fmt.Fprintln(stderr, "building")
	revs, cleanup, err := buildAll(ctx, top, tmp, base, overlay, s)
	if err != nil {
		return err
	}
	defer cleanup()

	var suspects map[string]bool
	for _, turn := range []string{"first", "second"} {
		samples, err := measureInto(ctx, filepath.Join(tmp, turn), s, revs, suspects, stderr)
		if err != nil {
			return err
		}
		if suspects == nil {
			leftOut(samples, stdout)
			if len(samples.Common("old", "new")) == 0 {
				return fmt.Errorf("the two revisions have no benchmark in common")
			}
		}
		findings := stat.Gate(samples, "old", "new")
		if len(findings) == 0 {
			rows := len(samples.Common("old", "new"))
			if suspects == nil {
				fmt.Fprintf(stdout, "no row of %d is worse by the gate's rules\n", rows)
			} else {
				fmt.Fprintln(stdout, "measured once more, none is worse")
			}
			return nil
		}
		suspects = map[string]bool{}
		for _, f := range findings {
			fmt.Fprintf(stdout, "%s measurement: %v\n", turn, f)
			suspects[f.Row.Name] = true
		}
		if turn == "second" {
			return fmt.Errorf("%w: %d rows than at %s, in two measurements", errWorse, len(findings), base)
		}
	}
	return nil
}

// measureInto runs the set on both revisions; only the suspects, if there are.
func measureInto(ctx context.Context, path string, s set, revs []*revision, suspects map[string]bool, stderr io.Writer) (stat.Samples, error) {
	file, err := create(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := &recorder{set: s, out: file, tell: stderr}
	if suspects != nil {
		r.set = s.about(suspects)
		r.only = func(name string) bool { return suspects[name] }
	}
	if err := r.rounds(ctx, revs, []string{"core"}); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return readSamples(path)
}

// about is the part of the set that the named benchmarks are in.
func (s set) about(names map[string]bool) set {
	in := func(benchmark string) bool {
		for name := range names {
			if len(name) > len(benchmark) && name[:len(benchmark)] == benchmark && name[len(benchmark)] == '/' {
				return true
			}
		}
		return false
	}
	part := s
	part.groups = nil
	for _, g := range s.groups {
		if in(g.name) {
			part.groups = append(part.groups, g)
		}
	}
	if !in("Echo") && !in("Connect") {
		part.cases = ""
	}
	return part
}
