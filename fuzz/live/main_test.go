package live

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := input.CheckFlag("./fuzz/live"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	input.OneProcessor()
	os.Exit(m.Run())
}
