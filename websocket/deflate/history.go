package deflate

// A history is what stays of a [Decompressor] between two messages: the LZ77 sliding
// window of context takeover, the last octets of the messages before, as a ring. It grows
// with what it holds, up to the window.
type history struct {
	ring     []byte // len is a power of two, or 0
	next     uint16 // where the next octet goes
	full     bool   // the octets from next on are history too
	bits     uint8  // of the window
	takeover bool
	failed   bool // no message follows
}

// len returns how many octets there are.
func (h *history) len() int {
	if h.full {
		return len(h.ring)
	}
	return int(h.next)
}

// add appends what a message ended in, and lets go of what lies before the window.
func (h *history) add(octets []byte, window int) {
	octets = octets[max(0, len(octets)-window):]
	if want := h.len() + len(octets); want > len(h.ring) && len(h.ring) < window {
		h.grow(min(want, window), window)
	}
	size := len(h.ring)
	if len(octets) >= size {
		copy(h.ring, octets[len(octets)-size:])
		h.next, h.full = 0, size > 0
		return
	}
	n := copy(h.ring[h.next:], octets)
	copy(h.ring, octets[n:])
	end := int(h.next) + len(octets)
	h.full = h.full || end >= size
	h.next = uint16(end & (size - 1))
}

// grow makes room for n octets: a power of two, at least a quarter of a KiB.
func (h *history) grow(n, window int) {
	size := max(256, len(h.ring))
	for size < n {
		size *= 2
	}
	ring := make([]byte, min(size, window))
	held := h.len()
	h.copy(ring[:held], held)
	h.ring, h.next, h.full = ring, uint16(held&(len(ring)-1)), held == len(ring)
}

// copy copies to dst the octets that begin back octets before the end. There are
// that many.
func (h *history) copy(dst []byte, back int) {
	at := int(h.next) - back
	if at < 0 {
		at += len(h.ring)
	}
	n := copy(dst, h.ring[at:])
	copy(dst[n:], h.ring)
}

// words returns the n octets that begin back octets before the end, and up to 7
// more, if they stand in one piece. There are n.
func (h *history) words(n, back int) ([]byte, bool) {
	at := int(h.next) - back
	if at < 0 {
		at += len(h.ring)
	}
	end := at + (n+7)&^7
	if end > len(h.ring) {
		return nil, false
	}
	return h.ring[at:end], true
}
