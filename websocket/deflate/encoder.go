package deflate

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A sequence is a run of literals and the match behind it: from its lowest bit 16
// bits with the length of the run, 8 with the length of the match less 3, 8 with its
// length code less 257, 16 with its distance less 1, 16 with its distance code.
type sequence uint64

func newSequence(literals, length, distance int) sequence {
	return sequence(literals) | sequence(length-minMatch)<<16 | sequence(lengthCode[length-minMatch])<<24 |
		sequence(distance-1)<<32 | sequence(distanceCode(distance))<<48
}

// lengthCode is the length code of a length less 3.
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

const maxSequences = 8192 // in a block

// An encoder compresses one message.
type encoder struct {
	level   Level
	message []byte
	block   int // where the block begins that is not yet written
	at      int // up to where sequences tell the message
	pending int // literals behind the last sequence
	few     int // a block of fewer symbols gets no codes of its own

	sequences [maxSequences]sequence
	count     int

	out   []byte
	start int    // of this message in out
	hold  uint64 // bits that are not yet in out
	nhold uint

	table [1 << 14]uint16
	prev  []uint16
	join  []byte

	tree               treeBuilder
	litlenOften        [maxLitlens]uint32
	distanceOften      [maxDistances]uint32
	codeLenOften       [maxCodeLens]uint32
	codeLenLens        [maxCodeLens]uint8
	litlens, distances [288]word
	codeLens           [maxCodeLens]word
	told               [maxLitlens + maxDistances]uint16 // code length symbols with their extra bits

	nlitlens, ndistances, ncodeLens, ntold int
}

func (e *encoder) begin(dst, message []byte, level Level) {
	e.level, e.message = level, message
	e.block, e.at, e.pending, e.count = 0, 0, 0, 0
	e.out, e.start = dst, len(dst)
	e.hold, e.nhold = 0, 0
}

// alone finds matches within the message.
func (e *encoder) alone(window int) {
	e.few = 160
	x := index{head: e.table[:1<<min(14, max(8, bits.Len(uint(len(e.message)))))]}
	clear(x.head)
	if e.level == Best {
		if e.prev == nil {
			e.prev = make([]uint16, 1<<MaxWindowBits)
		}
		x.prev = e.prev[:window]
	}
	e.search(e.message, 0, len(e.message), 0, &x, window)
}

// within finds matches within the message and the window before it.
func (e *encoder) within(w *window, size int) {
	e.few = 50
	n := len(e.message)
	if n <= cap(w.buf)-len(w.buf) {
		from := len(w.buf)
		buf := append(w.buf, e.message...)
		e.search(buf, from, len(buf), w.base, &w.index, size)
		return
	}
	// The first of it behind a copy of the window, the rest where it is.
	kept := w.buf[max(0, len(w.buf)-size):]
	base := w.base + uint16(len(w.buf)-len(kept))
	first := min(n, size)
	e.join = append(append(e.join[:0], kept...), e.message[:first]...)
	e.search(e.join, len(kept), len(e.join), base, &w.index, size)
	if first < n {
		e.search(e.message, first, n, base+uint16(len(kept)), &w.index, size)
	}
}

// search finds matches in buf from i to end, and writes blocks as they get full.
func (e *encoder) search(buf []byte, i, end int, base uint16, x *index, window int) {
	for i < end {
		if e.count == maxSequences || e.at-e.block == maxStored {
			e.writeBlock()
		}
		to := min(end, i+maxStored-(e.at-e.block))
		from := i
		if e.level == Best {
			i = e.best(buf[:to], i, base, x, window)
		} else {
			i = e.fast(buf[:to], i, base, x, window)
		}
		e.at += i - from
	}
}

func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// fast finds matches in buf from i on, by one look each. It returns up to where the
// sequences tell it: the end of buf, unless there is no room for more.
func (e *encoder) fast(buf []byte, i int, base uint16, x *index, window int) int {
	shift := x.shift()
	head := x.head
	run := i - e.pending // where the run of literals begins, as if buf had all of it
	for i <= len(buf)-8 {
		v := load(buf, i)
		h := hash(v, shift)
		distance := int(base + uint16(i) - head[h])
		head[h] = base + uint16(i)
		if uint(distance-1) >= uint(min(window, i)) || uint32(v) != uint32(load(buf, i-distance)) {
			i += 1 + (i-run)>>6
			continue
		}
		length := 4 + same(buf, i-distance+4, i+4, maxMatch-4)
		e.sequences[e.count] = newSequence(i-run, length, distance)
		e.count++
		for k := i + 1; k < i+length && k <= len(buf)-8; k += 2 {
			head[hash(load(buf, k), shift)] = base + uint16(k)
		}
		i += length
		run = i
		if e.count == maxSequences {
			e.pending = 0
			return i
		}
	}
	e.pending = len(buf) - run
	return len(buf)
}

// best finds matches in buf from i on, by several looks each, and puts one off where
// the next is longer.
func (e *encoder) best(buf []byte, i int, base uint16, x *index, window int) int {
	shift := x.shift()
	run := i - e.pending
	length, distance := 0, 0
	for i <= len(buf)-8 {
		if length == 0 {
			length, distance = x.longest(buf, i, base, shift, window, 3)
			x.insert(load(buf, i), base+uint16(i), shift)
		}
		if length == 0 {
			i++
			continue
		}
		if i+1 <= len(buf)-8 && length < 64 {
			l, d := x.longest(buf, i+1, base, shift, window, length)
			x.insert(load(buf, i+1), base+uint16(i+1), shift)
			if l > length {
				i, length, distance = i+1, l, d
				continue
			}
		}
		e.sequences[e.count] = newSequence(i-run, length, distance)
		e.count++
		for k := i + 2; k < i+length && k <= len(buf)-8; k++ {
			x.insert(load(buf, k), base+uint16(k), shift)
		}
		i += length
		run = i
		length = 0
		if e.count == maxSequences {
			e.pending = 0
			return i
		}
	}
	if length > 0 {
		e.sequences[e.count] = newSequence(i-run, length, distance)
		e.count++
		run = i + length
	}
	e.pending = len(buf) - run
	return len(buf)
}

// longest returns the longest match at i that is longer than least, or 0.
func (x *index) longest(buf []byte, i int, base uint16, shift uint, window, least int) (length, distance int) {
	v := load(buf, i)
	at := x.head[hash(v, shift)]
	before := 0
	for range 32 {
		d := int(base + uint16(i) - at)
		if d <= before || d > min(window, i) {
			break
		}
		before = d
		if uint32(load(buf, i-d)) == uint32(v) {
			if l := 4 + same(buf, i-d+4, i+4, maxMatch-4); l > least {
				least, length, distance = l, l, d
			}
		}
		at = x.prev[int(at)&(len(x.prev)-1)]
	}
	return length, distance
}

// same returns how many octets are the same at i and at k, i before k, up to most.
func same(buf []byte, i, k, most int) int {
	most = min(most, len(buf)-k)
	n := 0
	for n <= most-8 {
		if diff := load(buf, i+n) ^ load(buf, k+n); diff != 0 {
			return n + bits.TrailingZeros64(diff)>>3
		}
		n += 8
	}
	for n < most && buf[i+n] == buf[k+n] {
		n++
	}
	return n
}

// end writes what is left of the message, and the end of it.
func (e *encoder) end(dst []byte) []byte {
	if e.at > e.block {
		e.writeBlock()
	}
	e.out = slices.Grow(e.out, 16)
	// An empty stored block less its LEN and NLEN (RFC 7692 §7.2.1).
	e.put(0, 3)
	e.put(0, -e.nhold&7)
	out := e.out
	e.out, e.message = nil, nil
	return out
}

// put appends n bits, at most 57, to hold and whole octets of it to out, which has
// room for 8.
func (e *encoder) put(v uint64, n uint) {
	hold := e.hold | v<<(e.nhold&63)
	n += e.nhold
	o := len(e.out)
	binary.LittleEndian.PutUint64(e.out[o:o+8], hold)
	e.out = e.out[:o+int(n>>3)]
	e.hold, e.nhold = hold>>(n&^7&63), n&7
}
