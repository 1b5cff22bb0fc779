package protocol

import (
	"bytes"
	"fmt"
	"testing"
)

// maskPlain is the definition of RFC 6455 §5.3.
func maskPlain(dst, src []byte, key MaskingKey) {
	for i, b := range src {
		dst[i] = b ^ key[i%4]
	}
}

// maskWords is the kernel in plain Go.
func maskWords(dst, src []byte, key uint32) { maskBy(false, dst, src, key) }

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

func TestMaskKernelsAgreeWithTheDefinition(t *testing.T) {
	kernels := map[string]func(dst, src []byte, key uint32){
		"dispatch": func(dst, src []byte, key uint32) { mask(dst, src, key) },
		"words":    maskWords,
	}
	if haveVector {
		kernels["vector"] = func(dst, src []byte, key uint32) {
			if len(src) >= vectorMin {
				maskVector(dst, src, key)
			} else {
				maskWords(dst, src, key)
			}
		}
	} else {
		t.Log("no vector kernel on this machine: only plain Go is checked")
	}
	key := MaskingKey{0x12, 0x34, 0x56, 0x78}
	sizes := []int{4095, 4096, 4097, 65535, 65536, 65537}
	for n := range 1400 {
		sizes = append(sizes, n)
	}
	for name, kernel := range kernels {
		for _, n := range sizes {
			offsets := []int{0, 1, 3, 17, 32}
			if n%97 == 0 {
				offsets = offsets[:0]
				for i := range 40 {
					offsets = append(offsets, i)
				}
			}
			for _, off := range offsets {
				src := pattern(n + off + 8)
				want := bytes.Clone(src)
				maskPlain(want[off:off+n], src[off:off+n], key)

				inPlace := bytes.Clone(src)
				kernel(inPlace[off:off+n], inPlace[off:off+n], key.word())
				if !bytes.Equal(inPlace, want) {
					t.Fatalf("%s: %d bytes at offset %d in place: wrong", name, n, off)
				}
				into := bytes.Clone(src)
				kernel(into[off:off+n], bytes.Clone(src[off:off+n]), key.word())
				if !bytes.Equal(into, want) {
					t.Fatalf("%s: %d bytes at offset %d into another buffer: wrong", name, n, off)
				}
			}
		}
	}
}

func TestMaskGoesOnWithTheTurnedKey(t *testing.T) {
	src := pattern(300)
	key := MaskingKey{1, 2, 3, 4}
	want := make([]byte, len(src))
	maskPlain(want, src, key)
	for cut := range len(src) {
		got := make([]byte, len(src))
		mask(got[cut:], src[cut:], mask(got[:cut], src[:cut], key.word()))
		if !bytes.Equal(got, want) {
			t.Fatalf("cut at %d: wrong", cut)
		}
	}
}

func TestNewMaskingKey(t *testing.T) {
	seen := map[MaskingKey]bool{}
	for range 1000 {
		key := NewMaskingKey()
		if key == Unmasked {
			t.Fatal("NewMaskingKey returned Unmasked")
		}
		seen[key] = true
	}
	if len(seen) < 999 { // two equal ones of 1000 have a chance of 1 in 8600
		t.Errorf("1000 keys, %d different", len(seen))
	}
}

func BenchmarkMask(b *testing.B) {
	for _, n := range []int{16, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20} {
		for _, k := range []struct {
			name string
			f    func(dst, src []byte, key uint32)
		}{{"words", maskWords}, {"dispatch", func(dst, src []byte, key uint32) { mask(dst, src, key) }}} {
			b.Run(fmt.Sprintf("kernel=%s/size=%dB", k.name, n), func(b *testing.B) {
				buf := make([]byte, n+6)[6:]
				b.SetBytes(int64(n))
				for b.Loop() {
					k.f(buf, buf, 0x12345678)
				}
			})
		}
	}
}
