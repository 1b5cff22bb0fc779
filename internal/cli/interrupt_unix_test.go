//go:build unix

package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// commandEnv makes the test's binary a command that waits: until its context
// ends, or for ever.
const commandEnv = "WSPROOF_TEST_COMMAND"

func TestMain(m *testing.M) {
	kind := os.Getenv(commandEnv)
	if kind == "" {
		os.Exit(m.Run())
	}
	Main("thing", func(ctx context.Context, _ []string, stdout, _ io.Writer) error {
		fmt.Fprintln(stdout, "ready")
		<-ctx.Done()
		fmt.Fprintln(stdout, "this is what was done")
		switch kind {
		case "hangs":
			select {}
		case "found":
			return Finding(fmt.Errorf("found: %w", ctx.Err()))
		}
		return ctx.Err()
	})
}

// TestInterrupt: the first interrupt lets a command report, the second ends one
// that does not.
func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		kind   string
		signal syscall.Signal
		status int
		said   string
	}{
		{"ends", syscall.SIGINT, 2, "\nthing: interrupted, ending in good order; once more to end at once\nthing: interrupted\n"},
		{"ends", syscall.SIGTERM, 2, "thing: interrupted\n"},
		{"ends", syscall.SIGHUP, 2, "thing: interrupted\n"},
		{"found", syscall.SIGTERM, 1, "thing: found: context canceled\n"},
		{"hangs", syscall.SIGINT, -1, "\nthing: interrupted, ending in good order; once more to end at once\n"},
	} {
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), commandEnv+"="+c.kind)
		var said strings.Builder
		cmd.Stderr = &said
		stdout, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for _, want := range []string{"ready", "this is what was done"} {
			if !lines.Scan() || lines.Text() != want {
				t.Errorf("%s: printed %q, want %q", c.kind, lines.Text(), want)
			}
			if want == "ready" || c.kind == "hangs" {
				if err := cmd.Process.Signal(c.signal); err != nil {
					t.Error(err)
				}
			}
		}
		_ = cmd.Wait() // the status is looked at
		if got := cmd.ProcessState.ExitCode(); got != c.status || said.String() != c.said {
			t.Errorf("%s: status %d, said %q, want %d, %q", c.kind, got, said.String(), c.status, c.said)
		}
	}
}
