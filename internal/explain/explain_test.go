package explain

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/cli"
)

// TestMain: the test's binary is the command, too, where it replays an input.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-child") {
		cli.Main("explain", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
			return Run(ctx, "explain", args, os.Stdin, stdout)
		})
	}
	os.Exit(m.Run())
}

func TestExplain(t *testing.T) {
	committed, err := filepath.Glob("../../fuzz/testdata/fuzz/FuzzUTF8/*")
	if err != nil || len(committed) == 0 {
		t.Fatalf("no committed input: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "FuzzNone")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "input")
	if err := os.WriteFile(other, []byte("as it is"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		error  string
		out    string // in part
	}{
		{committed[:1], 0, "", "\npasses\n"},
		{[]string{"-target", "UTF8", other}, 0, "", "an input of UTF8, 8 bytes"},
		{[]string{"-bound", "1ns", committed[0]}, 1, "1 of 1 inputs: findings", "HUNG: not done after 1ns"},
		{[]string{other}, 2, `"FuzzNone" is no target`, ""},
		{[]string{other + "x"}, 2, "no such file", ""},
		{nil, 2, "no file is named", ""},
		{[]string{"-h"}, 0, "help requested", "usage: explain [flags]"},
	} {
		var out strings.Builder
		err := Run(t.Context(), "explain", c.args, strings.NewReader(""), &out)
		if cli.Status(err) != c.status || c.error == "" && err != nil || c.error != "" && (err == nil || !strings.Contains(err.Error(), c.error)) || !strings.Contains(out.String(), c.out) {
			t.Errorf("%q: %v, printed %q; want status %d, %q, %q", c.args, err, out.String(), c.status, c.error, c.out)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, "explain", committed[:1], strings.NewReader(""), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
