// Mutants plants bugs in the core, one at a time, and reports which vector, seed
// or fuzz target finds each of them, and after how long. What nothing finds is a
// hole in the tests.
//
// A mutant is a named change in one place of package websocket, bound to a rule
// (table_*.go). It is built with go's -overlay, so that the tree is never
// touched; each run has a folder and a fuzz cache of its own, since a shared one
// would remember the killer.
//
// Usage, in the module's root:
//
//	go run ./fuzz/mutants [flags]
//
// The stages, in this order, until one kills the mutant:
//
//   - vectors: the tests of package websocket that read testdata/vectors
//   - seeds: the fuzz targets as tests, on their seeds and the committed corpus
//   - fuzz: the mutant's targets, each for -fuzztime
//   - tests: all tests of package websocket. What only these kill is no proof of
//     the fuzzers, and the summary counts it apart
package main

import (
	"context"
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
	names    *regexp.Regexp
	jobs     int
	fuzzTime time.Duration
	stages   []string
	want     float64
	output   string
	verbose  bool
	list     bool
	check    bool
}

var allStages = []string{stageVectors, stageSeeds, stageFuzz, stageTests}

func parseFlags(args []string, stdout io.Writer) (config, error) {
	c := config{}
	fs := flag.NewFlagSet("mutants", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprintln(stdout, "usage: go run ./fuzz/mutants [flags]\n\nPlants bugs in the core and reports what finds them.\n\nflags:")
		fs.PrintDefaults()
	}
	names := fs.String("run", "", "only the mutants whose name, kind, rule or file matches this regular expression")
	stages := fs.String("stages", strings.Join(allStages, ","), "the stages to go through")
	fs.IntVar(&c.jobs, "jobs", max(1, runtime.GOMAXPROCS(0)/2), "how many mutants at a time")
	fs.DurationVar(&c.fuzzTime, "fuzztime", time.Minute, "how long each target gets for a mutant")
	fs.Float64Var(&c.want, "want", 90, "the percentage of mutants that vectors and seeds must kill")
	fs.StringVar(&c.output, "o", "", "also write the table to this file")
	fs.BoolVar(&c.verbose, "v", false, "show the last words of what killed each mutant")
	fs.BoolVar(&c.list, "list", false, "list the mutants and stop")
	fs.BoolVar(&c.check, "check", false, "only check that each mutant applies and compiles")
	if err := cli.Parse(fs, args, stdout); err != nil {
		return c, err
	}
	if fs.NArg() > 0 {
		return c, cli.Usagef("unexpected argument %q: see -h", fs.Arg(0))
	}
	var err error
	if c.names, err = regexp.Compile(*names); err != nil {
		return c, cli.Usagef("-run: %w", err)
	}
	for stage := range strings.SplitSeq(*stages, ",") {
		if !slices.Contains(allStages, stage) {
			return c, cli.Usagef("-stages: unknown stage %q, want some of %s", stage, strings.Join(allStages, ","))
		}
		c.stages = append(c.stages, stage)
	}
	if c.jobs < 1 {
		return c, cli.Usagef("-jobs %d: want at least 1", c.jobs)
	}
	return c, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parseFlags(args, stdout)
	if err != nil {
		return err
	}
	if c.output != "" {
		if err := cli.Writable(c.output); err != nil {
			return fmt.Errorf("-o: %w", err)
		}
	}
	core, err := findCore(ctx)
	if err != nil {
		return err
	}
	chosen := choose(table, c.names)
	if len(chosen) == 0 {
		return cli.Usagef("-run %q matches none of %d mutants; -list shows them", c.names, len(table))
	}
	if c.list {
		for _, m := range chosen {
			fmt.Fprintf(stdout, "%-32s %-14s %-22s %-26s %s\n", m.name, m.file, m.kind, m.rule, strings.Join(m.targets, " "))
		}
		return nil
	}
	if err := core.checkAll(ctx, chosen); err != nil {
		return err
	}
	if c.check {
		fmt.Fprintf(stdout, "%d mutants apply and compile\n", len(chosen))
		return nil
	}
	results, err := hunt(ctx, core, chosen, c, stderr)
	if err != nil {
		return err
	}
	report := format(results)
	fmt.Fprint(stdout, report)
	if c.output != "" {
		if err := os.WriteFile(c.output, []byte(report), 0o644); err != nil {
			return err
		}
	}
	return judge(results, c)
}

func choose(all []mutant, names *regexp.Regexp) []mutant {
	var out []mutant
	for _, m := range all {
		if names.MatchString(m.name) || names.MatchString(m.kind) || names.MatchString(m.rule) || names.MatchString(m.file) {
			out = append(out, m)
		}
	}
	return out
}
