package live

import (
	"fmt"
	"slices"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// onTheWire is how many bytes the frames of n bytes of payload are.
func (o *connOptions) onTheWire(n int) (size int) {
	for {
		part := min(n, o.limits.Frame)
		f := wire.Frame{Opcode: wire.Binary, Masked: o.role() == model.Client, Payload: make([]byte, part)}
		size += len(f.Append(nil))
		if n -= part; n == 0 {
			return size
		}
	}
}

// checkPending holds what waits for a peer that does not read against a plain count of
// replies and pongs: with MaxPending bytes of them, or fewer, the connection goes on
// reading, and with more it reads nothing until the peer does.
func (s *scene) checkPending() error {
	h, p := s.connHarness, s.pipe
	full := h.full
	h.full = false
	if !p.stalled || !s.free || s.closed || p.writeErr != nil || p.readErr != nil || p.deadlineErr != nil || h.hookPanicked.Load() ||
		s.opt.deflate() != nil || s.ends[0] != (outcome{}) || len(s.ends) != 1 {
		return nil
	}
	pings := s.opt.has(bitPings) || slices.ContainsFunc(s.calls, func(c *call) bool { return c.what == "Ping" }) // which count, too
	if full && p.consumed != h.fullAt {
		return fmt.Errorf("more than MaxPending bytes waited for the peer, and %d bytes of its were read", p.consumed-h.fullAt)
	}
	most := 4 << 20 // the default
	if s.opt.has(bitSmallPending) {
		most = smallPending
	}
	pending := 0
	for i, pong := range s.read.Pongs {
		if i >= s.sent.answered {
			pending += s.opt.onTheWire(len(pong))
		}
	}
	if s.opt.two(bitUser) < userReads {
		for _, r := range s.replies[s.sent.replies:] {
			pending += s.opt.onTheWire(len(r.Payload))
		}
	}
	if pending <= most && !pings && len(p.in) > 0 {
		return fmt.Errorf("%d bytes wait for the peer, MaxPending is %d, and %d bytes of its are not read", pending, most, len(p.in))
	}
	h.full, h.fullAt = pending > most && h.opt.deflate() == nil, p.consumed // compressed it may be less
	return nil
}
