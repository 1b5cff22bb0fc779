package input

import (
	"bytes"
	"math/bits"
	"sort"

	gofuzz "github.com/google/gofuzz"

	"github.com/wsproof/wsproof/internal/model"
)

// A deflater writes DEFLATE (RFC 1951) as no compressor would: blocks of every type in
// one message, matches where the input wants them, final blocks, and what is wrong. It
// is plain and slow, and has nothing of the code under test.
type deflater struct {
	out  []byte
	hold uint64
	n    uint
}

func (d *deflater) put(v uint64, n uint) {
	d.hold |= v << d.n
	for d.n += n; d.n >= 8; d.n -= 8 {
		d.out = append(d.out, byte(d.hold))
		d.hold >>= 8
	}
}

func (d *deflater) align() {
	if d.n > 0 {
		d.put(0, 8-d.n)
	}
}

// A prefixCode has a word and its length for each symbol, the first bit lowest.
type prefixCode struct {
	words   []uint64
	lengths []uint
}

// canonical is the code of RFC 1951 §3.2.2 for lengths.
func canonical(lengths []uint) prefixCode {
	c := prefixCode{make([]uint64, len(lengths)), lengths}
	word := uint64(0)
	for n := uint(1); n <= 15; n++ {
		for symbol, l := range lengths {
			if l == n {
				c.words[symbol] = bits.Reverse64(word) >> (64 - n)
				word++
			}
		}
		word <<= 1
	}
	return c
}

func repeated(pairs ...uint) (lengths []uint) {
	for i := 0; i < len(pairs); i += 2 {
		for range pairs[i] {
			lengths = append(lengths, pairs[i+1])
		}
	}
	return lengths
}

// The codes of fixed blocks (§3.2.6), and those of our dynamic ones: every symbol has a
// word, so that any message can be told, and the header needs no thought.
var (
	fixedLiterals    = canonical(repeated(144, 8, 112, 9, 24, 7, 8, 8))
	fixedDistances   = canonical(repeated(30, 5))
	dynamicLiterals  = canonical(repeated(226, 8, 60, 9))
	dynamicDistances = canonical(repeated(2, 4, 28, 5))
	codeLengths      = canonical(repeated(4, 0, 2, 2, 2, 0, 2, 2, 9, 0)) // of the lengths 4, 5, 8 and 9
)

// Bases and extra bits of lengths and distances (§3.2.5).
var lengthBases, distanceBases = func() (lengths, distances []int) {
	for code, base := 0, 3; code < 28; code++ {
		lengths = append(lengths, base)
		base += 1 << extraLength(code)
	}
	lengths = append(lengths, 258)
	for code, base := 0, 1; code < 30; code++ {
		distances = append(distances, base)
		base += 1 << extraDistance(code)
	}
	return lengths, distances
}()

func extraLength(code int) uint {
	if code < 8 || code == 28 {
		return 0
	}
	return uint(code-4) / 4
}

func extraDistance(code int) uint {
	if code < 4 {
		return 0
	}
	return uint(code-2) / 2
}

// block writes a part of a message that ends with octets, of which the last n are not
// yet told; those before may be referred to, as far back as reach.
func (d *deflater) block(kind int, final bool, octets []byte, n, reach int) {
	last := uint64(0)
	if final {
		last = 1
	}
	part := octets[len(octets)-n:]
	if kind == 0 {
		for {
			k := min(len(part), 65535)
			end := uint64(0)
			if k == len(part) {
				end = last
			}
			d.put(end, 3)
			d.align()
			d.put(uint64(k)|uint64(^uint16(k))<<16, 32)
			d.out = append(d.out, part[:k]...)
			if part = part[k:]; len(part) == 0 {
				break
			}
		}
		return
	}
	literals, distances := &fixedLiterals, &fixedDistances
	d.put(last|uint64(kind)<<1, 3)
	if kind == 2 {
		literals, distances = &dynamicLiterals, &dynamicDistances
		d.put(uint64(286-257), 5)
		d.put(uint64(30-1), 5)
		order := [...]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4}
		d.put(uint64(len(order)-4), 4)
		for _, symbol := range order {
			d.put(uint64(codeLengths.lengths[symbol]), 3)
		}
		for _, l := range append(append([]uint{}, literals.lengths...), distances.lengths...) {
			d.put(codeLengths.words[l], codeLengths.lengths[l])
		}
	}
	for i := len(octets) - n; i < len(octets); {
		length, distance := 0, 0
		if rest := octets[i:]; len(rest) >= 3 {
			from := octets[max(0, i-reach) : i+2] // what begins before i
			if at := bytes.LastIndex(from, rest[:3]); at >= 0 {
				distance = len(from) - 2 - at
				for length = 3; length < min(258, len(rest)) && rest[length] == octets[i-distance+length]; length++ {
				}
			}
		}
		if length == 0 {
			d.put(literals.words[octets[i]], literals.lengths[octets[i]])
			i++
			continue
		}
		code := sort.SearchInts(lengthBases, length+1) - 1
		d.put(literals.words[257+code], literals.lengths[257+code])
		d.put(uint64(length-lengthBases[code]), extraLength(code))
		code = sort.SearchInts(distanceBases, distance+1) - 1
		d.put(distances.words[code], distances.lengths[code])
		d.put(uint64(distance-distanceBases[code]), extraDistance(code))
		i += length
	}
	d.put(literals.words[256], literals.lengths[256])
}

// end is the end of a message (RFC 7692 §7.2.1).
func (d *deflater) end() []byte {
	d.put(0, 3)
	d.align()
	return d.out
}

// A Window is what messages of one direction may refer to.
type Window struct {
	history []byte
	reach   int
	keeps   bool
}

// NewWindow is that of the messages that sender sends.
func NewWindow(d *model.Deflate, sender model.Role) Window {
	return Window{reach: d.Window(sender), keeps: d.Takeover(sender)}
}

// Compress returns a payload for message, by decisions of c, mostly one that a reader
// makes message of; and remembers message.
func (w *Window) Compress(c gofuzz.Continue, message []byte) []byte {
	var d deflater
	how := c.Intn(32)
	reach, history := w.reach, w.history
	switch how {
	case 24: // further than was agreed on
		reach = 1 << 15
	case 25: // or before the first message
		history = append(bytes.Repeat([]byte("before"), 50), history...)
	}
	all := append(history[:len(history):len(history)], message...)
	told := len(history)
	for told < len(all) || len(d.out) == 0 && d.n == 0 && how&1 != 0 {
		n := len(all) - told
		kind := c.Intn(8)
		if kind >= 4 && n > 0 {
			n = 1 + c.Intn(n) // the rest in other blocks
		}
		final := how&7 == 7
		d.block([...]int{1, 2, 0, 1}[kind&3], final, all[:told+n], n, reach)
		if told += n; final {
			d.align()
		}
	}
	w.history = nil
	if w.keeps {
		w.history = all[max(0, len(all)-1<<15):]
	}
	switch how {
	case 26: // less than all
		p := d.end()
		return p[:len(p)-min(len(p), 1+c.Intn(8))]
	case 27: // what RFC 7692 §7.2.1 takes off
		return append(d.end(), 0x00, 0x00, 0xff, 0xff)
	case 28: // behind the end
		return append(d.end(), byte(c.Intn(256)))
	case 29: // a bit turned
		p := d.end()
		p[c.Intn(len(p))] ^= 1 << c.Intn(8)
		return p
	case 30:
		return nil
	case 31: // it ends with a final block (how&7 is 7)
		d.align()
		if len(d.out) > 0 {
			return d.out
		}
	}
	return d.end()
}

// again returns a part of what is in the window, or was.
func (w *Window) again(c gofuzz.Continue) []byte {
	back := c.Intn(256)*c.Intn(130) + c.Intn(256)
	at := max(0, len(w.history)-back)
	return w.history[at:min(len(w.history), at+c.Intn(256))]
}
