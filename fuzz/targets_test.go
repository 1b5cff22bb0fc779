package fuzz

import "testing"

// TestAllSeeds runs every target on every vector: the targets themselves get a
// part of them as seeds, for speed.
func TestAllSeeds(t *testing.T) {
	for _, target := range Targets() {
		seeds, err := AllSeeds(target.Name)
		if err != nil {
			t.Fatal(err)
		}
		for i, seed := range seeds {
			if err := target.Check(seed); err != nil {
				t.Errorf("%s, seed %d: %s", target.Name, i, Report(err, target.Name, seed))
			}
		}
	}
}

func TestSeedsOfNoTarget(t *testing.T) {
	if _, err := Seeds("NoSuch"); err == nil {
		t.Error("no error for a target that does not exist")
	}
}
