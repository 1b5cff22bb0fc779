package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/wsproof/wsproof/bench/stat"
	"github.com/wsproof/wsproof/bench/turns"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/engines"
)

// A recorder runs benchmarks and writes their results to a file.
type recorder struct {
	set    set
	out    io.Writer
	tell   io.Writer // progress
	writer *benchfmt.Writer
	facts  []fact
	only   func(name string) bool // of the results to keep; nil keeps all
	kept   int
	later  []held // results that wait for those of other times
}

// A held result is one of several at different times of which the best counts.
type held struct {
	rev     *revision
	round   int
	results []*benchfmt.Result
}

// A fact is a configuration line of the results.
type fact struct{ key, value string }

// output runs a benchmark binary and returns its results, each the best of
// those that the process gave.
func (r *recorder) output(ctx context.Context, dir, binary string, args ...string) ([]*benchfmt.Result, error) {
	cmd := program(ctx, dir, binary, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s%s", binary, strings.Join(args, " "), err, out.Bytes(), errs.Bytes())
	}
	var results []*benchfmt.Result
	reader := benchfmt.NewReader(&out, binary)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, rec
		case *benchfmt.Result:
			results = append(results, rec.Clone())
		}
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	return stat.Best(results), nil
}

// record writes results with the facts of the run and the revision's label.
func (r *recorder) record(rev *revision, results []*benchfmt.Result) error {
	if r.writer == nil {
		r.writer = benchfmt.NewWriter(r.out)
	}
	for _, res := range results {
		if r.only != nil && !r.only(stat.BareName(res.Name)) {
			continue
		}
		for _, f := range r.facts {
			setFile(res, f.key, f.value)
		}
		if rev.label != "" {
			setFile(res, "rev", rev.label)
		}
		setFile(res, "commit", rev.commit)
		if err := r.writer.Write(res); err != nil {
			return err
		}
		r.kept++
	}
	return nil
}

// setFile sets a configuration key so that it is written to the file.
func setFile(res *benchfmt.Result, key, value string) {
	res.SetConfig(key, value)
	if i, ok := res.ConfigIndex(key); ok {
		res.Config[i].File = true
	}
}

// A lane is what takes turns within a group: a library of a revision.
type lane struct {
	rev    *revision
	lib    string
	binary string
}

func (r *recorder) lanes(revs []*revision, libs []string, pure bool) []lane {
	var lanes []lane
	for _, lib := range libs {
		for _, rev := range revs {
			lanes = append(lanes, lane{rev, lib, rev.test})
			if e, err := engines.Find(lib); err == nil && e.Tasks.Assembly && pure && rev.pure != "" {
				lanes = append(lanes, lane{rev, lib + "_purego", rev.pure})
			}
		}
	}
	return lanes
}

// frames runs the groups in memory, one round.
func (r *recorder) frames(ctx context.Context, round int, revs []*revision, libs []string) error {
	for i := range r.set.groups {
		g := &r.set.groups[i]
		for _, l := range turns.Order(r.lanes(revs, libs, g.pure), round) {
			// With one processor no idle one helps the garbage collector now and then.
			results, err := r.output(ctx, l.rev.dir, l.binary, "-test.run=^$", "-test.bench="+g.pattern(l.lib), "-test.cpu=1",
				"-test.benchtime="+r.set.benchtime.String(), fmt.Sprintf("-test.count=%d", max(g.best, r.set.best)), "-test.timeout=10m")
			if err != nil {
				return err
			}
			if err := r.take(l.rev, round, results); err != nil {
				return err
			}
		}
	}
	return nil
}

// conns runs the cases of whole connections, one round.
func (r *recorder) conns(ctx context.Context, round int, revs []*revision) error {
	for _, rev := range turns.Order(revs, round) {
		if rev.connbench == "" || r.set.cases == "" {
			continue
		}
		results, err := r.output(ctx, rev.dir, rev.connbench, "-cases", r.set.cases, "-engines", r.set.engines,
			"-slice", r.set.slice.String(), "-warmup", r.set.warmup.String(),
			fmt.Sprintf("-count=%d", r.set.best), fmt.Sprintf("-first=%d", round))
		if err != nil {
			return err
		}
		if err := r.take(rev, round, results); err != nil {
			return err
		}
	}
	return nil
}

// take records results, at once or, where values are spread over time, when
// all of them are there.
func (r *recorder) take(rev *revision, round int, results []*benchfmt.Result) error {
	if r.set.spread <= 1 {
		return r.record(rev, results)
	}
	r.later = append(r.later, held{rev, round % r.set.count, results})
	return nil
}

// recordBest records the best of the results of the same value.
func (r *recorder) recordBest() error {
	type value struct {
		rev   *revision
		round int
	}
	all := map[value][]*benchfmt.Result{}
	var order []value
	for _, h := range r.later {
		v := value{h.rev, h.round}
		if _, known := all[v]; !known { // a lane without results makes it known, too
			order = append(order, v)
		}
		all[v] = append(all[v], h.results...)
	}
	r.later = nil
	for _, v := range order {
		if err := r.record(v.rev, stat.Best(all[v])); err != nil {
			return err
		}
	}
	return nil
}

// rounds runs everything count times.
func (r *recorder) rounds(ctx context.Context, revs []*revision, libs []string) error {
	all := r.set.count * max(r.set.spread, 1)
	for round := range all {
		fmt.Fprintf(r.tell, "round %d of %d\n", round+1, all)
		for _, rev := range revs {
			if err := rev.copyAnew(); err != nil {
				return err
			}
		}
		if err := r.frames(ctx, round, revs, libs); err != nil {
			return err
		}
		if err := r.conns(ctx, round, revs); err != nil {
			return err
		}
	}
	if err := r.recordBest(); err != nil {
		return err
	}
	if r.kept == 0 {
		return fmt.Errorf("no benchmark ran")
	}
	return nil
}

// memory measures idle connections, once, as many as can be open.
func (r *recorder) memory(ctx context.Context, rev *revision) error {
	const otherFiles = 100
	files := cli.OpenFiles()
	counts := slices.Clone(r.set.memory)
	if most := min(r.set.memoryMost, int(files)-otherFiles); most > 0 && most > slices.Max(counts) {
		counts = append(counts, most)
	}
	for _, n := range counts {
		if files < int64(n+otherFiles) {
			fmt.Fprintf(r.tell, "memory of %d idle connections: left out, no more than %d files may be open here (see ulimit -n)\n", n, files)
			continue
		}
		fmt.Fprintf(r.tell, "memory of %d idle connections\n", n)
		results, err := r.output(ctx, rev.dir, rev.connbench, fmt.Sprintf("-memory=%d", n),
			"-engines", r.set.memoryEngines, "-idle", r.set.idle.String())
		if err != nil {
			return err
		}
		if err := r.record(rev, results); err != nil {
			return err
		}
	}
	return nil
}

// create opens a new file for results.
func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
}
