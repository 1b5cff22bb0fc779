package input

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// Padding is ASCII in front of and behind a text.
var Padding = bytes.Repeat([]byte("0123456789abcdef"), 16)

// Boundaries are payload lengths around which code changes its ways, in bytes.
var Boundaries = [...]int{
	0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 96, 97, 123, 124, 125, 126, 127, 128, 129,
	255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 4095, 4096, 4097, 8191, 8192, 8193, 65534, 65535, 65536, 65537,
}

// Clip shortens bytes for a message.
func Clip(b []byte) []byte { return b[:min(len(b), 64)] }

// Differ says where two byte strings part.
func Differ(got, want []byte) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d of %d is %#02x, want %#02x", i, len(got), got[i], want[i])
		}
	}
	return "no difference"
}

var TranscriptGenerators = sync.Pool{New: func() any { return NewTranscriptGenerator() }}

// RandomInput appends the n-th input of a seed: up to 128 bytes.
func RandomInput(dst []byte, seed, n uint64) []byte {
	x := seed*0x9E3779B97F4A7C15 + n*0xD1342543DE82EF95 + 1
	next := func() uint64 { // splitmix64
		x += 0x9E3779B97F4A7C15
		z := x
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return z ^ z>>31
	}
	size := int(4 + next()%124)
	for len(dst) < size {
		dst = append(dst, byte(next()>>32))
	}
	dst[0] &^= rawBit // structured
	return dst
}

func ShortestForm(n int) wire.Form {
	switch {
	case n <= 125:
		return wire.Form7
	case n <= 0xFFFF:
		return wire.Form16
	}
	return wire.Form64
}

// CheckSentClose checks the payload of a Close that was sent (RFC 6455 sections 5.5.1
// and 7.4.1).
func CheckSentClose(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	out := model.Read(model.Client, model.Limits{Frame: 125, Message: 125}, (&wire.Frame{Fin: true, Opcode: wire.Close, Payload: p}).Append(nil))
	if out.End != model.Closed {
		return fmt.Errorf("a Close with code %d and %d bytes was sent: %v", CloseCode(p), len(p), out)
	}
	return nil
}

// CloseCode is the code in the payload of a Close, 1005 where there is none.
func CloseCode(p []byte) uint16 {
	if len(p) < 2 {
		return 1005
	}
	return uint16(p[0])<<8 | uint16(p[1])
}
