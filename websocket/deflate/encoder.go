package deflate

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// An encoder compresses one message: it tells the message by sequences, and writes
// them in blocks.
type encoder struct {
	level    Level
	message  []byte
	block    int // where the block begins that is not yet written
	at       int // up to where sequences tell the message
	pending  int // literals behind the last sequence
	literals int // before it, counted for Best
	few      int // a block of fewer symbols gets no codes of its own
	lazy     bool
	deep     bool
	step     int // from one position of a match to the next that goes into the index

	sequences [maxSequences]sequence
	count     int

	out   []byte
	start int    // of this message in out
	hold  uint64 // bits that are not yet in out, fewer than 8
	nhold uint

	head [1 << 14]uint16 // the index, where there is no context
	prev []uint16
	join []byte // octets that must stand behind each other

	codes codes
}

// A sequence is a run of literals and the match behind it: from its lowest bit 16
// bits with the length of the run, 8 with the length of the match less 3, 8 with its
// length code less 257, 16 with its distance less 1, 16 with its distance code.
type sequence uint64

const maxSequences = 8192 // in a block

func newSequence(literals, length, distance int) sequence {
	return sequence(literals) | sequence(length-minMatch)<<16 | sequence(lengthCode[length-minMatch])<<24 |
		sequence(distance-1)<<32 | sequence(distanceCode(distance))<<48
}

func (s sequence) literals() int      { return int(s & 0xffff) }
func (s sequence) length() int        { return int(s>>16&0xff) + minMatch }
func (s sequence) lengthCode() uint   { return uint(s >> 24 & 0xff) }
func (s sequence) distanceCode() uint { return uint(s >> 48) }

// lengthCode is the length code, less 257, of a length less 3.
var lengthCode = func() (codes [maxMatch - minMatch + 1]uint8) {
	for c, l := range lengthCodes {
		for i := int(l.base); i <= maxMatch && i < int(l.base)+1<<l.extra; i++ {
			codes[i-minMatch] = uint8(c)
		}
	}
	return codes
}()

// distanceCode returns the code of a distance: each power of two from 4 on begins
// two.
func distanceCode(distance int) int {
	d := uint(distance - 1)
	if d < 4 {
		return int(d)
	}
	n := bits.Len(d)
	return 2*(n-1) + int(d>>(n-2))&1
}

func (e *encoder) begin(dst, message []byte, level Level) {
	e.level, e.message = level, message
	e.block, e.at, e.pending, e.count, e.literals = 0, 0, 0, 0, 0
	e.out, e.start = dst, len(dst)
	e.hold, e.nhold = 0, 0
}

// short is up to how many octets of a message are worth more than one look: the
// codes of their block cost as much as finding better matches.
const short = 2048

// tiny is up to how many octets of a message with a context are not worth codes of their
// own, for what is not told by the context is too little; nor that each position of a
// match is put into the index.
const tiny = 192

// alone finds matches within the message.
func (e *encoder) alone(window int) {
	n := len(e.message)
	// Here the message pays for the codes of a block, and a greedy search is at par
	// with its like elsewhere.
	e.few, e.lazy, e.deep, e.step = 160, false, false, 3
	var prev []uint16
	if e.level == Best {
		e.few = 20
		if e.prev == nil {
			e.prev = make([]uint16, 1<<MaxWindowBits)
		}
		prev = e.prev[:window]
	}
	x := newIndex(e.head[:1<<min(14, max(8, bits.Len(uint(n))))], prev, n <= short)
	clear(x.head)
	buf := e.message
	if n <= short { // in a longer one the last octets matter less
		e.join = append(append(e.join[:0], buf...), padding...)
		buf = e.join
	}
	e.search(buf, 0, n, 0, &x, window)
}

// within finds matches within the message and the window before it, of size octets
// at most.
func (e *encoder) within(w *window, size int) {
	n := len(e.message)
	e.few, e.lazy, e.deep = 50, true, n <= short || size < 1<<smallBits
	switch {
	case n <= tiny:
		e.few, e.step = tiny, 2
	case e.deep:
		e.step = 1
	case size == 1<<smallBits:
		e.step = 2
	default: // there is more to find in a large window than is worth an index
		e.step = 3
	}
	if e.level == Best {
		e.few = 20
	}
	w.refresh()
	x, base := &w.work.index, w.work.base
	if w.room(n) {
		from := len(w.buf)
		buf := append(append(w.buf, e.message...), padding...)
		x.catchUp(buf, from, base)
		e.search(buf, from, from+n, base, x, size)
		return
	}
	// The first of it behind a copy of the window, the rest where it is.
	kept := w.buf[max(0, len(w.buf)-size):]
	base += uint16(len(w.buf) - len(kept))
	first := min(n, size)
	e.join = append(append(append(e.join[:0], kept...), e.message[:first]...), padding...)
	x.catchUp(e.join, len(kept), base)
	e.search(e.join, len(kept), len(kept)+first, base, x, size)
	e.search(e.message, first, n, base+uint16(len(kept)), x, size)
}

// search finds matches in buf from i to end, and writes blocks as they get full.
func (e *encoder) search(buf []byte, i, end int, base uint16, x *index, window int) {
	for i < end {
		if e.count == maxSequences || e.at-e.block == maxStored {
			e.writeBlock()
		}
		from := i
		to := min(end, i+maxStored-(e.at-e.block))
		switch {
		case e.level == Best:
			i = e.best(buf, i, to, base, x, window)
		case e.deep:
			i = e.two(buf, i, to, base, x, window)
		default:
			i = e.one(buf, i, to, base, x, window)
		}
		e.at += i - from
	}
}

// end writes what is left of the message, and the end of it.
func (e *encoder) end() []byte {
	if e.at > e.block {
		e.writeBlock()
	}
	e.out = slices.Grow(e.out, 16)
	// An empty stored block less its LEN and NLEN (RFC 7692 §7.2.1).
	e.put(blockStored<<1, 3)
	e.put(0, -e.nhold&7)
	out := e.out
	e.out, e.message = nil, nil
	return out
}

// put appends n bits, at most 56, to hold and whole octets of it to out, which has
// room for 8.
func (e *encoder) put(v uint64, n uint) {
	hold := e.hold | v<<(e.nhold&63)
	n += e.nhold
	o := len(e.out)
	binary.LittleEndian.PutUint64(e.out[o:o+8], hold)
	e.out = e.out[:o+int(n>>3)]
	e.hold, e.nhold = hold>>(n&^7&63), n&7
}
