// Command wsbench runs the benchmarks, compares, gates and reports. The
// Makefile calls it:
//
//	wsbench run -set quick|default|full|memory     make benchquick, bench, benchfull, benchmemory
//	wsbench run -base REV                          make bench BASE=REV
//	wsbench check -base REV                        make benchcheck BASE=REV
//	wsbench selftest -runs 10                      make benchselftest
//	wsbench tables [-raw] RESULTS                  make benchtables
//	wsbench report [-o FILE] RESULTS...            make benchreport
//	wsbench readme -results FILE README.md         writes the README's tables
package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Main("wsbench", run)
}

const usage = `usage: wsbench run|check|selftest|tables|report|readme [flags]

  run     runs a set of benchmarks on all libraries, in turns, and prints
          tables by library; with -base on two revisions
  check   runs the core's benchmarks on two revisions and fails if the new one
          is slower, allocates more, or lacks one
  selftest  checks that the gate passes the same code and finds a planted
          slow-down
  tables  prints the tables of results once more, with -raw benchstat's
  report  writes one HTML page from results
  readme  writes the tables of a README from results

wsbench COMMAND -h tells the flags of each.
`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) error{
		"run": runSet, "check": runCheck, "report": runReport, "readme": runReadme, "selftest": runSelftest, "tables": runTables,
	}
	if len(args) == 0 {
		return cli.Usagef("no command: wsbench -h lists them")
	}
	if args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		fmt.Fprint(stdout, usage)
		return flag.ErrHelp
	}
	do, known := commands[args[0]]
	if !known {
		return cli.Usagef("no command %q: use run, check, selftest, tables, report or readme", args[0])
	}
	return do(ctx, args[1:], stdout, stderr)
}
