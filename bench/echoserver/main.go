// Command echoserver is one echo server in a process of its own, as connbench
// measures it.
//
//	go run ./bench/echoserver -engine core/best
//
// It prints its address and then answers the lines stats and gc of its standard
// input with what it has used.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/wsproof/wsproof/bench/echo"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "echoserver:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("echoserver", flag.ContinueOnError)
	fs.SetOutput(stderr)
	engine := fs.String("engine", "core/best", "`library/api` to serve")
	fs.Usage = func() {
		fmt.Fprint(stderr, "usage: echoserver [-engine library/api]\n\nEngines:")
		for _, e := range echo.Engines() {
			fmt.Fprint(stderr, " ", e.Name())
		}
		fmt.Fprint(stderr, "\n\n")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return err
	}
	e, err := echo.Find(*engine)
	if err != nil {
		return err
	}
	return echo.Control(e, stdin, stdout)
}
