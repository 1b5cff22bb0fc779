package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"

	"github.com/wsproof/wsproof/bench/report"
)

func runReport(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("wsbench report", flag.ContinueOnError)
	fs.SetOutput(stderr)
	out := fs.String("o", "", "`file` to write; by default bench/results/report.html")
	fs.Usage = func() {
		fmt.Fprint(stderr, "usage: wsbench report [-o file] [results...]\n\nWithout results it takes all under bench/results and bench/published.\n\n")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
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
		*out = filepath.Join(top, "bench", "results", "report.html")
	}
	file, err := create(*out)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := report.Write(file, runs); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "report:", *out)
	return file.Close()
}

func runReadme(context.Context, []string, io.Writer, io.Writer) error { return fmt.Errorf("todo") }
