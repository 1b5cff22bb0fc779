// Mutants plants bugs in the core, one at a time, and reports which vector, seed
// or fuzz target finds each of them, and after how long. What nothing finds is a
// hole in the tests.
//
// A bug is a row of the tables (table_*.go), a change made at random from the syntax
// tree (random.go, operators*.go), or a patch from outside (patches.go). Many of
// them are in one build, chosen by a number at start (schema.go), by go's -overlay,
// so that the tree is never touched. README.md tells more.
//
// Usage, in the module's root:
//
//	go run ./fuzz/mutants [flags]
//
// The stages, in this order, until one kills the mutant:
//
//   - vectors: the tests of the core's packages that read testdata/vectors
//   - seeds: the fuzz targets as tests, on their seeds and the committed corpus
//   - fuzz: the mutant's targets, each for -fuzztime
//   - tests: all tests of the core's packages. What only these kill is no proof of
//     the fuzzers, and the summary counts it apart
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("mutants", run)
}

type config struct {
	names     *regexp.Regexp
	jobs      int
	fuzzTime  time.Duration
	stages    []string
	want      float64
	output    string
	random    int
	seed      uint64
	patches   string
	survivors string
	verbose   bool
	list      bool
	check     bool
}

var allStages = []string{stageVectors, stageSeeds, stageFuzz, stageTests}

func parseFlags(args []string, stdout io.Writer) (config, error) {
	c := config{}
	fs := flag.NewFlagSet("mutants", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintln(stdout, "usage: go run ./fuzz/mutants [flags]\n\nPlants bugs in the core and reports what finds them.\n\nflags:")
		fs.PrintDefaults()
	}
	names := fs.String("run", "", "only the mutants whose name, kind, rule or file matches this regular expression; with -random, changes of such a kind, file or function")
	stages := fs.String("stages", "", "the stages to go through, of "+strings.Join(allStages, ",")+"; default: all for the tables, vectors and seeds for -random and -patches")
	fs.IntVar(&c.jobs, "jobs", runtime.GOMAXPROCS(0), "how many mutants at a time")
	fs.DurationVar(&c.fuzzTime, "fuzztime", time.Minute, "how long each target gets for a mutant")
	fs.Float64Var(&c.want, "want", -1, "the percentage of mutants that vectors and seeds must kill; default: 90 for the tables, any for -random and -patches")
	fs.StringVar(&c.output, "o", "", "also write the report to this file")
	fs.IntVar(&c.random, "random", 0, "instead of the tables, `n` changes made from the syntax tree")
	fs.Uint64Var(&c.seed, "seed", 1, "for -random: the same changes for the same seed and tree")
	fs.StringVar(&c.patches, "patches", "", "instead of the tables, the patches in this `folder`")
	fs.StringVar(&c.survivors, "survivors", "", "write the survivors as patches into this `folder`")
	fs.BoolVar(&c.verbose, "v", false, "show the last words of what killed each mutant")
	fs.BoolVar(&c.list, "list", false, "list the mutants and stop")
	fs.BoolVar(&c.check, "check", false, "only check that each mutant applies and compiles")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return c, err
	}
	if err := cli.Check(fs, cli.Range{Flag: "jobs", Least: 1, Most: 1024}, cli.Range{Flag: "fuzztime", Least: 1},
		cli.Range{Flag: "want", Least: -1, Most: 100}, cli.Range{Flag: "random", Most: 1 << 20}); err != nil {
		return c, err
	}
	if fs.NArg() > 0 {
		return c, cli.Usagef("unexpected argument %q: see -h", fs.Arg(0))
	}
	var err error
	if c.names, err = regexp.Compile(*names); err != nil {
		return c, cli.Usagef("-run: %w", err)
	}
	tables := c.random == 0 && c.patches == ""
	if *stages == "" {
		*stages = strings.Join(allStages, ",")
		if !tables {
			*stages = stageVectors + "," + stageSeeds
		}
	}
	for stage := range strings.SplitSeq(*stages, ",") {
		if !slices.Contains(allStages, stage) {
			return c, cli.Usagef("-stages: unknown stage %q, want some of %s", stage, strings.Join(allStages, ","))
		}
		c.stages = append(c.stages, stage)
	}
	if c.want < 0 {
		c.want = 0
		if tables {
			c.want = 90
		}
	}
	switch {
	case c.random > 0 && c.patches != "":
		return c, cli.Usagef("-random and -patches: want one of them")
	}
	return c, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	conf, err := parseFlags(args, stdout)
	if err != nil {
		return err
	}
	if conf.output != "" {
		if err := cli.Writable(conf.output); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
	}
	cores := &cores{known: map[string]*core{}}
	all, failed, err := conf.mutants(ctx, cores)
	if err != nil {
		return err
	}
	chosen := all
	if conf.random == 0 {
		chosen = choose(all, conf.names)
	}
	if len(chosen) == 0 && len(failed) == 0 {
		return cli.Usagef("-run %q matches none of %d mutants; -list shows them", conf.names, len(all))
	}
	switch {
	case conf.list:
		for _, m := range chosen {
			fmt.Fprintf(stdout, "%-32s %-14s %-22s %-26s %s\n", m.name, m.files(), m.kind, m.rule, strings.Join(m.targets, " "))
		}
		return nil
	case conf.check:
		for _, c := range cores.known {
			units, _, err := findUnits(ctx, c)
			if err == nil {
				err = checkTargets(chosen, units)
			}
			if err != nil {
				return err
			}
		}
		fmt.Fprintf(stdout, "%d mutants apply and compile\n", len(chosen))
		return judge(failed, 0)
	}
	results, err := hunt(ctx, cores, chosen, conf, stderr)
	if err != nil {
		return err
	}
	for _, r := range failed {
		if len(choose([]*mutant{r.mutant}, conf.names)) > 0 {
			results = append(results, r)
		}
	}
	var report string
	if conf.random == 0 {
		report = format(results)
	}
	if conf.random > 0 || conf.patches != "" {
		report += diffs(cores, results)
	}
	report += "\n" + shares(results)
	fmt.Fprint(stdout, report)
	if conf.output != "" {
		if err := os.WriteFile(conf.output, []byte(report), 0o644); err != nil {
			return err
		}
	}
	if conf.survivors != "" {
		if err := keepPatches(conf.survivors, cores, survivors(results)); err != nil {
			return err
		}
	}
	return judge(results, conf.want)
}

// mutants returns those of the source that the flags name, planted; and the patches
// that could not be.
func (conf *config) mutants(ctx context.Context, cores *cores) (all []*mutant, failed []*result, err error) {
	if conf.patches != "" {
		return readPatches(ctx, conf.patches, cores)
	}
	c, err := cores.get(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	if conf.random > 0 {
		all, err = c.random(conf.random, conf.seed, conf.names)
		return all, nil, err
	}
	byTags := map[string][]*mutant{}
	for i := range table {
		m := &table[i]
		all = append(all, m)
		byTags[m.tags] = append(byTags[m.tags], m)
	}
	errs := []error{c.checkExplained()}
	for _, tags := range sortedKeys(byTags) {
		c, err := cores.get(ctx, tags)
		if err != nil {
			return nil, nil, err
		}
		errs = append(errs, c.checkAll(byTags[tags]))
	}
	return all, nil, errors.Join(errs...)
}

func choose(all []*mutant, names *regexp.Regexp) []*mutant {
	var out []*mutant
	for _, m := range all {
		if names.MatchString(m.name) || names.MatchString(m.kind) || names.MatchString(m.rule) || names.MatchString(m.files()) {
			out = append(out, m)
		}
	}
	return out
}
