package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A revision is a state of the code with its built benchmarks.
type revision struct {
	label     string // "" where there is only one, otherwise old or new
	commit    string
	dir       string // the source
	test      string // the test binary of ./bench
	pure      string // the same, built with -tags purego; "" if not needed
	connbench string // the command, "" if the revision has none
}

// program is a program to run in dir. When the context ends it is interrupted, so
// that it can clear up, and killed only if it takes long for that.
func program(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// command runs a program in dir and returns its output; its error has what it
// said.
func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := program(ctx, dir, name, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out.Bytes(), errs.Bytes())
	}
	return strings.TrimSpace(out.String()), nil
}

// root is the top of the module that the command runs in.
func root(ctx context.Context) (string, error) {
	mod, err := command(ctx, ".", "go", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	if mod == "" || mod == os.DevNull {
		return "", errors.New("not inside a Go module: run it in the repository")
	}
	return filepath.Dir(mod), nil
}

// build builds the benchmarks of the source in dir.
func build(ctx context.Context, label, dir, tmp, overlay string, withPure bool) (*revision, error) {
	if _, err := os.Stat(filepath.Join(dir, "bench")); err != nil {
		return nil, fmt.Errorf("this revision has no benchmarks: %w", err)
	}
	r := &revision{label: label, dir: dir}
	var err error
	if r.commit, err = commit(ctx, dir); err != nil {
		return nil, err
	}
	flags := []string{}
	if overlay != "" {
		flags = append(flags, "-overlay", overlay)
	}
	r.test = filepath.Join(tmp, label+"bench.test")
	if _, err := command(ctx, dir, "go", append(append([]string{"test", "-c"}, flags...), "-o", r.test, "./bench")...); err != nil {
		return nil, err
	}
	if withPure {
		r.pure = filepath.Join(tmp, label+"pure.test")
		if _, err := command(ctx, dir, "go", append(append([]string{"test", "-c", "-tags", "purego"}, flags...), "-o", r.pure, "./bench")...); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "bench", "connbench")); err == nil {
		r.connbench = filepath.Join(tmp, label+"connbench")
		if _, err := command(ctx, dir, "go", append(append([]string{"build"}, flags...), "-o", r.connbench, "./bench/connbench")...); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// withoutConns leaves the program of whole connections away if it knows none of
// the cases and engines of the set, which it would refuse.
func (r *revision) withoutConns(ctx context.Context, s set) error {
	if r.connbench == "" || s.cases == "" {
		return nil
	}
	cases, err := regexp.Compile(s.cases)
	if err != nil {
		return err
	}
	engines, err := regexp.Compile(s.engines)
	if err != nil {
		return err
	}
	names, err := command(ctx, r.dir, r.connbench, "-list", "-engines", ".")
	if err != nil {
		return err
	}
	list := strings.Fields(names)
	if !slices.ContainsFunc(list, cases.MatchString) || !slices.ContainsFunc(list, engines.MatchString) {
		r.connbench = ""
	}
	return nil
}

// copyAnew puts fresh copies of its programs in their place. Where in memory the
// system keeps a file decides what its code shares cache sets with, and stays
// while the file does: two builds of the same code differed so by up to a quarter
// in a benchmark of 40 ns, in every one of its processes.
func (r *revision) copyAnew() error {
	for _, path := range []string{r.test, r.pure, r.connbench} {
		if path == "" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".new", b, 0o755); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}

// commit names the revision in dir, with a + if files differ from it or are new.
func commit(ctx context.Context, dir string) (string, error) {
	c, err := command(ctx, dir, "git", "rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "", err
	}
	changed, err := command(ctx, dir, "git", "status", "--porcelain")
	if err != nil {
		return "", err
	}
	if changed != "" {
		c += "+"
	}
	return c, nil
}

// worktree checks the revision out beside the working tree; remove undoes it.
func worktree(ctx context.Context, top, rev, tmp string) (dir string, remove func(), err error) {
	full, err := command(ctx, top, "git", "rev-parse", "--verify", "--quiet", rev+"^{commit}")
	if err != nil {
		return "", nil, fmt.Errorf("there is no revision %q", rev)
	}
	dir = filepath.Join(tmp, "base")
	remove = func() {
		ctx := context.WithoutCancel(ctx)
		if _, err := command(ctx, top, "git", "worktree", "remove", "--force", "--force", dir); err != nil {
			_ = os.RemoveAll(dir) // half made: without the folder git forgets it
			_, _ = command(ctx, top, "git", "worktree", "prune")
		}
	}
	if _, err := command(ctx, top, "git", "worktree", "add", "--detach", dir, full); err != nil {
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}
