package model

// A text checks UTF-8 a byte at a time. Its zero value expects a character.
//
// RFC 3629 §4:
//
//	UTF8-1    = %x00-7F
//	UTF8-2    = %xC2-DF UTF8-tail
//	UTF8-3    = %xE0 %xA0-BF UTF8-tail / %xE1-EC 2( UTF8-tail ) /
//	            %xED %x80-9F UTF8-tail / %xEE-EF 2( UTF8-tail )
//	UTF8-4    = %xF0 %x90-BF 2( UTF8-tail ) / %xF1-F3 3( UTF8-tail ) /
//	            %xF4 %x80-8F 2( UTF8-tail )
//	UTF8-tail = %x80-BF
type text struct {
	tails    int  // bytes that the character still needs
	from, to byte // between which the next of them must lie
}

// add takes the next byte and reports whether it may stand there.
func (t *text) add(b byte) bool {
	if t.tails > 0 {
		if b < t.from || b > t.to {
			return false
		}
		t.tails--
		t.from, t.to = 0x80, 0xBF
		return true
	}
	switch {
	case b <= 0x7F:
		*t = text{}
	case b >= 0xC2 && b <= 0xDF:
		*t = text{1, 0x80, 0xBF}
	case b == 0xE0:
		*t = text{2, 0xA0, 0xBF}
	case b >= 0xE1 && b <= 0xEC:
		*t = text{2, 0x80, 0xBF}
	case b == 0xED:
		*t = text{2, 0x80, 0x9F}
	case b == 0xEE || b == 0xEF:
		*t = text{2, 0x80, 0xBF}
	case b == 0xF0:
		*t = text{3, 0x90, 0xBF}
	case b >= 0xF1 && b <= 0xF3:
		*t = text{3, 0x80, 0xBF}
	case b == 0xF4:
		*t = text{3, 0x80, 0x8F}
	default:
		return false
	}
	return true
}

// whole reports whether the text may end here.
func (t *text) whole() bool { return t.tails == 0 }

// invalidAt returns the index of the first byte of p that may not stand where it
// does, len(p) if the text may not end behind p, or -1 if p is UTF-8.
func invalidAt(p []byte) int {
	var t text
	for i, b := range p {
		if !t.add(b) {
			return i
		}
	}
	if !t.whole() {
		return len(p)
	}
	return -1
}

// ValidUTF8 reports whether p is UTF-8 as RFC 3629 §4 spells it.
func ValidUTF8(p []byte) bool { return invalidAt(p) < 0 }
