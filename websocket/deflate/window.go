package deflate

import "sync"

// A window is the LZ77 sliding window of a [Compressor] with context takeover: the
// last octets of the messages before. While it is in use there is room for the next
// message behind them, and the index of both.
type window struct {
	buf  []byte
	work *work // nil while it is idle
}

// A work is the memory of a window in use. It goes from connection to connection.
type work struct {
	memory []byte // of buf: the window, slack and padding
	base   uint16 // position of buf[0]
	fresh  int    // octets at the end of buf that are not yet in the index
	index  index
}

// works has a pool for each level and number of window bits.
var works [2][MaxWindowBits + 1]sync.Pool

// padding stands behind a message where there may be something: so its last octets
// can be loaded 8 at a time.
const padding = "\x00\x00\x00\x00\x00\x00\x00\x00"

// open makes the window ready for a message.
func (w *window) open(bits uint8, level Level) {
	if w.work != nil {
		return
	}
	k, _ := works[level][bits].Get().(*work)
	if k == nil {
		size := 1 << bits
		// Octets of messages move by one window for each slack.
		k = &work{memory: make([]byte, size+max(256, size/4))}
		var prev []uint16
		if level == Best {
			prev = make([]uint16, size)
		}
		k.index = newIndex(make([]uint16, min(max(size/2, 256), 8192)), prev, bits <= smallBits)
	}
	clear(k.index.head)
	clear(k.index.prev)
	k.base = 0
	w.work, w.buf = k, k.memory[:copy(k.memory, w.buf)]
	k.fresh = len(w.buf)
}

// shut gives the memory back, but for the octets of the window, if they are to be
// kept.
func (w *window) shut(bits uint8, level Level, keep bool) {
	if w.work == nil {
		return
	}
	kept := w.buf[max(0, len(w.buf)-1<<bits):]
	w.buf = nil
	if keep {
		w.buf = append(make([]byte, 0, len(kept)), kept...)
	}
	works[level][bits].Put(w.work)
	w.work = nil
}

// room reports whether n octets and padding fit behind the window.
func (w *window) room(n int) bool { return n <= cap(w.buf)-len(padding)-len(w.buf) }

// add makes a message part of a window of size octets.
func (w *window) add(message []byte, size int) {
	end := w.work.base + uint16(len(w.buf)+len(message))
	if !w.room(len(message)) {
		message = message[max(0, len(message)-size):]
		kept := min(len(w.buf), size-len(message))
		w.buf = w.buf[:copy(w.buf, w.buf[len(w.buf)-kept:])]
	}
	w.buf = append(w.buf, message...)
	w.work.base = end - uint16(len(w.buf))
}

// refresh puts every other position of what is fresh into the index.
func (w *window) refresh() {
	k := w.work
	for i := len(w.buf) - k.fresh; i <= len(w.buf)-8; i += 2 {
		k.index.insert(load(w.buf, i), k.base+uint16(i))
	}
	k.fresh = 0
}

// unseen is how many octets at the end of a message may not be in the index, since
// what stands behind them was not known.
const unseen = 4

// catchUp puts those before i into the index. buf has padding.
func (x *index) catchUp(buf []byte, i int, base uint16) {
	for k := max(0, i-unseen); k < i; k++ {
		x.insert(load(buf, k), base+uint16(k))
	}
}
