package deflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// messages returns messages of several kinds and sizes.
func messages(seed uint64) [][]byte {
	r := rand.New(rand.NewPCG(seed, 1))
	words := make([]string, 60)
	for i := range words {
		words[i] = fmt.Sprintf("%q:%x,", string(rune('a'+i%26)), r.Uint32()>>(r.Uint32()%28))
	}
	var all [][]byte
	for i := range 60 {
		size := []int{0, 1, 3, 7, 8, 9, 20, 45, 64, 130, 258, 512, 700, 2048, 4096, 9000, 70000}[r.IntN(17)]
		var m []byte
		switch i % 4 {
		case 0, 1: // words
			for len(m) < size {
				m = append(m, words[min(r.IntN(60), r.IntN(60))]...)
			}
		case 2: // noise
			for range size {
				m = append(m, byte(r.Uint32()))
			}
		case 3: // runs
			for len(m) < size {
				m = append(m, bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(400))...)
			}
		}
		all = append(all, m[:min(size, len(m))])
	}
	return all
}

// standard inflates a payload by compress/flate.
func standard(payload, dict []byte) ([]byte, error) {
	f := flate.NewReaderDict(io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte(tail))), dict)
	out, err := io.ReadAll(f)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return out, err
}

func TestMessages(t *testing.T) {
	for bits := MinWindowBits; bits <= MaxWindowBits; bits++ {
		for _, takeover := range []bool{false, true} {
			for _, level := range []Level{Fast, Best} {
				t.Run(fmt.Sprintf("bits=%d/takeover=%t/level=%d", bits, takeover, level), func(t *testing.T) {
					c, d := NewCompressor(bits, takeover, level), NewDecompressor(bits, takeover)
					var dict []byte
					for i, m := range messages(uint64(bits)) {
						if i%7 == 3 {
							c.Idle()
						}
						var z []byte
						switch {
						case i%5 == 4:
							var ok bool
							z, ok = c.AppendSmaller([]byte("front"), m)
							if !ok {
								if string(z) != "front" {
									t.Fatalf("message %d: dst was %q", i, z)
								}
								continue
							}
							if len(z)-5 >= len(m) {
								t.Fatalf("message %d: %d octets are %d", i, len(m), len(z)-5)
							}
						case i%5 == 3:
							other := NewCompressor(bits, false, level)
							z = other.Append([]byte("front"), m)
							c.Note(m)
						default:
							z = c.Append([]byte("front"), m)
						}
						z = z[5:]
						if len(z) > MaxLen(len(m)) {
							t.Fatalf("message %d: %d octets are %d, want %d at most", i, len(m), len(z), MaxLen(len(m)))
						}
						got, err := standard(z, dict)
						if err != nil || !bytes.Equal(got, m) {
							t.Fatalf("message %d of %d octets: compress/flate: %v, %d octets", i, len(m), err, len(got))
						}
						got, err = d.Append([]byte("before"), z, true, len(m))
						if err != nil || string(got[:6]) != "before" || !bytes.Equal(got[6:], m) {
							t.Fatalf("message %d of %d octets: %v, %d octets", i, len(m), err, len(got)-6)
						}
						if takeover {
							dict = append(dict, m...)
							dict = dict[max(0, len(dict)-1<<bits):]
						}
					}
				})
			}
		}
	}
}

// However a payload is cut, it inflates to the same.
func TestSplits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, takeover := range []bool{false, true} {
		c := NewCompressor(10, takeover, Fast)
		whole, cut := NewDecompressor(10, takeover), NewDecompressor(10, takeover)
		for i, m := range messages(7) {
			z := c.Append(nil, m)
			want, err := whole.Append(nil, z, true, len(m))
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			most := 1 + r.IntN(1+len(z))
			for rest := z; ; {
				n := min(len(rest), r.IntN(most+1))
				got, err = cut.Append(got, rest[:n], n == len(rest), len(m))
				if err != nil {
					t.Fatalf("message %d at %d of %d: %v", i, len(z)-len(rest), len(z), err)
				}
				if rest = rest[n:]; cut.message == nil {
					break
				}
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("message %d: %d octets, want %d", i, len(got), len(want))
			}
		}
	}
}

// Symbols that occur as often as the Fibonacci numbers get the longest code words
// there are; theirs must not be longer than 15 bits, nor those of code lengths than 7.
func TestLongCodes(t *testing.T) {
	var m []byte
	a, b := 1, 1
	for symbol := byte(0); len(m)+a < 60_000; symbol++ {
		for range a {
			m = append(m, symbol)
		}
		a, b = b, a+b
	}
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(m), func(i, k int) { m[i], m[k] = m[k], m[i] })
	for _, level := range []Level{Fast, Best} {
		c := NewCompressor(15, false, level)
		z := c.Append(nil, m)
		if got, err := standard(z, nil); err != nil || !bytes.Equal(got, m) {
			t.Errorf("level %d: %d octets of %d, %v", level, len(got), len(m), err)
		}
		if len(z) > len(m)/2 {
			t.Errorf("level %d: %d octets are %d", level, len(m), len(z))
		}
	}
	// And the codes themselves: complete, and no longer than they may be.
	for _, limit := range []int{7, 15} {
		often := make([]uint32, 19)
		a, b := uint32(1), uint32(1)
		for i := range often {
			often[i] = a
			a, b = b, a+b
		}
		lens, space := make([]uint8, len(often)), 0
		new(treeBuilder).lengths(often, lens, limit)
		for i, n := range lens {
			if n == 0 || int(n) > limit || i > 0 && n > lens[i-1] {
				t.Errorf("limit %d: lengths %d", limit, lens)
				break
			}
			space += 1 << (limit - int(n))
		}
		if space != 1<<limit {
			t.Errorf("limit %d: the words of lengths %d fill %d of %d", limit, lens, space, 1<<limit)
		}
	}
}
