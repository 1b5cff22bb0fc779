package deflate

import (
	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/vector"
)

// Targets returns the targets of this package.
func Targets() []input.Target {
	from := func(seeds func() [][]byte) func([]vector.Vector) ([][]byte, error) {
		return func([]vector.Vector) ([][]byte, error) { return seeds(), nil }
	}
	return []input.Target{
		{Name: "Inflate", Check: Inflate, SeedsFrom: from(seedInflate)},
		{Name: "Deflate", Check: Deflate, SeedsFrom: from(seedDeflate)},
		{Name: "Negotiate", Check: Negotiate, SeedsFrom: from(seedNegotiate)},
	}
}
