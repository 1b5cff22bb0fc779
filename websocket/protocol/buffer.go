package protocol

import (
	"sync"

	"github.com/wsproof/wsproof/websocket/internal/seam"
)

// A Buffer is memory from a pool. Whoever has it owns it, until Free.
type Buffer struct {
	Bytes []byte
}

// Buffers come from pools by size, so that a large one is not kept for small
// needs: each pool holds sizes from its own to below that of the next.
var buffers [len(bufferSizes)]sync.Pool

var bufferSizes = [...]int{1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20}

// takePooled returns an empty buffer with room for at least size bytes if there is
// one in the pools, else nil.
func takePooled(size int) *Buffer {
	for i, s := range bufferSizes {
		if size <= s {
			b, _ := buffers[i].Get().(*Buffer)
			if b != nil && seam.Taken != nil {
				seam.Taken(b.Bytes[:cap(b.Bytes)])
			}
			return b
		}
	}
	return nil
}

// TakeBuffer returns an empty buffer with room for at least size bytes.
func TakeBuffer(size int) *Buffer {
	if b := takePooled(size); b != nil {
		return b
	}
	b := &Buffer{make([]byte, 0, poolSize(size))}
	if seam.Taken != nil {
		seam.Taken(b.Bytes[:cap(b.Bytes)])
	}
	return b
}

// poolSize rounds size up to that of a pool.
func poolSize(size int) int {
	for _, s := range bufferSizes {
		if size <= s {
			return s
		}
	}
	return size
}

// Free gives the buffer back: nothing may use it, or its bytes, any more.
func (b *Buffer) Free() {
	b.Bytes = b.Bytes[:0]
	if seam.Freed != nil {
		seam.Freed(b.Bytes[:cap(b.Bytes)])
	}
	for i := len(bufferSizes) - 1; i >= 0; i-- {
		if cap(b.Bytes) >= bufferSizes[i] {
			if i < len(bufferSizes)-1 || cap(b.Bytes) <= 2*bufferSizes[i] {
				buffers[i].Put(b)
			}
			return
		}
	}
}
