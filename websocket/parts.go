package websocket

import "sync"

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

// takeBody returns the message that was put together.
func (in *inbound) takeBody(reuse bool) ([]byte, error) {
	p := in.parts
	if reuse || p.pooled == nil {
		return p.body, nil
	}
	return append([]byte(nil), p.body...), nil
}

// dropParts forgets the last message, unless it is still under way.
func (in *inbound) dropParts() {
	p := in.parts
	if in.fragmented || p == nil {
		return
	}
	if p.pooled != nil {
		giveBuffer(p.pooled)
	}
	*p = parts{}
	allParts.Put(p)
	in.parts = nil
}
