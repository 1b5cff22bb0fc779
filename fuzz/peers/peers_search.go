package peers

import (
	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// Search feeds a library transcripts that the generator makes of pseudo-random
// bytes until done says so, and calls found for each finding that the rows do not
// know, once a kind and rule, with the smallest transcript that shows it. No seed
// and no corpus goes in. It returns the number of transcripts.
func Search(l *transcript.Reader, seed uint64, rows []Divergence, done func(n int) bool, found func(f *Finding, n int, small *input.Transcript)) (int, error) {
	g := input.NewTranscriptGenerator()
	data := make([]byte, 0, 256)
	return eachFinding(done, func(n int) (*Finding, func(), error) {
		data = randomFor(l, data[:0], seed, uint64(n))
		t := g.Generate(data)
		pinged(t, uint64(n))
		f, err := Compare(l, t, rows)
		return f, func() {
			small := Minimise(l, t, f, rows)
			small.Limits = limitsFor(small, l)
			found(f, n, small)
		}, err
	})
}

// eachFinding calls try with 0, 1 and so on until done says so, and report for what it found
// first of a kind and rule. It returns how often it called try.
func eachFinding(done func(n int) bool, try func(n int) (f *Finding, report func(), err error)) (int, error) {
	known := map[string]bool{}
	n := 0
	for ; !done(n); n++ {
		f, report, err := try(n)
		if err != nil {
			return n, err
		}
		if f == nil {
			continue
		}
		if name := string(f.Kind) + " " + f.Rule; !known[name] {
			known[name] = true
			report()
		}
	}
	return n, nil
}

// randomFor is the n-th input of a seed: every third is one with permessage-deflate, where
// the library has that.
func randomFor(l *transcript.Reader, dst []byte, seed, n uint64) []byte {
	if n%3 != 2 || l.Caps.Deflate == transcript.DeflateNone {
		return input.RandomInput(dst, seed, n)
	}
	takeover := model.Deflate{ServerNoContextTakeover: n%2 == 0}
	return input.Compressed(*agreedFor(l, &takeover), input.RandomInput(dst, seed, n))
}

// pinged has the library ping first in every fifth transcript, and mostly get one pong or
// several for that, with the payload of a first ping.
func pinged(t *input.Transcript, n uint64) {
	t.Pings = n%5 == 4
	if !t.Pings || t.Deflate != nil {
		return
	}
	pong := wire.Frame{Fin: true, Opcode: wire.Pong, Masked: t.Role == model.Server, Key: [4]byte{1, 2, 3, 4}, Payload: []byte("1")}
	var pongs []byte
	for range n / 5 % 4 {
		pongs = pong.Append(pongs)
	}
	t.Input = append(pongs, t.Input...)
}

// ExplainRandom describes the n-th transcript of a seed of [Search].
func ExplainRandom(l *transcript.Reader, seed, n uint64) string {
	t := input.NewTranscriptGenerator().Generate(randomFor(l, nil, seed, n))
	pinged(t, n)
	return input.Annotate(t)
}
