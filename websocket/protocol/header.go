package protocol

import (
	"encoding/binary"
	"math"
)

// A Mode is the role of this side of a connection (RFC 6455 §5.1).
type Mode bool

// The roles: a server reads masked frames and writes unmasked ones, a client the
// other way round.
const (
	ServerMode Mode = false
	ClientMode Mode = true
)

// A header is a frame's header as it stands on the wire (RFC 6455 §5.2), as far
// as it has been read.
type header struct {
	n    int // bytes of the payload; math.MaxInt stands for anything longer
	mask uint32
	b0   byte
	b1   byte
	all  uint8 // bytes of the whole header
}

func (h *header) masked() bool   { return h.b1&maskBit != 0 }
func (h *header) opcode() Opcode { return Opcode(h.b0 & opcodeBits) }
func (h *header) fin() bool      { return h.b0&finBit != 0 }
func (h *header) rsv() byte      { return h.b0 & rsvBits }
func (h *header) key() uint32    { return h.mask }
func (h *header) length() int    { return h.n }
func (h *header) size() int      { return int(h.all) }

// frame describes the frame with its payload, which it keeps.
func (h *header) frame(payload []byte) Frame { return frameOf(h.b0, payload) }

// minimal reports whether the length is encoded in the fewest bytes.
func (h *header) minimal() bool {
	switch h.b1 & lengthBits {
	case 126:
		return h.n > 125
	case 127:
		return h.n > math.MaxUint16
	}
	return true
}

// tooLong reports whether the payload is longer than limit bytes. What no slice
// could hold is too long for any limit.
func (h *header) tooLong(limit int) bool { return h.n > limit || h.n == math.MaxInt }

// A part is what of a frame was missing when its bytes ended.
type part uint8

const (
	partNone    part = iota // the header is complete
	partHeader              // the first 2 bytes
	partLength2             // the extended payload length
	partLength8
	partKey // the masking key
)

// parse reads the header that b begins with and returns the first part that is
// not complete in b. What stands before that part is set in h.
func (h *header) parse(b []byte) part {
	if len(b) < 2 {
		return partHeader
	}
	h.b0, h.b1 = b[0], b[1]
	n := 2
	switch length := b[1] & lengthBits; length {
	case 126:
		if len(b) < 4 {
			return partLength2
		}
		h.n = int(binary.BigEndian.Uint16(b[2:]))
		n = 4
	case 127:
		if len(b) < 10 {
			return partLength8
		}
		h.n = int(min(binary.BigEndian.Uint64(b[2:]), math.MaxInt))
		n = 10
	default:
		h.n = int(length)
	}
	h.mask = 0
	if h.masked() {
		if len(b) < n+4 {
			h.all = uint8(n + 4)
			return partKey
		}
		h.mask = le.Uint32(b[n:])
		n += 4
	}
	h.all = uint8(n)
	return partNone
}

// start and end are where a part stands in the header.
func (h *header) start(p part) int {
	switch p {
	case partHeader:
		return 0
	case partLength2, partLength8:
		return 2
	}
	return int(h.all) - 4
}

func (h *header) end(p part) int {
	switch p {
	case partHeader:
		return 2
	case partLength2:
		return 4
	case partLength8:
		return 10
	}
	return int(h.all)
}

// putHeader writes a header into b, which has headerSize bytes. The length takes
// the shortest form (RFC 6455 §5.2); the frame is masked unless key is Unmasked.
func putHeader(b []byte, b0 byte, length int, key MaskingKey) {
	n := 2
	switch {
	case length <= 125:
		b[1] = byte(length)
	case length <= math.MaxUint16:
		b[1] = 126
		binary.BigEndian.PutUint16(b[2:], uint16(length))
		n = 4
	default:
		b[1] = 127
		binary.BigEndian.PutUint64(b[2:], uint64(length))
		n = 10
	}
	b[0] = b0
	if key != Unmasked {
		b[1] |= maskBit
		copy(b[n:], key[:])
	}
}

// headerSize is the size of the header that putHeader writes, in bytes.
func headerSize(length int, key MaskingKey) int {
	n := 2
	switch {
	case length <= 125:
	case length <= math.MaxUint16:
		n = 4
	default:
		n = 10
	}
	if key != Unmasked {
		n += 4
	}
	return n
}
