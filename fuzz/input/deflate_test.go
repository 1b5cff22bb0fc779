package input

import (
	"bytes"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
)

// Blocks of every kind say what they should to the model, and reach no further.
func TestDeflater(t *testing.T) {
	message := []byte("the same again, the same again and again; \x00\xff\x80 and the same, ")
	message = append(message, bytes.Repeat(message, 30)...)
	history := []byte("again and before that")
	for kind := range 3 {
		for _, final := range []bool{false, true} {
			for _, reach := range []int{1 << 8, 1 << 15} {
				var d deflater
				all := append(bytes.Clone(history), message...)
				half := len(all) - len(message)/2
				d.block(kind, final, all[:half], half-len(history), reach)
				if final {
					d.align()
				}
				d.block((kind+1)%3, false, all, len(all)-half, reach)
				got := model.Inflate(history, d.end(), reach)
				if got.Rule != "" || !bytes.Equal(got.Output, message) {
					t.Errorf("kind %d, final %t: %q of %d octets, want %d", kind, final, got.Rule, len(got.Output), len(message))
				}
				if kind > 0 && got.Distance < 15 {
					t.Errorf("kind %d: the longest distance is %d", kind, got.Distance)
				}
			}
		}
	}
	for length := 3; length <= 258; length++ {
		for _, distance := range []int{1, 4, 5, 300, 24576, 24577, 32768} {
			before := make([]byte, distance)
			for i := range before {
				before[i] = byte(i*i>>8 ^ i*7)
			}
			all := before
			for range length {
				all = append(all, all[len(all)-distance])
			}
			var d deflater
			d.block(1, false, all, length, 1<<15)
			if got := model.Inflate(before, d.end(), 1<<15); got.Rule != "" || !bytes.Equal(got.Output, all[distance:]) {
				t.Fatalf("length %d, distance %d: %q", length, distance, got.Rule)
			}
		}
	}
}
