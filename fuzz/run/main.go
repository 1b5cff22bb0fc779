// Command run runs the fuzz targets in turn, with progress and a summary: the
// executions, the new inputs, and the coverage of the core that the corpus, the
// committed one and the engine's own, reaches.
//
//	go run ./fuzz/run [-time 30s] [-target name] [-parallel n]
//
// An input that offends an oracle is told in words, and kept by the go command
// in fuzz/testdata/fuzz.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/fuzz/peers"
	"github.com/wsproof/wsproof/fuzz/targets"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/gofuzz"
	"github.com/wsproof/wsproof/internal/wsfuzz"
)

const (
	module = "github.com/wsproof/wsproof"
	core   = module + "/websocket"
)

func main() {
	cli.Main("fuzz", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
		return run(ctx, args, stdout)
	})
}

type options struct {
	time     time.Duration
	parallel int
	cache    string
	minimise string
	peers    string
	cover    bool
	ours     string // the program by which the go command instruments our packages only
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.DurationVar(&o.time, "time", 30*time.Second, "for each target")
	target := flags.String("target", os.Getenv("TARGET"), "one `target`, or the URL of an echo server, to fuzz that; default: all targets")
	flags.IntVar(&o.parallel, "parallel", 0, "`workers`; default: one a processor")
	flags.StringVar(&o.cache, "cache", "", "the engine's corpus `folder`; default: the go command's")
	flags.StringVar(&o.peers, "peers", "", "how long the targets Peers, Openings and Answers run, which hunt for bugs of other libraries: a duration or, such as 200x, a `number` of inputs, seeds included, unless these are as many; default: as the others")
	flags.StringVar(&o.minimise, "minimize", "100x", "how long, or how many `times`, the engine tries to make a finding smaller, and also each input that reaches something new: with 10s that leaves a short run little time to look for more")
	flags.BoolVar(&o.cover, "cover", true, "measure the coverage of the core at the end")
	if err := cli.Parse(flags, args, stdout); err != nil {
		return err
	}
	if err := cli.Check(flags, cli.Range{Flag: "time", Least: 1}, cli.Range{Flag: "parallel", Most: 1024}); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return cli.Usagef("%q is no flag: see -h", flags.Arg(0))
	}
	url := ""
	if strings.Contains(*target, "://") {
		url, *target = *target, "Target"
	}
	var chosen []targets.Target
	all := ""
	for _, t := range targets.All() {
		all += " Fuzz" + t.Name
		if *target == "" || strings.TrimPrefix(*target, "Fuzz") == t.Name {
			chosen = append(chosen, t)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("there is no target %q; there are%s, and any echo server as ws://host:port/path", *target, all)
	}
	// For the targets TARGET means a server, and nothing else.
	_ = os.Unsetenv(peers.TargetEnv)
	if url != "" {
		// By the engine that fuzzes servers, which goes on past a finding.
		return wsfuzz.Run(ctx, "run", []string{"-time", o.time.String(), url}, stdout, os.Stderr)
	}
	if o.cache == "" {
		out, err := exec.CommandContext(ctx, "go", "env", "GOCACHE").Output()
		if err != nil {
			return fmt.Errorf("go env GOCACHE: %w", err)
		}
		o.cache = filepath.Join(strings.TrimSpace(string(out)), "fuzz")
	}
	cache, err := filepath.Abs(o.cache)
	if err != nil {
		return err
	}
	o.cache = cache

	var results []result
	failed := 0
	if o.ours, err = instrumenter(ctx); err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(o.ours))
	for i, t := range chosen {
		name := "Fuzz" + t.Name
		fmt.Fprintf(stdout, "== %s (%d of %d), %v\n", name, i+1, len(chosen), o.fuzztime(name))
		r := o.fuzz(ctx, t, stdout)
		if errors.Is(r.err, gofuzz.ErrSeeds) { // of a target with many, on a slow machine
			longer := o.longer(r.Seeds)
			fmt.Fprintf(stdout, "   %v ended within the %d seeds: again, for %v\n", o.fuzztime(name), r.Seeds, longer.fuzztime(name))
			r = longer.fuzz(ctx, t, stdout)
		}
		results = append(results, r)
		if r.err != nil {
			failed++
			fmt.Fprintf(stdout, "%s: %v\n", name, r.err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Fprintf(stdout, "\n%-18s %12s %10s %8s %8s\n", "target", "executions", "a second", "new", "corpus")
	for _, r := range results {
		state := ""
		if r.err != nil {
			state = "  FAILED"
		}
		fmt.Fprintf(stdout, "%-18s %12d %10.0f %8d %8d%s\n", r.name, r.Execs, r.Rate(), r.Fresh, r.Total, state)
	}
	if o.cover && ctx.Err() == nil {
		if err := o.coverage(ctx, chosen, stdout); err != nil {
			return err
		}
	}
	if failed > 0 {
		err := fmt.Errorf("%d of %d targets failed", failed, len(chosen))
		if slices.ContainsFunc(results, func(r result) bool { return r.finding }) {
			return cli.Finding(err)
		}
		return err
	}
	return ctx.Err()
}

// instrumenter builds the program by which the go command instruments our packages
// only: the engine looks at each counter after each input, and most of them would be of
// the standard library's.
func instrumenter(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "wsproof-instrument")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "instrument")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "./fuzz/instrument").CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("building ./fuzz/instrument: %w\n%s", err, out)
	}
	return path, nil
}

// fuzztime is how long a target runs: a duration, or a number of inputs.
func (o *options) fuzztime(name string) string {
	if short := strings.TrimPrefix(name, "Fuzz"); o.peers != "" && (short == "Peers" || short == "Openings" || short == "Answers") {
		return o.peers
	}
	return o.time.String()
}

// longer is o for a target whose time was over before its seeds were: six times as long, or
// as many inputs more as there are seeds.
func (o *options) longer(seeds int) *options {
	longer := *o
	longer.time *= 6
	if n, err := strconv.Atoi(strings.TrimSuffix(o.peers, "x")); err == nil {
		longer.peers = strconv.Itoa(n+seeds) + "x"
	} else if d, err := time.ParseDuration(o.peers); err == nil {
		longer.peers = (6 * d).String()
	}
	return &longer
}

// A result is what came of a target.
type result struct {
	name string
	gofuzz.Stats
	finding bool
	err     error
}

// fuzz runs a target.
func (o *options) fuzz(ctx context.Context, t targets.Target, stdout io.Writer) result {
	name, pkg := "Fuzz"+t.Name, t.Package
	r := result{name: name}
	fuzztime := o.fuzztime(name)
	args := []string{"test", "-toolexec=" + o.ours, pkg, "-run=^$", "-fuzz=^" + name + "$", "-fuzztime=" + fuzztime, "-fuzzminimizetime=" + o.minimise}
	if o.parallel > 0 {
		args = append(args, "-parallel="+strconv.Itoa(o.parallel))
	}
	args = append(args, "-args", "-test.fuzzcachedir="+filepath.Join(o.cache, module, strings.TrimPrefix(pkg, "./")))
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		r.err = err
		return r
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		r.err = err
		return r
	}
	var out gofuzz.Output
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if text := out.Line(lines.Text()); text != "" {
			fmt.Fprintln(stdout, text)
		}
	}
	err = cmd.Wait()
	r.Stats, r.finding = out.Stats, out.Finding()
	if ctx.Err() != nil && out.Crasher == "" {
		return r
	}
	r.err = out.Judge(err, fuzztime)
	if out.Crasher != "" {
		crasher := filepath.Join(pkg, out.Crasher)
		r.err = fmt.Errorf("a finding, kept in %s", crasher)
		// Again, in a process of its own: a death of the worker says little.
		fmt.Fprintf(stdout, "\n%s: go run ./fuzz/explain %s\n", name, crasher)
		explain := exec.CommandContext(ctx, "go", "run", "./fuzz/explain", crasher)
		explain.Stdout, explain.Stderr = stdout, stdout
		_ = explain.Run()
	} else if err != nil && (r.err == nil || errors.Is(r.err, gofuzz.ErrSeeds)) {
		fmt.Fprintf(stdout, "%s: the engine was interrupted by the end of its time; no finding\n", name)
	}
	return r
}

// coverage measures which statements of the core the seeds, the committed corpus
// and the engine's corpus reach.
func (o *options) coverage(ctx context.Context, chosen []targets.Target, stdout io.Writer) error {
	dir, err := os.MkdirTemp("", "wsproof-cover")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	profile := filepath.Join(dir, "profile")
	cmd := exec.CommandContext(ctx, "go", "test", "./fuzz/targets", "-count=1", "-run=^TestCorpus$", "-coverpkg="+core+"/...", "-coverprofile="+profile)
	var names []string
	for _, t := range chosen {
		names = append(names, "Fuzz"+t.Name)
	}
	cmd.Env = append(os.Environ(), input.CorpusEnv+"="+filepath.Join(o.cache, module), input.CorpusTargetsEnv+"="+strings.Join(names, ","))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("coverage: %w\n%s", err, out)
	}
	files, err := readProfile(profile)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\ncoverage of the core by the corpus, in statements\n")
	var covered, all int
	var order []string
	for name := range files {
		order = append(order, name)
	}
	sort.Strings(order)
	for _, name := range order {
		f := files[name]
		covered, all = covered+f[0], all+f[1]
		fmt.Fprintf(stdout, "  %-20s %4d of %4d  %5.1f %%\n", name, f[0], f[1], 100*float64(f[0])/float64(max(1, f[1])))
	}
	fmt.Fprintf(stdout, "  %-20s %4d of %4d  %5.1f %%\n", "all", covered, all, 100*float64(covered)/float64(max(1, all)))
	return nil
}

// readProfile returns for each file the statements that were reached, and all.
func readProfile(path string) (map[string][2]int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	type block struct {
		statements int
		reached    bool
	}
	blocks := map[string]*block{}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if i == 0 { // mode:
			continue
		}
		f := strings.Fields(line)
		if len(f) != 3 {
			return nil, fmt.Errorf("coverage profile: line %d is %q", i+1, line)
		}
		n, err1 := strconv.Atoi(f[1])
		hits, err2 := strconv.Atoi(f[2])
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("coverage profile: line %d: %w", i+1, err)
		}
		b := blocks[f[0]]
		if b == nil {
			b = &block{statements: n}
			blocks[f[0]] = b
		}
		b.reached = b.reached || hits > 0
	}
	files := map[string][2]int{}
	for where, b := range blocks {
		name, _, _ := strings.Cut(where, ":")
		name = filepath.Base(name)
		f := files[name]
		f[1] += b.statements
		if b.reached {
			f[0] += b.statements
		}
		files[name] = f
	}
	return files, nil
}
