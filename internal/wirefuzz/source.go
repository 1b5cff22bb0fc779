package wirefuzz

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
)

// An item is an input: a transcript, or the request of an opening handshake.
type item struct {
	b         []byte
	handshake bool
	decisions []byte // that the generator made the transcript of; nil: of none
}

// A source gives inputs: those of the Config, the vectors, and then what the generator
// of the fuzz targets makes of random decisions, and variants of what was kept.
type source struct {
	mu      sync.Mutex
	first   []*item
	only    bool
	most    int // bytes of a transcript
	n       uint64
	seed    uint64
	random  *rand.Rand
	gen     *input.TranscriptGenerator
	kept    []*item
	shakes  *requests
	deflate *model.Deflate // what was agreed on of permessage-deflate; nil: nothing
}

// mostKept bounds what is kept.
const mostKept = 8192

func newSource(c *Config, deflate *model.Deflate) (*source, error) {
	s := &source{deflate: deflate, only: c.Only, most: max(8*c.MaxMessage, 4096), seed: c.Seed, random: rand.New(rand.NewPCG(c.Seed, 0x5770726f6f66)), gen: input.NewTranscriptGenerator()}
	for _, b := range c.Inputs {
		s.first = append(s.first, &item{b: b})
	}
	if c.Only {
		return s, nil
	}
	vectors, err := vector.Load()
	if err != nil {
		return nil, err
	}
	if deflate != nil {
		compressed, err := vector.LoadCompressed()
		if err != nil {
			return nil, err
		}
		vectors = append(compressed, vectors...)
	}
	for i := range vectors {
		// The beginnings of a vector come last: they seldom say something new.
		if v := &vectors[i]; v.Role == model.Server && !strings.HasSuffix(v.ID, "-bytes") && len(v.Input) <= s.most {
			s.first = append(s.first, &item{b: v.Input})
		}
	}
	if c.Handshake {
		s.shakes = newRequests(c.Client)
		for _, text := range s.shakes.all() {
			s.first = append(s.first, &item{b: []byte(text), handshake: true})
		}
	}
	return s, nil
}

// take returns the next input; there is always one, unless only those that were given
// are to be played.
func (s *source) take() (*item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.first) > 0 {
		in := s.first[0]
		s.first = s.first[1:]
		return in, true
	}
	if s.only {
		return nil, false
	}
	if s.shakes != nil && s.random.IntN(8) == 0 {
		return &item{b: []byte(s.shakes.variant(s.random)), handshake: true}, true
	}
	for {
		in := s.make()
		if len(in.b) > 0 && len(in.b) <= s.most {
			return in, true
		}
	}
}

// seeded says whether all was played that is not chance.
func (s *source) seeded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.first) == 0
}

// keep keeps an input for variants of it.
func (s *source) keep(in *item) {
	if in.handshake {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) < mostKept {
		s.kept = append(s.kept, in)
		return
	}
	s.kept[s.random.IntN(mostKept)] = in
}

func (s *source) make() *item {
	if len(s.kept) == 0 || s.random.IntN(3) == 0 {
		s.n++
		return s.generate(input.RandomInput(nil, s.seed, s.n))
	}
	in := s.kept[s.random.IntN(len(s.kept))]
	if in.decisions != nil && s.random.IntN(2) == 0 {
		return s.generate(s.mutate(in.decisions))
	}
	return &item{b: s.vary(in.b)}
}

// generate has the generator make a transcript for a server of decisions.
func (s *source) generate(decisions []byte) *item {
	decisions[0] &^= 0x81 // for a server, and none that stands there as it is
	in := decisions
	if s.deflate != nil {
		in = input.Compressed(*s.deflate, decisions)
	}
	return &item{b: slices.Clone(s.gen.Generate(in).Input), decisions: decisions}
}

// mutate changes bytes: a few of them, or where they stand.
func (s *source) mutate(b []byte) []byte {
	b = slices.Clone(b)
	for range 1 + s.random.IntN(4) {
		at := s.random.IntN(len(b))
		switch s.random.IntN(5) {
		case 0, 1:
			b[at] = byte(s.random.Uint32())
		case 2:
			b[at] += byte(s.random.IntN(9)) - 4
		case 3:
			b = slices.Insert(b, at, byte(s.random.Uint32()))
		case 4:
			if len(b) > 4 {
				b = slices.Delete(b, at, at+1)
			}
		}
	}
	return b
}

// vary changes a transcript by its frames, or a byte of one.
func (s *source) vary(b []byte) []byte {
	spans := input.Split(b)
	if len(spans) == 0 {
		return b
	}
	frame := func(i int) []byte { return b[spans[i].Start:spans[i].End] }
	i := s.random.IntN(len(spans))
	switch s.random.IntN(8) {
	case 0: // once more
		return slices.Concat(b[:spans[i].End], frame(i), b[spans[i].End:])
	case 1: // not at all
		return slices.Concat(b[:spans[i].Start], b[spans[i].End:])
	case 2: // in the place of another
		k := s.random.IntN(len(spans))
		if i == k {
			break
		}
		i, k = min(i, k), max(i, k)
		return slices.Concat(b[:spans[i].Start], frame(k), b[spans[i].End:spans[k].Start], frame(i), b[spans[k].End:])
	case 3, 4: // with another transcript in it
		other := s.kept[s.random.IntN(len(s.kept))].b
		more := input.Split(other)
		from := 0
		if len(more) > 0 {
			from = more[s.random.IntN(len(more))].Start
		}
		return slices.Concat(b[:spans[i].Start], other[from:], b[spans[i].Start:])
	case 5: // a bit of its header
		out := slices.Clone(b)
		out[min(spans[i].Start+s.random.IntN(2), len(b)-1)] ^= 1 << s.random.IntN(8)
		return out
	case 6: // a byte of it
		out := slices.Clone(b)
		out[spans[i].Start+s.random.IntN(spans[i].End-spans[i].Start)] = byte(s.random.Uint32())
		return out
	}
	return slices.Clone(b[:spans[i].Start+s.random.IntN(spans[i].End-spans[i].Start)+1]) // cut
}
