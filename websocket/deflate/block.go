package deflate

import "slices"

// writeBlock writes message[block:at] as the type of block that is smallest.
func (e *encoder) writeBlock() {
	e.countSymbols()
	n := e.at - e.block
	stored := 8 * (5 + n)
	fixed := 3
	extra := 0
	for s, often := range e.litlenOften {
		fixed += int(often) * int(fixedLens[s])
		if s >= firstLength {
			extra += int(often) * int(lengthCodes[s-firstLength].extra)
		}
	}
	for s, often := range e.distanceOften {
		fixed += int(often) * 5
		extra += int(often) * int(distanceCodes[s].extra)
	}
	fixed += extra
	dynamic := e.buildDynamic() + extra
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
		e.writeSymbols(&e.litlens, &e.distances)
	}
	e.block, e.count, e.pending = e.at, 0, 0
}

// The words of the fixed code (RFC 1951 §3.2.6).
var fixedLitlens, fixedDistances = func() (litlens, distances [288]word) {
	setWords(litlens[:], fixedLens[:])
	var fives [maxDistances + 2]uint8
	for i := range fives {
		fives[i] = 5
	}
	setWords(distances[:], fives[:])
	return litlens, distances
}()

func (e *encoder) countSymbols() {
	clear(e.litlenOften[:])
	clear(e.distanceOften[:])
	at := e.block
	for _, s := range e.sequences[:e.count] {
		literals := int(s & 0xffff)
		for _, b := range e.message[at : at+literals] {
			e.litlenOften[b]++
		}
		e.litlenOften[firstLength+int(s>>24&0xff)]++
		e.distanceOften[s>>48]++
		at += literals + int(s>>16&0xff) + minMatch
	}
	for _, b := range e.message[at:e.at] {
		e.litlenOften[b]++
	}
	e.litlenOften[endOfBlock]++
}

// buildDynamic makes the codes for the block, and returns how many bits it takes
// with them, less extra bits.
func (e *encoder) buildDynamic() int {
	var lens [maxLitlens + maxDistances]uint8
	litlens, distances := lens[:maxLitlens], lens[maxLitlens:]
	e.tree.lengths(e.litlenOften[:], litlens, maxBits)
	e.tree.lengths(e.distanceOften[:], distances, maxBits)
	size := 0
	for s, n := range litlens {
		size += int(n) * int(e.litlenOften[s])
	}
	for s, n := range distances {
		size += int(n) * int(e.distanceOften[s])
	}
	setWords(e.litlens[:], litlens)
	setWords(e.distances[:], distances)
	nl, nd := len(litlens), len(distances)
	for litlens[nl-1] == 0 {
		nl--
	}
	for nd > 1 && distances[nd-1] == 0 {
		nd--
	}
	e.nlitlens, e.ndistances = nl, nd
	copy(lens[nl:], distances[:nd])
	e.tell(lens[:nl+nd])
	e.tree.lengths(e.codeLenOften[:], e.codeLenLens[:], 7)
	setWords(e.codeLens[:], e.codeLenLens[:])
	e.ncodeLens = maxCodeLens
	for e.ncodeLens > 4 && e.codeLenLens[codeLenOrder[e.ncodeLens-1]] == 0 {
		e.ncodeLens--
	}
	size += 3 + 14 + 3*e.ncodeLens
	for s, n := range e.codeLenLens {
		size += int(e.codeLenOften[s]) * (int(n) + int(repeatBits[s]))
	}
	return size
}

// repeatBits are the extra bits of the symbols that tell code lengths.
var repeatBits = [maxCodeLens]uint8{16: 2, 17: 3, 18: 7}

// tell tells code lengths by the symbols of RFC 1951 §3.2.7.
func (e *encoder) tell(lens []uint8) {
	clear(e.codeLenOften[:])
	e.ntold = 0
	say := func(symbol, extra int) {
		e.told[e.ntold] = uint16(symbol | extra<<8)
		e.ntold++
		e.codeLenOften[symbol]++
	}
	for i := 0; i < len(lens); {
		n := lens[i]
		k := i + 1
		for k < len(lens) && lens[k] == n {
			k++
		}
		same := k - i
		i = k
		if n != 0 {
			say(int(n), 0)
			same--
		}
		for same >= 3 {
			switch {
			case n != 0:
				r := min(same, 6)
				say(16, r-3)
				same -= r
			case same <= 10:
				say(17, same-3)
				same = 0
			default:
				r := min(same, 138)
				say(18, r-11)
				same -= r
			}
		}
		for range same {
			say(int(n), 0)
		}
	}
}

func (e *encoder) writeHeader() {
	e.put(blockDynamic<<1, 3)
	e.put(uint64(e.nlitlens-firstLength), 5)
	e.put(uint64(e.ndistances-1), 5)
	e.put(uint64(e.ncodeLens-4), 4)
	for _, s := range codeLenOrder[:e.ncodeLens] {
		e.put(uint64(e.codeLenLens[s]), 3)
	}
	for _, t := range e.told[:e.ntold] {
		s := t & 0xff
		w := e.codeLens[s]
		e.put(wordBits(w)|uint64(t>>8)<<wordLen(w), wordLen(w)+uint(repeatBits[s]))
	}
}

func (e *encoder) writeSymbols(litlens, distances *[288]word) {
	at := e.block
	literals := func(n int) {
		for _, b := range e.message[at : at+n] {
			w := litlens[b]
			e.put(wordBits(w), wordLen(w))
		}
		at += n
	}
	for _, s := range e.sequences[:e.count] {
		literals(int(s & 0xffff))
		length, lc := int(s>>16&0xff), int(s>>24&0xff)
		w := litlens[firstLength+lc]
		l := lengthCodes[lc]
		e.put(wordBits(w)|uint64(length+minMatch-int(l.base))<<wordLen(w), wordLen(w)+uint(l.extra))
		dc := int(s >> 48)
		w = distances[dc]
		d := distanceCodes[dc]
		e.put(wordBits(w)|uint64(int(s>>32&0xffff)+1-int(d.base))<<wordLen(w), wordLen(w)+uint(d.extra))
		at += length + minMatch
	}
	literals(e.at - at)
	w := litlens[endOfBlock]
	e.put(wordBits(w), wordLen(w))
}
