package deflate

import "math/bits"

// A window is the LZ77 sliding window of a [Compressor] with context takeover: the
// last octets of the messages before, room for the next message behind them, and
// the index of both.
//
// Positions are counted from the connection's first octet, modulo 1<<16. An index
// may hold positions that are stale, or of a message that was not sent after all:
// what is found there is compared before it is used.
type window struct {
	buf   []byte // cap is more than size by the slack
	base  uint16 // position of buf[0]
	index index
}

// An index finds positions by the octets that stand there.
type index struct {
	head []uint16 // by hash: the last position
	prev []uint16 // by position: the one before it with the same hash; for Best
}

// indexBits returns the logarithm of how many hashes an index for n octets has.
func indexBits(n int) int { return min(max(bits.Len(uint(n-1))-1, 8), 13) }

// slack returns how many octets of messages fit behind a window before it slides.
func slack(size int) int { return max(256, size/4) }

// open takes the memory for a window of size octets, and makes the index.
func (w *window) open(size int, level Level) {
	if w.index.head != nil {
		return
	}
	buf := make([]byte, len(w.buf), size+slack(size))
	copy(buf, w.buf)
	w.buf = buf
	w.index.head = make([]uint16, 1<<indexBits(size))
	if level == Best {
		w.index.prev = make([]uint16, size)
	}
	w.index.add(w.buf, 0, w.base)
}

// shrink gives back all but the octets.
func (w *window) shrink(size int) {
	if w.index.head == nil {
		return
	}
	n := max(0, len(w.buf)-size)
	w.buf, w.base, w.index = append([]byte(nil), w.buf[n:]...), w.base+uint16(n), index{}
}

// add makes a message part of the window of size octets.
func (w *window) add(message []byte, size int) {
	end := w.base + uint16(len(w.buf)+len(message))
	switch {
	case len(message) >= size:
		w.buf = append(w.buf[:0], message[len(message)-size:]...)
	case len(message) > cap(w.buf)-len(w.buf):
		n := min(len(w.buf), size-len(message))
		n = copy(w.buf, w.buf[len(w.buf)-n:])
		w.buf = append(w.buf[:n], message...)
	default:
		w.buf = append(w.buf, message...)
	}
	w.base = end - uint16(len(w.buf))
}

// note is add, with an index of what is new.
func (w *window) note(message []byte, size int) {
	w.add(message, size)
	w.index.add(w.buf, max(0, len(w.buf)-len(message)), w.base)
}

// add puts the positions of buf from i on into the index, every other one.
func (x *index) add(buf []byte, i int, base uint16) {
	shift := x.shift()
	for ; i <= len(buf)-8; i += 2 {
		x.insert(load(buf, i), base+uint16(i), shift)
	}
}

func (x *index) shift() uint { return uint(65 - bits.Len(uint(len(x.head)))) }

// hash hashes the first 5 octets of v.
func hash(v uint64, shift uint) uint64 { return v << 24 * 0x9e3779b185ebca87 >> (shift & 63) }

func (x *index) insert(v uint64, position uint16, shift uint) {
	h := hash(v, shift)
	if x.prev != nil {
		x.prev[int(position)&(len(x.prev)-1)] = x.head[h]
	}
	x.head[h] = position
}
