package input

import (
	"math/rand"

	gofuzz "github.com/google/gofuzz"
	"github.com/google/gofuzz/bytesource"
)

// A Source is a rand.Source64 in which every byte of the input is one decision.
// gofuzz's own source takes 8 bytes a decision, and rand.Rand then drops half of
// them: most mutations of an input change nothing, and one inserted byte shifts
// all that follows. Here the next byte stands where rand.Rand's Intn, Int31n,
// Int63n and gofuzz's RandBool look, so that Intn(n) is the byte modulo n.
//
// Past the end of the input every decision is 0.
type Source struct {
	data []byte
	off  int
}

// Reset makes the Source read data from its beginning.
func (s *Source) Reset(data []byte) { s.data, s.off = data, 0 }

// Len returns how many decisions are left.
func (s *Source) Len() int { return len(s.data) - s.off }

// Rest returns what is left.
func (s *Source) Rest() []byte { return s.data[min(s.off, len(s.data)):] }

// Next returns the next byte, 0 past the end.
func (s *Source) Next() uint64 {
	if s.off >= len(s.data) {
		return 0
	}
	b := s.data[s.off]
	s.off++
	return uint64(b)
}

// Int63 returns the next byte in its low bits, and again from bit 32 on.
func (s *Source) Int63() int64 {
	b := int64(s.Next())
	return b<<32 | b
}

// Uint64 is Int63.
func (s *Source) Uint64() uint64 { return uint64(s.Int63()) }

// Seed is there for rand.Source and does nothing: the input is the seed.
func (s *Source) Seed(int64) {}

// decisions is what a Generator needs of its source: [Source] has it, and so has
// gofuzz's own, which is kept for comparison.
type decisions interface {
	rand.Source64
	Len() int
}

// A Generator fills structures from the decisions of a source, through gofuzz.
type Generator struct {
	own    Source
	src    decisions
	fuzzer *gofuzz.Fuzzer
	funcs  []any
}

// NewGenerator returns a Generator with the given functions for gofuzz.
func NewGenerator(funcs ...any) *Generator {
	g := &Generator{funcs: funcs}
	g.src = &g.own
	g.fuzzer = gofuzz.NewWithSeed(0).RandSource(&g.own).NilChance(0).Funcs(funcs...)
	return g
}

// fill fills obj from data.
func (g *Generator) Fill(data []byte, obj any) {
	if gofuzzSource {
		src := bytesource.New(data)
		g.src = src
		g.fuzzer = gofuzz.NewWithSeed(0).RandSource(src).NilChance(0).Funcs(g.funcs...)
	} else {
		g.own.Reset(data)
	}
	g.fuzzer.Fuzz(obj)
}

// Left returns how many decisions are left.
func (g *Generator) Left() int { return g.src.Len() }
