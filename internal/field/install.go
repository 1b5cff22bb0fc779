package field

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// installTime bounds one call of a package manager, buildTime a build.
const (
	installTime = 20 * time.Minute
	buildTime   = 10 * time.Minute
)

// shell runs a command by sh in the table's folder, and returns what it printed
// on standard output. An error has the line of what it printed that says most.
func (p place) shell(ctx context.Context, limit time.Duration, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", p.expand(command))
	cmd.Dir, cmd.Env = p.field, p.env()
	var out strings.Builder
	said := &tail{}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, said), said
	contain(cmd)
	cmd.Cancel = func() error { killGroup(cmd); return nil }
	runtime.LockOSThread() // see launch
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", fmt.Errorf("%w: %s", err, said.reason())
	}
	return strings.TrimSpace(out.String()), nil
}

// install brings the packages that the implementations need and that are not
// there. What cannot be had is no error: the build or the start says what is missing.
func (p place) install(ctx context.Context, chosen []*Implementation, tell func(format string, args ...any)) {
	apt, npm := make(map[string]bool), make(map[string]bool)
	for _, im := range chosen {
		for _, name := range im.Apt {
			apt[name] = true
		}
		for _, name := range im.Npm {
			npm[name] = true
		}
	}
	missing := p.missingApt(ctx, slices.Sorted(maps.Keys(apt)))
	if len(missing) > 0 {
		tell("installing Debian packages: %s", strings.Join(missing, " "))
		if err := p.installApt(ctx, missing); err != nil {
			tell("%v", err)
		}
	}
	missing = p.missingNpm(slices.Sorted(maps.Keys(npm)))
	if len(missing) > 0 {
		tell("installing npm packages: %s", strings.Join(missing, " "))
		if err := p.installNpm(ctx, missing); err != nil {
			tell("%v", err)
		}
	}
}

func (p place) missingApt(ctx context.Context, packages []string) []string {
	if len(packages) == 0 {
		return nil
	}
	// It fails where one is unknown, and tells of the others all the same.
	cmd := exec.CommandContext(ctx, "dpkg-query", append([]string{"-W", "-f", "${Package} ${db:Status-Status}\n"}, packages...)...)
	out, _ := cmd.Output()
	there := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutSuffix(strings.TrimSpace(line), " installed"); ok {
			there[name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(packages), func(name string) bool { return there[name] })
}

func (p place) installApt(ctx context.Context, packages []string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("to install Debian packages takes root; as such: apt-get install %s", strings.Join(packages, " "))
	}
	const get = "DEBIAN_FRONTEND=noninteractive nice apt-get -qq -y --no-install-recommends install "
	if _, err := p.shell(ctx, installTime, "apt-get -qq update"); err != nil {
		return fmt.Errorf("apt-get update: %w", err)
	}
	return p.each(ctx, "apt-get install", get, packages)
}

// each runs a command with all arguments, or, where that fails, with one after the
// other: one that is not to be had must not keep the others away.
func (p place) each(ctx context.Context, name, command string, args []string) error {
	_, err := p.shell(ctx, installTime, command+strings.Join(args, " "))
	if err == nil {
		return nil
	}
	var errs []error
	for _, arg := range args {
		if _, err := p.shell(ctx, installTime, command+arg); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", name, arg, err))
		}
	}
	return errors.Join(errs...)
}

// missingNpm is which packages are not there in the version wanted.
func (p place) missingNpm(packages []string) []string {
	return slices.DeleteFunc(slices.Clone(packages), func(spec string) bool {
		at := strings.LastIndexByte(spec, '@')
		b, err := os.ReadFile(filepath.Join(p.npm(), "node_modules", spec[:at], "package.json"))
		return err == nil && strings.Contains(string(b), `"version": "`+spec[at+1:]+`"`)
	})
}

func (p place) installNpm(ctx context.Context, packages []string) error {
	if err := os.MkdirAll(p.npm(), 0o777); err != nil {
		return err
	}
	return p.each(ctx, "npm install", "nice npm install --prefix {build}/node --no-audit --no-fund --logs-max=0 --save-exact ", packages)
}

// make asks an implementation's version and builds it, unless nothing has changed
// since it was built.
func (p place) make(ctx context.Context, im *Implementation) (version string, err error) {
	version, versionErr := p.shell(ctx, time.Minute, im.Version)
	if err := p.compile(ctx, im, version); err != nil {
		return "", fmt.Errorf("build: %w", err)
	}
	if versionErr != nil {
		return "", fmt.Errorf("version: %w", versionErr)
	}
	version, _, _ = strings.Cut(version, "\n")
	return strings.TrimSpace(version), nil
}

// compile builds an implementation of that version.
func (p place) compile(ctx context.Context, im *Implementation, version string) error {
	if im.Build == "" {
		return nil
	}
	source, err := os.ReadFile(filepath.Join(p.field, im.Source))
	if err != nil {
		return err
	}
	made := fmt.Sprintf("%s\n%s\n%x\n", version, im.Build, sha256.Sum256(source))
	stamp := filepath.Join(p.build, im.Name+".made")
	// The go command knows better by itself.
	if old, err := os.ReadFile(stamp); err == nil && string(old) == made && version != "" && im.Language != "Go" {
		return nil
	}
	if _, err := p.shell(ctx, buildTime, im.Build); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(made), 0o666)
}

// tail keeps the end of what is written.
type tail struct{ b []byte }

const tailSize = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if over := len(t.b) - tailSize; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(b), nil
}

// reason is the first line that tells of an error, or else the last one with
// anything in it.
func (t *tail) reason() string {
	last := ""
	for line := range strings.Lines(string(t.b)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if last = line; strings.Contains(strings.ToLower(line), "error") {
			break
		}
	}
	return shorten(last)
}
