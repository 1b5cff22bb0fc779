package deflate

import "math/bits"

// The three searches. Each finds matches in buf from i to end, none longer than the
// window, and returns up to where the sequences tell it: the end, unless there is
// no room for more of them. buf may be longer than end: that may be loaded, and is
// in no match.
//
// A match of Fast has 4 octets at least: one of 3 seldom takes less than its literals,
// and where few places are looked at, the short ones are in the way of longer ones.
const least = 4

// one looks at one place for each position, and fewer positions the longer nothing
// is found.
func (e *encoder) one(buf []byte, i, end int, base uint16, x *index, window int) int {
	head, multiplier, shift := x.head, x.multiplier, x.shift
	run := i - e.pending // where the run of literals begins, as if buf had all of it
	last := min(end-least, len(buf)-8)
	for i <= last {
		v := load(buf, i)
		h := v * multiplier >> (shift & 63)
		position := base + uint16(i)
		distance := int(position - head[h])
		head[h] = position
		if uint(distance-1) >= uint(min(window, i)) || uint32(v) != uint32(load(buf, i-distance)) {
			i += 1 + (i-run)>>6
			continue
		}
		length := same(buf, i, distance, v, end)
		if e.lazy && length < 8 && i < last {
			// The next octet may begin a longer one: worth a look only behind what is short.
			// (Up to 15 instead of 7: -1 % of octets at most, +5 to +14 % of time at 64 KiB.)
			v := load(buf, i+1)
			h := v * multiplier >> (shift & 63)
			d := int(position + 1 - head[h])
			head[h] = position + 1
			if uint(d-1) < uint(min(window, i+1)) && uint32(v) == uint32(load(buf, i+1-d)) {
				if l := same(buf, i+1, d, v, end); l > length {
					i++
					length, distance = l, d
				}
			}
		}
		e.sequences[e.count] = newSequence(i-run, length, distance)
		e.count++
		run = i + length
		for i++; i < run && i <= last; i += e.step {
			head[load(buf, i)*multiplier>>(shift&63)] = base + uint16(i)
		}
		i = run
		if e.count == maxSequences {
			e.pending = 0
			return i
		}
	}
	e.pending = end - run
	return end
}

// two looks at two places for each position.
func (e *encoder) two(buf []byte, i, end int, base uint16, x *index, window int) int {
	run := i - e.pending
	last := min(end-least, len(buf)-8)
	for i <= last {
		length, distance := x.longer(buf, i, end, base, window)
		if length == 0 {
			i += 1 + (i-run)>>6
			continue
		}
		if length < 16 && i < last {
			if l, d := x.longer(buf, i+1, end, base, window); l > length {
				i++
				length, distance = l, d
			}
		}
		e.sequences[e.count] = newSequence(i-run, length, distance)
		e.count++
		run = i + length
		for i += 2; i < run && i <= last; i += e.step {
			pair := x.pair(load(buf, i))
			pair[1], pair[0] = pair[0], base+uint16(i)
		}
		i = run
		if e.count == maxSequences {
			e.pending = 0
			return i
		}
	}
	e.pending = end - run
	return end
}

// longer returns the longer match of two for i, 0 if there is none, and puts i into
// the index.
func (x *index) longer(buf []byte, i, end int, base uint16, window int) (length, distance int) {
	v := load(buf, i)
	position := base + uint16(i)
	pair := x.pair(v)
	first, second := int(position-pair[0]), int(position-pair[1])
	pair[1], pair[0] = pair[0], position
	reach := uint(min(window, i))
	if uint(first-1) < reach && uint32(v) == uint32(load(buf, i-first)) {
		length, distance = same(buf, i, first, v, end), first
	}
	if uint(second-1) < reach && uint32(v) == uint32(load(buf, i-second)) {
		if l := same(buf, i, second, v, end); l > length {
			length, distance = l, second
		}
	}
	return length, distance
}

// best looks at many places for each position, and puts a match off as long as the
// next octet begins a better one.
func (e *encoder) best(buf []byte, i, end int, base uint16, x *index, window int) int {
	run := i - e.pending
	last := min(end-minMatch, len(buf)-8)
	length, distance := 0, 0
	for i <= last {
		if length == 0 {
			length, distance = x.longest(buf, i, end, base, window, e.tooShort(), places)
			x.chain(load(buf, i), base+uint16(i))
		}
		if length == 0 {
			i++
			continue
		}
		next := i + 1
		if i < last && length < nice {
			p := places
			if length >= good {
				p /= 4
			}
			l, d := x.longest(buf, i+1, end, base, window, length-1, p)
			x.chain(load(buf, i+1), base+uint16(i+1))
			// An octet more is worth four bits, twice the distance costs one.
			if l > 0 && 4*(l-length) > 2+bits.Len(uint(d))-bits.Len(uint(distance)) {
				i, length, distance = i+1, l, d
				continue
			}
			next = i + 2
		}
		e.sequences[e.count] = newSequence(i-run, length, distance)
		e.count++
		e.literals += i - run
		run = i + length
		for i = next; i < run && i <= last; i++ {
			x.chain(load(buf, i), base+uint16(i))
		}
		i, length = run, 0
		if e.count == maxSequences {
			e.pending = 0
			return i
		}
	}
	if length > 0 {
		e.sequences[e.count] = newSequence(i-run, length, distance)
		e.count++
		run = i + length
	}
	e.pending = end - run
	return end
}

const (
	places = 128  // how many longest looks at
	good   = 8    // a match of such a length is seldom put off
	nice   = 64   // and behind one of this length nobody looks
	far    = 4096 // and a match of 3 octets is no further away
)

// tooShort returns 3, or 2 where the block has few literals: their words are long
// there, so that a match of 3 octets takes less than they would.
func (e *encoder) tooShort() int {
	if 2*e.literals <= e.count {
		return minMatch - 1
	}
	return minMatch
}

// longest looks at so many places for the longest match for i that is longer than
// shorter, the nearest of several; 0 if there is none.
func (x *index) longest(buf []byte, i, end int, base uint16, window, shorter, places int) (length, distance int) {
	v := load(buf, i)
	most := min(maxMatch, end-i)
	at := x.head[x.hash(v)]
	before := 0
	for range places {
		d := int(base + uint16(i) - at)
		if d <= before || d > min(window, i) || shorter >= most {
			break
		}
		before = d
		if buf[i-d+shorter] == buf[i+shorter] && (load(buf, i-d)^v)<<40 == 0 {
			if l := same(buf, i, d, v, end); l > shorter && (l > minMatch || d <= far) {
				if shorter, length, distance = l, l, d; l >= nice {
					break
				}
			}
		}
		at = x.prev[int(at)&(len(x.prev)-1)]
	}
	return length, distance
}

// same returns how many octets at i, of which the first 8 are v, are the same as
// those before by a distance, up to the end and to the longest match.
func same(buf []byte, i, distance int, v uint64, end int) int {
	most := min(maxMatch, end-i)
	if diff := v ^ load(buf, i-distance); diff != 0 {
		return min(most, bits.TrailingZeros64(diff)>>3)
	}
	n := 8
	for n < most && i+n <= len(buf)-8 {
		if diff := load(buf, i+n) ^ load(buf, i+n-distance); diff != 0 {
			return min(most, n+bits.TrailingZeros64(diff)>>3)
		}
		n += 8
	}
	for n < most && buf[i+n] == buf[i+n-distance] {
		n++
	}
	return min(most, n)
}
