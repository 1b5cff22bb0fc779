package websocket

import (
	"context"
	"math/bits"
)

// A short message is a whole message in one frame of at most 125 bytes, from a
// client, all in the buffer, while no other message is under way. Such a frame keeps
// all rules at a glance; only a text still has to be UTF-8. All else, and all that may
// be wrong, is left to the long way, on which the rules are (rules.go).
const (
	shortText   = finBit | byte(OpcodeText)
	shortBinary = finBit | byte(OpcodeBinary)
	shortHeader = 2 + 4 // with the masking key
	shortMost   = 125   // bytes of payload
)

// short returns how long the payload of the short message is that b begins with, or
// a negative number where it does not begin with one of at most most bytes.
func short(b []byte, most int) int {
	if len(b) < shortHeader || b[0] != shortText && b[0] != shortBinary {
		return -1
	}
	n := int(b[1]) - maskBit // negative where the frame is not masked
	if n > most || n > len(b)-shortHeader {
		return -1
	}
	return n
}

// mostShort returns the most that short may take.
func (c *Websocket) mostShort() int {
	if c.mode != ServerMode {
		return -1
	}
	return min(shortMost, c.opts.MaxFrameSize, c.opts.MaxMessageSize)
}

// serveShort has handler answer the short messages that are at hand, and leaves
// alone those of which hooks or timeouts want to know. msg is as for serveMessage,
// and so is what happens: it is done in one place here, since for a message of
// a few bytes the calls from its frame to its reply take longer than the work.
func (c *Websocket) serveShort(ctx context.Context, handler Handler, msg *Message) {
	in, o := &c.in, &c.out
	if in.buf == nil || in.fragmented || c.timed() || c.opts.Hooks.seeMessages() {
		return
	}
	buf, most := in.buf, c.mostShort()
	reuse := msg != nil
	for !o.closing.Load() {
		b := buf.bytes[buf.start:]
		n := short(b, most)
		if n < 0 {
			break
		}
		b0, key := b[0], le.Uint32(b[2:])
		payload := b[shortHeader : shortHeader+n : shortHeader+n]
		unmask(payload, key)
		if b0 == shortText && !validUTF8(payload) { // RFC 6455 §8.1
			unmask(payload, key) // as it was
			break
		}
		buf.start += shortHeader + n
		if !reuse {
			msg, payload = new(Message), append([]byte(nil), payload...)
		}
		msg.Binary, msg.Payload = b0 == shortBinary, payload
		if in.gathered {
			c.flushInTime()
		}
		in.handling = true
		reply, err := handler(ctx, msg)
		in.handling = false
		if err == nil && reply != nil {
			unchanged := reply == msg && same(msg, payload, b0 == shortBinary)
			if !unchanged || !o.gatherShort(b0, payload) {
				err = c.reply(reply, unchanged)
			}
		}
		if err != nil {
			c.closeFor(err)
		}
	}
}

// gatherShort gathers payload as a frame with the first byte b0, if there is memory
// at hand. (What comes behind a Close is dropped later: see pull.)
func (o *outbound) gatherShort(b0 byte, payload []byte) bool {
	g := &o.gather
	if g.buf == nil || cap(*g.buf)-int(g.n) < 2+shortMost {
		return false
	}
	frame := (*g.buf)[g.n : g.n+2+shortMost]
	frame[0], frame[1] = b0, byte(len(payload))
	copy(frame[2:], payload)
	g.n += 2 + int32(len(payload))
	return true
}

// unmask is mask for a short payload, in place.
func unmask(p []byte, key uint32) {
	n := len(p)
	if n < 8 || n > 16 {
		mask(p, p, key)
		return
	}
	k := uint64(key) | uint64(key)<<32
	tail := le.Uint64(p[n-8:]) ^ bits.RotateLeft64(k, -8*n)
	le.PutUint64(p, le.Uint64(p)^k)
	le.PutUint64(p[n-8:], tail)
}
