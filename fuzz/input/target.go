package input

import (
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/wsproof/wsproof/internal/vector"
)

// A Target is one fuzz target: its name without the word Fuzz, the check behind
// it, how its inputs are told in words, and its seeds, some of them from vectors.
type Target struct {
	Name      string
	Check     func(data []byte) error
	Words     func(data []byte) string
	SeedsFrom func(vectors []vector.Vector) ([][]byte, error)
	// Compressed has SeedsFrom given the vectors with permessage-deflate, too.
	Compressed bool
}

// Find returns the target of that name, with or without the word Fuzz.
func Find(targets []Target, name string) (Target, bool) {
	i := slices.IndexFunc(targets, func(t Target) bool { return t.Name == strings.TrimPrefix(name, "Fuzz") })
	if i < 0 {
		return Target{}, false
	}
	return targets[i], true
}

// Report is the text of a finding: the error, and the input in words.
func (t *Target) Report(err error, data []byte) string {
	return fmt.Sprintf("%v\n\n%s", err, t.Explain(data))
}

// Explain describes an input in words.
func (t *Target) Explain(data []byte) string {
	if t.Words != nil {
		return t.Words(data)
	}
	return fmt.Sprintf("input of %d bytes:\n%s", len(data), hex.Dump(data[:min(len(data), 4096)]))
}

// Seeds returns the seeds: every fourth of the shared vectors, in one
// role by turns, and the table of its unit. The others, the beginnings of cut
// transcripts and long transcripts are left to the test that replays every vector
// ([Target.AllSeeds]): the engine needs 5 to 40 ms for a seed before it begins. That
// there are none is an error.
func (t *Target) Seeds() ([][]byte, error) {
	if os.Getenv(SeedsEnv) == "none" {
		return StructuredSeeds(), nil
	}
	knownSeeds.Lock()
	defer knownSeeds.Unlock()
	if known := knownSeeds.of[t.Name]; known != nil {
		return known, nil
	}
	list, err := t.seeds(func(i int, v *vector.Vector) bool {
		return len(v.Input) <= 4096 && !strings.HasSuffix(v.ID, "-bytes") && i/2%4 == 0 && i&1 == i/8&1
	})
	if err == nil {
		if knownSeeds.of == nil {
			knownSeeds.of = map[string][][]byte{}
		}
		knownSeeds.of[t.Name] = list
	}
	return list, err
}

// knownSeeds keeps what Seeds has returned: libFuzzer calls the whole target for
// each input, seeds included.
var knownSeeds struct {
	sync.Mutex
	of map[string][][]byte
}

// AllSeeds is Seeds with every vector.
func (t *Target) AllSeeds() ([][]byte, error) {
	return t.seeds(func(int, *vector.Vector) bool { return true })
}

func (t *Target) seeds(keep func(i int, v *vector.Vector) bool) ([][]byte, error) {
	all, err := vector.Load()
	if err != nil {
		return nil, err
	}
	if t.Compressed {
		compressed, err := vector.LoadCompressed()
		if err != nil {
			return nil, err
		}
		all = append(all, compressed...)
	}
	var vectors []vector.Vector
	for i := range all {
		if keep(i, &all[i]) {
			vectors = append(vectors, all[i])
		}
	}
	seeds, err := t.SeedsFrom(vectors)
	if err == nil && len(seeds) == 0 {
		err = fmt.Errorf("target %s has no seeds", t.Name)
	}
	return seeds, err
}
