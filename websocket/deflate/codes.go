package deflate

// codes are the codes of a dynamic block (RFC 1951 §3.2.7), and what they are made
// of.
type codes struct {
	tree treeBuilder

	// How often each symbol occurs.
	litlenOften   [maxLitlens]uint32
	distanceOften [maxDistances]uint32
	codeLenOften  [maxCodeLens]uint32

	litlens, distances [288]word
	codeLens           [maxCodeLens]word
	codeLenLens        [maxCodeLens]uint8

	nlitlens, ndistances, ncodeLens, ntold int

	// told are the symbols that tell the code lengths; from bit 8 on their extra bits.
	told [maxLitlens + maxDistances]uint16
}

// flat tells whether n literals are so evenly spread, as those of what is compressed
// already, that no code of their own saves more than a fortieth: two of them are the
// same hardly more often than by chance.
func (c *codes) flat(n int) bool {
	same := 0
	for _, often := range c.litlenOften[:endOfBlock] {
		same += int(often) * (int(often) - 1)
	}
	return same < n*n/224
}

// build makes the codes for a block whose symbols are counted. It returns how many bits the block takes
// in the fixed code, and in these.
func (c *codes) build() (fixed, dynamic int) {
	var lens [maxLitlens + maxDistances]uint8
	litlens, distances := lens[:maxLitlens], lens[maxLitlens:]
	extra := 0 // bits, the same in both
	n, size := c.tree.lengths(c.litlenOften[:], litlens, maxBits)
	for _, s := range c.tree.sorted[:n] {
		often, symbol := int(s>>9), s&511
		fixed += often * int(fixedLens[symbol])
		if symbol >= firstLength {
			extra += often * int(lengthExtra[symbol-firstLength])
		}
	}
	setWords(c.litlens[:], litlens, &c.tree.count)
	dynamic = size
	n, size = c.tree.lengths(c.distanceOften[:], distances, maxBits)
	for _, s := range c.tree.sorted[:n] {
		fixed += int(s>>9) * 5
		extra += int(s>>9) * int(distanceExtra[s&31])
	}
	setWords(c.distances[:], distances, &c.tree.count)
	dynamic += size

	c.nlitlens, c.ndistances = len(litlens), len(distances)
	for litlens[c.nlitlens-1] == 0 {
		c.nlitlens--
	}
	for c.ndistances > 1 && distances[c.ndistances-1] == 0 {
		c.ndistances--
	}
	copy(lens[c.nlitlens:], distances[:c.ndistances])
	c.tell(lens[:c.nlitlens+c.ndistances])
	_, size = c.tree.lengths(c.codeLenOften[:], c.codeLenLens[:], 7)
	setWords(c.codeLens[:], c.codeLenLens[:], &c.tree.count)
	c.ncodeLens = maxCodeLens
	for c.ncodeLens > 4 && c.codeLenLens[codeLenOrder[c.ncodeLens-1]] == 0 {
		c.ncodeLens--
	}
	dynamic += size + 14 + 3*c.ncodeLens
	for s := 16; s < maxCodeLens; s++ {
		dynamic += int(c.codeLenOften[s]) * int(repeatBits[s])
	}
	return 3 + fixed + extra, 3 + dynamic + extra
}

// repeatBits are the extra bits of the symbols that tell code lengths.
var repeatBits = [maxCodeLens]uint8{16: 2, 17: 3, 18: 7}

// tell tells code lengths by the symbols of RFC 1951 §3.2.7.
func (c *codes) tell(lens []uint8) {
	clear(c.codeLenOften[:])
	told := c.told[:0]
	for i := 0; i < len(lens); {
		n := lens[i]
		begin := i
		for i++; i < len(lens) && lens[i] == n; i++ {
		}
		again := i - begin
		if n == 0 {
			for ; again > 10; again -= min(again, 138) {
				told = append(told, 18|uint16(min(again, 138)-11)<<8)
				c.codeLenOften[18]++
			}
			if again >= 3 {
				told = append(told, 17|uint16(again-3)<<8)
				c.codeLenOften[17]++
				again = 0
			}
		} else {
			told = append(told, uint16(n))
			c.codeLenOften[n&15]++
			for again--; again >= 3; again -= min(again, 6) {
				told = append(told, 16|uint16(min(again, 6)-3)<<8)
				c.codeLenOften[16]++
			}
		}
		for range again {
			told = append(told, uint16(n))
			c.codeLenOften[n&15]++
		}
	}
	c.ntold = len(told)
}
