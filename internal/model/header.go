package model

import "encoding/binary"

// A header is a frame's header (RFC 6455 §5.2), as far as it has arrived.
//
//	 0               1               2               3
//	+-+-+-+-+-------+-+-------------+-------------------------------+
//	|F|R|R|R| opcode|M| Payload len |    Extended payload length    |
//	|I|S|S|S|  (4)  |A|     (7)     |            (16/64)            |
//	|N|V|V|V|       |S|             |                               |
//	| |1|2|3|       |K|             |  then the masking key, if M   |
//	+-+-+-+-+-------+-+-------------+-------------------------------+
type header struct {
	fin    bool
	rsv    byte // 3 bits: 4 is RSV1, 2 is RSV2, 1 is RSV3
	opcode byte
	masked bool
	form   int // bytes of the extended payload length: 0, 2 or 8
	length uint64
	key    [4]byte

	// What of it has arrived, from the left.
	hasFirst  bool // the first byte: fin, rsv, opcode
	hasSecond bool // the second byte: masked, form
	hasLength bool // length
	whole     bool // all of it, the masking key included
	size      int  // bytes of the header, once hasSecond

	missing string // the part in which b ends, in the words of the core's errors
	some    bool   // some bytes of that part are there
}

// parse reads the header at the beginning of b.
func parse(b []byte) header {
	var h header
	h.missing = "frame header"
	h.some = len(b) > 0
	if len(b) < 1 {
		return h
	}
	h.hasFirst = true
	h.fin = b[0]&0x80 != 0
	h.rsv = b[0] >> 4 & 7
	h.opcode = b[0] & 0x0F
	if len(b) < 2 {
		return h
	}
	h.hasSecond = true
	h.masked = b[1]&0x80 != 0
	h.size = 2
	if b[1]&0x7F == 126 {
		h.form = 2
	}
	if b[1]&0x7F == 127 {
		h.form = 8
	}
	lengthAt := h.size
	h.size += h.form
	keyAt := h.size
	if h.masked {
		h.size += 4
	}

	if h.form == 0 {
		h.length = uint64(b[1] & 0x7F)
	}
	if h.form == 2 {
		h.missing = "2-byte extended payload length"
		h.some = len(b) > lengthAt
		if len(b) < lengthAt+2 {
			return h
		}
		h.length = uint64(binary.BigEndian.Uint16(b[lengthAt:]))
	}
	if h.form == 8 {
		h.missing = "8-byte extended payload length"
		h.some = len(b) > lengthAt
		if len(b) < lengthAt+8 {
			return h
		}
		h.length = binary.BigEndian.Uint64(b[lengthAt:])
	}
	h.hasLength = true

	if h.masked {
		h.missing = "mask key"
		h.some = len(b) > keyAt
		if len(b) < keyAt+4 {
			return h
		}
		copy(h.key[:], b[keyAt:])
	}
	h.whole = true
	h.missing = ""
	h.some = false
	return h
}

// control reports whether the opcode is that of a control frame: "Control
// frames are identified by opcodes where the most significant bit of the opcode
// is 1" (§5.5).
func (h *header) control() bool { return h.opcode&0x8 != 0 }

// minimal reports whether the length stands in the fewest bytes that hold it
// (§5.2); so does a length that has not arrived.
func (h *header) minimal() bool {
	if !h.hasLength {
		return true
	}
	if h.form == 2 && h.length <= 125 {
		return false
	}
	if h.form == 8 && h.length <= 65535 {
		return false
	}
	return true
}

// payload returns what has arrived of the payload in b, which begins with the
// header, unmasked as §5.3 says: octet i is XORed with octet i modulo 4 of the key.
func (h *header) payload(b []byte, unmask bool) (payload []byte, complete bool) {
	rest := b[h.size:]
	complete = uint64(len(rest)) >= h.length
	if complete {
		rest = rest[:h.length]
	}
	if len(rest) == 0 {
		return nil, complete
	}
	payload = make([]byte, len(rest))
	copy(payload, rest)
	if h.masked && unmask {
		for i := range payload {
			payload[i] ^= h.key[i%4]
		}
	}
	return payload, complete
}
