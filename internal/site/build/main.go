// Command build makes the site of the suite's findings, in .build/site (make site).
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/conform"
	"github.com/wsproof/wsproof/internal/site"
)

func main() {
	site.Serve()
	cli.Main("site", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
		return run(ctx, args, stdout)
	})
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	o := site.Options{Root: ".", Out: stdout}
	fs := flag.NewFlagSet("site", flag.ContinueOnError)
	fs.StringVar(&o.Dir, "o", ".build/site", "`folder` for the site, which is made anew")
	fs.StringVar(&o.Cases, "cases", conform.AllCases, "`patterns` of conformance cases")
	names := fs.String("engines", "", "`names` of engines (default: all)")
	fs.DurationVar(&o.Fuzz, "fuzz", time.Minute, "how `long` to fuzz each engine; 0: not at all")
	fs.Usage = func() {
		fmt.Fprint(stdout, "usage: go run ./internal/site/build [flags], in the root of the repository\n\nPlays the conformance cases with all engines, fuzzes each over the wire, and makes\none static site of that, of the benchmarks and of the field's results.\n\n")
		fs.PrintDefaults()
	}
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return cli.Usagef("unexpected argument %q", fs.Arg(0))
	}
	if *names != "" {
		o.Engines = strings.Split(*names, ",")
	}
	return site.Make(ctx, o)
}
