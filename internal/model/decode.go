package model

import (
	"encoding/binary"
	"strconv"
)

// A Frame is one frame, its payload unmasked (RFC 6455 §5.2).
type Frame struct {
	Fin     bool
	RSV     byte // 3 bits: 4 is RSV1, 2 is RSV2, 1 is RSV3
	Opcode  byte
	Masked  bool
	Key     [4]byte
	Payload []byte // nil if empty
}

// A Decoded is what a frame decoder, which does not judge a conversation, makes
// of the beginning of its input: a frame, or a rule that is broken, or an end
// before the frame's.
type Decoded struct {
	Frame Frame
	Size  int // bytes that the frame takes; 0 if there is none

	// Rule is the first rule that is broken. Codes are the close codes that fit
	// it, the usual one first.
	Rule  Rule
	Codes []uint16

	// Missing names the part in which the input ends: "frame header", "2-byte
	// extended payload length", "8-byte extended payload length", "mask key" or
	// "N byte payload"; empty where no more is needed. Some tells that a part of
	// it is there. If Rule is set too, the decoder may refuse or ask for more.
	Missing string
	Some    bool
}

// Decode reads the first frame of input: RSV bits, opcode and the rules of
// control frames are not its business, and a client decodes a masked frame. It
// checks, in this order: masking towards a server (§5.1), minimal length (§5.2),
// the limit, in bytes of payload.
func Decode(role Role, limit int, input []byte) Decoded {
	h := parse(input)
	d := Decoded{Missing: h.missing, Some: h.some}
	var broken breach
	if role == Server && h.hasSecond && !h.masked {
		broken.add(ClientFrameUnmasked)
	}
	if !h.minimal() {
		broken.add(LengthNotMinimal)
	}
	broken.addTooLong(&h, limit, nil)
	d.Rule, d.Codes = broken.rule, broken.codes
	if d.Rule != "" || !h.whole {
		return d
	}
	payload, complete := h.payload(input, true)
	if !complete {
		d.Missing = strconv.FormatUint(h.length, 10) + " byte payload"
		d.Some = len(payload) > 0
		return d
	}
	d.Frame = Frame{h.fin, h.rsv, h.opcode, h.masked, h.key, payload}
	d.Size = h.size + len(payload)
	return d
}

// Encode writes the frame with its length in the fewest bytes (§5.2).
func Encode(f Frame) []byte {
	first := f.RSV&7<<4 | f.Opcode&0x0F
	if f.Fin {
		first |= 0x80
	}
	var mask byte
	if f.Masked {
		mask = 0x80
	}
	out := []byte{first}
	n := len(f.Payload)
	switch {
	case n <= 125:
		out = append(out, mask|byte(n))
	case n <= 65535:
		out = append(out, mask|126)
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	default:
		out = append(out, mask|127)
		out = binary.BigEndian.AppendUint64(out, uint64(n))
	}
	if !f.Masked {
		return append(out, f.Payload...)
	}
	out = append(out, f.Key[:]...)
	for i, b := range f.Payload {
		out = append(out, b^f.Key[i%4])
	}
	return out
}
