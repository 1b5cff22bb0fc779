// Command echoserver is one echo server in a process of its own, as connbench
// measures it.
//
//	go run ./bench/echoserver -engine core/best
//
// It prints its address and then answers the lines stats and gc of its standard
// input with what it has used.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/wsproof/wsproof/bench/echo"
	"github.com/wsproof/wsproof/internal/cli"
)

func main() {
	cli.Exit("echoserver", run(os.Args[1:], os.Stdin, os.Stdout))
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	fs := flag.NewFlagSet("echoserver", flag.ContinueOnError)
	engine := fs.String("engine", "core/best", "`library/api` to serve")
	fs.Usage = func() {
		fmt.Fprint(stdout, "usage: echoserver [-engine library/api]\n\nEngines:")
		for _, e := range echo.Engines() {
			fmt.Fprint(stdout, " ", e.Name())
		}
		fmt.Fprint(stdout, "\n\n")
		fs.PrintDefaults()
	}
	if err := cli.Parse(fs, args, stdout); err != nil {
		return err
	}
	e, err := echo.Find(*engine)
	if err != nil {
		return cli.Usage(err)
	}
	return echo.Control(e, stdin, stdout)
}
