package live

import (
	"fmt"
	"runtime/debug"
	"testing"
	"testing/synctest"

	"github.com/wsproof/wsproof/fuzz/input"
)

// inBubble runs f in a bubble of package testing/synctest and returns its error:
// time is virtual there, and [synctest.Wait] tells when nothing more can happen by
// itself. That every goroutine of the bubble waits for another one, or that
// one is left when f has returned, is an error as well, at once.
//
// It needs no test around it: other engines than Go's have none.
func inBubble(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil && err == nil {
			err = fmt.Errorf("%v; goroutines:\n%s", p, input.Stacks())
		}
	}()
	synctest.Test(new(testing.T), func(*testing.T) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		err = f()
	})
	return err
}
