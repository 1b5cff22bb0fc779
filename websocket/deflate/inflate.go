package deflate

import (
	"fmt"
	"math"
	"sync"
)

// A Decompressor inflates the messages that one peer of a connection sends (RFC
// 7692 §7.2.2). Make it with [NewDecompressor]; do not copy it once it was used.
// One goroutine at a time may call its methods.
type Decompressor struct {
	message *inflater // the message that has begun, from a pool
	history history
}

// NewDecompressor returns a Decompressor for an LZ77 sliding window of
// 1<<windowBits octets, 8 to 15, that is kept from message to message if takeover
// is true. It takes no memory before the first message.
func NewDecompressor(windowBits int, takeover bool) Decompressor {
	checkBits(windowBits)
	return Decompressor{history: history{bits: uint8(windowBits), takeover: takeover}}
}

// Window returns what d was made for.
func (d *Decompressor) Window() (bits int, takeover bool) {
	return int(d.history.bits), d.history.takeover
}

func checkBits(windowBits int) {
	if windowBits < MinWindowBits || windowBits > MaxWindowBits {
		panic(fmt.Sprintf("deflate: %d window bits, want %d to %d (RFC 7692 §7.1.2)", windowBits, MinWindowBits, MaxWindowBits))
	}
}

// Append inflates payload, the next octets of a message's compressed payload, cut
// anywhere, and appends to dst what the message says up to there. fin says that the
// message ends with payload. limit is how many octets the whole message may inflate
// to, 0 or more.
//
// dst must end in what the message has inflated to so far, or in its last
// 1<<windowBits octets at least: hand in what the call before returned. dst is
// grown if it has no room, though never so that the message could take more than
// limit octets of it; payload is not kept.
//
// An error (see [ErrCorrupt] and [ErrTooLarge]) is returned at the first symbol that
// is wrong, with dst as it was inflated up to there; no other message follows. How
// a payload is cut changes neither the octets nor the error.
func (d *Decompressor) Append(dst, payload []byte, fin bool, limit int) ([]byte, error) {
	m := d.message
	if m == nil {
		if d.history.failed {
			return dst, ErrUsed
		}
		m = inflaters.Get().(*inflater)
		m.begin()
		d.message = m
	}
	window := 1 << d.history.bits
	if len(dst) < min(m.total, window) {
		panic("deflate: dst does not end in what the message has inflated to so far")
	}
	out := output{buf: dst[:cap(dst)], n: len(dst), begin: len(dst) - min(m.total, len(dst)), window: window, history: &d.history}
	out.end = len(dst) + min(max(0, limit-m.total), math.MaxInt-len(dst))
	err := m.append(&out, payload, fin, limit)
	dst = out.buf[:out.n]
	if err == nil && !fin {
		return dst, nil
	}
	if err != nil {
		d.history.failed = true
	} else if d.history.takeover {
		d.history.add(dst[len(dst)-min(m.total, len(dst)):], window)
	}
	d.Release()
	return dst, err
}

// Release gives up a message that has begun. A connection that ends calls it, so
// that the memory goes on to the next message of another.
func (d *Decompressor) Release() {
	if m := d.message; m != nil {
		d.message, d.history.failed = nil, d.history.failed || m.state != stateDone
		inflaters.Put(m)
	}
}

// inflaters are shared by all connections: what a message needs while it comes.
var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// output is what a message inflates into.
type output struct {
	buf     []byte
	n       int // octets of buf that are inflated
	begin   int // of the message in buf, or of what is left of it there
	end     int // n at the limit of the message
	window  int // in octets
	history *history
}

// room returns the part of buf that may be written to, from its start.
func (o *output) room() []byte { return o.buf[:min(len(o.buf), o.end)] }

// grow makes room for more octets than there is room for, but not beyond the limit.
// hint is how many the caller thinks will come.
func (o *output) grow(hint int) {
	more := min(max(len(o.buf), hint, 256), o.end-o.n)
	buf := make([]byte, o.n+more) // append would take a quarter more
	copy(buf, o.buf[:o.n])
	o.buf = buf
}

// A match is a copy of octets that came before (RFC 1951 §2).
type match struct{ length, distance int }

// noDistance is the distance of a code that has none.
const noDistance = 0

// copy appends a match.
func (o *output) copy(m match, hint int) error {
	if m.distance == noDistance {
		return ErrSymbol
	}
	if m.distance > o.window {
		return ErrWindow
	}
	past := m.distance - (o.n - o.begin) // octets before the message
	if past > o.history.len() {
		return ErrDistance
	}
	var err error
	if m.length > o.end-o.n { // the limit counts octets as they come
		m.length, err = o.end-o.n, ErrMessageTooLarge
	}
	if m.length > len(o.buf)-o.n {
		o.grow(max(hint, m.length))
	}
	if past > 0 {
		n := min(past, m.length)
		o.history.copy(o.buf[o.n:o.n+n], past)
		o.n += n
		m.length -= n
	}
	for from := o.n - m.distance; m.length > 0; {
		n := copy(o.buf[o.n:o.n+m.length], o.buf[from:o.n])
		o.n += n
		m.length -= n
	}
	return err
}
