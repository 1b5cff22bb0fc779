package command

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// TestHelpFitsAScreen: of 80 by 24.
func TestHelpFitsAScreen(t *testing.T) {
	calls := [][]string{{"-h"}, {"help"}}
	for _, c := range commands {
		calls = append(calls, []string{c.name, "-h"}, []string{"help", c.name})
	}
	for _, args := range calls {
		var out strings.Builder
		if err := Run(t.Context(), args, &out, io.Discard); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: %v", args, err)
		}
		if lines := strings.Count(out.String(), "\n"); lines > 24 || lines == 0 {
			t.Errorf("%q prints %d lines:\n%s", args, lines, out.String())
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 || strings.Contains(line, "{name}") {
				t.Errorf("%q: a line of %d columns: %s", args, n, line)
			}
		}
	}
}

func TestHelpListsAll(t *testing.T) {
	var out strings.Builder
	help(&out)
	for _, c := range commands {
		if !strings.Contains(out.String(), "  "+c.name+" ") {
			t.Errorf("%s is not in the help", c.name)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"nosuch"}, {"-x"}, {"load"}, {"load", "-x"}, {"serve", "more"}, {"explain"}, {"version", "-x"}} {
		var out strings.Builder
		err := Run(t.Context(), args, &out, &out)
		if !cli.IsUsage(err) || strings.Contains(err.Error(), "\n") || out.Len() > 0 {
			t.Errorf("%q: %v, printed %q; want one line", args, err, out.String())
		}
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"-version"}, {"--version"}} {
		var out strings.Builder
		if err := Run(t.Context(), args, &out, io.Discard); err != nil || !strings.HasPrefix(out.String(), "wsproof ") || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%q: %q, %v", args, out.String(), err)
		}
	}
}

// TestServeAndLoad has the commands talk with each other, in each mode by the same
// URL: what one of ours asks for, the other has.
func TestServeAndLoad(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	ctx, stop := context.WithCancel(t.Context())
	log := &listening{ready: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, []string{"serve", "-addr", addr, "-admin-addr", "off"}, io.Discard, log)
	}()
	select {
	case <-log.ready:
	case err := <-ended:
		t.Fatal(err)
	}
	for _, mode := range []string{"echo", "plain", "json", "binary", "connect"} {
		var out strings.Builder
		args := []string{"load", "-mode", mode, "-messages", "3", "-conns", "2", "-duration", time.Minute.String(), "ws://" + addr}
		if err := Run(ctx, args, &out, io.Discard); err != nil || !strings.Contains(out.String(), "6 in ") {
			t.Errorf("%q: %v\n%s", args, err, out.String())
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// listening is a log that notices when the server listens.
type listening struct{ ready chan struct{} }

func (l *listening) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "msg=listening") {
		close(l.ready)
	}
	return len(b), nil
}

// TestInstallable: go install refuses a module that replaces another, and at the
// module's root stands the command alone.
func TestInstallable(t *testing.T) {
	const root = "../../"
	mod, err := os.ReadFile(root + "go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		if word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word == "replace" || word == "exclude" {
			t.Errorf("go.mod has %s", line)
		}
	}
	files, err := filepath.Glob(root + "*.go")
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "main.go" {
		t.Errorf("the root has %q, %v; want main.go alone", files, err)
	}
}
