package peers

import (
	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// Search feeds a library transcripts that the generator makes of pseudo-random
// bytes until done says so, and calls found for each finding that the rows do not
// know, once a kind and rule, with the smallest transcript that shows it. No seed
// and no corpus goes in. It returns the number of transcripts.
func Search(l *transcript.Reader, seed uint64, rows []Divergence, done func(n int) bool, found func(f *Finding, n int, small *input.Transcript)) (int, error) {
	g := input.NewTranscriptGenerator()
	known := map[string]bool{}
	data := make([]byte, 0, 256)
	n := 0
	for ; !done(n); n++ {
		data = input.RandomInput(data[:0], seed, uint64(n))
		t := g.Generate(data)
		f, err := Compare(l, t, rows)
		if err != nil {
			return n, err
		}
		if f == nil {
			continue
		}
		if name := string(f.Kind) + " " + f.Rule; !known[name] {
			known[name] = true
			small := Minimise(l, t, f, rows)
			small.Limits = limitsFor(small, l)
			found(f, n, small)
		}
	}
	return n, nil
}

// ExplainRandom describes the n-th transcript of a seed of [Search].
func ExplainRandom(seed, n uint64) string {
	return input.Annotate(input.NewTranscriptGenerator().Generate(input.RandomInput(nil, seed, n)))
}
