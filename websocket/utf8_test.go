package websocket

import (
	"fmt"
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
				var u utf8Stream
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
					var u utf8Stream
					if got, want := u.valid(b) && u.complete(), utf8.Valid(b); got != want {
						t.Fatalf("% x: %v, want %v", b, got, want)
					}
				}
			}
		}
	}
}

func TestASCIIKernelsAgree(t *testing.T) {
	kernels := map[string]func([]byte) int{"dispatch": asciiPrefix, "words": asciiWords}
	for n := range 300 {
		p := []byte(strings.Repeat("a", n+3))[3:]
		for at := -1; at < n; at++ {
			if at >= 0 {
				p[at] = 0x80
			}
			for name, kernel := range kernels {
				got := kernel(p)
				if at < 0 && got != n || at >= 0 && got > at {
					t.Fatalf("%s: %d bytes, the first that is not ASCII at %d: %d", name, n, at, got)
				}
			}
			if at >= 0 {
				p[at] = 'a'
			}
		}
	}
}

func BenchmarkUTF8(b *testing.B) {
	for _, n := range []int{16, 125, 1 << 10, 16 << 10} {
		for kind, text := range map[string]string{"ascii": strings.Repeat("a", n), "mixed": strings.Repeat("aé€😀bcdefg", n/16+1)[:n/16*16]} {
			b.Run(fmt.Sprintf("text=%s/size=%dB", kind, n), func(b *testing.B) {
				p := []byte(text)
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					var u utf8Stream
					u.valid(p)
				}
			})
		}
	}
}
