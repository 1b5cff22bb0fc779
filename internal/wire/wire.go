// Package wire builds and splits raw WebSocket frames, valid or not, with
// plain code of its own (RFC 6455 §5.2). The conformance tester, the fuzzers
// and the load generator use it so that a bug of the codec under test cannot
// hide itself. It imports only the standard library and judges nothing: every
// bit pattern can be built and read.
package wire

import (
	"encoding/binary"
	"errors"
)

// The opcodes of RFC 6455 §5.2.
const (
	Continuation byte = 0x0
	Text         byte = 0x1
	Binary       byte = 0x2
	Close        byte = 0x8
	Ping         byte = 0x9
	Pong         byte = 0xA
)

// A Form is a way to write the payload length.
type Form byte

// The forms of the payload length. Shortest is the only one that RFC 6455
// allows; the others force a form, minimal or not.
const (
	Shortest Form = iota
	Form7         // 7 bits: only the low 7 bits of the length are kept
	Form16        // 126, then 2 bytes: only the low 16 bits are kept
	Form64        // 127, then 8 bytes
)

// A Frame is one frame as its bits stand on the wire, its payload unmasked.
type Frame struct {
	Fin     bool
	RSV     byte // 3 bits: 4 is RSV1, 2 is RSV2, 1 is RSV3
	Opcode  byte // 4 bits
	Masked  bool
	Key     [4]byte
	Form    Form
	Length  uint64 // the length that the header claims; 0 means len(Payload)
	Payload []byte
}

// AppendHeader appends the frame's header, masking key included.
func (f *Frame) AppendHeader(dst []byte) []byte {
	b0 := f.RSV&7<<4 | f.Opcode&15
	if f.Fin {
		b0 |= 0x80
	}
	var mask byte
	if f.Masked {
		mask = 0x80
	}
	n := f.Length
	if n == 0 {
		n = uint64(len(f.Payload))
	}
	form := f.Form
	if form == Shortest {
		switch {
		case n <= 125:
			form = Form7
		case n <= 0xFFFF:
			form = Form16
		default:
			form = Form64
		}
	}
	dst = append(dst, b0)
	switch form {
	case Form7:
		dst = append(dst, mask|byte(n&0x7F))
	case Form16:
		dst = append(dst, mask|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	default:
		dst = append(dst, mask|127)
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	if f.Masked {
		dst = append(dst, f.Key[:]...)
	}
	return dst
}

// Append appends the frame: header, then the payload, masked if Masked is set.
// The payload itself is left as it is.
func (f *Frame) Append(dst []byte) []byte {
	dst = f.AppendHeader(dst)
	n := len(dst)
	dst = append(dst, f.Payload...)
	if f.Masked {
		Mask(dst[n:], f.Key)
	}
	return dst
}

// Mask applies the masking key to b in place (RFC 6455 §5.3).
func Mask(b []byte, key [4]byte) {
	for ; len(b) >= len(key); b = b[4:] {
		b[0] ^= key[0]
		b[1] ^= key[1]
		b[2] ^= key[2]
		b[3] ^= key[3]
	}
	for i := range b {
		b[i] ^= key[i&3]
	}
}

// ErrShort says that the bytes end before the frame does.
var ErrShort = errors.New("wire: the bytes end inside a frame")

// Split reads the first frame of b: the frame, and how many bytes it takes. The
// payload is a copy, unmasked; Form is the form that was used. It returns
// ErrShort where b ends first; the frame then holds what the header told, as
// far as it is there, and no payload.
func Split(b []byte) (f Frame, n int, err error) {
	f, n, err = SplitHeader(b)
	if err != nil {
		return f, 0, err
	}
	if uint64(len(b)-n) < f.Length {
		return f, 0, ErrShort
	}
	f.Payload = append([]byte(nil), b[n:n+int(f.Length)]...)
	if f.Masked {
		Mask(f.Payload, f.Key)
	}
	return f, n + int(f.Length), nil
}

// SplitHeader reads the header of the first frame of b, and says how many bytes
// it takes; Payload stays nil. It returns ErrShort where b ends first.
func SplitHeader(b []byte) (f Frame, n int, err error) {
	if len(b) < 2 {
		return f, 0, ErrShort
	}
	f.Fin = b[0]&0x80 != 0
	f.RSV = b[0] >> 4 & 7
	f.Opcode = b[0] & 15
	f.Masked = b[1]&0x80 != 0
	n = 2
	switch length := b[1] & 0x7F; length {
	case 126:
		f.Form = Form16
		if len(b) < 4 {
			return f, 0, ErrShort
		}
		f.Length = uint64(binary.BigEndian.Uint16(b[2:]))
		n = 4
	case 127:
		f.Form = Form64
		if len(b) < 10 {
			return f, 0, ErrShort
		}
		f.Length = binary.BigEndian.Uint64(b[2:])
		n = 10
	default:
		f.Form = Form7
		f.Length = uint64(length)
	}
	if f.Masked {
		if len(b) < n+4 {
			return f, 0, ErrShort
		}
		copy(f.Key[:], b[n:])
		n += 4
	}
	return f, n, nil
}
