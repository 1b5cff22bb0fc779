// Package explain replays inputs of the fuzz targets, as a command, and tells them
// in words: frame by frame, with what the model makes of them, and what the target
// says.
package explain

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

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/fuzz/targets"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// errFinding says that an input offends its target.
var errFinding = errors.New("findings")

const help = `usage: {name} [flags] FILE…

Replays inputs of the fuzz targets and tells them in words: frame by frame, with
what the model of RFC 6455 makes of them, and what the target says. A file is
the go command's (testdata/fuzz/<target>/<file>), or holds an input as it is, as
other engines keep it. Each runs in a process of its own: a crash, also one on
another goroutine, and a hang are told, and whose they are.

  -target NAME   the target, where the folder that a file is in does not say it
  -bound TIME    that an input gets (30s)

Exit status: 0 if all pass, 1 if one does not, 2 if it could not be replayed.
`

// Run is the command, under the name that its help calls it by: the words of name
// behind the first are arguments of this process's file. The error is a finding
// where an input does not pass.
func Run(ctx context.Context, name string, args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.Usage = func() {
		// child is for this process's own use.
		shown := flag.NewFlagSet(name, flag.ContinueOnError)
		cli.Help(stdout, help, shown)
	}
	target := flags.String("target", "", "")
	bound := flags.Duration("bound", 30*time.Second, "")
	child := flags.Bool("child", false, "check the input on stdin in this process")
	files, err := cli.ParseAll(flags, args, stdout)
	if err != nil {
		return err
	}
	if *child {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return err
		}
		return check(*target, data)
	}
	if err := cli.Check(flags, cli.Range{Flag: "bound", Least: 1}); err != nil {
		return err
	}
	if len(files) == 0 {
		return cli.Usagef("no file is named; %s -h tells more", name)
	}
	found := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data, err := input.DecodeCorpus(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		of := *target
		if of == "" {
			of = filepath.Base(filepath.Dir(path))
		}
		if !known(of) {
			return cli.Usagef("%s: %q is no target: name one with -target: %s", path, of, names())
		}
		fmt.Fprintf(stdout, "%s: an input of %s, %d bytes: %s\n", path, of, len(data), explained(of, data))
		passed, err := replay(ctx, strings.Fields(name), of, data, *bound, stdout)
		if err != nil {
			return err
		}
		if !passed {
			found++
		}
	}
	if found > 0 {
		return cli.Finding(fmt.Errorf("%d of %d inputs: %w", found, len(files), errFinding))
	}
	return nil
}

func explained(name string, data []byte) string {
	t, _ := targets.Find(name)
	return t.Explain(data)
}

func known(name string) bool {
	for _, t := range targets.All() {
		if t.Name == strings.TrimPrefix(name, "Fuzz") {
			return true
		}
	}
	return false
}

func names() string {
	var list []string
	for _, t := range targets.All() {
		list = append(list, "Fuzz"+t.Name)
	}
	return strings.Join(list, " ")
}

func check(name string, data []byte) error {
	for _, t := range targets.All() {
		if t.Name == strings.TrimPrefix(name, "Fuzz") {
			return t.Check(data)
		}
	}
	return fmt.Errorf("there is no target %q", name)
}

// replay checks the input in a process of its own, of this command, and tells what
// came of it.
func replay(ctx context.Context, command []string, target string, data []byte, bound time.Duration, stdout io.Writer) (passed bool, err error) {
	exe, err := os.Executable()
	if err != nil {
		return false, err
	}
	interrupted := ctx
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe, append(command[1:len(command):len(command)], "-child", "-target", target)...)
	cmd.Stdin = strings.NewReader(string(data))
	out, err := cmd.CombinedOutput()
	text := string(out)
	own := command[0] + ": " // as the child's error begins
	switch {
	case err == nil:
		fmt.Fprintf(stdout, "passes\n\n")
		return true, nil
	case interrupted.Err() != nil:
		return false, interrupted.Err()
	case ctx.Err() != nil:
		fmt.Fprintf(stdout, "HUNG: not done after %v\n%s\n", bound, text)
	case strings.Contains(text, "goroutine ") && !strings.HasPrefix(text, own):
		fmt.Fprintf(stdout, "CRASHED the process, in %s:\n%s\n", transcript.PanicOwner(text), text)
	default:
		fmt.Fprintf(stdout, "FAILS: %s\n", strings.TrimPrefix(text, own))
	}
	return false, nil
}
