package deflate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// sizes are how many octets the messages of a connection take, of each kind that
// sizedMessages has, by level, window and takeover. Who makes the compressor quicker at
// the price of its output makes them anew, and says so.
var sizes = map[string]int{
	"bits, level 0, 12 bits, takeover false":    8252,
	"bits, level 0, 12 bits, takeover true":     8524,
	"bits, level 0, 15 bits, takeover false":    8252,
	"bits, level 0, 15 bits, takeover true":     8235,
	"bits, level 0, 9 bits, takeover false":     8252,
	"bits, level 0, 9 bits, takeover true":      7783,
	"bits, level 1, 12 bits, takeover false":    6783,
	"bits, level 1, 12 bits, takeover true":     6480,
	"bits, level 1, 15 bits, takeover false":    6783,
	"bits, level 1, 15 bits, takeover true":     6473,
	"bits, level 1, 9 bits, takeover false":     6774,
	"bits, level 1, 9 bits, takeover true":      6517,
	"letters, level 0, 12 bits, takeover false": 16132,
	"letters, level 0, 12 bits, takeover true":  16132,
	"letters, level 0, 15 bits, takeover false": 16634,
	"letters, level 0, 15 bits, takeover true":  10300,
	"letters, level 0, 9 bits, takeover false":  15277,
	"letters, level 0, 9 bits, takeover true":   15720,
	"letters, level 1, 12 bits, takeover false": 16653,
	"letters, level 1, 12 bits, takeover true":  15429,
	"letters, level 1, 15 bits, takeover false": 17030,
	"letters, level 1, 15 bits, takeover true":  10311,
	"letters, level 1, 9 bits, takeover false":  15923,
	"letters, level 1, 9 bits, takeover true":   15615,
	"noise, level 0, 12 bits, takeover false":   40033,
	"noise, level 0, 12 bits, takeover true":    37541,
	"noise, level 0, 15 bits, takeover false":   40033,
	"noise, level 0, 15 bits, takeover true":    35027,
	"noise, level 0, 9 bits, takeover false":    40033,
	"noise, level 0, 9 bits, takeover true":     39389,
	"noise, level 1, 12 bits, takeover false":   40033,
	"noise, level 1, 12 bits, takeover true":    37399,
	"noise, level 1, 15 bits, takeover false":   40033,
	"noise, level 1, 15 bits, takeover true":    24167,
	"noise, level 1, 9 bits, takeover false":    40033,
	"noise, level 1, 9 bits, takeover true":     39380,
	"rows, level 0, 12 bits, takeover false":    7413,
	"rows, level 0, 12 bits, takeover true":     6580,
	"rows, level 0, 15 bits, takeover false":    7390,
	"rows, level 0, 15 bits, takeover true":     4473,
	"rows, level 0, 9 bits, takeover false":     7418,
	"rows, level 0, 9 bits, takeover true":      7117,
	"rows, level 1, 12 bits, takeover false":    6804,
	"rows, level 1, 12 bits, takeover true":     5815,
	"rows, level 1, 15 bits, takeover false":    6828,
	"rows, level 1, 15 bits, takeover true":     3921,
	"rows, level 1, 9 bits, takeover false":     7111,
	"rows, level 1, 9 bits, takeover true":      6535,
	"runs, level 0, 12 bits, takeover false":    5670,
	"runs, level 0, 12 bits, takeover true":     4292,
	"runs, level 0, 15 bits, takeover false":    6162,
	"runs, level 0, 15 bits, takeover true":     3468,
	"runs, level 0, 9 bits, takeover false":     4843,
	"runs, level 0, 9 bits, takeover true":      4453,
	"runs, level 1, 12 bits, takeover false":    4625,
	"runs, level 1, 12 bits, takeover true":     4335,
	"runs, level 1, 15 bits, takeover false":    4818,
	"runs, level 1, 15 bits, takeover true":     3091,
	"runs, level 1, 9 bits, takeover false":     4480,
	"runs, level 1, 9 bits, takeover true":      4420,
	"words, level 0, 12 bits, takeover false":   10983,
	"words, level 0, 12 bits, takeover true":    10345,
	"words, level 0, 15 bits, takeover false":   10957,
	"words, level 0, 15 bits, takeover true":    8959,
	"words, level 0, 9 bits, takeover false":    11484,
	"words, level 0, 9 bits, takeover true":     11181,
	"words, level 1, 12 bits, takeover false":   9057,
	"words, level 1, 12 bits, takeover true":    7640,
	"words, level 1, 15 bits, takeover false":   8948,
	"words, level 1, 15 bits, takeover true":    4955,
	"words, level 1, 9 bits, takeover false":    10309,
	"words, level 1, 9 bits, takeover true":     9706,
}

// TestVectorsSize holds the compressor to what its output took when it was measured: that
// is a count, which does not drift.
func TestVectorsSize(t *testing.T) {
	for kind, messages := range sizedMessages() {
		for _, level := range []Level{Fast, Best} {
			for _, bits := range []int{9, 12, 15} {
				for _, takeover := range []bool{false, true} {
					name := fmt.Sprintf("%s, level %d, %d bits, takeover %t", kind, level, bits, takeover)
					c := NewCompressor(bits, takeover, level)
					got := 0
					for _, m := range messages {
						got += len(c.Append(nil, m))
					}
					c.Release()
					if most, known := sizes[name]; !known || got > most {
						t.Errorf("%q: %d,", name, got)
					}
				}
			}
		}
	}
}

// sizedMessages are messages of some kinds, each as several connections might send them:
// short and long ones, alike and not.
func sizedMessages() map[string][][]byte {
	rng := rand.New(rand.NewPCG(7, 7))
	words := bytes.Fields([]byte("the quick brown fox jumps over a lazy dog while seven wizards make toxic brew for the evil queen and her jovial guests"))
	kinds := map[string][][]byte{}
	for _, n := range []int{20, 60, 200, 700, 3000, 20000} {
		var text, rows, noise, letters, bits, runs []byte
		for len(text) < n {
			text = append(append(text, words[rng.IntN(len(words))]...), ' ')
		}
		for i := 0; len(rows) < n; i++ {
			rows = fmt.Appendf(rows, `{"id":%d,"price":%d.%02d,"symbol":"%c%c%c","bid":true},`, 1000+i*3, 100+rng.IntN(20), rng.IntN(100), 'A'+rng.IntN(26), 'A'+rng.IntN(5), 'A'+rng.IntN(3))
		}
		for len(noise) < n {
			noise = append(noise, byte(rng.Uint32()))
			letters = append(letters, "eeeeeettttaaooinshr"[rng.IntN(19)])
			bits = append(bits, byte(rng.IntN(2))*200)
		}
		for len(runs) < n {
			runs = append(runs, bytes.Repeat([]byte{byte(rng.Uint32())}, 1+rng.IntN(40))...)
		}
		for kind, m := range map[string][]byte{"words": text, "rows": rows, "noise": noise, "letters": letters, "bits": bits, "runs": runs} {
			kinds[kind] = append(kinds[kind], m[:n], m[n/3:n])
		}
	}
	return kinds
}
