package websocket

import (
	"io"
	"slices"
	"sync"
)

// AppendFrame appends frame to dst as it goes on the wire (RFC 6455 §5.2): with
// the shortest length form, and masked unless mask is Unmasked. It leaves frame
// and payload untouched, and allocates only where dst is too small.
func AppendFrame(dst []byte, frame *Frame, mask MaskingKey) []byte {
	return appendFrame(dst, frame.b0, frame.Payload, mask)
}

func appendFrame(dst []byte, b0 byte, payload []byte, key MaskingKey) []byte {
	n, h := len(dst), headerSize(len(payload), key)
	if h == 2 && cap(dst)-n >= 2+len(payload) { // as most that a server writes
		dst = append(dst, b0, byte(len(payload)))
		return append(dst, payload...)
	}
	dst = slices.Grow(dst, h+len(payload))[:n+h+len(payload)]
	putHeader(dst[n:n+h], b0, len(payload), key)
	if key == Unmasked {
		copy(dst[n+h:], payload)
	} else {
		mask(dst[n+h:], payload, key.word())
	}
	return dst
}

// MarshalFrame returns frame as it goes on the wire, in memory of its own. See
// [AppendFrame].
func MarshalFrame(frame *Frame, mask MaskingKey) []byte {
	size := headerSize(len(frame.Payload), mask) + len(frame.Payload)
	return appendFrame(make([]byte, 0, size), frame.b0, frame.Payload, mask)
}

// WriteFrame writes frame to dst in one Write call. See [AppendFrame]. A failure
// is an *Error with StatusAbnormalClose that wraps the cause.
func WriteFrame(dst io.Writer, mask MaskingKey, frame *Frame) error {
	buf := takeBuffer(headerSize(len(frame.Payload), mask) + len(frame.Payload))
	*buf = appendFrame((*buf)[:0], frame.b0, frame.Payload, mask)
	n, err := dst.Write(*buf)
	if err == nil && n < len(*buf) {
		err = io.ErrShortWrite
	}
	giveBuffer(buf)
	if err != nil {
		return errWrite(err)
	}
	return nil
}

func errWrite(cause error) error {
	return &Error{code: StatusAbnormalClose, text: "error writing frame", cause: cause}
}

// Buffers come from pools by size, so that a large one is not kept for small
// needs: each pool holds sizes from its own to below that of the next.
var buffers [len(bufferSizes)]sync.Pool

var bufferSizes = [...]int{1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20}

// takePooled returns an empty slice with room for at least size bytes if there is
// one in the pools, else nil.
func takePooled(size int) *[]byte {
	for i, s := range bufferSizes {
		if size <= s {
			b, _ := buffers[i].Get().(*[]byte)
			return b
		}
	}
	return nil
}

// takeBuffer returns an empty slice with room for at least size bytes.
func takeBuffer(size int) *[]byte {
	if b := takePooled(size); b != nil {
		return b
	}
	b := make([]byte, 0, poolSize(size))
	return &b
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

// giveBuffer takes a buffer back; nothing may use it any more.
func giveBuffer(b *[]byte) {
	*b = (*b)[:0]
	for i := len(bufferSizes) - 1; i >= 0; i-- {
		if cap(*b) >= bufferSizes[i] {
			if i < len(bufferSizes)-1 || cap(*b) <= 2*bufferSizes[i] {
				buffers[i].Put(b)
			}
			return
		}
	}
}
