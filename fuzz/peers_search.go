package fuzz

import (
	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// Search feeds a library transcripts that the generator makes of pseudo-random
// bytes until done says so, and calls found for each finding that the rows do not
// know, once a kind and rule, with the smallest transcript that shows it. No seed
// and no corpus goes in. It returns the number of transcripts.
func Search(l *transcript.Reader, seed uint64, rows []Divergence, done func(n int) bool, found func(f *Finding, n int, small *Transcript)) (int, error) {
	g := newTranscriptGenerator()
	known := map[string]bool{}
	data := make([]byte, 0, 256)
	n := 0
	for ; !done(n); n++ {
		data = randomInput(data[:0], seed, uint64(n))
		t := g.generate(data)
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
			small.Limits = small.limits(l)
			found(f, n, small)
		}
	}
	return n, nil
}

// ExplainRandom describes the n-th transcript of a seed of [Search].
func ExplainRandom(seed, n uint64) string {
	return Annotate(newTranscriptGenerator().generate(randomInput(nil, seed, n)))
}

// randomInput appends the n-th input of a seed: up to 128 bytes.
func randomInput(dst []byte, seed, n uint64) []byte {
	x := seed*0x9E3779B97F4A7C15 + n*0xD1342543DE82EF95 + 1
	next := func() uint64 { // splitmix64
		x += 0x9E3779B97F4A7C15
		z := x
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
	size := int(4 + next()%124)
	for len(dst) < size {
		dst = append(dst, byte(next()>>32))
	}
	dst[0] &^= rawBit // structured
	return dst
}
