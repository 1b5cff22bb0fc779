package serve

import "sync/atomic"

// A counter counts the messages of one connection. Its one word holds 16 bits
// of messages above 24 bits of bytes in and 24 bits of bytes out, so that a
// message costs one addition on a cache line that no other connection writes.
// A word that could overflow is drained into its overflow by whoever sees it.
type counter struct {
	word                        atomic.Uint64
	messages, bytesIn, bytesOut atomic.Uint64
}

const (
	outBits  = 24
	inBits   = 24
	fullBits = 1<<(outBits-1) | 1<<(outBits+inBits-1) | 1<<63
	// small is the longest payload that the word takes: half full plus it fits.
	small = 1 << 20
)

func (c *counter) add(in, out int) {
	if in > small || out > small {
		c.messages.Add(1)
		c.bytesIn.Add(uint64(in))
		c.bytesOut.Add(uint64(out))
		return
	}
	if c.word.Add(1<<(outBits+inBits)|uint64(in)<<outBits|uint64(out))&fullBits != 0 {
		c.spill()
	}
}

// spill moves the word into the overflow.
func (c *counter) spill() {
	word := c.word.Swap(0)
	c.messages.Add(word >> (outBits + inBits))
	c.bytesIn.Add(word >> outBits & (1<<inBits - 1))
	c.bytesOut.Add(word & (1<<outBits - 1))
}

// totals are plain sums.
type totals struct{ messages, in, out uint64 }

// drainTo moves what was counted into t.
func (c *counter) drainTo(t *totals) {
	if c.word.Load() != 0 {
		c.spill()
	}
	if c.messages.Load() == 0 {
		return
	}
	t.messages += c.messages.Swap(0)
	t.in += c.bytesIn.Swap(0)
	t.out += c.bytesOut.Swap(0)
}
