package model

// tail is what a sender takes away from the end of a message, and a reader puts
// back (RFC 7692 §7.2.1, §7.2.2): LEN and NLEN of an empty stored block.
var tail = []byte{0x00, 0x00, 0xFF, 0xFF}

// A Block is one block of a DEFLATE stream (RFC 1951 §3.2.3).
type Block struct {
	Final  bool
	Type   int // 0 stored, 1 fixed codes, 2 dynamic codes
	Begin  int // the bit of the input at which its header begins
	Octets int // that it gave
}

// An Inflated is what [Inflate] made of a message.
type Inflated struct {
	Output   []byte
	Blocks   []Block
	Distance int  // the largest one that was used; 0 if none was
	Bits     int  // of the payload, and of the tail behind it, that were read
	Padding  bool // a bit that fills an octet behind a block was not 0
	// Rule is what the message breaks, "" if it is right. Octet is the number of
	// octets of the payload after which that can be told, all of them if only the
	// end of the message tells.
	Rule  Rule
	Octet int
}

// Inflate reads the payload of a compressed message (RFC 7692 §7.2.2). history
// is what the window holds at its start, the last octet the youngest; window is
// the longest distance that was negotiated, in octets.
func Inflate(history, payload []byte, window int) Inflated {
	f := newInflater(history, window)
	f.in = payload[:len(payload):len(payload)]
	rule := f.steps(nil)
	if rule == "" {
		rule = f.end(nil)
	}
	octet := min((f.bit+7)/8, len(payload))
	if rule == MessageCut {
		octet = len(payload)
	}
	return Inflated{f.out[f.start:], f.blocks, f.distance, f.bit, f.padding, rule, octet}
}

// An inflater reads DEFLATE a bit at a time. It can stop behind any bit: the
// unit of which a part is missing is read again from its start when more is there.
type inflater struct {
	window int
	out    []byte // the history, then what the message gave
	start  int    // where that begins
	in     []byte // of the message
	bit    int    // bits of in that were read
	short  bool   // a bit was asked for that is not there

	inBlock   bool
	final     bool // the block that is read, or was read last, is a final one
	left      int  // octets still to come of a stored block
	literals  code
	distances code

	blocks   []Block
	distance int
	padding  bool
	without  off // rules that are turned off
}

func newInflater(history []byte, window int) *inflater {
	out := append([]byte(nil), history...)
	return &inflater{window: window, out: out, start: len(out)}
}

// end puts the tail behind a message and reads it: the stream must then stand at
// the boundary of a block. A message without octets has none. One that ends with
// a final block is whole already: some senders end their stream there, without
// the octet 00 of an empty block, and are taken, though §7.2.1 says otherwise.
func (f *inflater) end(each func() Rule) Rule {
	if f.final && f.whole() && f.without.on(FinalMayEnd) {
		return ""
	}
	if len(f.in) > 0 {
		f.in = append(f.in, tail...)
	}
	rule := f.steps(each)
	switch {
	case rule == BlockInvalid, rule == DistanceTooFar, rule == WindowExceeded:
		return MessageCut // what the tail completes is not what the sender meant
	case rule == "" && !f.whole():
		return MessageCut
	}
	return rule
}

// whole reports whether the stream stands at the boundary of a block, with
// nothing of another behind it.
func (f *inflater) whole() bool { return !f.inBlock && f.bit == 8*len(f.in) && f.bit > 0 }

// steps reads units up to the end of what there is, or to a breach. It calls
// each behind every unit, if that is not nil; what it returns ends the reading.
func (f *inflater) steps(each func() Rule) Rule {
	for {
		before := f.bit
		rule := f.unit()
		if f.short {
			f.bit, f.short = before, false
			return ""
		}
		if rule == "" && each != nil {
			rule = each()
		}
		if rule != "" {
			return rule
		}
	}
}

// unit reads the header of a block, an octet of a stored one, or a symbol with
// all that belongs to it. It changes nothing but f.bit where f.short is set.
func (f *inflater) unit() Rule {
	switch {
	case !f.inBlock && f.final && !f.without.on(FinalGoesOn):
		f.bits(1) // whatever it is
		return BlockInvalid
	case !f.inBlock:
		return f.header()
	case f.left > 0:
		octet := f.bits(8)
		if f.short {
			return ""
		}
		f.give(byte(octet))
		f.left--
		f.inBlock = f.left > 0
		return ""
	}
	symbol := f.symbol(&f.literals)
	if f.short {
		return ""
	}
	switch {
	case symbol < 0 || symbol > 285: // 286 and 287 "will never actually occur in the compressed data" (RFC 1951 §3.2.6)
		return BlockInvalid
	case symbol < 256:
		f.give(byte(symbol))
		return ""
	case symbol == 256:
		f.inBlock = false
		if f.final {
			f.align() // "The next DEFLATE block follows the padded data if any." (RFC 7692 §7.2.1)
		}
		return ""
	}
	return f.match(symbol - 257)
}

// The base values and the extra bits of lengths and distances (RFC 1951 §3.2.5).
var (
	lengthBase    = [29]int{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra   = [29]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase  = [30]int{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distanceExtra = [30]int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// match reads what belongs to the length of that index, and copies.
func (f *inflater) match(index int) Rule {
	length := lengthBase[index] + f.bits(lengthExtra[index])
	code := f.symbol(&f.distances)
	if f.short {
		return ""
	}
	if code < 0 || code > 29 {
		return BlockInvalid
	}
	distance := distanceBase[code] + f.bits(distanceExtra[code])
	if f.short {
		return ""
	}
	if distance > f.window {
		return WindowExceeded
	}
	if distance > len(f.out) {
		return DistanceTooFar
	}
	f.distance = max(f.distance, distance)
	for range length {
		f.out = append(f.out, f.out[len(f.out)-distance])
	}
	f.blocks[len(f.blocks)-1].Octets += length
	return ""
}

// header reads the header of a block (RFC 1951 §3.2.3) with the codes or the
// length that follow it.
func (f *inflater) header() Rule {
	block := Block{Begin: f.bit}
	block.Final, block.Type = f.bits(1) == 1, f.bits(2)
	if f.short {
		return ""
	}
	padding := f.padding
	left := 0
	literals, distances := fixedLiterals, fixedDistances
	rule := Rule("")
	switch block.Type {
	case 0: // §3.2.4
		f.align()
		length, complement := f.bits(16), f.bits(16)
		if !f.short && length != complement^0xFFFF {
			rule = BlockInvalid
		}
		left = length
	case 2:
		literals, distances, rule = f.codes()
	case 3:
		rule = BlockInvalid
	}
	if f.short {
		f.padding = padding
		return ""
	}
	if rule != "" {
		return rule
	}
	f.inBlock, f.final, f.left = block.Type != 0 || left > 0, block.Final, left
	f.literals, f.distances = literals, distances
	f.blocks = append(f.blocks, block)
	return ""
}

// order is that in which the lengths of the code for lengths stand (RFC 1951 §3.2.7).
var order = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// codes reads the codes of a dynamic block (RFC 1951 §3.2.7).
func (f *inflater) codes() (literals, distances code, rule Rule) {
	nLiterals, nDistances, nLengths := f.bits(5)+257, f.bits(5)+1, f.bits(4)+4
	if nLiterals > 286 || nDistances > 30 {
		return literals, distances, BlockInvalid
	}
	var first [19]int
	for _, symbol := range order[:nLengths] {
		first[symbol] = f.bits(3)
	}
	forLengths, left := newCode(first[:])
	if left != 0 {
		return literals, distances, BlockInvalid
	}
	var lengths []int
	for len(lengths) < nLiterals+nDistances && !f.short {
		symbol := f.symbol(&forLengths)
		// Whatever the bits behind it say, a repetition is one of 3 or of 11 at least.
		if least := [19]int{16: 3, 17: 3, 18: 11}[symbol]; !f.short && len(lengths)+least > nLiterals+nDistances {
			return literals, distances, BlockInvalid
		}
		length, times := symbol, 1
		switch symbol {
		case 16:
			if len(lengths) == 0 {
				return literals, distances, BlockInvalid
			}
			length, times = lengths[len(lengths)-1], 3+f.bits(2)
		case 17:
			length, times = 0, 3+f.bits(3)
		case 18:
			length, times = 0, 11+f.bits(7)
		}
		for range times {
			lengths = append(lengths, length)
		}
	}
	if f.short {
		return literals, distances, ""
	}
	// The lengths "form a single sequence of HLIT + HDIST + 258 values", no more,
	// and a block cannot end without a code for 256.
	if len(lengths) > nLiterals+nDistances || lengths[256] == 0 {
		return literals, distances, BlockInvalid
	}
	literals, left = newCode(lengths[:nLiterals])
	if left < 0 || left > 0 && !literals.single() {
		return literals, distances, BlockInvalid
	}
	// "If only one distance code is used, it is encoded using one bit, not zero
	// bits"; and there may be none.
	distances, left = newCode(lengths[nLiterals:])
	if left < 0 || left > 0 && !distances.single() && len(distances.symbols) > 0 {
		return literals, distances, BlockInvalid
	}
	return literals, distances, ""
}

// A code is a Huffman code as RFC 1951 §3.2.2 makes it from lengths: count of
// the codes of each length, and the symbols by length, then by value.
type code struct {
	count   [16]int
	symbols []int
}

// newCode makes the code of these lengths, 0 for a symbol that has none. left is
// how many codes of 15 bits could still be given; below 0 there are too many.
func newCode(lengths []int) (c code, left int) {
	left = 1
	for bits := 1; bits <= 15; bits++ {
		left *= 2
		for symbol, length := range lengths {
			if length == bits {
				c.count[bits]++
				c.symbols = append(c.symbols, symbol)
				left--
			}
		}
	}
	return c, left
}

// single reports whether there is one code alone, of one bit.
func (c *code) single() bool { return len(c.symbols) == 1 && c.count[1] == 1 }

// The fixed codes (RFC 1951 §3.2.6).
var fixedLiterals, fixedDistances = func() (literals, distances code) {
	var lengths [288]int
	for symbol := range lengths {
		switch {
		case symbol < 144:
			lengths[symbol] = 8
		case symbol < 256:
			lengths[symbol] = 9
		case symbol < 280:
			lengths[symbol] = 7
		default:
			lengths[symbol] = 8
		}
	}
	var fives [32]int
	for symbol := range fives {
		fives[symbol] = 5
	}
	literals, _ = newCode(lengths[:])
	distances, _ = newCode(fives[:])
	return literals, distances
}()

// symbol reads one symbol, its code "packed starting with the most-significant
// bit" (RFC 1951 §3.1.1); -1 as soon as no code begins so.
func (f *inflater) symbol(c *code) int {
	first, index, value := 0, 0, 0 // the first code of this length, its place in symbols, and what was read
	for bits := 1; bits <= 15; bits++ {
		if index == len(c.symbols) {
			return -1
		}
		at := uint(f.bit)
		if at/8 >= uint(len(f.in)) {
			f.short = true
			return 0
		}
		value |= int(f.in[at/8] >> (at % 8) & 1)
		f.bit++
		count := c.count[bits]
		if value-first < count {
			return c.symbols[index+value-first]
		}
		index += count
		first = (first + count) * 2
		value *= 2
	}
	return -1
}

// bits reads n bits, the first the least significant (RFC 1951 §3.1.1).
func (f *inflater) bits(n int) int {
	value := 0
	for i := range n {
		if f.bit == 8*len(f.in) {
			f.short = true
			return 0
		}
		value |= int(f.in[f.bit/8]>>(f.bit%8)&1) << i
		f.bit++
	}
	return value
}

// align goes on to the next octet.
func (f *inflater) align() {
	for f.bit%8 != 0 {
		f.padding = f.bits(1) != 0 || f.padding
	}
}

// give writes one octet.
func (f *inflater) give(octet byte) {
	f.out = append(f.out, octet)
	f.blocks[len(f.blocks)-1].Octets++
}
