package protocol

import "encoding/binary"

// What almost every frame is needs no more than a glance: a frame of a client, whole
// in the buffer, that by its first two bytes and the limits keeps all rules of
// header.check at once. What is not, or may be wrong, is left to that.

const (
	wholeText   = finBit | byte(OpcodeText)
	wholeBinary = finBit | byte(OpcodeBinary)
	shortHeader = 2 + 4 // of a payload of at most 125 bytes, with its masking key
	shortMost   = 125
)

// glanceMessage takes the message that comes next if that is one short frame. It
// implies the rules of §5.1 (masked), of §5.2 (no RSV bit, a known opcode, the
// shortest length form), §5.4 (no message is under way) and §10.4; that of §8.1 is
// applied: what is not UTF-8 is left as it is. Echoing messages of a few bytes takes a
// fifth longer without it.
func (r *Reader) glanceMessage() (payload []byte, ok bool) {
	b := r.buf.Bytes[r.start:]
	if len(b) < shortHeader || b[0] != wholeText && b[0] != wholeBinary {
		return nil, false
	}
	n := int(b[1]) - maskBit // negative where the frame is not masked
	if n < 0 || n > shortMost || n > len(b)-shortHeader || n > r.limits.MaxFrameSize || n > r.limits.MaxMessageSize {
		return nil, false
	}
	binary, key := b[0] == wholeBinary, le.Uint32(b[2:])
	b = b[shortHeader : shortHeader+n : shortHeader+n]
	mask(b, b, key)
	if !binary && !ValidUTF8(b) { // RFC 6455 §8.1
		mask(b, b, key) // as it was
		return nil, false
	}
	r.binary = binary
	r.start += int32(shortHeader + n)
	return b, true
}

// glanceFragments appends to the message under way the fragments that come next and
// keep all rules at a glance, as far as there is room for them, and reports whether the
// last one was among them. It implies the rules of §5.1, §5.2, §5.4 (a message is
// under way, and this continues it) and §10.4; those of §8.1 are applied. Many small
// fragments take half of the time here.
func (r *Reader) glanceFragments() (last bool) {
	m := r.body
	b, bytes := r.buffered(), m.bytes
	most := min(cap(bytes), r.limits.MaxMessageSize)
	start := len(b)
	for !last && len(b) >= shortHeader+2 && b[0]&^finBit == byte(OpcodeContinuation) {
		n, size := int(b[1])-maskBit, shortHeader // n is negative where the frame is not masked
		if n == 126 {
			n, size = int(binary.BigEndian.Uint16(b[2:])), shortHeader+2
			if n <= shortMost {
				break
			}
		} else if n < 0 || n > shortMost {
			break
		}
		if n > len(b)-size || n > r.limits.MaxFrameSize || n > most-len(bytes) {
			break
		}
		payload := bytes[len(bytes) : len(bytes)+n]
		mask(payload, b[size:size+n], le.Uint32(b[size-4:]))
		final := b[0]&finBit != 0
		if !r.binary {
			text := m.text
			if !text.valid(payload) || final && !text.complete() {
				break
			}
			m.text = text
		}
		bytes, b, last = bytes[:len(bytes)+n], b[size+n:], final
	}
	r.start += int32(start - len(b))
	m.bytes = bytes
	return last
}
