package input

import (
	"flag"
	"runtime"
)

// OneProcessor gives a worker of the engine one processor: an input is given to a goroutine of
// its own, and those of a bubble mostly wait for one another, so that on one an input takes
// less time, down to a fifth, and comes again as it was. Tests of the seeds have all processors.
// It is called when the flags are parsed.
func OneProcessor() {
	if worker := flag.Lookup("test.fuzzworker"); worker != nil && worker.Value.String() == "true" {
		runtime.GOMAXPROCS(1)
	}
}
