package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/wsproof/wsproof/bench/report"
	"github.com/wsproof/wsproof/internal/cli"
)

func runReport(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("wsbench report", flag.ContinueOnError)
	out := fs.String("o", "", "`file` to write; by default bench/results/report.html")
	fs.Usage = func() {
		fmt.Fprint(stdout, "usage: wsbench report [-o file] [results...]\n\nWithout results it takes all under bench/results and bench/published.\n\n")
		fs.PrintDefaults()
	}
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	top, err := root(ctx)
	if err != nil {
		return err
	}
	paths := fs.Args()
	if len(paths) == 0 {
		for _, dir := range []string{"published", "results"} {
			found, err := filepath.Glob(filepath.Join(top, "bench", dir, "*.txt"))
			if err != nil {
				return err
			}
			paths = append(paths, found...)
		}
	}
	if len(paths) == 0 {
		return fmt.Errorf("there are no results under bench/results: run make bench first")
	}
	var runs []*report.Run
	for _, path := range paths {
		r, err := report.Load(path)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	if *out == "" {
		dir, err := resultsDir(top)
		if err != nil {
			return err
		}
		*out = filepath.Join(dir, "report.html")
	}
	var page bytes.Buffer
	if err := report.Write(&page, runs); err != nil {
		return err
	}
	if err := os.WriteFile(*out, page.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "report:", *out)
	return nil
}

// resultsDir is the folder of results and pages, which a clone does not have.
func resultsDir(top string) (string, error) {
	dir := filepath.Join(top, "bench", "results")
	return dir, os.MkdirAll(dir, 0o755)
}

func runReadme(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("wsbench readme", flag.ContinueOnError)
	results := fs.String("results", "", "results `file`; by default the newest under bench/published, and memory.txt there for the table of memory")
	fs.Usage = func() {
		fmt.Fprint(stdout, "usage: wsbench readme [-results file] README.md\n\nWrites tables between <!-- bench:begin --> and <!-- bench:end -->.\n\n")
		fs.PrintDefaults()
	}
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return cli.Usagef("the README to write is missing")
	}
	memory := ""
	if *results == "" {
		top, err := root(ctx)
		if err != nil {
			return err
		}
		found, err := filepath.Glob(filepath.Join(top, "bench", "published", "2*.txt"))
		if err != nil || len(found) == 0 {
			return fmt.Errorf("there are no results under bench/published: name some with -results")
		}
		*results = found[len(found)-1] // their names begin with the time
		if memory = filepath.Join(top, "bench", "published", "memory.txt"); !exists(memory) {
			memory = ""
		}
	}
	run, err := report.Load(*results)
	if err == nil && memory != "" {
		err = run.TakeMemory(memory)
	}
	if err != nil {
		return err
	}
	path := fs.Arg(0)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if text, err = report.Readme(text, run); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: tables from %s\n", path, *results)
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
