// Command instrument is for go test -toolexec: of the packages that the go command would
// instrument for fuzzing it leaves those of this module, and takes the standard
// library and other modules out. The engine looks at every counter after every
// input, so an input then takes a fraction of the time, and nothing that it keeps for
// having reached something new is about package net/http.
//
//	go build -o /tmp/instrument ./fuzz/instrument
//	go test -toolexec=/tmp/instrument -fuzz=ReadFrame ./fuzz
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	module = "github.com/wsproof/wsproof"
	flag   = "-d=libfuzzer"
)

func main() {
	if len(os.Args) < 2 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "usage: go test -toolexec=instrument …: the go command calls it with a tool and its arguments; see its documentation")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "instrument:", err)
		os.Exit(2)
	}
}

func run(tool string, args []string) error {
	compiler := strings.TrimSuffix(filepath.Base(tool), ".exe") == "compile"
	version := slices.Contains(args, "-V=full")
	if compiler && !version && !ours(args) {
		args = slices.DeleteFunc(args, func(arg string) bool { return arg == flag })
	}
	cmd := exec.Command(tool, args...)
	cmd.Stdin, cmd.Stderr = os.Stdin, os.Stderr
	if compiler && version {
		// What it makes is not what the compiler makes: the build cache goes by this line.
		out, err := cmd.Output()
		if err == nil {
			fmt.Printf("%s wsproof-instrument\n", strings.TrimSpace(string(out)))
		}
		return err
	}
	cmd.Stdout = os.Stdout
	return cmd.Run()
}

// ours reports whether the package that is compiled is of this module.
func ours(args []string) bool {
	i := slices.Index(args, "-p")
	return i >= 0 && i+1 < len(args) && (args[i+1] == "main" || strings.HasPrefix(args[i+1]+"/", module+"/"))
}
