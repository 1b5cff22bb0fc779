package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wsproof/wsproof/bench/report"
	"github.com/wsproof/wsproof/internal/cli"
)

// benchstat runs x/perf's benchstat, which go.mod pins as a tool. It exits
// with 0 on its own errors and on results that it skips, so whatever it says on
// standard error is one.
func benchstat(ctx context.Context, stdout io.Writer, args ...string) error {
	cmd := program(ctx, "", "go", append([]string{"tool", "benchstat"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchstat %s: %w\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	said := false
	for line := range strings.Lines(errs.String()) {
		said = said || !strings.HasPrefix(line, "go: ") // which builds it
	}
	if said || out.Len() == 0 {
		return fmt.Errorf("benchstat %s failed, though it exited with 0:\n%s", strings.Join(args, " "), errs.Bytes())
	}
	_, err := stdout.Write(out.Bytes())
	return err
}

// tablesByLibrary prints the tables of a run, or benchstat's of all that is in it.
func tablesByLibrary(ctx context.Context, path string, raw bool, stdout io.Writer) error {
	if raw {
		return benchstat(ctx, stdout, "-ignore", ".config", "-table", ".name", "-col", "/lib,/api", path)
	}
	run, err := report.Load(path)
	if err != nil {
		return err
	}
	return report.Terminal(stdout, run)
}

// tablesByRevision prints old against new, one table a unit: by itself benchstat
// makes one for each configuration, and the commits differ. All is the core's, so
// that names do without it, and the tables fit a terminal.
func tablesByRevision(ctx context.Context, path string, raw bool, stdout io.Writer) error {
	args := []string{"-ignore", ".config", "-table", "", "-col", "rev@(old new)"}
	if raw {
		return benchstat(ctx, stdout, append(args, path)...)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wsbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	short := filepath.Join(dir, "results.txt")
	b = bytes.ReplaceAll(b, []byte("/lib=core/"), []byte("/"))
	if err := os.WriteFile(short, b, 0o600); err != nil {
		return err
	}
	return benchstat(ctx, stdout, append(args, "-filter", ".unit:(cpu-ns/op OR B/op OR allocs/op OR writes/op OR segments/op)", short)...)
}

func runTables(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("wsbench tables", flag.ContinueOnError)
	raw := fs.Bool("raw", false, "benchstat's tables of all that was measured")
	fs.Usage = func() {
		fmt.Fprint(stdout, "usage: wsbench tables [-raw] results\n\nPrints the tables of a run or of a comparison.\n\n")
		fs.PrintDefaults()
	}
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return cli.Usagef("want one file of results")
	}
	samples, err := readSamples(fs.Arg(0))
	if err != nil {
		return err
	}
	if samples["old"] != nil {
		return tablesByRevision(ctx, fs.Arg(0), *raw, stdout)
	}
	return tablesByLibrary(ctx, fs.Arg(0), *raw, stdout)
}
