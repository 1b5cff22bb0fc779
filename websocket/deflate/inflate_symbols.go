package deflate

import "encoding/binary"

// A cursor is how far an inflater is.
type cursor struct {
	state state
	hold  uint64 // the next bits of the stream, the first lowest
	nhold uint   // how many, at most 63
	match match  // for stateMatch
}

// symbols decodes symbols of a block (RFC 1951 §3.2.3) while there is enough of
// input and output for any symbol. It ends somewhere before the end of either, or
// at the end of the block, or with a match that wants a closer look (stateMatch).
func (m *inflater) symbols(out *output, in *input) {
	begin, at, n := m.cursor, in.at, out.n
	m.decode(out, in)
	if beyond := in.at - len(in.data); beyond > 0 {
		if m.nhold < uint(beyond)*8 {
			// It took zeros for symbols: the payload is cut. From the beginning again,
			// with an eye on each bit.
			m.cursor, in.at, out.n = begin, at, n
			in.zeros = false
			return
		}
		in.at -= beyond
		m.nhold -= uint(beyond) * 8
		m.hold &= 1<<m.nhold - 1
	}
}

// decode is symbols, with the zeros behind the input taken for input.
func (m *inflater) decode(out *output, in *input) {
	src := in.data
	if in.zeros {
		src = src[:len(src)+lookahead]
	}
	dst := out.room()
	litlen, distance := &m.codes.litlen, &m.codes.distance
	litlenMask, distanceMask := m.codes.litlenMask, m.codes.distanceMask
	hold, nhold, i, o := m.hold, m.nhold, in.at, out.n
	held := out.history.len()
loop:
	for i <= len(src)-lookahead && o <= len(dst)-8 {
		// 56 bits at least: three literals of root bits, or two and a length.
		hold |= binary.LittleEndian.Uint64(src[i:]) << (nhold & 63)
		i += int(63-nhold) >> 3
		nhold |= 56
		e := litlen[hold&litlenMask]
		if e&entryLiteral != 0 {
			hold >>= e & 63
			nhold -= uint(e & 63)
			dst[o] = byte(e >> 16)
			o++
			e = litlen[hold&litlenMask]
			if e&entryLiteral != 0 {
				hold >>= e & 63
				nhold -= uint(e & 63)
				dst[o] = byte(e >> 16)
				o++
				e = litlen[hold&litlenMask]
				if e&entryLiteral != 0 {
					hold >>= e & 63
					nhold -= uint(e & 63)
					dst[o] = byte(e >> 16)
					o++
					continue
				}
			}
		}
		if e&entrySpecial != 0 {
			if e&entryLink != 0 {
				e = litlen[(e>>16+uint32(hold>>litlenRoot)&(1<<(e>>8&15)-1))&(litlenSize-1)]
				if e&entryLiteral != 0 {
					hold >>= e & 63
					nhold -= uint(e & 63)
					dst[o] = byte(e >> 16)
					o++
					continue
				}
			}
			if e&entryEnd != 0 {
				hold >>= e & 63
				nhold -= uint(e & 63)
				m.state = stateBlock
				break
			}
			if e&entrySpecial != 0 {
				break // not here
			}
		}
		length := int(e>>16) + int(hold&(1<<(e&63)-1)>>(e>>8&15))
		hold >>= e & 63
		nhold -= uint(e & 63)

		hold |= binary.LittleEndian.Uint64(src[i:]) << (nhold & 63)
		i += int(63-nhold) >> 3
		nhold |= 56
		e = distance[hold&distanceMask]
		if e&entrySpecial != 0 {
			if e&entryLink != 0 {
				e = distance[(e>>16+uint32(hold>>distanceRoot)&(1<<(e>>8&15)-1))&(distanceSize-1)]
			}
			if e&entrySpecial != 0 {
				m.state, m.match = stateMatch, match{length, noDistance}
				break
			}
		}
		far := int(e>>16) + int(hold&(1<<(e&63)-1)>>(e>>8&15))
		hold >>= e & 63
		nhold -= uint(e & 63)
		if far > out.window || far > o-out.begin+held || length > len(dst)-o {
			m.state, m.match = stateMatch, match{length, far}
			break
		}
		end := o + length
		if past := far - (o - out.begin); past > 0 { // it begins in a message before
			if past >= length && end <= len(dst)-8 {
				if src, ok := out.history.words(length, past); ok {
					for ; len(src) >= 8; src = src[8:] {
						binary.LittleEndian.PutUint64(dst[o:], binary.LittleEndian.Uint64(src))
						o += 8
					}
					o = end
					continue
				}
			}
			n := min(past, length)
			out.history.copy(dst[o:o+n], past)
			for o += n; o < end; o++ {
				dst[o] = dst[o-far]
			}
			continue
		}

		from := o - far
		switch {
		case far >= 8 && end <= len(dst)-8:
			for {
				binary.LittleEndian.PutUint64(dst[o:], binary.LittleEndian.Uint64(dst[from:]))
				o += 8
				if o >= end {
					o = end
					continue loop
				}
				from += 8
			}
		case far == 1:
			b := dst[from]
			run := dst[o:end]
			for k := range run {
				run[k] = b
			}
		default:
			for k := o; k < end; k++ {
				dst[k] = dst[from]
				from++
			}
		}
		o = end
	}
	m.hold, m.nhold = hold&(1<<nhold-1), nhold
	in.at, out.n = i, o
	if m.state == stateBlock {
		m.endBlock()
	}
}

// symbol decodes one literal, match or end of a block, with an eye on each bit. It
// reports whether it may go on; what is there of a symbol stays in hold. hint is how
// many octets to make room for if there is none.
func (m *inflater) symbol(out *output, in *input, hint int) (bool, error) {
	m.fill(in)
	e, ok := lookUp(m.codes.litlen[:], m.codes.litlenMask, litlenRoot, m.hold, m.nhold)
	if !ok {
		return false, nil
	}
	switch {
	case e&entryLiteral != 0:
		if out.n == out.end {
			return false, ErrMessageTooLarge
		}
		if out.n == len(out.buf) {
			out.grow(hint)
		}
		out.buf[out.n] = byte(e >> 16)
		out.n++
		m.take(uint(e & 63))
		return true, nil
	case e&entryEnd != 0:
		m.take(uint(e & 63))
		m.endBlock()
		return true, nil
	case e&entrySpecial != 0:
		return false, ErrSymbol
	}
	taken := uint(e & 63)
	if taken > m.nhold {
		return false, nil
	}
	length := int(e>>16) + int(m.hold&(1<<taken-1)>>(e>>8&15))

	hold, nhold := m.hold>>taken, m.nhold-taken
	e, ok = lookUp(m.codes.distance[:], m.codes.distanceMask, distanceRoot, hold, nhold)
	if !ok {
		return false, nil
	}
	if e&entrySpecial != 0 {
		return false, ErrSymbol
	}
	n := uint(e & 63)
	if n > nhold {
		return false, nil
	}
	m.match = match{length, int(e>>16) + int(hold&(1<<n-1)>>(e>>8&15))}
	m.state = stateMatch
	m.take(taken + n)
	return true, nil
}

// lookUp returns the entry of the code word that the bits of hold begin with, and
// whether they hold all of it.
func lookUp(table []entry, mask uint64, root uint, hold uint64, nhold uint) (entry, bool) {
	e := table[hold&mask]
	if e&entryLink != 0 {
		if nhold <= root {
			return 0, false
		}
		e = table[uint64(e>>16)+hold>>root&(1<<(e>>8&15)-1)]
	}
	return e, uint(e>>8&15) <= nhold
}
