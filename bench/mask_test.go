package bench

import (
	"bytes"
	"testing"

	"github.com/gobwas/ws"

	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

var maskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// A masker masks b by the smallest public call that does it, and returns where
// the masked bytes are.
type masker struct {
	lib, via string
	mask     func(b []byte) func() []byte
}

// Only gobwas exports its kernel. The core's, like those of the others, stands
// behind calls that do more; via says which. For gorilla, coder and gws there
// is none smaller than what BenchmarkWriteFrame/role=client measures.
var maskers = []masker{
	{lib: "gobwas", via: "cipher", mask: func(b []byte) func() []byte { // in place
		return func() []byte { ws.Cipher(b, maskKey, 0); return b }
	}},
	{lib: "gobwas", via: "copycipher", mask: func(b []byte) func() []byte { // what AppendFrame does, without the header
		buf := make([]byte, 0, len(b))
		return func() []byte {
			buf = append(buf[:0], b...)
			ws.Cipher(buf, maskKey, 0)
			return buf
		}
	}},
	{lib: "core", via: "append", mask: func(b []byte) func() []byte { // header, copy and mask
		f := websocket.NewFrame(websocket.OpcodeBinary, true, b)
		buf := make([]byte, 0, len(b)+14)
		return func() []byte {
			buf = websocket.AppendFrame(buf[:0], f, maskKey)
			return buf[len(buf)-len(b):]
		}
	}},
}

func BenchmarkMask(b *testing.B) {
	for _, m := range maskers {
		for _, n := range sizes {
			b.Run("lib="+m.lib+build+"/via="+m.via+"/size="+size(n), func(b *testing.B) {
				mask := m.mask(make([]byte, n))
				measure(b, int64(n), &op{loop: func(next func() bool) error {
					for next() {
						mask()
					}
					return nil
				}})
			})
		}
	}
	for _, lib := range []string{"gorilla", "coder", "gws"} {
		b.Run("lib="+lib+build, func(b *testing.B) {
			b.Skip("the kernel is not exported; BenchmarkWriteFrame/role=client is the smallest public call that masks")
		})
	}
}

func TestMask(t *testing.T) {
	for _, m := range maskers {
		for n := range 300 {
			want := fill("", n, 3)
			got := m.mask(bytes.Clone(want))()
			wire.Mask(want, maskKey)
			if !bytes.Equal(got, want) {
				t.Errorf("lib=%s via=%s: %d bytes are masked wrongly", m.lib, m.via, n)
			}
		}
	}
}
