// Package command is the command wsproof: a table of its commands, each in a
// package of its own, and what they have in common.
package command

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/wsproof/wsproof/internal/benchserver"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/conform"
	"github.com/wsproof/wsproof/internal/explain"
	"github.com/wsproof/wsproof/internal/wsfuzz"
	"github.com/wsproof/wsproof/internal/wsload"
)

// A command is a row of the table. Its run is given the name that its help and its
// errors call it by, such as "wsproof load".
type command struct {
	name, args, does string
	run              func(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error
}

// commands is the table: a new command is a new row.
var commands = []command{
	{"test", "URL", "plays conformance cases with a server or a client", conform.Test},
	{"wstest", "-m MODE", "the same by Autobahn's spec files, with its reports", conform.WSTest},
	{"fuzz", "URL", "sends a server what is in order and what is not, and judges it", wsfuzz.Run},
	{"load", "URL", "loads a server, checks answers, tells rates and latencies", wsload.Run},
	{"serve", "", "serves echoes and load tests on any of the libraries here", benchserver.Run},
	{"explain", "FILE…", "tells inputs of the fuzzers in words, and replays them", explainFiles},
	{"version", "", "prints the version", version},
}

func explainFiles(ctx context.Context, name string, args []string, stdout, _ io.Writer) error {
	return explain.Run(ctx, name, args, os.Stdin, stdout)
}

// Run runs the command that args begin with.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return cli.Usagef("no command is named; wsproof -h lists them")
	}
	name, rest := args[0], args[1:]
	switch name {
	case "-h", "-help", "--help":
		help(stdout)
		return flag.ErrHelp
	case "help":
		if len(rest) == 0 {
			help(stdout)
			return flag.ErrHelp
		}
		name, rest = rest[0], []string{"-h"}
	case "-version", "--version":
		name = "version"
	}
	for _, c := range commands {
		if c.name == name {
			return c.run(ctx, "wsproof "+name, rest, stdout, stderr)
		}
	}
	return cli.Usagef("there is no command %q; wsproof -h lists them", name)
}

func help(w io.Writer) {
	fmt.Fprint(w, "usage: wsproof COMMAND [flags] …\n\nProves WebSocket servers and clients of any language (RFC 6455).\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-14s %s\n", c.name+" "+c.args, c.does)
	}
	fmt.Fprint(w, `
wsproof COMMAND -h tells more. Those that connect to a server take in common:

`+cli.ServerHelp+`
Exit status: 0 if all is well, 1 if something was found against what was tested,
2 if the command could not do its work. Ctrl-C ends a command in good order,
with a report of what was done, a second one at once.
`)
}

func version(_ context.Context, name string, args []string, stdout, _ io.Writer) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	if err := cli.Parse(flags, args, stdout); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stdout, "wsproof %s %s %s/%s\n", cli.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
