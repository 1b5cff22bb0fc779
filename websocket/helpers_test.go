package websocket

import (
	"math"
	"runtime"
)

// lengths are the boundaries of the three length forms and of the buffers.
var lengths = []int{0, 1, 2, 7, 8, 31, 32, 33, 124, 125, 126, 127, 1000, 4095, 4096, 4097, 8191, 8192, 8193, 16384, 65535, 65536, 65537, 300 << 10, 1 << 20}

// allocStep is what a header alone may cost, in bytes.
const allocStep = 256 << 10

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}

// allocatedBytes is how many bytes a call of f allocates: the least of some calls,
// since others allocate at the same time.
func allocatedBytes(f func()) int {
	least := math.MaxInt
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, int(after.TotalAlloc-before.TotalAlloc))
	}
	return least
}

var testKey = MaskingKey{0xA1, 0xB2, 0xC3, 0xD4}
