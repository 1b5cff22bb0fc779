// Package leak fails the tests of a package that leave goroutines behind.
package leak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// bound is how long goroutines that are about to end may take for it: long, so
// that a busy machine makes no leak out of them.
const bound = 20 * time.Second

// Main is for a TestMain: it runs the tests, and if they pass it fails where
// goroutines of theirs do not end. Those that packages start before any test is
// run are not theirs.
func Main(m *testing.M) {
	before := goleak.IgnoreCurrent()
	code := m.Run()
	if code == 0 {
		if err := find(bound, before); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines outlive the tests:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// find waits for all other goroutines to end, and returns an error that names
// those that do not.
func find(bound time.Duration, options ...goleak.Option) error {
	for begin := time.Now(); ; {
		err := goleak.Find(options...) // tries for half a second
		if err == nil || time.Since(begin) > bound {
			return err
		}
	}
}
