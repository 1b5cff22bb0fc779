// Package cli is what the commands of this project have in common: exit status 1
// says that something was found against what was tested, 2 that the command could
// not do its work, for a wrong call or another reason, in one line; help is no
// error. The first interrupt ends a command in good order, the second at once. It
// also has the flags about a server under test, and knows how many files a
// process may open and whether one can be written, and bounds the numbers of flags.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// Usagef returns an error that says how the command was called wrongly.
func Usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// Usage returns err, which must not be nil, as one of those.
func Usage(err error) error { return &usageError{err} }

// IsUsage reports whether err is, or wraps, an error of Usagef.
func IsUsage(err error) bool {
	var wrong *usageError
	return errors.As(err, &wrong)
}

type finding struct{ error }

func (f *finding) Unwrap() error { return f.error }

// Finding returns err, which must not be nil, as one that tells of what was
// tested: the command itself has done its work.
func Finding(err error) error { return &finding{err} }

// IsFinding reports whether err is, or wraps, an error of Finding.
func IsFinding(err error) bool {
	var found *finding
	return errors.As(err, &found)
}

// Parse has flags, which must be made with flag.ContinueOnError, take args. Help
// is what their Usage says, if they have one; it goes to stdout, and the error is
// flag.ErrHelp then. No number may be negative, but for one whose default is, none may
// be no number, and no time may be longer than Longest: sums and multiples of what
// passes are still durations.
func Parse(flags *flag.FlagSet, args []string, stdout io.Writer) error {
	usage := flags.Usage
	flags.Usage = func() {} // a mistake is one line, the error's
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	flags.Usage = usage
	flags.SetOutput(stdout)
	switch {
	case err == nil:
		return numbers(flags)
	case !errors.Is(err, flag.ErrHelp):
		return Usagef("%v (%s -h lists the flags)", err, flags.Name())
	case usage != nil:
		usage()
	default:
		fmt.Fprintf(stdout, "usage: %s [flags]\n\n", flags.Name())
		flags.PrintDefaults()
	}
	return flag.ErrHelp
}

// ParseAll is Parse for commands whose flags may also stand behind and between
// their other arguments, which it returns. What stands behind -- is no flag.
func ParseAll(flags *flag.FlagSet, args []string, stdout io.Writer) (rest []string, err error) {
	for {
		if err := Parse(flags, args, stdout); err != nil {
			return nil, err
		}
		taken := len(args) - flags.NArg()
		if flags.NArg() == 0 || taken > 0 && args[taken-1] == "--" {
			return append(rest, flags.Args()...), nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

// Help writes a command's help, a text made for a screen of 80 by 24 in which
// {name} stands for the command's, and then the flags that the text has not.
func Help(w io.Writer, text string, flags *flag.FlagSet) {
	fmt.Fprint(w, strings.ReplaceAll(text, "{name}", flags.Name()))
	word := regexp.MustCompile(`(^|[\s(\[,])-([a-zA-Z][a-z0-9-]*)`)
	told := map[string]bool{}
	for _, m := range word.FindAllStringSubmatch(text, -1) {
		told[m[2]] = true
	}
	rest := flag.NewFlagSet("", flag.ContinueOnError)
	rest.SetOutput(w)
	flags.VisitAll(func(f *flag.Flag) {
		if !told[f.Name] {
			rest.Var(f.Value, f.Name, f.Usage)
		}
	})
	rest.PrintDefaults()
}

// ServerHelp is what a Help has of ServerFlags.
const ServerHelp = `  -H 'Name: value' (repeatable)   -origin ORIGIN   -user NAME:PASSWORD
  -subprotocol NAME (repeatable)  -cacert FILE     -insecure: any certificate
`

// Version is the module's version, or the commit that was built.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}

// Longest is the longest time that a flag takes: more than a year.
const Longest = 10_000 * time.Hour

// numbers holds all flags to what Parse promises.
func numbers(flags *flag.FlagSet) error {
	var err error
	flags.Visit(func(f *flag.Flag) { // those that were given
		v, ok := number(f)
		d, isTime := get(f).(time.Duration)
		switch {
		case !ok || err != nil:
		case math.IsNaN(v) || math.IsInf(v, 0):
			err = Usagef("-%s %s: want a finite number", f.Name, f.Value)
		case isTime && d > Longest:
			err = Usagef("-%s %v: want at most %v", f.Name, d, Longest)
		case v < 0 && !strings.HasPrefix(f.DefValue, "-"):
			err = Check(flags, Range{Flag: f.Name})
		}
	})
	return err
}

func get(f *flag.Flag) any {
	if g, ok := f.Value.(flag.Getter); ok {
		return g.Get()
	}
	return nil
}

func number(f *flag.Flag) (v float64, ok bool) {
	switch n := get(f).(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case time.Duration:
		return float64(n), true
	}
	return 0, false
}

// A Range is what a flag, an int, int64, float64 or time.Duration, may be.
type Range struct {
	Flag  string
	Least float64 // of a duration: nanoseconds, 1 for any but 0
	Most  float64 // 0: whatever Parse takes
}

// Check holds parsed flags to ranges.
func Check(flags *flag.FlagSet, ranges ...Range) error {
	for _, r := range ranges {
		f := flags.Lookup(r.Flag)
		v, ok := number(f)
		if !ok {
			panic("cli: -" + r.Flag + " is no number")
		}
		_, isTime := get(f).(time.Duration)
		show := func(v float64) string {
			if isTime {
				return time.Duration(v).String()
			}
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		switch {
		case v < r.Least && isTime && r.Least == 1:
			return Usagef("-%s %s: want a time above 0", f.Name, f.Value)
		case v < r.Least:
			return Usagef("-%s %s: want at least %s", f.Name, f.Value, show(r.Least))
		case r.Most > 0 && v > r.Most:
			return Usagef("-%s %s: want at most %s", f.Name, f.Value, show(r.Most))
		}
	}
	return nil
}

// Writable tells before an hour of work whether its results can be written to the
// file. It leaves the file as it is, or not there.
func Writable(path string) error {
	_, err := os.Lstat(path)
	fresh := os.IsNotExist(err)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	err = f.Close()
	if fresh {
		_ = os.Remove(path)
	}
	return err
}

// Main runs a command, whose name messages begin with, on the arguments of the
// process and ends the process with the status for its error. ctx ends with the
// first interrupt, hangup or SIGTERM; the second one ends the process.
func Main(name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	ctx, stop := interruptible(name, os.Stderr)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if interrupted := ctx.Err() != nil; interrupted && errors.Is(err, context.Canceled) && !IsFinding(err) {
		err = errors.New("interrupted")
	}
	stop()
	Exit(name, err)
}

// interruptible returns the context of Main.
func interruptible(name string, stderr io.Writer) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals) // the next one has its usual effect
			if s == os.Interrupt {
				fmt.Fprintf(stderr, "\n%s: interrupted, ending in good order; once more to end at once\n", name)
			}
			cancel()
		case <-ctx.Done():
			signal.Stop(signals)
		}
	}()
	return ctx, cancel
}

// Exit ends the process as err, which may be nil, demands. A message begins with
// the command's name.
func Exit(name string, err error) {
	status := Status(err)
	if status != 0 {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	}
	os.Exit(status)
}

// Status returns the exit status for err.
func Status(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case IsFinding(err):
		return 1
	}
	return 2
}
