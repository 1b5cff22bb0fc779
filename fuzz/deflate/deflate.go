package deflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket/deflate"
)

// Deflate checks a Compressor on the messages of a connection. The input: window
// bits, takeover and level in a byte; then operations, two bytes each and more: what
// is done with the message (deflateOps), and what it is made of (message).
//
// Oracles. compress/flate, with the last octets of the window as its dictionary and
// no others, makes the message of each payload, and so does a Decompressor that
// refuses longer distances; the model finds none. A payload is never larger than MaxLen says, and from
// AppendSmaller smaller than the message; what stands before it in dst is left alone;
// messages that were not compressed, or did not get smaller, do not matter; without
// takeover nothing that came before does; none takes more than by the fixed code without matches.
func Deflate(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	bits := 8 + int(data[0]&7)
	takeover := data[0]&8 != 0
	level := deflate.Level(data[0] >> 4 & 1)
	c, d := deflate.NewCompressor(bits, takeover, level), deflate.NewDecompressor(bits, takeover)
	defer c.Release()
	var window, all []byte
	standard := readers.Get().(io.Reader)
	defer readers.Put(standard)
	src := data[1:]
	total := 0
	for count := 0; len(src) >= 2 && count < 24 && total < 1<<17; count++ {
		op := src[0]
		var m []byte
		m, src = message(src[1:], all)
		total += len(m)
		all = append(all, m...)
		all = all[max(0, len(all)-1<<17):]

		var z []byte
		front := []byte("front")
		switch op & 7 {
		case 0, 1, 2:
			z = c.Append(front, m)
		case 3, 4:
			var smaller bool
			if z, smaller = c.AppendSmaller(front, m); !smaller {
				if string(z) != "front" {
					return fmt.Errorf("message %d did not get smaller, and dst is %q", count, clip(z))
				}
				continue
			}
			if len(z)-5 >= len(m) {
				return fmt.Errorf("message %d of %d octets got smaller: %d", count, len(m), len(z)-5)
			}
		case 5: // by somebody else, for any window that is not larger
			other := deflate.NewCompressor(8+int(op>>3)%(bits-7), false, level)
			z = other.Append(front, m)
			c.Note(m)
		case 6:
			c.Idle()
			continue
		default:
			continue // a plain message
		}
		if string(z[:5]) != "front" {
			return fmt.Errorf("message %d: what stood in dst is %q", count, z[:5])
		}
		z = z[5:]
		if op&7 <= 4 && !takeover {
			fresh := deflate.NewCompressor(bits, false, level)
			if again := fresh.Append(nil, m); !bytes.Equal(again, z) {
				return fmt.Errorf("message %d of %d octets takes %d, from a new Compressor %d, without takeover", count, len(m), len(z), len(again))
			}
			fresh.Release()
		}
		if most := enough(m); op&7 <= 4 && len(z) > most {
			return fmt.Errorf("message %d of %d octets takes %d, by the fixed code %d", count, len(m), len(z), most)
		}
		if len(z) > deflate.MaxLen(len(m)) {
			return fmt.Errorf("message %d of %d octets takes %d, at most %d were said", count, len(m), len(z), deflate.MaxLen(len(m)))
		}
		if err := standard.(flate.Resetter).Reset(bytes.NewReader(append(z[:len(z):len(z)], tail...)), window); err != nil {
			return err
		}
		got, err := io.ReadAll(standard)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(got, m) {
			return fmt.Errorf("message %d of %d octets, window of %d: compress/flate makes %d of it, %w", count, len(m), len(window), len(got), err)
		}
		if longest := model.Inflate(window, z, 1<<15).Distance; longest > 1<<bits || longest > len(window)+len(m) {
			return fmt.Errorf("message %d of %d octets, %d bits: a distance of %d", count, len(m), bits, longest)
		}
		got, err = d.Append(nil, z, true, len(m))
		if err != nil || !bytes.Equal(got, m) {
			return fmt.Errorf("message %d of %d octets, window of %d: inflates to %d, %w", count, len(m), len(window), len(got), err)
		}
		if takeover {
			window = append(window, m...)
			window = window[max(0, len(window)-1<<bits):]
		}
	}
	return nil
}

// enough is how many octets a message takes by the fixed code of RFC 1951 section 3.2.6 for
// each octet, in blocks of some thousand at least: a match is never longer than what it
// stands for.
func enough(m []byte) int {
	bits := 8 * 6 // of short ones the encoder does not always count
	for _, b := range m {
		if bits += 8; b >= 144 {
			bits++
		}
	}
	return bits/8 + len(m)/1000
}

var readers = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// message makes a message of the next operations, and returns those behind it. A
// byte each: how many parts, at most 7; then a part: what it is in 2 bits and how long
// in 6, and what it needs.
func message(src, all []byte) (m, rest []byte) {
	next := func() int {
		if len(src) == 0 {
			return 0
		}
		b := src[0]
		src = src[1:]
		return int(b)
	}
	for range next() & 7 {
		op := next()
		n := op >> 2
		n += n * n // up to 4,032
		switch op & 3 {
		case 0: // as it stands
			n = min(n, len(src))
			m = append(m, src[:n]...)
			src = src[n:]
		case 1: // of a message before, or of this one
			from := append(all[:len(all):len(all)], m...)
			back := next() | next()<<8
			at := max(0, len(from)-back)
			m = append(m, from[at:min(len(from), at+n)]...)
		case 2: // a run
			m = append(m, bytes.Repeat([]byte{byte(next())}, n*8)...)
		case 3: // noise
			at := next() * 64
			m = append(m, text[at:min(len(text), at+n*4)]...)
		}
	}
	return m, src
}

// manyLengths returns a part of a message whose code has about as many words of each length
// as the Fibonacci numbers say: the code that tells those would have words too long.
func manyLengths() []byte {
	const size = 63 + 63*63
	var m []byte
	for a, b, length, octet := 1, 1, 2, byte(0); length <= 12; a, b, length = b, a+b, length+1 {
		for range a {
			m = append(m, bytes.Repeat([]byte{octet}, 1<<(12-length))...)
			octet += 157 // those of a length do not follow each other
		}
	}
	m = append(m, make([]byte, size-len(m))...)
	r := rand.New(rand.NewPCG(3, 4))
	r.Shuffle(len(m), func(i, k int) { m[i], m[k] = m[k], m[i] })
	return append([]byte{63 << 2}, m...)
}

func seedDeflate() [][]byte {
	var seeds [][]byte
	words := []byte("the window of the message; {\"price\": 10.50, \"size\": 100}, {\"price\": 10.75, \"size\": 90} ")
	for shape := range 32 {
		seed := []byte{byte(shape)}
		for i := range 9 {
			n := (2 + i) * 4
			seed = append(seed, byte(i+shape), 4, byte(min(n, 24)), 'x')
			k := (n / 4) * (n/4 + 1)
			seed = append(seed, words[:min(len(words), k-1)]...)
			seed = append(seed, byte(i*40)|1, byte(i*29), byte(shape*i), byte(i*21)|2, byte(i), byte(i*13)|3, byte(i*5))
		}
		seeds = append(seeds, seed)
	}
	// Messages that get as large as they are, about: four octets come again, among some that
	// take nine bits.
	for n := 3; n <= 5; n++ {
		for _, shape := range []byte{0x07, 0x17} {
			seed := []byte{shape}
			for nines := range n + n*n - 8 {
				seed = append(seed, 3, 1, byte(n<<2)) // n+n*n octets
				seed = append(seed, "abcdefghijklmnopqrstuvwxyz"[:n+n*n-4-nines]...)
				for i := range nines {
					seed = append(seed, 0x90+byte(i*5))
				}
				seed = append(seed, "abcd"...)
			}
			seeds = append(seeds, seed)
		}
	}
	// A window that is full, at rest, and then octets that stood before it, and in it.
	for _, shape := range []byte{0x08, 0x18, 0x09} {
		seed := []byte{shape}
		for i := range 4 {
			seed = append(seed, 0, 1, 15<<2) // 240 octets
			for k := range 240 {
				seed = append(seed, byte(k*k*(i+3)>>2)^byte(i*57))
			}
		}
		seeds = append(seeds, append(seed, 6, 0, 0, 1, 15<<2|1, 480&0xff, 480>>8, 0, 1, 15<<2|1, 100, 1))
	}
	// Code lengths that occur as often as the Fibonacci numbers, about.
	seeds = append(seeds, append([]byte{0x00, 0, 1}, manyLengths()...), append([]byte{0x17, 0, 1}, manyLengths()...))
	// Large ones.
	for shape := range 32 {
		seeds = append(seeds, []byte{byte(shape), 0, 3, 0xff, 1, 0xfe, 2, 0xff, 3, 3, 3, 0xff, 1, 0xfd, 0xff, 0x7f, 0xfd, 1, 0, 0, 2, 0xfd, 0, 0x80, 0xfd, 0xff, 0x0f})
	}
	// More noise than one stored block takes.
	for _, shape := range []byte{0x00, 0x08, 0x10, 0x18} {
		seeds = append(seeds, []byte{shape, 0, 5, 0xff, 0, 0xff, 252, 0xff, 0, 0xff, 252, 0xff, 9})
	}
	return seeds
}
