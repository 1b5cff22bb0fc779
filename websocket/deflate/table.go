package deflate

import (
	"math/bits"
	"sync"
)

// A table decodes a Huffman code by its next bits. The first 1<<root entries are
// found by the next root bits; a longer word finds there a link to a table of its
// own further on. root is as many bits as the longest word has, or those below: to
// make a table takes longer than to decode a short message.
//
// An entry holds, from its lowest bit: 8 bits with the number of bits that the
// symbol takes, extra bits included; 4 with the length of its code word alone;
// 4 flags; 16 with the literal, or what the length or distance is at least, or in a
// link the place of the other table.
type entry = uint32

const (
	entryLiteral = 1 << 15
	entrySpecial = 1 << 14 // neither literal nor length or distance: one of those below
	entryLink    = 1 << 13 // the 4 bits hold how many bits the other table is found by
	entryEnd     = 1 << 12

	litlenRoot   = 10
	distanceRoot = 8
	codeLenRoot  = 7

	// As large as any complete code makes the tables (1,334 and 402 entries), and
	// powers of two, so that a masked index is in range.
	litlenSize   = 2048
	distanceSize = 512
)

// symbols to entries, less the length of their code words.
var (
	litlenEntries = func() (entries [288]entry) {
		for i := range entries {
			switch {
			case i < endOfBlock:
				entries[i] = entryLiteral | entry(i)<<16
			case i == endOfBlock:
				entries[i] = entrySpecial | entryEnd
			case i < maxLitlens:
				entries[i] = lengthCodes[i-firstLength].entry()
			default:
				entries[i] = entrySpecial
			}
		}
		return entries
	}()
	distanceEntries = func() (entries [32]entry) {
		for i := range entries {
			entries[i] = entrySpecial
			if i < maxDistances {
				entries[i] = distanceCodes[i].entry()
			}
		}
		return entries
	}()
	codeLenEntries = func() (entries [maxCodeLens]entry) {
		for i := range entries {
			entries[i] = entry(i) << 16
		}
		return entries
	}()
)

func (c coded) entry() entry { return entry(c.base)<<16 | entry(c.extra) }

// tables are the two of a block, and the bits by which an entry is found in each.
type tables struct {
	litlen       [litlenSize]entry
	distance     [distanceSize]entry
	litlenMask   uint64
	distanceMask uint64
}

// build makes the tables of codes with such lengths, and reports whether there are
// such codes.
func (t *tables) build(litlens, distances []uint8) bool {
	var ok, also bool
	t.litlenMask, ok = buildTable(t.litlen[:], litlens, litlenEntries[:], litlenRoot)
	t.distanceMask, also = buildTable(t.distance[:], distances, distanceEntries[:], distanceRoot)
	return ok && also
}

// fixedTables are those of the fixed code (RFC 1951 §3.2.6).
var fixedTables = sync.OnceValue(func() *tables {
	t := new(tables)
	var distances [32]uint8
	for i := range distances {
		distances[i] = 5
	}
	t.build(fixedLens[:], distances[:])
	return t
})

// buildTable makes the table of the code that has a word of the given length for
// each symbol, 0 for none, canonical as RFC 1951 §3.2.2 says; most is how many bits
// root may have. It returns root ones, and reports whether the words fill their space
// exactly. A code of a single word of one bit is taken
// too, and one of none (RFC 1951 §3.2.7, as zlib does it): what they leave over is
// no symbol.
func buildTable(table []entry, lens []uint8, symbols []entry, most uint) (mask uint64, ok bool) {
	// The symbols in the order of their words: by length, then as they come.
	var count, next [maxBits + 2]uint16
	for i, n := skipZeros(lens, 0); i < len(lens); i, n = skipZeros(lens, n) {
		for ; i < n; i++ {
			count[lens[i]&15]++
		}
	}
	longest, space := uint(0), 0
	for n := 1; n <= maxBits; n++ {
		next[n+1] = next[n] + count[n]
		space += int(count[n]) << (maxBits - n)
		if count[n] > 0 {
			longest = uint(n)
		}
	}
	used := int(next[maxBits+1])
	if space != 1<<maxBits && (used > 1 || longest > 1) {
		return 0, false
	}
	var sorted [288]uint16
	for i, end := skipZeros(lens, 0); i < len(lens); i, end = skipZeros(lens, end) {
		for ; i < end; i++ {
			if n := lens[i]; n > 0 {
				sorted[next[n&15]] = uint16(i)
				next[n&15]++
			}
		}
	}

	// Words of up to root bits. A word stands in the table with its first bit lowest
	// (RFC 1951 §3.1.1); table[:1<<n] is filled for n bits, then doubled.
	root := min(most, max(longest, 1))
	table[0], table[1] = entrySpecial|1<<8|1, entrySpecial|1<<8|1
	word, at := uint(0), 0
	n := uint(1)
	for ; n <= root; n++ {
		if n > 1 {
			copy(table[1<<(n-1):1<<n], table[:1<<(n-1)])
		}
		for range count[n] {
			table[word] = symbols[sorted[at]] + entry(n<<8|n)
			at++
			word = nextWord(word, n)
		}
	}
	if longest <= root {
		return 1<<root - 1, true
	}

	// Longer ones: a table for each beginning of root bits.
	end, begin, sub := uint(1)<<root, ^uint(0), uint(0)
	left := int(count[n])
	for at < used {
		for left == 0 {
			n++
			left = int(count[n])
		}
		if word&(1<<root-1) != begin {
			begin = word & (1<<root - 1)
			// As many bits as the words that begin so need.
			sub = n - root
			for space := left; space < 1<<sub; {
				sub++
				if root+sub > maxBits {
					break
				}
				space = space<<1 + int(count[root+sub])
			}
			table[begin] = entrySpecial | entryLink | entry(end<<16|sub<<8)
			end += 1 << sub
		}
		start := table[begin] >> 16
		e := symbols[sorted[at]] + entry(n<<8|n)
		for i := word >> root; i < 1<<sub; i += 1 << (n - root) {
			table[uint(start)+i] = e
		}
		at++
		left--
		word = nextWord(word, n)
	}
	return 1<<root - 1, true
}

// skipZeros returns where the next eight lengths begin, from i on, that are not all 0,
// and where they end. Most symbols of a short message have no word.
func skipZeros(lens []uint8, i int) (begin, end int) {
	for i+8 <= len(lens) && load(lens, i) == 0 {
		i += 8
	}
	return i, min(i+8, len(lens))
}

// nextWord returns the code word behind word, of n bits, both with the first bit
// lowest: the highest zero becomes one and the ones above it zero. Behind the last
// there is none.
func nextWord(word, n uint) uint {
	zeros := word ^ (1<<n - 1)
	if zeros == 0 {
		return word
	}
	bit := uint(1) << (bits.Len(zeros) - 1)
	return word&(bit-1) | bit
}
