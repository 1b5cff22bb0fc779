package serve

import (
	"testing"
	"unicode/utf8"
)

// TestTextCheck compares the check in pieces with unicode/utf8, for all strings
// of up to 4 bytes out of those that begin and end the ranges of UTF-8.
func TestTextCheck(t *testing.T) {
	edges := []byte{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff}
	var text func(b []byte)
	text = func(b []byte) {
		var whole TextCheck
		ok := true
		for i := range b {
			if whole.More(b[:i+1]) != nil {
				ok = false
				break
			}
		}
		if ok && whole.End(b) != nil {
			ok = false
		}
		if ok != utf8.Valid(b) {
			t.Errorf("%x: %v, want %v", b, ok, !ok)
		}
		if len(b) == 4 {
			return
		}
		for _, e := range edges {
			text(append(b, e))
		}
	}
	text(make([]byte, 0, 4))
}

// TestTextCheckAtOnce checks that what can no longer become valid is refused
// with the first byte that makes it so (RFC 6455 §8.1).
func TestTextCheckAtOnce(t *testing.T) {
	for _, b := range []string{"\xff", "\x80", "\xe0\x80", "\xed\xa0", "\xf0\x80", "\xf4\x90", "\xf5", "ok\xc0", "\xe2\x82\x41"} {
		var whole TextCheck
		if whole.More([]byte(b)) == nil {
			t.Errorf("%x is taken for the beginning of UTF-8", b)
		}
	}
}

func TestCounter(t *testing.T) {
	var a, b Counter
	a.add(3, 5)
	a.add(1<<30, 0)
	b.add(0, 7)
	var got totals
	got.count(&a)
	got.count(&b)
	if want := (totals{messages: 3, in: 1<<30 + 3, out: 12}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCutReason(t *testing.T) {
	long := ""
	for len(long) < 200 {
		long += "€"
	}
	if got := Cut(long); len(got) > 123 || !utf8.ValidString(got) || len(got) < 121 {
		t.Errorf("Cut to %d bytes, valid %v", len(got), utf8.ValidString(got))
	}
	if got := Cut("short"); got != "short" {
		t.Errorf("got %q", got)
	}
}

func BenchmarkCounter(b *testing.B) {
	var c Counter
	for b.Loop() {
		c.add(125, 125)
	}
}
