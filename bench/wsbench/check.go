package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/wsproof/wsproof/bench/stat"
	"github.com/wsproof/wsproof/internal/cli"
)

// errWorse is the gate's verdict; other errors mean that it could not judge.
var errWorse = cli.Finding(errors.New("worse"))

// check compares the core of two revisions. What looks worse at first, by a
// lenient rule, is measured again and longer, and that decides, by a strict one:
// so neither chance among many rows refuses a good change, nor does one noisy
// moment let a bad one pass.
func check(ctx context.Context, base, overlay string, only *regexp.Regexp, stdout, stderr io.Writer) error {
	top, err := root(ctx)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "wsbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	s := sets["core"].only(only)
	if len(s.groups) == 0 && s.cases == "" {
		return fmt.Errorf("-only %q matches no benchmark of the gate", only)
	}
	fmt.Fprintln(stderr, "building")
	revs, cleanup, err := buildAll(ctx, top, tmp, base, overlay, s)
	if err != nil {
		return err
	}
	defer cleanup()

	samples, err := measureInto(ctx, filepath.Join(tmp, "first"), s, revs, nil, stderr)
	if err != nil {
		return err
	}
	leftOut(samples, stdout)
	both, lost := samples.Judged("old", "new")
	if len(lost) > 0 {
		return cli.Finding(fmt.Errorf("%d rows of %s are not there any more, such as %s: what is not measured cannot be judged; -only leaves out what was dropped on purpose", len(lost), base, lost[0]))
	}
	rows := len(both)
	if rows == 0 {
		return fmt.Errorf("the two revisions have no benchmark in common")
	}
	if !slices.ContainsFunc(both, func(r stat.Row) bool { return r.Unit == "cpu-sec/op" }) {
		fmt.Fprintln(stdout, "this system tells no CPU time: allocations alone are judged")
	}
	suspects := map[string]bool{}
	for _, f := range stat.Gate(samples, "old", "new", stat.Screen) {
		fmt.Fprintln(stdout, "first look:", f)
		suspects[f.Row.Name] = true
	}
	if len(suspects) == 0 {
		fmt.Fprintf(stdout, "none of %d rows is worse\n", rows)
		return nil
	}
	again := s.about(suspects)
	again.count += again.count / 2 // a closer look
	if samples, err = measureInto(ctx, filepath.Join(tmp, "second"), again, revs, suspects, stderr); err != nil {
		return err
	}
	both, _ = samples.Judged("old", "new")
	for name := range suspects {
		if !slices.ContainsFunc(both, func(r stat.Row) bool { return r.Name == name }) {
			return fmt.Errorf("%s looked worse and gave no result at the second look", name)
		}
	}
	findings := stat.Gate(samples, "old", "new", stat.Verdict)
	for _, f := range findings {
		fmt.Fprintln(stdout, "worse:", f)
	}
	if len(findings) > 0 {
		return fmt.Errorf("%w than %s: %d of %d rows, at a second look too", errWorse, base, len(findings), rows)
	}
	fmt.Fprintf(stdout, "none of %d rows is worse at a second look\n", rows)
	return nil
}

// measureInto runs the set on both revisions and keeps only the suspects, if
// there are.
func measureInto(ctx context.Context, path string, s set, revs []*revision, suspects map[string]bool, stderr io.Writer) (stat.Samples, error) {
	file, err := create(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := &recorder{set: s, out: file, tell: stderr}
	if suspects != nil {
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

// only is the part of the set whose benchmarks match; nil matches all.
func (s set) only(match *regexp.Regexp) set {
	if match == nil {
		return s
	}
	s.groups = slices.DeleteFunc(slices.Clone(s.groups), func(g group) bool { return !match.MatchString(g.name) })
	if !match.MatchString("Echo") {
		s.cases = ""
	}
	return s
}

// onlyPattern compiles the flag -only.
func onlyPattern(s string) (*regexp.Regexp, error) {
	if s == "" {
		return nil, nil
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	return re, nil
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
