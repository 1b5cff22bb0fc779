// Command explain replays inputs of the fuzz targets and tells them in words:
// frame by frame, with what the model makes of them, and what the target says.
//
//	go run ./fuzz/explain fuzz/testdata/fuzz/<target>/<file>…
//
// A file is the go command's, or holds an input as it is, as other engines keep
// it (then -target says whose). Each runs in a process of its own: a crash, also
// one on another goroutine, and a hang are told, and whose they are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/transcript"
)

func main() {
	cli.Exit("explain", run(os.Args[1:], os.Stdin, os.Stdout))
}

// errFinding says that an input offends its target.
var errFinding = errors.New("findings")

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("explain", flag.ExitOnError)
	target := flags.String("target", "", "the `target`; default: the folder that the file is in")
	bound := flags.Duration("bound", 30*time.Second, "the time that an input gets")
	child := flags.Bool("child", false, "check the input on stdin in this process")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *child {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		return check(*target, data)
	}
	if flags.NArg() == 0 {
		return errors.New("usage: explain [-target name] file…")
	}
	found := 0
	for _, path := range flags.Args() {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data, err := fuzz.DecodeCorpus(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		name := *target
		if name == "" {
			name = filepath.Base(filepath.Dir(path))
		}
		if !known(name) {
			return fmt.Errorf("%s: %q is no target: name one with -target: %s", path, name, names())
		}
		fmt.Fprintf(stdout, "%s: an input of %s, %d bytes: %s\n", path, name, len(data), fuzz.Explain(name, data))
		if !replay(name, data, *bound, stdout) {
			found++
		}
	}
	if found > 0 {
		return cli.Finding(fmt.Errorf("%d of %d inputs: %w", found, flags.NArg(), errFinding))
	}
	return nil
}

func known(name string) bool {
	for _, t := range fuzz.Targets() {
		if t.Name == strings.TrimPrefix(name, "Fuzz") {
			return true
		}
	}
	return false
}

func names() string {
	var list []string
	for _, t := range fuzz.Targets() {
		list = append(list, "Fuzz"+t.Name)
	}
	return strings.Join(list, " ")
}

func check(name string, data []byte) error {
	for _, t := range fuzz.Targets() {
		if t.Name == strings.TrimPrefix(name, "Fuzz") {
			return t.Check(data)
		}
	}
	return fmt.Errorf("there is no target %q", name)
}

// replay checks the input in a process of its own and tells what came of it.
func replay(name string, data []byte, bound time.Duration, stdout io.Writer) bool {
	exe, err := os.Executable()
	if err != nil {
		fmt.Fprintln(stdout, "not replayed:", err)
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, "-child", "-target", name)
	cmd.Stdin = strings.NewReader(string(data))
	out, err := cmd.CombinedOutput()
	text := string(out)
	switch {
	case err == nil:
		fmt.Fprintf(stdout, "passes\n\n")
		return true
	case ctx.Err() != nil:
		fmt.Fprintf(stdout, "HUNG: not done after %v\n%s\n", bound, text)
	case strings.Contains(text, "goroutine ") && !strings.HasPrefix(text, "explain:"):
		fmt.Fprintf(stdout, "CRASHED the process, in %s:\n%s\n", transcript.PanicOwner(text), text)
	default:
		fmt.Fprintf(stdout, "FAILS: %s\n", strings.TrimPrefix(text, "explain: "))
	}
	return false
}
