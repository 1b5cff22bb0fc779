package websocket

import (
	"encoding/binary"
	"math"
	"sync"
)

// Parts are those of a message that does not come whole: in fragments, or longer
// than what was read ahead.
type parts struct {
	body   []byte     // so far
	pooled *[]byte    // body's memory, where it is pooled, headroom included
	text   utf8Stream // of a text
}

var allParts = sync.Pool{New: func() any { return new(parts) }}

// startParts makes room for a message that begins with n bytes. If those are all
// of it and the application is to own them, the memory is new; otherwise it is
// pooled, and where the pool has it, large enough for a message like the last.
// A header alone makes it allocate allocStep bytes at most.
func (in *inbound) startParts(n int, final, reuse bool) {
	p := allParts.Get().(*parts)
	in.parts = p
	if final && !reuse {
		p.body = make([]byte, 0, min(n, allocStep))
		return
	}
	if !final {
		n = max(n, int(in.lastSize))
	}
	if p.pooled = takePooled(headroom + n); p.pooled == nil {
		p.pooled = takeBuffer(min(headroom+n, allocStep))
	}
	p.body = (*p.pooled)[headroom:headroom]
}

// grow makes room for at least one byte more on the way to want in all.
func (p *parts) grow(want int) {
	if len(p.body) < cap(p.body) {
		return
	}
	if p.pooled == nil {
		p.body = growFor(p.body, want)
		return
	}
	size := min(want, max(2*len(p.body), allocStep))
	if want <= allocStep { // fragments may follow: doubling copies less than growing with each
		size = max(want, 2*len(p.body))
	}
	grown := takeBuffer(headroom + size)
	body := append((*grown)[headroom:headroom], p.body...)
	giveBuffer(p.pooled)
	p.pooled, p.body = grown, body
}

// takeFragments appends to the message under way the fragments that keep all rules at
// a glance: from a client, all in the buffer, with room for them, and nobody wants to
// know of each (timeouts, OnReadFrame). It reports whether the last one was among
// them. It leaves everything else, and all that may be wrong, to the long way, on
// which the rules are. Many small fragments take half of the time here.
func (c *Websocket) takeFragments() (last bool) {
	in, p := &c.in, c.in.parts
	if c.mode != ServerMode || in.buf == nil || c.timed() || c.opts.Hooks.OnReadFrame != nil {
		return false
	}
	b, body := in.buffered(), p.body
	most := min(cap(body), c.opts.MaxMessageSize)
	for !last && len(b) >= 4+4 && b[0]&^finBit == byte(OpcodeContinuation) {
		n, size := int(b[1])-maskBit, 2+4 // n is negative where the frame is not masked
		if n == 126 {
			n, size = int(binary.BigEndian.Uint16(b[2:])), 4+4
			if n <= 125 {
				break
			}
		} else if n < 0 || n > 125 {
			break
		}
		if n > len(b)-size || n > c.opts.MaxFrameSize || n > most-len(body) {
			break
		}
		payload := body[len(body) : len(body)+n]
		mask(payload, b[size:size+n], le.Uint32(b[size-4:]))
		final := b[0]&finBit != 0
		if !in.binary {
			text := p.text
			if !text.valid(payload) || final && !text.complete() {
				break
			}
			p.text = text
		}
		body, b, last = body[:len(body)+n], b[size+n:], final
	}
	in.buf.start = len(in.buf.bytes) - len(b)
	p.body = body
	if last {
		in.endParts()
	}
	return last
}

// endParts ends the message that came in parts.
func (in *inbound) endParts() {
	in.fragmented = false
	in.lastSize = int32(min(len(in.parts.body), math.MaxInt32))
}

// takeBody returns the message that was put together.
func (in *inbound) takeBody(reuse bool) []byte {
	p := in.parts
	if reuse || p.pooled == nil {
		return p.body
	}
	return append([]byte(nil), p.body...)
}

// dropParts forgets the last message, of which there are parts, unless it is still
// under way.
func (in *inbound) dropParts() {
	if in.fragmented {
		return
	}
	p := in.parts
	if p.pooled != nil {
		giveBuffer(p.pooled)
	}
	*p = parts{}
	allParts.Put(p)
	in.parts = nil
}
