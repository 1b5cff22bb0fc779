package deflate

import "encoding/binary"

// An index finds positions in a buffer by the octets that stand there. Positions are
// counted modulo 1<<16 from the first octet of the context, or of the message. What an
// index returns may be stale, or of a message that was not sent after all: octets are
// compared before a position is used.
//
// Fast has pairs: one position for each hash, or, for two hashes that differ in their
// last bit alone, the last two positions, the later one first. What was put in one way
// may be found in the other. Best has chains: the last position for each hash, and for
// each position the one before it of the same hash.
type index struct {
	head       []uint16 // by hash
	prev       []uint16 // by position modulo the window; nil without chains
	multiplier uint64   // of 8 octets: it leaves out those behind the first 3 to 5
	shift      uint     // of the product: it leaves the bits of the hash
}

// Hashes are of 3 octets for chains, which find all matches; of pairs they are of 4
// where matches are few, and of 5 in large windows, where one of 4 octets hides longer
// ones before it.
const (
	smallBits  = 12
	multiplier = 0x9e3779b185ebca87
)

// newIndex returns an index in the memory of head, whose length is a power of two, and
// for chains of prev, whose length is that of the window.
func newIndex(head, prev []uint16, small bool) index {
	x := index{head, prev, multiplier, 64}
	switch {
	case prev != nil:
		x.multiplier <<= 40
	case small:
		x.multiplier <<= 32
	default:
		x.multiplier <<= 24
	}
	for n := len(head); n > 1; n >>= 1 {
		x.shift--
	}
	return x
}

func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

func (x *index) hash(v uint64) uint64 { return v * x.multiplier >> (x.shift & 63) }

// chain puts a position into a chain: v stands there.
func (x *index) chain(v uint64, position uint16) {
	h := x.hash(v)
	x.prev[int(position)&(len(x.prev)-1)] = x.head[h]
	x.head[h] = position
}

// pair returns the last two positions where v stands, the later one first.
func (x *index) pair(v uint64) *[2]uint16 {
	h := x.hash(v) &^ 1
	return (*[2]uint16)(x.head[h : h+2])
}

// insert puts a position into the index that may be there already.
func (x *index) insert(v uint64, position uint16) {
	if x.prev != nil {
		if x.head[x.hash(v)] != position {
			x.chain(v, position)
		}
	} else if pair := x.pair(v); pair[0] != position && pair[1] != position {
		pair[1], pair[0] = pair[0], position
	}
}
