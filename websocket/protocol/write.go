package protocol

import (
	"io"
	"slices"
)

// AppendFrame appends frame to dst as it goes on the wire (RFC 6455 §5.2): with
// the shortest length form, and masked unless mask is Unmasked. It leaves frame
// and payload untouched, and allocates only where dst is too small.
func AppendFrame(dst []byte, frame *Frame, mask MaskingKey) []byte {
	return appendFrame(dst, frame.first(), frame.Payload, mask)
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
	return appendFrame(make([]byte, 0, size), frame.first(), frame.Payload, mask)
}

// WriteFrame writes frame to dst in one Write call. See [AppendFrame]. A failure
// is an *Error with StatusAbnormalClose that wraps the cause.
func WriteFrame(dst io.Writer, mask MaskingKey, frame *Frame) error {
	buf := TakeBuffer(headerSize(len(frame.Payload), mask) + len(frame.Payload))
	buf.Bytes = appendFrame(buf.Bytes, frame.first(), frame.Payload, mask)
	n, err := dst.Write(buf.Bytes)
	if err == nil && n < len(buf.Bytes) {
		err = io.ErrShortWrite
	}
	buf.Free()
	if err != nil {
		return ErrWrite(err)
	}
	return nil
}

// ErrWrite returns the error for a write that failed: an *Error with
// StatusAbnormalClose that wraps cause.
func ErrWrite(cause error) error { return NewError(StatusAbnormalClose, "error writing frame", cause) }
