package websocket

import (
	"unicode/utf8"
)

// A utf8Stream validates text that arrives in pieces (RFC 6455 §8.1, RFC 3629):
// its zero value stands at the beginning of a text. Between pieces it keeps what
// the next byte must be.
type utf8Stream struct {
	need   uint8 // continuation bytes that the current character still needs
	lo, hi uint8 // the range of the next one
}

// valid reports whether the text so far, p included, can still become valid: it
// is false from the first byte on that makes it invalid.
func (s *utf8Stream) valid(p []byte) bool {
	for len(p) > 0 && s.need > 0 {
		if !s.step(p[0]) {
			return false
		}
		p = p[1:]
	}
	whole, tail := splitLast(p)
	if !validUTF8(whole) {
		return false
	}
	for _, b := range tail {
		if !s.step(b) {
			return false
		}
	}
	return true
}

// complete reports whether the text may end here.
func (s *utf8Stream) complete() bool { return s.need == 0 }

// step takes the next byte and reports whether it may stand there (RFC 3629 §4).
func (s *utf8Stream) step(b byte) bool {
	if s.need > 0 {
		if b < s.lo || b > s.hi {
			return false
		}
		s.need, s.lo, s.hi = s.need-1, 0x80, 0xBF
		return true
	}
	s.lo, s.hi = 0x80, 0xBF
	switch {
	case b < 0x80:
	case b < 0xC2: // a continuation byte, or an overlong form of ASCII
		return false
	case b < 0xE0:
		s.need = 1
	case b < 0xF0:
		s.need = 2
		if b == 0xE0 {
			s.lo = 0xA0 // below: overlong
		} else if b == 0xED {
			s.hi = 0x9F // above: surrogates
		}
	case b < 0xF5:
		s.need = 3
		if b == 0xF0 {
			s.lo = 0x90 // below: overlong
		} else if b == 0xF4 {
			s.hi = 0x8F // above: past U+10FFFF
		}
	default:
		return false
	}
	return true
}

// splitLast splits off the last character of p where it is not complete.
func splitLast(p []byte) (whole, tail []byte) {
	for i := 1; i <= len(p) && i < utf8.UTFMax; i++ {
		b := p[len(p)-i]
		if b < 0x80 {
			break
		}
		if b < 0xC0 {
			continue
		}
		size := 2
		if b >= 0xF0 {
			size = 4
		} else if b >= 0xE0 {
			size = 3
		}
		if size > i {
			return p[:len(p)-i], p[len(p)-i:]
		}
		break
	}
	return p, nil
}

// validUTF8 is utf8.Valid with a faster way over ASCII.
func validUTF8(p []byte) bool {
	n := asciiPrefix(p)
	return n == len(p) || utf8.Valid(p[n:])
}

// asciiPrefix returns the number of bytes at the beginning of p that are known to
// be ASCII; it is len(p) if all are.
func asciiPrefix(p []byte) int {
	if len(p) >= vectorMin && haveVector {
		return asciiVector(p)
	}
	return asciiWords(p)
}

func asciiWords(p []byte) int {
	const high = 0x8080808080808080
	n := len(p)
	if n < 8 {
		for i, b := range p {
			if b >= 0x80 {
				return i
			}
		}
		return n
	}
	i := 0
	for ; i+32 <= n; i += 32 {
		w := (*[32]byte)(p[i:])
		if (le.Uint64(w[0:])|le.Uint64(w[8:])|le.Uint64(w[16:])|le.Uint64(w[24:]))&high != 0 {
			return i
		}
	}
	for ; i+8 <= n; i += 8 {
		if le.Uint64(p[i:])&high != 0 {
			return i
		}
	}
	if le.Uint64(p[n-8:])&high != 0 {
		return i
	}
	return n
}
