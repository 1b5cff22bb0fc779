package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		error  string
		help   string // what it says, in part
	}{
		{nil, 0, "", ""},
		{[]string{"-n", "3", "rest"}, 0, "", ""},
		{[]string{"-h"}, 0, "flag: help requested", "how many"},
		{[]string{"-n", "x"}, 2, `invalid value "x" for flag -n: parse error (thing -h lists the flags)`, ""},
		{[]string{"-m"}, 2, "flag provided but not defined: -m (thing -h lists the flags)", ""},
	} {
		for _, own := range []bool{false, true} {
			flags := flag.NewFlagSet("thing", flag.ContinueOnError)
			flags.Int("n", 1, "how many")
			var out strings.Builder
			if own {
				flags.Usage = func() { fmt.Fprint(&out, "how many things") }
			}
			err := Parse(flags, c.args, &out)
			if got := fmt.Sprint(err); got != c.error && (err != nil || c.error != "") {
				t.Errorf("%q: %v, want %q", c.args, err, c.error)
			}
			if got := Status(err); got != c.status {
				t.Errorf("%q: status %d, want %d", c.args, got, c.status)
			}
			if got := out.String(); !strings.Contains(got, c.help) || c.help == "" && got != "" {
				t.Errorf("%q: wrote %q, want %q in it", c.args, got, c.help)
			}
		}
	}
}

func TestParseAll(t *testing.T) {
	for _, c := range []struct {
		args, rest string
		n          int
		fails      bool
	}{
		{"", "", 1, false},
		{"a b", "a b", 1, false},
		{"-n 2 a -m b -n 3", "a b", 3, false},
		{"a -- -n 2", "a -n 2", 1, false},
		{"a -x", "", 1, true},
	} {
		flags := flag.NewFlagSet("thing", flag.ContinueOnError)
		n := flags.Int("n", 1, "")
		flags.Bool("m", false, "")
		rest, err := ParseAll(flags, strings.Fields(c.args), io.Discard)
		if strings.Join(rest, " ") != c.rest || *n != c.n || IsUsage(err) != c.fails {
			t.Errorf("%q: %q, -n %d, %v; want %q, %d", c.args, rest, *n, err, c.rest, c.n)
		}
	}
}

// TestHelp: what the text has not is behind it.
func TestHelp(t *testing.T) {
	flags := flag.NewFlagSet("wsproof thing", flag.ContinueOnError)
	flags.Int("n", 1, "how many")
	flags.Bool("max-n", false, "the most")
	flags.String("forgotten", "", "what nobody told")
	var out strings.Builder
	Help(&out, "usage: {name} [-n NUMBER]\n  -max-n  the most\n", flags)
	if want := "usage: wsproof thing [-n NUMBER]\n  -max-n  the most\n  -forgotten string\n    \twhat nobody told\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestStatus(t *testing.T) {
	wrapped := fmt.Errorf("and more: %w", Usagef("-n %d is too many", 3))
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{flag.ErrHelp, 0},
		{io.EOF, 2},
		{Finding(io.EOF), 1},
		{fmt.Errorf("and more: %w", Finding(io.EOF)), 1},
		{errors.Join(io.EOF, Finding(io.EOF)), 1},
		{wrapped, 2},
		{Usage(io.EOF), 2},
	} {
		if got := Status(c.err); got != c.want {
			t.Errorf("Status(%v) = %d, want %d", c.err, got, c.want)
		}
	}
	if !errors.Is(Usage(io.EOF), io.EOF) {
		t.Error("Usage hides what it wraps")
	}
}

// TestWritable: the look leaves no new file, and an old one as it is.
func TestWritable(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "nosuch", "r.txt")} {
		if err := Writable(path); err == nil {
			t.Errorf("%s can be written", path)
		}
	}
	path := filepath.Join(dir, "r.txt")
	if err := Writable(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a new file was left (%v)", err)
	}
	if err := os.WriteFile(path, []byte("results"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Writable(path); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "results" {
		t.Errorf("the old file holds %q, %v", b, err)
	}
}

// TestNumbers: what comes from a flag can be negated, added and multiplied without
// becoming something else.
func TestNumbers(t *testing.T) {
	for _, c := range []struct{ arg, want string }{
		{"-n=7", ""},
		{"-n=-1", "-n -1: want at least 0"},
		{"-n=0", "-n 0: want at least 1"},
		{"-n=1000000000000", "-n 1000000000000: want at most 100"},
		{"-big=-1", "-big -1: want at least 0"},
		{"-below=-5", ""},
		{"-f=NaN", "-f NaN: want a finite number"},
		{"-f=+Inf", "-f +Inf: want a finite number"},
		{"-f=-1e-9", "-f -1e-09: want at least 0"},
		{"-f=1e300", "-f 1e+300: want at most 1000"},
		{"-d=2562047h", "-d 2562047h0m0s: want at most 10000h0m0s"},
		{"-d=-1s", "-d -1s: want at least 0s"},
		{"-d=1ns", "-d 1ns: want at least 1s"},
	} {
		flags := flag.NewFlagSet("thing", flag.ContinueOnError)
		flags.Int("n", 1, "")
		flags.Int64("big", 1, "")
		flags.Int("below", -1, "")
		flags.Float64("f", 1, "")
		flags.Duration("d", time.Second, "")
		err := Parse(flags, []string{c.arg}, io.Discard)
		if err == nil {
			err = Check(flags, Range{"n", 1, 100}, Range{"f", 0, 1000}, Range{"d", float64(time.Second), 0})
		}
		if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && (got != c.want || Status(err) != 2) {
			t.Errorf("%s: %v, want %q", c.arg, err, c.want)
		}
	}
}
