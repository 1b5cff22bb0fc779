package targets

import (
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
)

// TestAllSeeds runs every target on every vector: the targets themselves get a
// part of them as seeds, for speed.
func TestAllSeeds(t *testing.T) {
	for _, target := range All() {
		seeds, err := target.AllSeeds()
		if err != nil {
			t.Fatal(err)
		}
		for i, seed := range seeds {
			if err := target.Check(seed); err != nil {
				t.Errorf("%s, seed %d: %s", target.Name, i, target.Report(err, seed))
			}
		}
	}
}

func TestNoSuchTarget(t *testing.T) {
	if _, ok := Find("NoSuch"); ok {
		t.Error("a target that does not exist was found")
	}
	for _, name := range []string{"Serve", "FuzzServe"} {
		if found, ok := Find(name); !ok || found.Package != "./fuzz/live" {
			t.Errorf("%s is in %s", name, found.Package)
		}
	}
}

func TestHomes(t *testing.T) {
	for _, target := range All() {
		if got := input.Home(target.Name); got != target.Package {
			t.Errorf("%s stands in %s, and input.Home says %q", target.Name, target.Package, got)
		}
	}
}
