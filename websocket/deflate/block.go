package deflate

import (
	"encoding/binary"
	"math"
	"slices"
)

// writeBlock writes message[block:at] as the type of block that is smallest.
func (e *encoder) writeBlock() {
	n := e.at - e.block
	symbols := n
	for _, s := range e.sequences[:e.count] {
		symbols -= s.length() - 2
	}
	stored := 8 * (5 + n)
	var fixed, dynamic int
	if symbols < e.few {
		// A literal takes 9 bits at most, a match 31: mostly that tells enough.
		fixed, dynamic = 3+7+9*symbols+(31-2*9)*e.count, math.MaxInt
		if fixed > stored {
			fixed = e.fixedBits()
		}
	} else {
		e.countSymbols()
		fixed, dynamic = math.MaxInt, math.MaxInt
		if n < 256 || symbols < n-n>>8 || !e.codes.flat(n) {
			fixed, dynamic = e.codes.build()
		}
	}
	e.out = slices.Grow(e.out, min(stored, fixed, dynamic)/8+32)
	switch {
	case stored <= min(fixed, dynamic):
		e.put(blockStored<<1, 3)
		if e.nhold > 0 {
			e.put(0, 8-e.nhold)
		}
		e.put(uint64(n)|uint64(^uint16(n))<<16, 32)
		e.out = append(e.out, e.message[e.block:e.at]...)
	case fixed <= dynamic:
		e.put(blockFixed<<1, 3)
		e.writeSymbols(&fixedLitlens, &fixedDistances)
	default:
		e.writeHeader()
		e.writeSymbols(&e.codes.litlens, &e.codes.distances)
	}
	e.block, e.count, e.pending, e.literals = e.at, 0, 0, 0
}

// fixedBits returns how many bits the block takes in the fixed code.
func (e *encoder) fixedBits() int {
	size := 3 + 7
	rest := e.message[e.block:e.at]
	for _, s := range e.sequences[:e.count] {
		run := rest[:s.literals()]
		rest = rest[len(run)+s.length():]
		for _, b := range run {
			size += int(fixedLens[b])
		}
		length, distance := s.lengthCode(), s.distanceCode()
		size += int(fixedLens[firstLength+length&31]) + int(lengthExtra[length&31]) + 5 + int(distanceExtra[distance&31])
	}
	for _, b := range rest {
		size += int(fixedLens[b])
	}
	return size
}

// The words of the fixed code (RFC 1951 §3.2.6).
var fixedLitlens, fixedDistances = func() (litlens, distances [288]word) {
	setWords(litlens[:], fixedLens[:], &[maxBits + 1]uint16{7: 24, 8: 152, 9: 112})
	var fives [maxDistances + 2]uint8
	for i := range fives {
		fives[i] = 5
	}
	setWords(distances[:], fives[:], &[maxBits + 1]uint16{5: 32})
	return litlens, distances
}()

func (e *encoder) countSymbols() {
	clear(e.codes.litlenOften[:])
	clear(e.codes.distanceOften[:])
	at := e.block
	for _, s := range e.sequences[:e.count] {
		for _, b := range e.message[at : at+s.literals()] {
			e.codes.litlenOften[b]++
		}
		e.codes.litlenOften[firstLength+s.lengthCode()]++
		e.codes.distanceOften[s.distanceCode()&31]++
		at += s.literals() + s.length()
	}
	for _, b := range e.message[at:e.at] {
		e.codes.litlenOften[b]++
	}
	e.codes.litlenOften[endOfBlock]++
}

func (e *encoder) writeHeader() {
	e.put(blockDynamic<<1, 3)
	e.put(uint64(e.codes.nlitlens-firstLength), 5)
	e.put(uint64(e.codes.ndistances-1), 5)
	e.put(uint64(e.codes.ncodeLens-4), 4)
	for _, s := range codeLenOrder[:e.codes.ncodeLens] {
		e.put(uint64(e.codes.codeLenLens[s]), 3)
	}
	for _, t := range e.codes.told[:e.codes.ntold] {
		s := t & 0xff
		w := e.codes.codeLens[s]
		e.put(wordBits(w)|uint64(t>>8)<<wordLen(w), wordLen(w)+uint(repeatBits[s]))
	}
}

// writeSymbols writes the literals and matches of the block. out has room for them
// and 8 octets more.
func (e *encoder) writeSymbols(litlens, distances *[288]word) {
	out, o := e.out[:cap(e.out)], len(e.out)
	hold, n := e.hold, e.nhold // less than 8 bits, again after each store
	rest := e.message[e.block:e.at]
	for _, s := range e.sequences[:e.count] {
		run := rest[:s.literals()]
		rest = rest[len(run)+s.length():]
		for ; len(run) >= 3; run = run[3:] {
			hold, n = add(hold, n, litlens[run[0]])
			hold, n = add(hold, n, litlens[run[1]])
			hold, n = add(hold, n, litlens[run[2]])
			binary.LittleEndian.PutUint64(out[o:], hold)
			o += int(n >> 3)
			hold >>= n &^ 7 & 63
			n &= 7
		}
		// One or two literals and a length: at most 7 + 2*15 + 15 + 5 bits.
		for _, b := range run {
			hold, n = add(hold, n, litlens[b])
		}
		code := s.lengthCode()
		hold, n = add(hold, n, litlens[firstLength+code&31])
		extra := uint(lengthExtra[code&31])
		hold |= uint64(s>>16&0xff) & (1<<extra - 1) << (n & 63)
		n += extra
		binary.LittleEndian.PutUint64(out[o:], hold)
		o += int(n >> 3)
		hold >>= n &^ 7 & 63
		n &= 7

		code = s.distanceCode()
		hold, n = add(hold, n, distances[code&31])
		extra = uint(distanceExtra[code&31])
		hold |= uint64(s>>32&0xffff) & (1<<extra - 1) << (n & 63)
		n += extra
		binary.LittleEndian.PutUint64(out[o:], hold)
		o += int(n >> 3)
		hold >>= n &^ 7 & 63
		n &= 7
	}
	for ; len(rest) >= 3; rest = rest[3:] {
		hold, n = add(hold, n, litlens[rest[0]])
		hold, n = add(hold, n, litlens[rest[1]])
		hold, n = add(hold, n, litlens[rest[2]])
		binary.LittleEndian.PutUint64(out[o:], hold)
		o += int(n >> 3)
		hold >>= n &^ 7 & 63
		n &= 7
	}
	for _, b := range rest {
		hold, n = add(hold, n, litlens[b])
	}
	hold, n = add(hold, n, litlens[endOfBlock])
	binary.LittleEndian.PutUint64(out[o:], hold)
	o += int(n >> 3)
	e.hold, e.nhold = hold>>(n&^7&63), n&7
	e.out = out[:o]
}

// add puts a word behind the n bits of hold.
func add(hold uint64, n uint, w word) (uint64, uint) {
	return hold | uint64(w&0xffff)<<(n&63), n + uint(w>>16)
}

// The extra bits of the codes: they hold the lowest bits of a length less 3 and of a
// distance less 1, since each code begins at a multiple of how many it stands for.
var lengthExtra, distanceExtra = func() (lengths, distances [32]uint8) {
	for i, c := range lengthCodes {
		lengths[i] = c.extra
	}
	for i, c := range distanceCodes {
		distances[i] = c.extra
	}
	return lengths, distances
}()
