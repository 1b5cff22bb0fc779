package input

import (
	"fmt"

	"github.com/wsproof/wsproof/internal/vector"
)

// SeedsEnv is the environment variable that, set to none, leaves the vectors away
// as seeds: to see what a Generator reaches by itself.
const SeedsEnv = "WSPROOF_SEEDS"

// StructuredSeeds are inputs of pseudo-random bytes for targets that generate a
// transcript of them: vectors become seeds that are transcripts as they are, and
// would leave the Generator aside.
func StructuredSeeds() [][]byte {
	var seeds [][]byte
	for n := range uint64(32) {
		seeds = append(seeds, RandomInput(nil, 11, n))
	}
	return seeds
}

func SeedTranscripts(vectors []vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range vectors {
		v := &vectors[i]
		seed, err := RawInput(v.Role, v.Limits, v.Input)
		if err != nil {
			return nil, fmt.Errorf("%s: vector %s: %w", v.Where(), v.ID, err)
		}
		if v.Deflate != nil {
			seed = Compressed(*v.Deflate, seed)
		}
		seeds = append(seeds, seed)
	}
	seeds = append(seeds, StructuredSeeds()...)
	for n := range uint64(24) {
		seeds = append(seeds, Compressed(agreedBy(byte(n*37)), RandomInput(nil, 13, n)))
	}
	return seeds, nil
}

func ExplainTranscript(data []byte) string {
	return Annotate(NewTranscriptGenerator().Generate(data))
}
