// Command run plays the suite with other people's WebSocket servers, clients and
// proxies (field/README.md).
//
//	go run ./field/run                       all of field/field.json
//	go run ./field/run -only ws,Python       some: names, languages, kinds
//
// It exits with 0 whatever it found: the findings are its result.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/field"
)

func main() {
	cli.Main("field", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
		return run(ctx, args, stdout)
	})
}

const usage = `usage: go run ./field/run [flags], in the root of the repository

It installs what is missing (Debian packages, npm packages; Go modules come with
the builds), builds and starts each implementation, plays the conformance cases,
fuzzes servers, makes load, and writes field/results/ and the table in README.md.

`

func run(ctx context.Context, args []string, stdout io.Writer) error {
	o := field.Options{Out: stdout}
	fs := flag.NewFlagSet("field", flag.ContinueOnError)
	fs.StringVar(&o.Table, "table", "field/field.json", "the table's `file`")
	fs.StringVar(&o.Only, "only", "", "comma-separated `names`, languages and kinds (server, client, proxy); default: all")
	fs.StringVar(&o.Cases, "cases", "", "`patterns` of conformance cases: 5.7, 6.12.*, -9.* (default: "+field.AllCases+")")
	fs.BoolVar(&o.Install, "install", true, "install what is missing; -install=false leaves it missing")
	fs.DurationVar(&o.Fuzz, "fuzz", time.Minute, "how `long` to fuzz each server; 0: not at all")
	fs.DurationVar(&o.Load, "load", 5*time.Second, "how `long` to make load on each server; 0: not at all")
	fs.StringVar(&o.Build, "build", ".build/field", "`folder` for packages and binaries")
	fs.StringVar(&o.Results, "results", "field/results", "`folder` for field.json and index.html; rows that are not run stay as they are there")
	fs.StringVar(&o.Readme, "readme", "README.md", "`file` to write the table to, between its markers; empty: none")
	fs.Usage = func() {
		fmt.Fprint(stdout, usage)
		fs.PrintDefaults()
	}
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return cli.Usagef("unexpected argument %q", fs.Arg(0))
	}
	return field.Run(ctx, o)
}
