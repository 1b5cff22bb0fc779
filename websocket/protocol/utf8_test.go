package protocol

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// texts are valid and invalid ones around every boundary of RFC 3629.
var texts = []string{
	"", "a", "κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", strings.Repeat("a", 31), strings.Repeat("a", 200),
	"\x7f", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2\x80", "\xc2\x7f", "\xc2\xc0", "\xdf\xbf",
	"\xe0\x80\x80", "\xe0\x9f\xbf", "\xe0\xa0\x80", "\xec\xbf\xbf", "\xed\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
	"\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
	"\xe2\x82", "\xf0\x9f\x98", "\xf0\x9f", "\xf0", "\xe2", "\xc3",
	strings.Repeat("x", 130) + "é", strings.Repeat("€", 60), strings.Repeat("x", 150) + "\xff" + strings.Repeat("y", 150),
}

// firstInvalid is the number of bytes after which no continuation can make s
// valid any more, or -1: by trying every continuation.
func firstInvalid(s string) int {
	for n := 1; n <= len(s); n++ {
		if !canBecomeValid(s[:n]) {
			return n
		}
	}
	return -1
}

func canBecomeValid(s string) bool {
	for _, end := range []string{"", "\x80", "\x80\x80", "\x80\x80\x80", "\x90\x80\x80", "\xa0\x80", "\x90\x80"} {
		if utf8.ValidString(s + end) {
			return true
		}
	}
	return false
}

func TestUTF8StreamAgreesWithTheDefinition(t *testing.T) {
	for _, prefix := range []string{"", "ascii", strings.Repeat("a", 33), "日本語"} {
		for _, text := range texts {
			s := prefix + text
			want := firstInvalid(s)
			for step := 1; step <= max(len(s), 1); step++ {
				var u textStream
				got, n := -1, 0
				for n < len(s) && got < 0 {
					end := min(n+step, len(s))
					if !u.valid([]byte(s[n:end])) {
						got = end
					}
					n = end
				}
				// The piece in which it is noticed must be the one with the first invalid byte.
				if (got < 0) != (want < 0) || got >= 0 && (got < want || got-want >= step) {
					t.Fatalf("%q in pieces of %d: invalid after %d, want %d", s, step, got, want)
				}
				if got < 0 && u.complete() != utf8.ValidString(s) {
					t.Fatalf("%q in pieces of %d: complete: %v", s, step, u.complete())
				}
			}
		}
	}
}

func TestUTF8EveryFourBytes(t *testing.T) {
	// All leads with all second bytes, and the third and fourth at their boundaries.
	edges := []byte{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff}
	b := make([]byte, 4)
	for b0 := range 256 {
		for b1 := range 256 {
			b[0], b[1] = byte(b0), byte(b1)
			for _, b[2] = range edges {
				for _, b[3] = range edges {
					var u textStream
					if got, want := u.valid(b) && u.complete(), utf8.Valid(b); got != want {
						t.Fatalf("% x: %v, want %v", b, got, want)
					}
				}
			}
		}
	}
}

// A utf8Kernel is a way to validate a text as a whole, of least bytes or more.
type utf8Kernel struct {
	name  string
	valid func([]byte) bool
	least int
}

func utf8Kernels(t testing.TB) []utf8Kernel {
	kernels := []utf8Kernel{
		{"dispatch", ValidUTF8, 0},
		{"plain", func(p []byte) bool { return utf8Start.after(p) == utf8Start }, 0},
	}
	if !haveVector {
		t.Log("no vector kernel on this machine: only plain Go is checked")
		return kernels
	}
	return append(kernels, utf8Kernel{"vector", validVector, utf8VectorMin})
}

func checkUTF8(t *testing.T, kernels []utf8Kernel, p []byte, want bool) {
	t.Helper()
	for _, k := range kernels {
		if len(p) >= k.least && k.valid(p) != want {
			t.Fatalf("%s: %q: %v, want %v", k.name, p, !want, want)
		}
	}
}

// Every text at every offset of buffers that hold something valid besides.
func TestUTF8KernelsAgreeOnEveryTextAnywhere(t *testing.T) {
	kernels := utf8Kernels(t)
	for _, fill := range []string{"a", "é", "€", "😀"} {
		for _, text := range texts {
			for at := 0; at+len(text) <= 100 || at == 0; at++ {
				before := strings.Repeat(fill, at/len(fill)) + "abc"[:at%len(fill)]
				p := []byte(before + text + strings.Repeat(fill, max(0, 100-at-len(text))/len(fill)))
				checkUTF8(t, kernels, p, utf8.Valid(p))
				end := len(before) + len(text) // and where the buffer ends with the text
				checkUTF8(t, kernels, p[:end], utf8.Valid(p[:end]))
			}
		}
	}
}

// All pairs of bytes, with continuation bytes and others behind them, at every
// place of a buffer of two blocks of 32 bytes and three bytes more.
func TestUTF8EveryPairAnywhere(t *testing.T) {
	p := []byte(strings.Repeat("a", 67))
	for b0 := range 256 {
		for b1 := range 256 {
			for _, rest := range []string{"\x80\x80", "\xBFa", "aa", "\x80\xC2"} {
				quad := [4]byte{byte(b0), byte(b1), rest[0], rest[1]}
				want := utf8.Valid(quad[:])
				for at := range len(p) - 3 {
					at4 := (*[4]byte)(p[at:])
					*at4 = quad
					if ValidUTF8(p) != want {
						t.Fatalf("% x at %d of %d bytes: %v, want %v", quad, at, len(p), !want, want)
					}
					*at4 = [4]byte{'a', 'a', 'a', 'a'}
				}
			}
		}
	}
}

// Bytes that stand for all others, in all sequences of four, at every place and
// alignment of a buffer in which the kernels take all of their steps: where all
// else is ASCII, and where something at the beginning is not.
func TestUTF8KernelsAgreeAtEveryPlace(t *testing.T) {
	const size = 230
	kernels := utf8Kernels(t)[1:] // the first is one of the others
	firsts := []byte{'a', 0x80, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEE, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF}
	seconds := []byte{0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2}
	thirds := []byte{0x7F, 0x80, 0xBF}
	fourths := []byte{0x7F, 0xBF}
	backing := make([]byte, size+32)
	for _, begin := range []string{"", "é"} {
		for at := len(begin); at <= size-4; at++ {
			p := backing[at%32:][:size]
			copy(p, begin+strings.Repeat("a", size))
			quad := p[at : at+4]
			for _, quad[0] = range firsts {
				for _, quad[1] = range seconds {
					for _, quad[2] = range thirds {
						for _, quad[3] = range fourths {
							want := utf8.Valid(quad) // what is around it is valid and ends before it
							for _, k := range kernels {
								if k.valid(p) != want {
									t.Fatalf("%s: % x at %d of %d bytes that begin with %q: %v, want %v", k.name, quad, at, size, begin, !want, want)
								}
							}
						}
					}
				}
			}
		}
	}
}

// randomText is valid text of about n bytes, with runs of characters of each length.
func randomText(r *rand.Rand, n int) []byte {
	var p []byte
	for len(p) < n {
		lo, hi := rune(0), rune(0x7F)
		switch r.IntN(5) {
		case 0:
			lo, hi = 0x80, 0x7FF
		case 1:
			lo, hi = 0x800, 0xD7FF
		case 2:
			lo, hi = 0xE000, 0xFFFF
		case 3:
			lo, hi = 0x10000, 0x10FFFF
		}
		for range 1 + r.IntN(1+r.IntN(60)) {
			p = utf8.AppendRune(p, lo+rune(r.IntN(int(hi-lo)+1)))
		}
	}
	return p
}

func TestUTF8KernelsAgreeOnRandomText(t *testing.T) {
	kernels := utf8Kernels(t)
	r := rand.New(rand.NewPCG(3629, 6455))
	for range 700 {
		p := randomText(r, r.IntN(700))
		checkUTF8(t, kernels, p, true)
		if len(p) == 0 {
			continue
		}
		cut := p[:r.IntN(len(p)+1)]
		checkUTF8(t, kernels, cut, utf8.Valid(cut))
		for range 20 {
			i := r.IntN(len(p))
			was := p[i]
			p[i] = byte(r.IntN(256))
			checkUTF8(t, kernels, p, utf8.Valid(p))
			p[i] = was
		}
		for i := range p { // bytes at random, few leads among them
			p[i] = byte(r.IntN(256)) & byte(0x7F|r.IntN(2)<<7)
		}
		checkUTF8(t, kernels, p, utf8.Valid(p))
	}
}

func TestUTF8StreamStaysFailed(t *testing.T) {
	for _, bad := range []string{"\xff", "\xc3a", strings.Repeat("é", 50) + "\xc3" + strings.Repeat("a", 50)} {
		var u textStream
		if u.valid([]byte(bad)) || u.valid([]byte("a")) || u.valid([]byte(strings.Repeat("é", 50))) || u.complete() {
			t.Errorf("%q, then valid text: taken for valid", bad)
		}
	}
}

func FuzzUTF8(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text), uint8(3))
		f.Add([]byte(strings.Repeat("aé€😀", 30)+text), uint8(50))
	}
	kernels := utf8Kernels(f)
	f.Fuzz(func(t *testing.T, p []byte, step uint8) {
		want := utf8.Valid(p)
		checkUTF8(t, kernels, p, want)
		var u textStream
		valid := true
		for rest := p; len(rest) > 0 && valid; {
			n := min(len(rest), int(step)+1)
			valid, rest = u.valid(rest[:n]), rest[n:]
		}
		if got := valid && u.complete(); got != want {
			t.Fatalf("%q in pieces of %d: %v, want %v", p, int(step)+1, got, want)
		}
	})
}

func BenchmarkUTF8(b *testing.B) {
	random := randomText(rand.New(rand.NewPCG(1, 2)), 17<<10)
	for _, n := range []int{16, 125, 1 << 10, 16 << 10} {
		for kind, text := range map[string]string{
			"ascii":    strings.Repeat("a", n),
			"mixed":    strings.Repeat("aé€😀bcdefg", n/16+1)[:n/16*16],
			"cyrillic": strings.Repeat("Съешь ещё этих мягких булок, ", n/50+1)[:n],
			"random":   string(random[len(random)-n:]),
		} {
			b.Run(fmt.Sprintf("text=%s/size=%dB", kind, n), func(b *testing.B) {
				p := []byte(text)
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					var u textStream
					u.valid(p)
				}
			})
		}
	}
}
