package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wsproof/wsproof/bench/stat"
	"github.com/wsproof/wsproof/internal/cli"
)

func runSet(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("wsbench run", flag.ContinueOnError)
	name := fs.String("set", "default", "what to run: quick (1 minute), default (5), full (an hour), memory (10)")
	base := fs.String("base", "", "compare the working tree with this `revision`, by the core's benchmarks")
	overlay := fs.String("overlay", "", "go build -overlay `file` for the working tree, with -base")
	count := fs.Int("count", 0, "rounds; 0: as the set says")
	raw := fs.Bool("raw", false, "print benchstat's tables of all that was measured")
	out := fs.String("o", "", "results `file`; by default a new one under bench/results")
	if err := parse(fs, args, stdout); err != nil {
		return err
	}
	if *base != "" {
		if *name != "default" {
			return fmt.Errorf("-set %s does not go with -base, which has its own", *name)
		}
		*name = "core"
	}
	s, known := sets[*name]
	if !known {
		return fmt.Errorf("-set %q: use quick, default, full or memory", *name)
	}
	if *overlay != "" && *base == "" {
		return fmt.Errorf("-overlay goes with -base")
	}
	if err := cli.Check(fs, cli.Range{Flag: "count", Most: mostRounds}); err != nil {
		return err
	}
	if *count > 0 {
		s.count = *count
	}
	path, revs, samples, err := measure(ctx, s, *base, *overlay, *out, stderr)
	if err != nil {
		return err
	}
	if *base == "" {
		if err := tablesByLibrary(ctx, path, *raw, stdout); err != nil {
			return err
		}
	} else {
		if err := tablesByRevision(ctx, path, *raw, stdout); err != nil {
			return err
		}
		for _, rev := range revs {
			fmt.Fprintf(stdout, "%s: %s\n", rev.label, rev.commit)
		}
		leftOut(samples, stdout)
		worst, where, significant := stat.Drift(samples, "old", "new")
		fmt.Fprintf(stdout, "largest difference of the medians of CPU time: %.1f %% (%s); benchstat's ~ in %.0f %% of the rows of CPU time\n",
			worst*100, where.Name, (1-significant)*100)
	}
	fmt.Fprintln(stdout, "results:", path)
	return nil
}

// mostRounds bounds rounds that are multiplied later.
const mostRounds = 1 << 20

func parse(fs *flag.FlagSet, args []string, stdout io.Writer) error {
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return cli.Usagef("unexpected argument %q", fs.Arg(0))
	}
	return nil
}

// measure builds, runs the set, and returns the file of the results, what they
// are of, and what is in it. With a base, that revision is called old and the working tree new.
func measure(ctx context.Context, s set, base, overlay, out string, stderr io.Writer) (string, []*revision, stat.Samples, error) {
	top, err := root(ctx)
	if err != nil {
		return "", nil, nil, err
	}
	if out != "" {
		if err := cli.Writable(out); err != nil {
			return "", nil, nil, err
		}
	}
	tmp, err := os.MkdirTemp("", "wsbench-")
	if err != nil {
		return "", nil, nil, err
	}
	defer os.RemoveAll(tmp)
	begin := time.Now()
	fmt.Fprintln(stderr, "building")
	revs, cleanup, err := buildAll(ctx, top, tmp, base, overlay, s)
	if err != nil {
		return "", nil, nil, err
	}
	defer cleanup()
	r := &recorder{set: s, tell: stderr}
	if r.facts, err = facts(ctx, top); err != nil {
		return "", nil, nil, err
	}
	if out == "" {
		dir, err := resultsDir(top)
		if err != nil {
			return "", nil, nil, err
		}
		last := revs[len(revs)-1]
		out = filepath.Join(dir, time.Now().UTC().Format("20060102T150405Z")+"-"+strings.Replace(last.commit, "+", "-dirty", 1)+".txt")
	}
	// A run that ends early leaves no file that looks like results.
	file, err := create(filepath.Join(tmp, "results.txt"))
	if err != nil {
		return "", nil, nil, err
	}
	defer file.Close()
	r.out = file
	which := libs
	if base != "" {
		which = []string{"core"}
	}
	if len(s.groups) > 0 || s.cases != "" {
		if err := r.rounds(ctx, revs, which); err != nil {
			return "", nil, nil, err
		}
	}
	if base == "" && revs[0].connbench != "" {
		if err := r.memory(ctx, revs[0]); err != nil {
			return "", nil, nil, err
		}
	}
	if err := file.Close(); err != nil {
		return "", nil, nil, err
	}
	samples, err := readSamples(file.Name())
	if err != nil {
		return "", nil, nil, err
	}
	b, err := os.ReadFile(file.Name())
	if err != nil {
		return "", nil, nil, err
	}
	if err := os.WriteFile(out, b, 0o644); err != nil {
		return "", nil, nil, err
	}
	fmt.Fprintf(stderr, "%d results in %v\n", r.kept, time.Since(begin).Round(time.Second))
	return out, revs, samples, nil
}

func buildAll(ctx context.Context, top, tmp, base, overlay string, s set) ([]*revision, func(), error) {
	if base == "" {
		rev, err := build(ctx, "", top, tmp, "", withPure(s))
		return []*revision{rev}, func() {}, err
	}
	dir, remove, err := worktree(ctx, top, base, tmp)
	if err != nil {
		return nil, nil, err
	}
	old, err := build(ctx, "old", dir, tmp, "", withPure(s))
	if err != nil {
		remove()
		return nil, nil, fmt.Errorf("revision %s: %w", base, err)
	}
	if err := old.withoutConns(ctx, s); err != nil {
		remove()
		return nil, nil, fmt.Errorf("revision %s: %w", base, err)
	}
	fresh, err := build(ctx, "new", top, tmp, overlay, withPure(s))
	if err != nil {
		remove()
		return nil, nil, err
	}
	return []*revision{old, fresh}, remove, nil
}

func withPure(s set) bool {
	for _, g := range s.groups {
		if g.pure {
			return true
		}
	}
	return false
}

func readSamples(path string) (stat.Samples, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return stat.Read(f, path)
}

// leftOut names the benchmarks that only one revision has.
func leftOut(samples stat.Samples, w io.Writer) {
	for _, pair := range [][2]string{{"old", "new"}, {"new", "old"}} {
		for _, name := range samples.Only(pair[0], pair[1]) {
			fmt.Fprintf(w, "only in %s, not compared: %s\n", pair[0], name)
		}
	}
}

func runCheck(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("wsbench check", flag.ContinueOnError)
	base := fs.String("base", "", "the `revision` that the working tree must not be worse than")
	overlay := fs.String("overlay", "", "go build -overlay `file` for the working tree")
	only := fs.String("only", "", "`regexp` of the benchmarks to check, such as 'ReadFrame|Echo'; by default all")
	if err := parse(fs, args, stdout); err != nil {
		return err
	}
	if *base == "" {
		return fmt.Errorf("-base is missing: the revision to compare with, such as origin/main")
	}
	match, err := onlyPattern(*only)
	if err != nil {
		return err
	}
	return check(ctx, *base, *overlay, match, stdout, stderr)
}
