package protocol

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// An Opcode says what a frame's payload is (RFC 6455 §5.2).
type Opcode uint8

// The opcodes of RFC 6455 §5.2; all others are reserved.
const (
	OpcodeContinuation Opcode = 0x0
	OpcodeText         Opcode = 0x1
	OpcodeBinary       Opcode = 0x2
	OpcodeClose        Opcode = 0x8
	OpcodePing         Opcode = 0x9
	OpcodePong         Opcode = 0xA
)

// String returns the opcode's name, or its number in hexadecimal.
func (o Opcode) String() string {
	switch o {
	case OpcodeContinuation:
		return "Cont"
	case OpcodeText:
		return "Text"
	case OpcodeBinary:
		return "Binary"
	case OpcodeClose:
		return "Close"
	case OpcodePing:
		return "Ping"
	case OpcodePong:
		return "Pong"
	}
	return fmt.Sprintf("Opcode(%#x)", uint8(o))
}

// isControl reports whether the opcode is of a control frame, reserved or not:
// its most significant bit is set (RFC 6455 §5.5).
func (o Opcode) isControl() bool { return o&0x8 != 0 }

// An RSVBit is a bit of a frame's first byte that an extension may give a
// meaning (RFC 6455 §5.2).
type RSVBit byte

// The reserved bits.
const (
	RSV1 RSVBit = 0x40
	RSV2 RSVBit = 0x20
	RSV3 RSVBit = 0x10
)

const (
	finBit     = 0x80
	rsvBits    = byte(RSV1 | RSV2 | RSV3)
	opcodeBits = 0x0F
	maskBit    = 0x80
	lengthBits = 0x7F
)

const (
	// maxControlPayload is the longest payload of a control frame (RFC 6455 §5.5).
	maxControlPayload = 125
	// maxCloseReason is what is left of it behind the close code (RFC 6455 §5.5.1).
	maxCloseReason = maxControlPayload - 2
	// maxHeaderSize is the longest header: 2 bytes, 8 of length, 4 of masking key.
	maxHeaderSize = 14
)

// A Frame is a WebSocket frame (RFC 6455 §5.2), its payload unmasked. A masking
// key is no part of it: it is chosen anew each time a frame is written.
type Frame struct {
	// Payload is the application data; nil if empty.
	Payload []byte
	// b0 is the first byte of the header: FIN, RSV1 to RSV3, opcode.
	b0 byte
}

// frameOf is a frame with this first byte. It keeps payload.
func frameOf(b0 byte, payload []byte) Frame { return Frame{Payload: payload, b0: b0} }

// first is the first byte of the header.
func (f *Frame) first() byte { return f.b0 }

// NewFrame returns a frame with the low 4 bits of opcode. It keeps payload.
func NewFrame(opcode Opcode, fin bool, payload []byte, rsv ...RSVBit) *Frame {
	f := &Frame{b0: byte(opcode) & opcodeBits}
	if fin {
		f.b0 |= finBit
	}
	for _, bit := range rsv {
		f.b0 |= byte(bit) & rsvBits
	}
	if len(payload) > 0 {
		f.Payload = payload
	}
	return f
}

// NewCloseFrame returns a Close frame with code and reason, or an empty one if
// code is 0 (RFC 6455 §5.5.1). It encodes any code, valid or not, and cuts a
// reason that would take the payload past 125 bytes, on a rune boundary.
func NewCloseFrame(code StatusCode, reason string) *Frame {
	if code == 0 {
		return NewFrame(OpcodeClose, true, nil)
	}
	return NewFrame(OpcodeClose, true, appendClosePayload(nil, code, reason))
}

func appendClosePayload(dst []byte, code StatusCode, reason string) []byte {
	dst = append(dst, byte(code>>8), byte(code))
	return append(dst, cutReason(reason)...)
}

// cutReason cuts s to what a Close frame holds, on a rune boundary.
func cutReason(s string) string {
	if len(s) <= maxCloseReason {
		return s
	}
	n := maxCloseReason
	for i := 0; i < utf8.UTFMax-1 && !utf8.RuneStart(s[n]); i++ {
		n--
	}
	return s[:n]
}

// Fin reports whether the frame is the last one of its message.
func (f *Frame) Fin() bool { return f.b0&finBit != 0 }

// Opcode returns the frame's opcode.
func (f *Frame) Opcode() Opcode { return Opcode(f.b0 & opcodeBits) }

// RSV1 reports whether the first reserved bit is set.
func (f *Frame) RSV1() bool { return f.b0&byte(RSV1) != 0 }

// RSV2 reports whether the second reserved bit is set.
func (f *Frame) RSV2() bool { return f.b0&byte(RSV2) != 0 }

// RSV3 reports whether the third reserved bit is set.
func (f *Frame) RSV3() bool { return f.b0&byte(RSV3) != 0 }

// String describes the frame in a line, such as "Text fin len=5".
func (f Frame) String() string {
	var b strings.Builder
	b.WriteString(f.Opcode().String())
	if f.Fin() {
		b.WriteString(" fin")
	}
	for i, set := range [...]bool{f.RSV1(), f.RSV2(), f.RSV3()} {
		if set {
			fmt.Fprintf(&b, " rsv%d", i+1)
		}
	}
	fmt.Fprintf(&b, " len=%d", len(f.Payload))
	return b.String()
}
