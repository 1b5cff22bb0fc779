package protocol

import (
	"math"
	"sync"
)

// A body is a message that does not come whole: in fragments, or longer than what was
// read ahead. It is borrowed, so that an idle Reader has none.
type body struct {
	bytes  []byte     // so far; the last fresh ones are as they came: masked, and not looked at
	fresh  int        // bytes
	left   int        // bytes of the current frame's payload that have not come, or are fresh
	key    uint32     // the masking key, as it applies to the fresh bytes
	text   textStream // of a text
	buffer *Buffer    // the memory of bytes, where that is pooled

	// Of a compressed message:
	deflated int    // bytes of payload so far
	raw      []byte // the payload of the current frame, for who is told of each
}

var bodies = sync.Pool{New: func() any { return new(body) }}

// newBody returns room for a message that begins with a frame of n bytes, the last one
// or not. If those are all of it and the application is to own them, the memory is
// new; otherwise it is pooled, and where the pool has it, large enough for a message
// like the last. A header alone makes it allocate allocStep bytes at most.
func newBody(n int, last, own bool, like int) *body {
	m := bodies.Get().(*body)
	if last && own {
		m.bytes = make([]byte, 0, min(n, allocStep))
		return m
	}
	if !last {
		n = max(n, like)
	}
	if m.buffer = takePooled(n); m.buffer == nil {
		m.buffer = TakeBuffer(min(n, allocStep))
	}
	m.bytes = m.buffer.Bytes
	return m
}

// begin begins the payload of a frame, n bytes masked by key, behind what there is.
func (m *body) begin(n int, key uint32) { m.raw, m.left, m.key = m.raw[:0], n, key }

// missing is how many bytes of that payload have not come, or not been looked at.
func (m *body) missing() int { return m.left }

// direct returns room for bytes that come straight from the transport; came says how
// many did. They are fresh until append looks at them.
func (m *body) direct() []byte { return m.space(len(m.bytes) + m.left - m.fresh) }

func (m *body) came(n int) {
	m.bytes = m.bytes[:len(m.bytes)+n]
	m.fresh += n
}

// append takes what is fresh, and as much of b as belongs to the frame's payload, which
// is the last of its message or not. It returns how much of b that is, or an error as
// soon as text cannot become UTF-8 any more (RFC 6455 §8.1).
func (m *body) append(b []byte, binary, last bool) (n int, err error) {
	if m.fresh > 0 {
		p := m.bytes[len(m.bytes)-m.fresh:]
		m.fresh = 0
		if !m.passed(p, p, binary) {
			return 0, ErrInvalidFramePayload
		}
	}
	for m.left > 0 && n < len(b) {
		space := m.space(len(m.bytes) + m.left)
		p := b[n:min(n+len(space), len(b))]
		m.bytes = m.bytes[:len(m.bytes)+len(p)]
		n += len(p)
		if !m.passed(space[:len(p)], p, binary) {
			return n, ErrInvalidFramePayload
		}
	}
	if m.left == 0 && last && !binary && !m.text.complete() {
		return n, ErrInvalidFramePayload
	}
	return n, nil
}

// inflate is append for a compressed message (RFC 7692 §7.2.2), of at most limit bytes:
// what has come is unmasked where it was read, and kept as it was if raw is set.
func (m *body) inflate(b []byte, binary, last bool, d *Deflation, limit int, raw bool) (n int, err error) {
	b = b[:min(len(b), m.left)]
	m.key = mask(b, b, m.key)
	m.left -= len(b)
	m.deflated += len(b)
	if raw {
		m.raw = append(m.raw, b...)
	}
	last = last && m.left == 0
	if len(b) == 0 && !last {
		return 0, nil
	}
	had := len(m.bytes)
	m.bytes, err = d.inflate(m.bytes, b, last, limit)
	// What came before an error comes first (RFC 6455 §8.1).
	if !binary && (!m.text.valid(m.bytes[had:]) || err == nil && last && !m.text.complete()) {
		return len(b), ErrInvalidFramePayload
	}
	return len(b), err
}

// space returns room for at least one byte more on the way to want in all, and for
// none past those.
func (m *body) space(want int) []byte {
	m.grow(want)
	return m.bytes[len(m.bytes):min(want, cap(m.bytes))]
}

func (m *body) grow(want int) {
	if len(m.bytes) < cap(m.bytes) {
		return
	}
	if m.buffer == nil {
		m.bytes = growFor(m.bytes, want)
		return
	}
	size := min(want, max(2*len(m.bytes), allocStep))
	if want <= allocStep { // fragments may follow: doubling copies less than growing with each
		size = max(want, 2*len(m.bytes))
	}
	grown := TakeBuffer(size)
	bytes := append(grown.Bytes, m.bytes...)
	m.buffer.Free()
	m.buffer, m.bytes = grown, bytes
}

// passed unmasks p, which are the next bytes of a payload, where they are, and applies
// the rule for text to them (RFC 6455 §8.1).
func (m *body) passed(dst, p []byte, binary bool) bool {
	m.key = mask(dst, p, m.key)
	m.left -= len(p)
	return binary || m.text.valid(dst)
}

// frame returns the payload of the frame of n bytes that has come last.
func (m *body) frame(n int, compressed bool) []byte {
	if compressed {
		return m.raw
	}
	return m.bytes[len(m.bytes)-n:]
}

// take returns the bytes, in memory of their own if the caller is to own them.
func (m *body) take(own bool) []byte {
	if own && m.buffer != nil {
		return append([]byte(nil), m.bytes...)
	}
	return m.bytes
}

// payload is how many bytes of payload the message has so far.
func (m *body) payload(compressed bool) int {
	if compressed {
		return m.deflated
	}
	return len(m.bytes)
}

// holds is how many bytes of memory that is.
func (m *body) holds() int { return cap(m.bytes) }

// size is that of the message so far, for the next one to be like it.
func (m *body) size() int32 { return int32(min(len(m.bytes), math.MaxInt32)) }

// free gives the body back, and its memory unless that is the application's.
func (m *body) free() {
	if m.buffer != nil {
		m.buffer.Bytes = m.bytes // which may have grown
		m.buffer.Free()
	}
	*m = body{}
	bodies.Put(m)
}
