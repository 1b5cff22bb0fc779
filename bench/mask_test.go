package bench

import (
	"bytes"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/internal/wire"
)

// Only gobwas exports its kernel. The core's, like those of the others, stands
// behind calls that do more; via says which. For the others there is none smaller
// than what BenchmarkWriteFrame/role=client measures.

func BenchmarkMask(b *testing.B) {
	for _, e := range engines.All() {
		for _, m := range e.Tasks.Maskers {
			for _, n := range sizes {
				b.Run(libName(e.Name)+"/via="+m.Via+"/size="+size(n), func(b *testing.B) {
					mask := m.Mask(make([]byte, n))
					measure(b, int64(n), &task.Op{Loop: func(next func() bool) error {
						for next() {
							mask()
						}
						return nil
					}})
				})
			}
		}
		if len(e.Tasks.Maskers) == 0 {
			b.Run(libName(e.Name), func(b *testing.B) { b.Skip(skips(&e.Tasks, "Mask")) })
		}
	}
}

func TestMask(t *testing.T) {
	for _, e := range engines.All() {
		for _, m := range e.Tasks.Maskers {
			for n := range 300 {
				want := task.Fill("", n, 3)
				got := m.Mask(bytes.Clone(want))()
				wire.Mask(want, task.MaskKey)
				if !bytes.Equal(got, want) {
					t.Errorf("lib=%s via=%s: %d bytes are masked wrongly", e.Name, m.Via, n)
				}
			}
		}
	}
}
