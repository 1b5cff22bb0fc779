// Command rediscover builds the adapter of a library with any version of it, and
// searches for the ways in which that version parts from RFC 6455, from the
// generator alone: no seed, no corpus. go.mod stays as it is.
//
//	go run ./fuzz/rediscover                                  the list that is kept
//	go run ./fuzz/rediscover -module … -version … [-time 60s] any version
//
// With the list, each old bug must be found within the time; the command fails
// if one is not. With one version, it tells all that it finds which the table of
// divergences does not know.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/fuzz/peers"
	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/engine/transcript"
)

func main() {
	cli.Main("rediscover", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
		return run(ctx, args, stdout)
	})
}

type options struct {
	module, version string
	time            time.Duration
	seed            uint64
	library         string
	until           string
	mark            string
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	flags := flag.NewFlagSet("rediscover", flag.ContinueOnError)
	flags.StringVar(&o.module, "module", "", "the `path` of a library's module, or its short name")
	flags.StringVar(&o.version, "version", "", "the `version`, such as v1.4.0")
	flags.DurationVar(&o.time, "time", 0, "for each version; default: 120s for the list, 60s for one")
	flags.Uint64Var(&o.seed, "seed", 1, "of the pseudo-random inputs")
	flags.StringVar(&o.library, "search", "", "search this library in this process (for the command itself)")
	flags.StringVar(&o.until, "until", "", "stop at this finding, as kind and rules with blanks between (for the command itself)")
	flags.StringVar(&o.mark, "mark", "", "a `file` that keeps the number of the input (for the command itself)")
	if err := cli.Parse(flags, args, stdout); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is no flag: see -h", flags.Arg(0))
	case o.library != "":
		return o.search(stdout)
	case o.module == "" && o.version == "":
		if o.time == 0 {
			o.time = 120 * time.Second
		}
		return o.list(ctx, stdout)
	case o.module == "" || o.version == "":
		return errors.New("a module and a version go together: MODULE=… VERSION=…")
	}
	if o.time == 0 {
		o.time = 60 * time.Second
	}
	l := findLibrary(o.module)
	if l == nil {
		return fmt.Errorf("there is no adapter for %q; there are %s", o.module, modules())
	}
	_, err := o.version1(ctx, l, o.version, nil, stdout)
	return err
}

// others are modules that an adapter for another one fits.
var others = map[string]string{
	"nhooyr.io/websocket": "coder", // which it became
}

func findLibrary(name string) *transcript.Reader {
	if adapter, ok := others[name]; ok {
		if l := findLibrary(adapter); l != nil {
			l := *l
			l.Module = name
			return &l
		}
	}
	for _, l := range peers.Libraries() {
		if l.Module == name || l.Name == name {
			return l
		}
	}
	return nil
}

func modules() string {
	var list []string
	for _, l := range peers.Libraries() {
		list = append(list, l.Module)
	}
	return strings.Join(list, ", ")
}

// list searches the old versions of the list.
func (o *options) list(ctx context.Context, stdout io.Writer) error {
	type row struct {
		bug   *bug
		took  time.Duration
		found bool
	}
	var rows []row
	missing := 0
	for i := range bugs {
		b := &bugs[i]
		fmt.Fprintf(stdout, "== %s %s (fixed in %s): %s\n", b.module, b.version, b.fixed, b.what)
		took, err := o.version1(ctx, findLibrary(b.module), b.version, b, stdout)
		if err != nil {
			return fmt.Errorf("%s %s: %w", b.module, b.version, err)
		}
		if took == 0 {
			missing++
		}
		rows = append(rows, row{b, took, took > 0})
	}
	fmt.Fprintf(stdout, "\n%-32s %-9s %-10s %s\n", "module", "version", "found in", "bug")
	for _, r := range rows {
		took := "NOT FOUND"
		if r.found {
			took = r.took.Round(time.Millisecond).String()
		}
		fmt.Fprintf(stdout, "%-32s %-9s %-10s %s\n", r.bug.module, r.bug.version, took, r.bug.what)
	}
	if missing > 0 {
		return cli.Finding(fmt.Errorf("%d of %d bugs were not found within %v", missing, len(rows), o.time))
	}
	return nil
}

// version1 builds this command with a version of the library and has it search.
// With a bug, it returns how long that took to find, 0 if it was not found.
func (o *options) version1(ctx context.Context, l *transcript.Reader, version string, b *bug, stdout io.Writer) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "wsproof-rediscover")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	exe, err := build(ctx, dir, l, version)
	if err != nil {
		return 0, err
	}
	mark := filepath.Join(dir, "mark")
	args := []string{"-search", l.Name, "-time", o.time.String(), "-seed", fmt.Sprint(o.seed), "-mark", mark}
	if b != nil {
		args = append(args, "-until", string(b.kind)+" "+strings.Join(b.rules, " "))
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var found time.Duration
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == reached {
			found = max(time.Since(start), 1)
			continue
		}
		fmt.Fprintln(stdout, line)
	}
	err = cmd.Wait()
	if err == nil || ctx.Err() != nil {
		return found, ctx.Err()
	}
	// It died: which input was it, and whose code?
	text := stderr.String()
	if !strings.Contains(text, "goroutine ") {
		return 0, fmt.Errorf("the search: %w: %s", err, text)
	}
	number, markErr := os.ReadFile(mark)
	if markErr != nil || len(number) < 8 {
		return 0, fmt.Errorf("the search died, and its mark is missing: %s", text)
	}
	n := int64(binary.LittleEndian.Uint64(number))
	fmt.Fprintf(stdout, "%s %s CRASHED the process at input %d, in %s:\n%s\n%s", l.Name, version, n, transcript.PanicOwner(text), text,
		peers.ExplainRandom(l, o.seed, uint64(n)))
	if b != nil && b.kind == peers.Crashes {
		found = time.Since(start)
	}
	return found, nil
}

// reached is the line by which the search says that it found what it was to find.
const reached = "-- reached --"

// table is the file that stands in the place of engines/table.go: the other
// engines, and the library's server and client, need not build with its old
// version.
const table = `package engines

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/%s/transcripts"
)

var table = []engine.Engine{{Reader: &transcripts.Reader}}
`

// withoutDeflate stands in the place of deflate.go of an adapter for versions that have
// another API for it, or none.
var withoutDeflate = []struct{ library, since, text string }{
	{"gws", "v1.8.0", `package transcripts

import (
	"github.com/lxzan/gws"

	"github.com/wsproof/wsproof/internal/engine/transcript"
)

const deflates = transcript.DeflateNone

func server(_ *transcript.Transcript, o gws.ServerOption) *gws.ServerOption { return &o }
func client(_ *transcript.Transcript, o gws.ClientOption) *gws.ClientOption { return &o }
`},
	{"gobwas", "v1.1.0", `package transcripts

import "github.com/gobwas/ws"

const compresses = false

func compressed(f ws.Frame) (ws.Frame, error) { return f, nil }
`},
}

// build builds this command with a version of a library alone: go.mod and the
// table of engines are others, in dir.
func build(ctx context.Context, dir string, l *transcript.Reader, version string) (string, error) {
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("run it from the root of the repository: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
			return "", err
		}
	}
	alone := filepath.Join(dir, "table.go")
	if err := os.WriteFile(alone, fmt.Appendf(nil, table, l.Name), 0o666); err != nil {
		return "", err
	}
	replace := map[string]string{filepath.FromSlash("internal/engine/engines/table.go"): alone}
	for _, w := range withoutDeflate {
		if l.Name != w.library || !older(version, w.since) {
			continue
		}
		plain := filepath.Join(dir, "deflate.go")
		if err := os.WriteFile(plain, []byte(w.text), 0o666); err != nil {
			return "", err
		}
		replace[filepath.Join("internal", "engine", l.Name, "transcripts", "deflate.go")] = plain
	}
	if others[l.Module] != "" {
		name := filepath.Join("internal", "engine", l.Name, "transcripts", "transcripts.go")
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		ours := findLibrary(l.Name)
		text = bytes.ReplaceAll(text, []byte(ours.Module), []byte(l.Module))
		text = bytes.ReplaceAll(text, []byte("ws.CloseNow()"), []byte("c.Close()")) // which old versions do not have
		other := filepath.Join(dir, "transcripts.go")
		if err := os.WriteFile(other, text, 0o666); err != nil {
			return "", err
		}
		replace[name] = other
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o666); err != nil {
		return "", err
	}
	modfile := "-modfile=" + filepath.Join(dir, "go.mod")
	exe := filepath.Join(dir, "search")
	get := []string{"get", modfile, l.Module + "@" + version}
	if module, ok := together[l.Module]; ok {
		own, err := required(ctx, l.Module+"@"+version, module)
		if err != nil {
			return "", err
		}
		get = append(get, module+"@"+own)
	}
	for _, args := range [][]string{
		get,
		{"build", "-mod=mod", modfile, "-overlay=" + filepath.Join(dir, "overlay.json"), "-o", exe, "./fuzz/rediscover"},
	} {
		cmd := exec.CommandContext(ctx, "go", args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return exe, nil
}

// older reports whether a version is one before another, as v1.2.3; what is no such number, as
// latest, is not.
func older(version, than string) bool {
	var a, b [3]int
	for i, n := range []*[3]int{&a, &b} {
		if _, err := fmt.Sscanf([]string{version, than}[i], "v%d.%d.%d", &n[0], &n[1], &n[2]); err != nil {
			return false
		}
	}
	return slices.Compare(a[:], b[:]) < 0
}

// together are modules of which a library needs the very version that it requires: it does
// not build with a later one.
var together = map[string]string{"github.com/lesismal/nbio": "github.com/lesismal/llib"}

// required returns the version of another module that a version of a module requires.
func required(ctx context.Context, versioned, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", versioned).Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w\n%s", versioned, err, out)
	}
	var downloaded struct{ GoMod string }
	if err := json.Unmarshal(out, &downloaded); err != nil {
		return "", fmt.Errorf("go mod download %s: %w", versioned, err)
	}
	text, err := os.ReadFile(downloaded.GoMod)
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(text))
	for i, f := range fields[:max(0, len(fields)-1)] {
		if f == module {
			return fields[i+1], nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", versioned, module)
}

// openings is how many opening handshakes a search begins with: there are not many more
// that differ.
const openings = 4000

// sendings is how many lists of messages to send come behind them.
const sendings = 200

// search searches a library in this process.
func (o *options) search(stdout io.Writer) error {
	l := findLibrary(o.library)
	if l == nil {
		return fmt.Errorf("there is no library %q", o.library)
	}
	version := peers.ModuleVersion(l.Module)
	var want []string
	if o.until != "" {
		want = strings.Split(o.until, " ")
	}
	var mark *os.File
	if o.mark != "" {
		var err error
		if mark, err = os.Create(o.mark); err != nil {
			return err
		}
		defer mark.Close()
	}
	start := time.Now()
	stop := false
	var number [8]byte
	done := func(n int) bool {
		if mark != nil {
			binary.LittleEndian.PutUint64(number[:], uint64(n))
			_, _ = mark.WriteAt(number[:], 0)
		}
		return stop || time.Since(start) > o.time
	}
	findings := 0
	is := func(f *peers.Finding) bool {
		return len(want) > 1 && (want[0] == "" || want[0] == string(f.Kind)) && (want[1] == "" || slices.Contains(want[1:], f.Rule))
	}
	opened := peers.SearchOpenings(l, o.seed, func(n int) bool { return done(n) || n >= openings }, func(f *peers.Finding, n int, words string) {
		findings++
		fmt.Fprintf(stdout, "%s %s, after %v and %d opening handshakes: %v\n  %s\n", l.Name, version, time.Since(start).Round(time.Millisecond), n+1, f, words)
		if is(f) {
			fmt.Fprintln(stdout, reached)
			stop = true
		}
	})
	told := func(f *peers.Finding, n int, words string) {
		findings++
		fmt.Fprintf(stdout, "%s %s, after %v and %d lists of messages to send: %v\n  %s\n", l.Name, version, time.Since(start).Round(time.Millisecond), n+1, f, words)
		if is(f) {
			fmt.Fprintln(stdout, reached)
			stop = true
		}
	}
	sent, err := peers.SearchSent(l, o.seed, peers.Divergences, func(n int) bool { return done(n) || n >= sendings }, told)
	if err != nil {
		return err
	}
	n, err := peers.Search(l, o.seed, peers.Divergences, done, func(f *peers.Finding, n int, small *input.Transcript) {
		findings++
		fmt.Fprintf(stdout, "%s %s, after %v and %d transcripts: %v\n%s\n", l.Name, version, time.Since(start).Round(time.Millisecond), n+1, f, input.Annotate(small))
		if is(f) {
			fmt.Fprintln(stdout, reached)
			stop = true
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s %s: %d opening handshakes, %d lists of messages to send and %d transcripts in %v, %d findings that the tables do not know\n", l.Name, version, opened, sent, n, time.Since(start).Round(time.Millisecond), findings)
	return nil
}
