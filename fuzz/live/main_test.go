package live

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := input.CheckFlag("./fuzz/live"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if worker := flag.Lookup("test.fuzzworker"); worker != nil && worker.Value.String() == "true" {
		// The goroutines of a bubble mostly wait for one another: on one processor an
		// input takes a half to a fifth of the time, and comes again as it was. Seeds are for all
		// processors, as is the race detector.
		runtime.GOMAXPROCS(1)
	}
	os.Exit(m.Run())
}
