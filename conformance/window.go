package conformance

// A smallCompressor keeps to a window of less than 32 KiB, which compress/flate
// cannot: fixed codes (RFC 1951 3.2.6), and for each three octets the last place
// where they stood.
type smallCompressor struct {
	window   int
	takeover bool
	history  []byte // what the next message may refer to
	out      bitWriter
}

func (c *smallCompressor) release() {}

func (c *smallCompressor) compress(message []byte) []byte {
	data := append(c.history, message...)
	last := make(map[[3]byte]int, 256) // behind the place, so that 0 is none
	for i := range len(c.history) {
		note(last, data, i)
	}
	c.out = bitWriter{octets: c.out.octets[:0]}
	c.out.bits(0b010, 3) // a block with fixed codes, not a final one
	for i := len(c.history); i < len(data); {
		length, distance := 0, 0
		if i+3 <= len(data) {
			if place := last[[3]byte(data[i:])]; place > 0 && i-(place-1) <= c.window {
				distance = i - (place - 1)
				for length = 3; length < 258 && i+length < len(data) && data[i+length] == data[i+length-distance]; length++ {
				}
			}
		}
		if length == 0 {
			c.out.symbol(int(data[i]))
			length = 1
		} else {
			c.out.match(length, distance)
		}
		for range length {
			note(last, data, i)
			i++
		}
	}
	c.out.symbol(256)
	c.out.bits(0, 3) // an empty stored block, less its 00 00 ff ff
	c.history = nil
	if c.takeover {
		c.history = append(c.history, data[max(0, len(data)-c.window):]...)
	}
	return c.out.end()
}

func note(last map[[3]byte]int, data []byte, i int) {
	if i+3 <= len(data) {
		last[[3]byte(data[i:])] = i + 1
	}
}

// A bitWriter packs bits, the first the least significant (RFC 1951 3.1.1).
type bitWriter struct {
	octets []byte
	held   uint64
	n      int
}

func (w *bitWriter) bits(value, n int) {
	w.held |= uint64(value) << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.octets = append(w.octets, byte(w.held))
		w.held >>= 8
	}
}

// code writes a Huffman code, its most significant bit first.
func (w *bitWriter) code(value, n int) {
	for n--; n >= 0; n-- {
		w.bits(value>>n&1, 1)
	}
}

// symbol writes a literal, a length code or the end of the block.
func (w *bitWriter) symbol(s int) {
	switch {
	case s < 144:
		w.code(0x30+s, 8)
	case s < 256:
		w.code(0x190+s-144, 9)
	case s < 280:
		w.code(s-256, 7)
	default:
		w.code(0xc0+s-280, 8)
	}
}

// match writes a length from 3 to 258 and a distance (RFC 1951 3.2.5).
func (w *bitWriter) match(length, distance int) {
	if length == 258 {
		w.symbol(285)
	} else {
		code, extra, rest := split(length-3, 4)
		w.symbol(257 + code)
		w.bits(rest, extra)
	}
	code, extra, rest := split(distance-1, 2)
	w.code(code, 5)
	w.bits(rest, extra)
}

// split finds the code of a value from 0 on, of which the first codes have one
// value each and every step codes one more extra bit than the step before.
func split(value, step int) (code, extra, rest int) {
	for value>>extra >= 2*step {
		extra++
	}
	return extra*step + value>>extra, extra, value & (1<<extra - 1)
}

// end fills the last octet with zeros.
func (w *bitWriter) end() []byte {
	if w.n > 0 {
		w.octets = append(w.octets, byte(w.held))
		w.held, w.n = 0, 0
	}
	return w.octets
}
