package protocol

// A textStream validates text that arrives in pieces (RFC 6455 §8.1, RFC 3629):
// its zero value stands at the beginning of a text.
type textStream struct{ state utf8State }

// valid reports whether the text so far, p included, can still become valid: it
// is false from the first byte on that makes it invalid.
func (s *textStream) valid(p []byte) bool {
	if len(p) >= utf8VectorMin+6 && haveVector {
		for s.state != utf8Start { // within a character: of p at most three bytes
			if s.state = s.state.next(p[0]); s.state == utf8Failed {
				return false
			}
			p = p[1:]
		}
		whole, tail := splitLast(p)
		if !validVector(whole) {
			s.state = utf8Failed
			return false
		}
		if p = tail; len(p) == 0 {
			return true
		}
	}
	s.state = s.state.after(p)
	return s.state != utf8Failed
}

// complete reports whether the text may end here.
func (s *textStream) complete() bool { return s.state == utf8Start }

// ValidUTF8 is utf8.Valid, faster.
func ValidUTF8(p []byte) bool {
	const high = 0x8080808080808080
	if n := len(p); n >= 8 && n <= 16 && (le.Uint64(p)|le.Uint64(p[n-8:]))&high == 0 {
		return true // short ASCII
	}
	if len(p) >= utf8VectorMin && haveVector {
		return validVector(p)
	}
	return utf8Start.after(p) == utf8Start
}

// A utf8State is what may come next in a text: an automaton's state, times 6,
// which is the place of its successor in a word of utf8Rows.
type utf8State uint8

const (
	utf8Start   utf8State = 6 * iota // a character, or the end
	utf8Tail1                        // one more continuation byte
	utf8Tail2                        // two
	utf8Tail3                        // three
	utf8AfterE0                      // the second byte where there is a rule for it
	utf8AfterED
	utf8AfterF0
	utf8AfterF4
	utf8Failed // nothing: the text is not valid
)

// utf8Syntax is the grammar of RFC 3629 §4: in a state, a byte from lo to hi leads
// to the next one. Any other byte fails.
var utf8Syntax = [...]struct {
	from   utf8State
	lo, hi byte
	to     utf8State
}{
	{utf8Start, 0x00, 0x7F, utf8Start},
	{utf8Start, 0xC2, 0xDF, utf8Tail1}, // C0, C1: overlong forms of ASCII
	{utf8Start, 0xE0, 0xE0, utf8AfterE0},
	{utf8Start, 0xE1, 0xEC, utf8Tail2},
	{utf8Start, 0xED, 0xED, utf8AfterED},
	{utf8Start, 0xEE, 0xEF, utf8Tail2},
	{utf8Start, 0xF0, 0xF0, utf8AfterF0},
	{utf8Start, 0xF1, 0xF3, utf8Tail3},
	{utf8Start, 0xF4, 0xF4, utf8AfterF4},
	{utf8AfterE0, 0xA0, 0xBF, utf8Tail1}, // below: overlong
	{utf8AfterED, 0x80, 0x9F, utf8Tail1}, // above: surrogates
	{utf8AfterF0, 0x90, 0xBF, utf8Tail2}, // below: overlong
	{utf8AfterF4, 0x80, 0x8F, utf8Tail2}, // above: past U+10FFFF
	{utf8Tail3, 0x80, 0xBF, utf8Tail2},
	{utf8Tail2, 0x80, 0xBF, utf8Tail1},
	{utf8Tail1, 0x80, 0xBF, utf8Start},
}

// utf8Rows holds the automaton, a word for each byte: shifted right by a state,
// its low six bits are the next state. So a byte costs one shift behind the one
// before it, with no branch, whatever the text.
var utf8Rows = func() (rows [256]uint64) {
	for b := range rows {
		for from := utf8Start; from <= utf8Failed; from += 6 {
			rows[b] |= uint64(utf8Failed) << from
		}
	}
	for _, s := range utf8Syntax {
		for b := int(s.lo); b <= int(s.hi); b++ {
			rows[b] ^= uint64(utf8Failed^s.to) << s.from
		}
	}
	return rows
}()

func (s utf8State) next(b byte) utf8State { return utf8State(utf8Rows[b]>>(s&63)) & 63 }

// after is the state after the bytes of p, 16 at a time: ASCII needs no more than
// a look. Only the low six bits of w count.
func (s utf8State) after(p []byte) utf8State {
	const high = 0x8080808080808080
	w := uint64(s)
	for len(p) >= 16 {
		b := (*[16]byte)(p)
		p = p[16:]
		if (le.Uint64(b[:])|le.Uint64(b[8:]))&high == 0 {
			if utf8State(w) != utf8Start {
				return utf8Failed
			}
			for len(p) >= 32 {
				b := (*[32]byte)(p)
				if (le.Uint64(b[:])|le.Uint64(b[8:])|le.Uint64(b[16:])|le.Uint64(b[24:]))&high != 0 {
					break
				}
				p = p[32:]
			}
			continue
		}
		w = utf8Rows[b[0]] >> (w & 63)
		w = utf8Rows[b[1]] >> (w & 63)
		w = utf8Rows[b[2]] >> (w & 63)
		w = utf8Rows[b[3]] >> (w & 63)
		w = utf8Rows[b[4]] >> (w & 63)
		w = utf8Rows[b[5]] >> (w & 63)
		w = utf8Rows[b[6]] >> (w & 63)
		w = utf8Rows[b[7]] >> (w & 63)
		w = utf8Rows[b[8]] >> (w & 63)
		w = utf8Rows[b[9]] >> (w & 63)
		w = utf8Rows[b[10]] >> (w & 63)
		w = utf8Rows[b[11]] >> (w & 63)
		w = utf8Rows[b[12]] >> (w & 63)
		w = utf8Rows[b[13]] >> (w & 63)
		w = utf8Rows[b[14]] >> (w & 63)
		w = utf8Rows[b[15]] >> (w & 63)
		if w &= 63; utf8State(w) == utf8Failed {
			return utf8Failed
		}
	}
	if utf8State(w) == utf8Start && len(p) >= 8 && le.Uint64(p)&high == 0 {
		p = p[8:]
	}
	for _, b := range p {
		w = utf8Rows[b] >> (w & 63)
	}
	return utf8State(w & 63)
}

// splitLast splits off the last character of p where it is not complete.
func splitLast(p []byte) (whole, tail []byte) {
	for i := 1; i <= len(p) && i <= 3; i++ {
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
