package deflate

import (
	"math/bits"
	"slices"
)

// A code word of a Huffman code: its bits, the first lowest (RFC 1951 §3.1.1), and
// from bit 16 on how many they are; 0 if the symbol has none.
type word = uint32

func wordBits(w word) uint64 { return uint64(w & 0xffff) }
func wordLen(w word) uint    { return uint(w >> 16) }

// A treeBuilder finds the lengths of a Huffman code.
type treeBuilder struct {
	sorted [288]uint32 // the symbols that occur, rarest first: how often <<9 | symbol
	weight [2 * 288]uint32
	parent [2 * 288]uint16     // then the depth
	count  [maxBits + 1]uint16 // of words by their length
}

// fewest is below how many occurrences symbols are sorted by counting.
const fewest = 64

// sort puts the symbols that occur in order, and returns how many there are.
func (b *treeBuilder) sort(often []uint32) int {
	var place [fewest + 1]uint16
	for _, n := range often {
		if n > 0 {
			place[min(n, fewest-1)+1]++
		}
	}
	for i := 1; i < fewest; i++ {
		place[i+1] += place[i]
	}
	many := int(place[fewest-1])
	n := int(place[fewest])
	for symbol, n := range often {
		if n > 0 {
			k := min(n, fewest-1)
			b.sorted[place[k]] = n<<9 | uint32(symbol)
			place[k]++
		}
	}
	slices.Sort(b.sorted[many:n])
	return n
}

// lengths sets lens to the lengths of an optimal code for symbols that occur as
// often as given, but none longer than limit. It returns how many symbols occur, and
// how many bits all of them take.
func (b *treeBuilder) lengths(often []uint32, lens []uint8, limit int) (n, size int) {
	clear(lens)
	clear(b.count[:])
	n = b.sort(often)
	if n < 2 {
		if n == 1 {
			lens[b.sorted[0]&511] = 1
			b.count[1] = 1
			size = int(b.sorted[0] >> 9)
		}
		return n, size
	}
	// Two queues: the leaves, and the nodes above them in the order they are made.
	for i, s := range b.sorted[:n] {
		b.weight[i] = s >> 9
	}
	leaf, node := 0, n
	for made := n; made < 2*n-1; made++ {
		sum := uint32(0)
		for range 2 {
			if leaf < n && (node == made || b.weight[leaf] <= b.weight[node]) {
				sum += b.weight[leaf]
				b.parent[leaf] = uint16(made)
				leaf++
			} else {
				sum += b.weight[node]
				b.parent[node] = uint16(made)
				node++
			}
		}
		b.weight[made] = sum
	}
	count := &b.count
	b.parent[2*n-2] = 0
	for i := 2*n - 3; i >= 0; i-- {
		depth := b.parent[b.parent[i]] + 1
		b.parent[i] = depth
		if i < n {
			count[min(int(depth), limit)]++
		}
	}
	// Where words were cut short, others have to make room: one that is shorter
	// becomes the beginning of two.
	space := 0
	for i := 1; i <= limit; i++ {
		space += int(count[i]) << (limit - i)
	}
	for ; space > 1<<limit; space-- {
		count[limit]--
		i := limit - 1
		for count[i] == 0 {
			i--
		}
		count[i]--
		count[i+1] += 2
	}
	i := 0
	for length := limit; length > 0; length-- {
		for _, s := range b.sorted[i : i+int(count[length])] {
			lens[s&511] = uint8(length)
			size += int(s>>9) * length
		}
		i += int(count[length])
	}
	return n, size
}

// setWords sets the words of the canonical code of the given lengths (RFC 1951
// §3.2.2), of which there are so many of each.
func setWords(words []word, lens []uint8, count *[maxBits + 1]uint16) {
	var next [maxBits + 1]uint16
	for n := 1; n < maxBits; n++ {
		next[n+1] = (next[n] + count[n]) << 1
	}
	for i, n := range lens {
		if n > 0 {
			words[i] = uint32(bits.Reverse16(next[n&15]<<(16-n&31))) | uint32(n)<<16
			next[n&15]++
		}
	}
}
