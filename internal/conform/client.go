package conform

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/wsproof/wsproof/conformance"
)

// commandClient is a client that a command of the shell is: {url} in it becomes
// where it is to connect. It echoes by itself; how it ends does not matter, as long
// as it had connected.
func commandClient(command string) conformance.Client {
	return func(ctx context.Context, url string, _ func(bool, []byte) []byte) error {
		// A case takes two seconds or so, the longest ones as long as they take: a
		// client that never ends is stopped behind its connection's end.
		shell, flag := "sh", "-c"
		if runtime.GOOS == "windows" {
			shell, flag = "cmd", "/C"
		}
		cmd := exec.CommandContext(ctx, shell, flag, strings.ReplaceAll(command, "{url}", quoted(url)))
		cmd.Stdin = nil
		var said tail
		cmd.Stdout, cmd.Stderr = &said, &said
		cmd.WaitDelay = time.Second
		ownGroup(cmd)
		err := cmd.Run()
		if failed := new(exec.ExitError); err != nil && errors.As(err, &failed) {
			return fmt.Errorf("%w: %s", err, said.last())
		}
		return err
	}
}

// quoted is the URL as one word of the shell.
func quoted(url string) string {
	if runtime.GOOS == "windows" {
		return `"` + url + `"`
	}
	return "'" + strings.ReplaceAll(url, "'", `'\''`) + "'"
}

// A tail keeps the end of what a command prints.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if len(t.b) > 4096 {
		t.b = append([]byte(nil), t.b[len(t.b)-2048:]...)
	}
	return len(b), nil
}

// last is the last line that tells of an error, or the last one.
func (t *tail) last() string {
	lines := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], "rror:") {
			return strings.TrimSpace(lines[i])
		}
	}
	if s := strings.TrimSpace(lines[len(lines)-1]); s != "" {
		return s
	}
	return "it printed nothing"
}
