package deflate

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
)

// bitString makes a stream of fields: each is a number and how many bits it has, the
// lowest first. A negative number of bits is a code word, the highest first.
func bitString(fields ...int) []byte {
	var out []byte
	n := 0
	bit := func(b int) {
		if n%8 == 0 {
			out = append(out, 0)
		}
		out[n/8] |= byte(b&1) << (n % 8)
		n++
	}
	for i := 0; i < len(fields); i += 2 {
		for k := range max(fields[i+1], -fields[i+1]) {
			if fields[i+1] < 0 {
				k = -fields[i+1] - 1 - k
			}
			bit(fields[i] >> k)
		}
	}
	return out
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The examples of RFC 7692 §7.2.3.
func TestVectorsExamples(t *testing.T) {
	for _, c := range []struct{ id, payload string }{
		{"7.2.3.1 one block", "f248cdc9c90700"},
		{"7.2.3.2 sharing the window", "f200110000"},
		{"7.2.3.3 a stored block", "000500faff48656c6c6f00"},
		{"7.2.3.4 a final block", "f348cdc9c9070000"},
		{"7.2.3.4 without the octet behind it", "f348cdc9c90700"},
		{"7.2.3.5 two blocks", "f24805000000ffffcac9c90700"},
	} {
		d := NewDecompressor(15, true)
		if _, err := d.Append(nil, unhex("f248cdc9c90700"), true, 100); err != nil {
			t.Fatal(err)
		}
		got, err := d.Append(nil, unhex(c.payload), true, 5)
		if string(got) != "Hello" || err != nil {
			t.Errorf("%s: %q, %v, want Hello", c.id, got, err)
		}
	}
	d := NewDecompressor(8, false)
	if got, err := d.Append(nil, []byte{0}, true, 0); len(got) != 0 || err != nil {
		t.Errorf("7.2.3.6 the empty message: %q, %v", got, err)
	}
}

// Each rule, and what is inflated before it is broken. The payload does not end
// with what is wrong, and fin is not set: the failure comes with the symbol.
func TestVectorsRules(t *testing.T) {
	// A dynamic block: HLIT, HDIST, HCLEN, and lengths of the code length code in their
	// order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1.
	dynamic := func(fields ...int) []byte { return bitString(append([]int{0, 1, 2, 2}, fields...)...) }
	// Code lengths 0, 1, 2, 18 as words of 2 bits: 00 01 10 11.
	lens := func(hlit, hdist int, fields ...int) []byte {
		all := []int{hlit - 257, 5, hdist - 1, 5, 18 - 4, 4}
		for _, n := range []int{0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2} {
			all = append(all, n, 3)
		}
		return dynamic(append(all, fields...)...)
	}
	const zero, one, two, zeros = 0, 1, 2, 3
	for _, c := range []struct {
		id      string
		payload []byte
		want    string
		err     error
	}{
		{"block type 3", bitString(0, 1, 3, 2), "", ErrBlockType},
		{"NLEN", unhex("00 0100 ffff 00"), "", ErrStoredLength},
		{"287 literal/length codes", dynamic(30, 5, 0, 5, 0, 4), "", ErrCodeCount},
		{"31 distance codes", dynamic(0, 5, 30, 5, 0, 4), "", ErrCodeCount},
		{"code length code of no word", dynamic(0, 5, 0, 5, 0, 4, 0, 12), "", ErrCodeLengths},
		{"code length code of one word", dynamic(0, 5, 0, 5, 0, 4, 0, 9, 1, 3), "", ErrCodeLengths},
		{"code length code undersubscribed", dynamic(0, 5, 0, 5, 0, 4, 0, 6, 2, 3, 2, 3), "", ErrCodeLengths},
		{"code length code oversubscribed", dynamic(0, 5, 0, 5, 0, 4, 0, 3, 1, 3, 1, 3, 1, 3), "", ErrCodeLengths},
		{"repeat without predecessor", dynamic(0, 5, 0, 5, 0, 4, 1, 3, 0, 6, 1, 3, 1, -1), "", ErrRepeat},
		{"zeros past the last length", lens(257, 1, zeros, -2, 127, 7, zeros, -2, 127, 7), "", ErrRepeat},
		{"no code for the end of the block", lens(257, 1, one, -2, one, -2, zeros, -2, 127, 7, zeros, -2, 117-11, 7), "", ErrNoEndOfBlock},
		{"literals undersubscribed", lens(257, 1, two, -2, zeros, -2, 127, 7, zeros, -2, 117-11, 7, two, -2, zero, -2), "", ErrCodeLengths},
		{"literals oversubscribed", lens(257, 1, one, -2, one, -2, zeros, -2, 127, 7, zeros, -2, 116-11, 7, two, -2, zero, -2), "", ErrCodeLengths},
		{"one literal of two bits", lens(257, 1, zeros, -2, 127, 7, zeros, -2, 118-11, 7, two, -2, zero, -2), "", ErrCodeLengths},
		{"distances undersubscribed", lens(257, 2, one, -2, zeros, -2, 127, 7, zeros, -2, 117-11, 7, one, -2, two, -2, two, -2), "", ErrCodeLengths},
		{"a length where no distance is", lens(258, 1, one, -2, zeros, -2, 127, 7, zeros, -2, 117-11, 7, two, -2, two, -2, zero, -2, 0, -1, 3, -2, 0, 1), "\x00", ErrSymbol},
		{"the word that one distance leaves over", lens(258, 1, one, -2, zeros, -2, 127, 7, zeros, -2, 117-11, 7, two, -2, two, -2, one, -2, 0, -1, 3, -2, 0, 1, 3, -2, 1, 1), "\x00\x00\x00\x00", ErrSymbol},
		{"length code 286", bitString(0, 1, 1, 2, 0x30+'a', -8, 0xc6, -8), "a", ErrSymbol},
		{"length code 287", bitString(0, 1, 1, 2, 0x30+'a', -8, 0xc7, -8), "a", ErrSymbol},
		{"distance code 30", bitString(0, 1, 1, 2, 0x30+'a', -8, 1, -7, 30, -5), "a", ErrSymbol},
		{"distance code 31", bitString(0, 1, 1, 2, 0x30+'a', -8, 1, -7, 31, -5), "a", ErrSymbol},
		{"distance before the beginning", bitString(0, 1, 1, 2, 0x30+'a', -8, 1, -7, 1, -5), "a", ErrDistance},
		{"garbage behind a final block", append(unhex("f348cdc9c90700"), 0xff), "Hello", ErrBlockType},
	} {
		for _, fin := range []bool{false, true} {
			for _, cut := range []bool{false, true} {
				d := NewDecompressor(15, false)
				got, err := []byte{}, error(nil)
				if cut {
					for i := 0; i < len(c.payload) && err == nil; i++ {
						got, err = d.Append(got, c.payload[i:i+1], fin && i == len(c.payload)-1, 100)
					}
				} else {
					got, err = d.Append(got, c.payload, fin, 100)
				}
				if string(got) != c.want || err != c.err || !errors.Is(err, ErrCorrupt) {
					t.Errorf("%s, fin %t, cut %t: %q, %v, want %q, %v", c.id, fin, cut, got, err, c.want, c.err)
				}
				if _, err := d.Append(nil, []byte{0}, true, 100); err != ErrUsed {
					t.Errorf("%s: then %v", c.id, err)
				}
			}
		}
	}
	// A payload that ends where no block does.
	for _, c := range []struct{ id, payload, want string }{
		{"no octets at all", "", ""},
		{"cut", "f248cdc9c907", "Hello"},
		{"cut inside a symbol, which takes bits of the tail", "f248cdc9", "Helh"},
		{"without the empty block", "000500faff48656c6c6f", "Hello"},
		{"with its 00 00 ff ff", "f248cdc9c907000000ffff", "Hello"},
		{"garbage behind a final block", "f348cdc9c9070002", "Hello"},
	} {
		d := NewDecompressor(15, false)
		if got, err := d.Append(nil, unhex(c.payload), true, 100); string(got) != c.want || err != ErrCut {
			t.Errorf("%s: %q, %v, want %q, %v", c.id, got, err, c.want, ErrCut)
		}
	}
}

// The window that was negotiated, at its edge and past it, within a message and into
// the ones before.
func TestVectorsWindow(t *testing.T) {
	noise := messages(3)[2]
	for len(noise) < 1<<16 {
		noise = append(noise, messages(uint64(len(noise)))[2]...)
		noise = append(noise, byte(len(noise)))
	}
	for bits := MinWindowBits; bits <= MaxWindowBits; bits++ {
		window := 1 << bits
		far := func(distance int) []byte { // a match of 3 octets
			code := distanceCode(distance)
			return bitString(0, 1, 1, 2, 1, -7, code, -5, distance-int(distanceCodes[code].base), int(distanceCodes[code].extra), 0, -7, 0, 3)
		}
		stored := func(octets []byte) []byte {
			c := NewCompressor(8, false, Fast)
			return c.Append(nil, octets)
		}
		for _, c := range []struct {
			id       string
			takeover bool
			before   int // octets of the message before
			distance int
			err      error
		}{
			{"all of the window", true, window, window, nil},
			{"all of the window, of more", true, window + 100, window, nil},
			{"past the window", true, window + 100, window + 1, ErrWindow},
			{"past what there is", true, window - 1, window, ErrDistance},
			{"past the first octet", true, 10, 11, ErrDistance},
			{"without takeover", false, 10, 10, ErrDistance},
		} {
			if c.distance > 1<<MaxWindowBits {
				continue // cannot be said
			}
			d := NewDecompressor(bits, c.takeover)
			if _, err := d.Append(nil, stored(noise[:c.before]), true, math.MaxInt); err != nil {
				t.Fatalf("%s, %d bits: %v", c.id, bits, err)
			}
			got, err := d.Append(nil, far(c.distance), true, math.MaxInt)
			if err != c.err {
				t.Errorf("%s, %d bits: %v, want %v", c.id, bits, err, c.err)
			}
			if want := noise[c.before-min(c.before, c.distance):]; err == nil && !bytes.Equal(got, want[:3]) {
				t.Errorf("%s, %d bits: %x, want %x", c.id, bits, got, want[:3])
			}
			// The same within a message.
			d = NewDecompressor(bits, c.takeover)
			got, err = d.Append(nil, append(stored(noise[:c.before]), 0, 0, 0xff, 0xff), false, math.MaxInt)
			if err == nil {
				got, err = d.Append(got, far(c.distance), true, math.MaxInt)
			}
			if err != c.err && c.takeover {
				t.Errorf("%s, %d bits, within a message: %v, want %v", c.id, bits, err, c.err)
			}
			if want := noise[c.before-min(c.before, c.distance):]; err == nil && !bytes.Equal(got[c.before:], want[:3]) {
				t.Errorf("%s, %d bits, within a message: %x, want %x", c.id, bits, got[c.before:], want[:3])
			}
		}
	}
}

// The limit counts inflated octets, and no more than that is stored; payloads of
// blocks that say nothing end as well.
func TestVectorsLimit(t *testing.T) {
	bomb := func(size int) []byte {
		c := NewCompressor(15, false, Fast)
		return c.Append(nil, make([]byte, size))
	}
	for _, size := range []int{1, 257, 258, 1000, 100_000} {
		for _, cut := range []int{1, 7, 1 << 20} {
			z := bomb(size)
			for _, c := range []struct {
				limit int
				err   error
			}{{size, nil}, {size - 1, ErrMessageTooLarge}, {0, ErrMessageTooLarge}, {math.MaxInt, nil}} {
				d := NewDecompressor(15, true)
				var got []byte
				var err error
				for rest := z; err == nil; {
					n := min(cut, len(rest))
					got, err = d.Append(got, rest[:n], n == len(rest), c.limit)
					if rest = rest[n:]; len(rest) == 0 {
						break
					}
				}
				if err != c.err || len(got) > c.limit || err == nil && len(got) != size {
					t.Errorf("%d octets in pieces of %d, limit %d: %d octets, %v, want %v", size, cut, c.limit, len(got), err, c.err)
				}
				if c.err == nil != (err == nil) || err != nil && !errors.Is(err, ErrTooLarge) {
					t.Errorf("%v is not ErrTooLarge", err)
				}
			}
		}
	}
	z := bomb(64 << 20)
	const limit = 256 << 10
	d := NewDecompressor(15, true)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := d.Append(nil, z, true, limit)
	runtime.ReadMemStats(&after)
	if err != ErrMessageTooLarge || cap(got) > limit+limit/8 {
		t.Errorf("%v, room for %d octets", err, cap(got))
	}
	allocated := after.TotalAlloc - before.TotalAlloc
	if allocated > 512<<10 {
		t.Errorf("a bomb took %d octets, want %d at most", allocated, 512<<10)
	}

	// Empty stored blocks.
	nothing := bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 1000)
	d = NewDecompressor(15, true)
	if _, err := d.Append(nil, nothing, false, 1000); err != ErrPayloadTooLarge {
		t.Errorf("5,000 octets of empty blocks at limit 1,000: %v, want %v", err, ErrPayloadTooLarge)
	}
	d = NewDecompressor(15, true)
	for i := range nothing {
		_, err := d.Append(nil, nothing[i:i+1], false, 1000)
		if i < 1000+1+64 && err != nil || i >= 1000+1+64 && err != ErrPayloadTooLarge {
			t.Fatalf("%d octets of empty blocks at limit 1,000: %v", i+1, err)
		}
		if err != nil {
			break
		}
	}
}

func TestReleaseWithinAMessage(t *testing.T) {
	d := NewDecompressor(15, true)
	if _, err := d.Append(nil, unhex("f248cd"), false, 100); err != nil {
		t.Fatal(err)
	}
	d.Release()
	if _, err := d.Append(nil, unhex("c9c90700"), true, 100); err != ErrUsed {
		t.Errorf("%v, want %v", err, ErrUsed)
	}
}
