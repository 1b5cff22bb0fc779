package fuzz

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// allocBound is the most that a header alone may make a reader allocate, in
// bytes; past it, memory grows with the bytes received.
const allocBound = 256 << 10

// A sliceReader is an io.Reader over bytes that cuts them into reads and notes
// what it is asked for.
type sliceReader struct {
	data   []byte
	off    int
	sizes  []int // of the reads, in turn and over again; none: as much as is asked for
	turn   int
	eager  bool         // the last bytes come together with io.EOF
	fault  error        // what the end of the data is reported as; nil: io.EOF
	greedy int          // the largest excess of memory over what arrived
	inner  *sliceReader // each of the first reads reads a frame of it meanwhile; nil: none does
	calls  int
}

func (r *sliceReader) reset(data []byte, sizes []int) {
	*r = sliceReader{data: data, sizes: sizes}
}

// Read returns the next bytes. The capacity of p tells how much memory is set
// aside for bytes that have not come yet.
func (r *sliceReader) Read(p []byte) (int, error) {
	r.greedy = max(r.greedy, cap(p)-r.off)
	if r.calls++; r.inner != nil && r.calls < 4 {
		r.inner.reset(otherFrame, nil)
		_, _ = protocol.ReadFrame(r.inner, protocol.ServerMode, 125) // as others do at the same time
	}
	if len(p) == 0 {
		return 0, nil
	}
	n := min(len(p), len(r.data)-r.off)
	if n == 0 {
		return 0, r.end()
	}
	if len(r.sizes) > 0 {
		n = min(n, max(1, r.sizes[r.turn]))
		if r.turn++; r.turn == len(r.sizes) {
			r.turn = 0
		}
	}
	copy(p, r.data[r.off:r.off+n])
	r.off += n
	if r.eager && r.off == len(r.data) {
		return n, r.end()
	}
	return n, nil
}

func (r *sliceReader) end() error {
	if r.fault != nil {
		return r.fault
	}
	return io.EOF
}

// checkMemory returns an error if the reader was offered more memory for bytes
// to come than arrived and a bounded step ahead.
func (r *sliceReader) checkMemory() error {
	if r.greedy > allocBound {
		return fmt.Errorf("a buffer of %d bytes more than had arrived was set aside, want at most %d", r.greedy, allocBound)
	}
	return nil
}

// isError is errors.As for an *Error, without reflection, which would take its part of
// what the engine looks at after each input.
func isError(err error, e **protocol.Error) (ok bool) {
	*e, ok = errors.AsType[*protocol.Error](err)
	return ok
}

// otherFrame has another header, key and payload than those of inputs, mostly.
var otherFrame = []byte("\x82\xfd\xa5\x5a\xc3\x3c" + strings.Repeat("\xe7", 125))

// oneByte are the sizes of reads of one byte each.
var oneByte = []int{1}
