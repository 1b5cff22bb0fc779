package protocol

import (
	"io"
	"sync"
)

const (
	// allocStep is the most memory that a header alone makes a reader allocate;
	// past it, memory grows with the bytes received.
	allocStep = 256 << 10
	// unmaskStep is how much is asked of a reader at once, so that a payload is
	// unmasked while it is in the processor's cache.
	unmaskStep = 32 << 10
	// frameBuffer is the size of a FrameReader's buffer.
	frameBuffer = 8 << 10
)

// ReadFrame reads exactly one frame from src, and not a byte more, and returns it
// with its payload unmasked, in memory of its own. It decodes (RFC 6455 §5.2) and
// does not judge conversations: RSV bits, reserved opcodes and the rules of
// control frames are left to the message layer, and in ClientMode a masked frame
// is decoded too.
//
// In this order it returns ErrClientFrameUnmasked (in ServerMode),
// ErrLengthNotMinimal, and ErrFrameTooLarge for a payload longer than
// maxPayloadLen bytes, of which nothing is then read. A failure of src is an
// *Error with StatusAbnormalClose that says which part of the frame is missing
// and wraps the cause: io.EOF before that part, io.ErrUnexpectedEOF inside it.
func ReadFrame(src io.Reader, mode Mode, maxPayloadLen int) (*Frame, error) {
	// So short that it becomes part of its caller, where a frame that is not kept takes
	// no memory: a third of the time for a payload of 16 bytes.
	return new(Frame).Read(src, mode, maxPayloadLen)
}

// headers are for the bytes of a header while ReadFrame reads them.
var headers = sync.Pool{New: func() any { return new([maxHeaderSize]byte) }}

// Read is [ReadFrame] into f, which it returns: for who uses a frame again. Where it
// returns an error, f is as it was. The payload is new memory all the same.
func (f *Frame) Read(src io.Reader, mode Mode, maxPayloadLen int) (*Frame, error) {
	h, err := readHeader(src, mode, max(maxPayloadLen, 0))
	if err != nil {
		return nil, err
	}
	payload, err := readPayload(src, nil, h.length(), h.key())
	if err != nil {
		return nil, err
	}
	*f = h.frame(payload)
	return f, nil
}

// readHeader reads a header from src, and never past it.
func readHeader(src io.Reader, mode Mode, maxPayloadLen int) (h header, err error) {
	b := headers.Get().(*[maxHeaderSize]byte)
	defer headers.Put(b)
	have, missing := 0, partHeader
	for missing != partNone {
		// An extended length and the masking key behind it are asked for together.
		start, need := h.start(missing), h.end(missing)
		most := need
		if (missing == partLength2 || missing == partLength8) && h.masked() {
			most += 4
		}
		for have < need {
			n, err := ReadSome(src, b[have:most])
			have += n
			if err != nil && have < need {
				return h, errCut(missing, have-start, err)
			}
		}
		missing = h.parse(b[:have])
		if err := h.checkDecoder(missing, mode, maxPayloadLen); err != nil {
			return h, err
		}
	}
	return h, nil
}

// noProgress is how often a reader may return nothing without an error.
const noProgress = 100

// ReadSome reads into p, which has room. What it returns is never (0, nil): a reader
// that returns that 100 times is broken, which is io.ErrNoProgress.
func ReadSome(src io.Reader, p []byte) (int, error) {
	for range noProgress {
		if n, err := src.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// readPayload reads from src what of a payload of n bytes is not in dst, unmasking it as
// it comes, and returns dst with it.
func readPayload(src io.Reader, dst []byte, n int, key uint32) ([]byte, error) {
	for len(dst) < n {
		dst = growFor(dst, n)
		have := len(dst)
		m, err := ReadSome(src, dst[have:min(cap(dst), n, have+unmaskStep)])
		dst = dst[:have+m]
		key = mask(dst[have:], dst[have:], key)
		if err != nil && len(dst) < n {
			return nil, errCutPayload(n, len(dst), err)
		}
	}
	return dst, nil
}

// growFor returns b with room for at least one byte more on the way to want
// bytes in all: for all of them, if that takes at most allocStep bytes, else for
// twice what is there.
func growFor(b []byte, want int) []byte {
	if len(b) < cap(b) {
		return b
	}
	grown := make([]byte, len(b), min(want, max(2*len(b), allocStep)))
	copy(grown, b)
	return grown
}

// A FrameReader reads frame after frame into memory that it uses again. It reads
// ahead: bytes of src behind the frames that it returned are in its buffer.
type FrameReader struct {
	src   io.Reader
	mode  Mode
	limit int
	err   error
	frame Frame
	buf   []byte // buf[start:end] is read and not yet parsed
	start int
	end   int
	large []byte // holds the payload that buf is too small for
}

// NewFrameReader returns a FrameReader that applies the rules of [ReadFrame] with
// the same errors.
func NewFrameReader(src io.Reader, mode Mode, maxPayloadLen int) *FrameReader {
	r := new(FrameReader)
	r.Reset(src, mode, maxPayloadLen)
	return r
}

// Reset has r read frames from src as one that is new does, in the memory that it has.
// What it read ahead from the source before is gone.
func (r *FrameReader) Reset(src io.Reader, mode Mode, maxPayloadLen int) {
	if r.buf == nil {
		r.buf = make([]byte, frameBuffer)
	}
	*r = FrameReader{src: src, mode: mode, limit: max(maxPayloadLen, 0), buf: r.buf, large: r.large}
}

// Next returns the next frame, its payload unmasked. Both are valid until the
// next call. After an error it returns the same error again.
func (r *FrameReader) Next() (*Frame, error) {
	if r.err != nil {
		return nil, r.err
	}
	var h header
	for {
		missing := h.parse(r.buf[r.start:r.end])
		if err := h.checkDecoder(missing, r.mode, r.limit); err != nil {
			return nil, r.fail(err)
		}
		if missing == partNone {
			break
		}
		if err := r.fill(); err != nil {
			return nil, r.fail(errCut(missing, r.end-r.start-h.start(missing), err))
		}
	}
	r.start += h.size()
	payload, err := r.payload(h.length(), h.key())
	if err != nil {
		return nil, r.fail(err)
	}
	r.frame = h.frame(payload)
	return &r.frame, nil
}

// payload returns the next n bytes, unmasked.
func (r *FrameReader) payload(n int, key uint32) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	for n > r.end-r.start {
		if n > len(r.buf)/2 {
			return r.largePayload(n, key)
		}
		if err := r.fill(); err != nil {
			return nil, errCutPayload(n, r.end-r.start, err)
		}
	}
	p := r.buf[r.start : r.start+n : r.start+n]
	mask(p, p, key)
	r.start += n
	return p, nil
}

// largePayload is payload for n bytes that are not all in the buffer: those that
// are get copied, the rest is read to where it stays.
func (r *FrameReader) largePayload(n int, key uint32) ([]byte, error) {
	b := r.buf[r.start:r.end]
	r.start, r.end = 0, 0
	if least := min(n, allocStep); cap(r.large) < least {
		r.large = make([]byte, least)
	}
	large := r.large[:len(b)]
	key = mask(large, b, key)
	p, err := readPayload(r.src, large, n, key)
	if err == nil {
		r.large = p
	}
	return p, err
}

// fill reads more bytes behind those that are there. It is called only where at
// most half of the buffer is in use.
func (r *FrameReader) fill() error {
	if r.start == r.end {
		r.start, r.end = 0, 0
	} else if r.end == len(r.buf) || r.start > len(r.buf)/2 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	n, err := ReadSome(r.src, r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil // an error will come again
	}
	return err
}

func (r *FrameReader) fail(err error) error {
	r.err, r.large, r.frame = err, nil, Frame{}
	return err
}
