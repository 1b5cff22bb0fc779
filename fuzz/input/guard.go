package input

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// gofuzzSource makes generators draw from gofuzz's own source, to see the
// difference that [Source] makes.
var gofuzzSource = os.Getenv("WSPROOF_SOURCE") == "gofuzz"

var watch struct {
	once   sync.Once
	count  atomic.Uint64 // of checks begun
	active atomic.Int64  // checks under way
}

// Guard notes that a check begins and returns what is to be called at its end.
// The go command's fuzzing engine waits for a check for ever, so a watchdog
// panics where one is under way for hangBound, with the stacks of all
// goroutines: the engine then keeps the input.
func Guard() func() {
	watch.once.Do(func() { go watchdog() })
	watch.count.Add(1)
	watch.active.Add(1)
	return unguard
}

func unguard() { watch.active.Add(-1) }

func watchdog() {
	var since time.Time
	var last uint64
	for {
		time.Sleep(time.Second)
		now, count := time.Now(), watch.count.Load()
		if count != last || watch.active.Load() == 0 {
			last, since = count, now
			continue
		}
		if now.Sub(since) > hangBound {
			panic(fmt.Sprintf("a check is hung for %v; goroutines:\n%s", hangBound, Stacks()))
		}
	}
}

// Stacks returns the stacks of all goroutines, for the report of a hang.
func Stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}
