// Package cli is what the commands of this project have in common: a wrong
// call is one line and exit status 2, help is no error, anything else that fails
// is one line and exit status 1. It also knows how many files they may open, and
// whether one can be written.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
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

// Parse has flags, which must be made with flag.ContinueOnError, take args. Help
// is what their Usage says, if they have one; it goes to stdout, and the error is
// flag.ErrHelp then.
func Parse(flags *flag.FlagSet, args []string, stdout io.Writer) error {
	usage := flags.Usage
	flags.Usage = func() {} // a mistake is one line, the error's
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	flags.Usage = usage
	flags.SetOutput(stdout)
	switch {
	case err == nil:
		return nil
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
	case IsUsage(err):
		return 2
	}
	return 1
}
