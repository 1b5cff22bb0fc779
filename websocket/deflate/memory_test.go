package deflate

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"unsafe"
)

// What a connection takes, both ways, in octets: in use, and idle.
func TestMemory(t *testing.T) {
	if size := unsafe.Sizeof(Compressor{}) + unsafe.Sizeof(Decompressor{}); size > 56 {
		t.Errorf("negotiated and not used, a connection takes %d octets, want 56 at most", size)
	}
	heap := func() int {
		runtime.GC()
		runtime.GC() // pools give up what they hold at the second
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	kib := func(n float64) int { return int(n * 1024) }
	words := text(1 << 16)
	fixedTables() // once a process
	for bits := MinWindowBits; bits <= MaxWindowBits; bits++ {
		for _, level := range []Level{Fast, Best} {
			used := []float64{2, 2.5, 4, 8, 14, 28, 54, 90}[bits-MinWindowBits]
			if level == Best {
				used = []float64{2.2, 3.2, 6, 12, 23, 44, 88, 156}[bits-MinWindowBits]
			}
			idle := []float64{0.6, 1.1, 2.2, 4.2, 8.3, 16.3, 32.3, 64.3}[bits-MinWindowBits]
			for _, takeover := range []bool{true, false} {
				if !takeover && bits != 8 && bits != 15 {
					continue
				}
				t.Run(fmt.Sprintf("bits=%d/level=%d/takeover=%t", bits, level, takeover), func(t *testing.T) {
					const n = 12
					type connection struct {
						c Compressor
						d Decompressor
					}
					// The runtime allocates for itself beside the test: the least of three counts.
					inUse, quiet := math.MaxInt, math.MaxInt
					for range 3 {
						var all [n]connection
						before := heap()
						var z, m []byte
						for i := range all {
							c := &all[i]
							*c = connection{NewCompressor(bits, takeover, level), NewDecompressor(bits, takeover)}
							for k := 0; k < len(words); k += 4096 {
								z = c.c.Append(z[:0], words[k:k+4096])
								var err error
								if m, err = c.d.Append(m[:0], z, true, 1<<20); err != nil {
									t.Fatal(err)
								}
							}
						}
						m, z = nil, nil
						inUse = min(inUse, (heap()-before)/n)
						for i := range all {
							all[i].c.Idle()
						}
						quiet = min(quiet, (heap()-before)/n)
						runtime.KeepAlive(&all)
					}
					if !takeover {
						used, idle = 0.03, 0.03
					}
					t.Logf("in use %d, idle %d octets", inUse, quiet)
					if inUse > kib(used) || quiet > kib(idle) {
						t.Errorf("in use a connection takes %d octets, want %d at most; idle %d, want %d at most", inUse, kib(used), quiet, kib(idle))
					}
				})
			}
		}
	}
}

// A message allocates nothing, once buffers and pools are warm.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools drop what they are given at random")
	}
	words := text(100_000)
	for _, bits := range []int{8, 9, 12, 15} {
		for _, level := range []Level{Fast, Best} {
			for _, takeover := range []bool{true, false} {
				for _, size := range []int{0, 45, 700, 5000, 100_000} {
					c, d := NewCompressor(bits, takeover, level), NewDecompressor(bits, takeover)
					z, m := make([]byte, 0, 2*len(words)), make([]byte, 0, len(words))
					at := 0
					got := testing.AllocsPerRun(20, func() {
						at = (at + 777) % (len(words) - size + 1)
						z = c.Append(z[:0], words[at:at+size])
						half := len(z) / 2
						var err error
						if m, err = d.Append(m[:0], z[:half], false, len(words)); err == nil {
							m, err = d.Append(m, z[half:], true, len(words))
						}
						if err != nil || len(m) != size {
							t.Fatal(len(m), err)
						}
					})
					if got >= 1 {
						t.Errorf("%d bits, level %d, takeover %t, %d octets: %v allocations", bits, level, takeover, size, got)
					}
				}
			}
		}
	}
}

// text returns n octets of words.
func text(n int) []byte {
	var b []byte
	for seed := uint64(1); len(b) < n; seed++ {
		for i, m := range messages(seed) {
			if i%4 < 2 {
				b = append(b, m...)
			}
		}
	}
	return b[:n]
}
