package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// frameLimits are the limits that an input chooses from, at the boundaries of
// the length forms. A negative one counts as 0; where the splits are odd, no limit
// at all stands in its place.
var frameLimits = [8]int{16 << 10, 125, 126, 65535, 65536, 1 << 20, 0, -1}

// ReadFrame checks the frame decoders on any bytes. The first byte of the input
// chooses the role (bit 0), the limit (bits 1 to 3) and how reads are split (the
// rest); what follows is read as frames until an error, by ReadFrame and by
// FrameReader, whole, byte by byte and split.
//
// Oracles: package model's decoder tells each frame and the error that ends
// them, with its text; nothing behind the frame is read by ReadFrame, and nothing
// behind the header of one that is refused; the ways to read agree, and a
// transport that fails is told as its end is; what was accepted marshals back to the bytes that it came from; no
// memory is set aside for more than 256 KiB that did not arrive; a frame that
// was returned keeps its payload when reading goes on, and is nobody else's memory; nor is
// what a header is read to, while another frame is read.
func ReadFrame(data []byte) error {
	h := frameHarnesses.Get().(*frameHarness)
	defer frameHarnesses.Put(h)
	defer input.Guard()()
	return h.check(data)
}

var frameHarnesses = sync.Pool{New: func() any { return new(frameHarness) }}

type frameHarness struct {
	role   model.Role
	mode   protocol.Mode
	limit  int
	want   []model.Decoded
	sizes  [3]int
	fault  error // what the transport ends with in split reads, nil for io.EOF
	reader sliceReader
	other  sliceReader // of another transport
	stream *protocol.FrameReader
	frames []*protocol.Frame
	buf    []byte // an error, or a frame
}

func (h *frameHarness) check(data []byte) error {
	var first byte
	if len(data) > 0 {
		first, data = data[0], data[1:]
	}
	h.role, h.mode = model.Server, protocol.ServerMode
	if first&1 != 0 {
		h.role, h.mode = model.Client, protocol.ClientMode
	}
	h.limit = frameLimits[first>>1&7]
	split := int(first >> 4)
	h.sizes = [3]int{split + 2, 1, 2*split + 3}
	h.fault = nil
	if split&2 != 0 {
		h.fault = io.ErrUnexpectedEOF // as of TLS without its end
	}
	most := h.limit
	if h.limit < 0 && split&1 != 0 {
		h.limit, most = math.MaxInt, math.MaxInt-1 // no slice is longer
	}

	h.want = h.want[:0]
	for off := 0; ; {
		d := model.Decode(h.role, most, data[off:])
		h.want = append(h.want, d)
		if d.Size == 0 {
			break
		}
		off += d.Size
	}

	for i, sizes := range [][]int{nil, oneByte, h.sizes[:]} {
		if err := h.readFrames(data, sizes, i == 2); err != nil {
			return fmt.Errorf("ReadFrame, %s: %w", splitNames[i], err)
		}
		if err := h.nextFrames(data, sizes, i == 2); err != nil {
			return fmt.Errorf("FrameReader, %s: %w", splitNames[i], err)
		}
	}
	return nil
}

var splitNames = [3]string{"whole reads", "one byte a read", "split reads, the last one with the end"}

func (h *frameHarness) reset(data []byte, sizes []int, eager bool) {
	h.reader.reset(data, sizes)
	if eager {
		h.reader.eager, h.reader.fault, h.reader.inner = true, h.fault, &h.other
	}
}

// readFrames reads with ReadFrame.
func (h *frameHarness) readFrames(data []byte, sizes []int, eager bool) error {
	h.reset(data, sizes, eager)
	h.frames = h.frames[:0]
	off := 0
	for i := range h.want {
		want := &h.want[i]
		frame, err := protocol.ReadFrame(&h.reader, h.mode, h.limit)
		if err := h.compare(want, frame, err); err != nil {
			return fmt.Errorf("frame %d, at byte %d: %w", i+1, off, err)
		}
		if want.Size == 0 {
			if _, n, short := wire.SplitHeader(data[off:]); want.Rule != "" && short == nil && h.reader.off > off+n {
				return fmt.Errorf("frame %d is refused for its header, which ends at byte %d, but %d bytes were read", i+1, off+n, h.reader.off)
			}
			break
		}
		off += want.Size
		if h.reader.off != off {
			return fmt.Errorf("frame %d ends at byte %d, but %d bytes were read", i+1, off, h.reader.off)
		}
		if most := max(allocBound, 2*len(frame.Payload)); cap(frame.Payload) > most {
			return fmt.Errorf("frame %d: a payload of %d bytes holds %d, want at most %d", i+1, len(frame.Payload), cap(frame.Payload), most)
		}
		h.frames = append(h.frames, frame)
	}
	// What ReadFrame returned belongs to the caller: later reads leave it alone.
	off = 0
	for i, frame := range h.frames {
		want := &h.want[i]
		if err := same(want, frame); err != nil {
			return fmt.Errorf("frame %d changed while later ones were read: %w", i+1, err)
		}
		h.buf = protocol.AppendFrame(h.buf[:0], frame, protocol.MaskingKey(want.Frame.Key))
		came := data[off : off+want.Size]
		if want.Frame.Masked && want.Frame.Key == [4]byte{} {
			came = model.Encode(model.Frame{Fin: want.Frame.Fin, RSV: want.Frame.RSV, Opcode: want.Frame.Opcode, Payload: want.Frame.Payload})
		}
		if !bytes.Equal(h.buf, came) {
			return fmt.Errorf("frame %d marshals to %x, came as %x", i+1, h.buf, came)
		}
		off += want.Size
	}
	return h.reader.checkMemory()
}

// nextFrames reads with a FrameReader.
func (h *frameHarness) nextFrames(data []byte, sizes []int, eager bool) error {
	h.reset(data, sizes, eager)
	if h.stream == nil || len(data)%16 == 0 {
		h.stream = protocol.NewFrameReader(&h.reader, h.mode, h.limit)
	} else { // with what it has read before in its memory
		h.stream.Reset(&h.reader, h.mode, h.limit)
	}
	r := h.stream
	for i := range h.want {
		want := &h.want[i]
		frame, err := r.Next()
		if err := h.compare(want, frame, err); err != nil {
			return fmt.Errorf("frame %d: %w", i+1, err)
		}
		if want.Size == 0 {
			if _, again := r.Next(); again != err {
				return fmt.Errorf("after the error %q, the next call returned %v", err, again)
			}
		} else if n := len(frame.Payload); cap(frame.Payload) > n {
			frame.Payload[:n+1][n] ^= fence // as who appends to it does
		}
	}
	return h.reader.checkMemory()
}

// compare holds what a decoder returned against the model.
func (h *frameHarness) compare(want *model.Decoded, frame *protocol.Frame, err error) error {
	if want.Size > 0 {
		if err != nil {
			return fmt.Errorf("error %q, want %v", err, want.Frame)
		}
		return same(want, frame)
	}
	if frame != nil {
		return fmt.Errorf("got %v, want an error: %s", frame, wantError(want))
	}
	if err == nil {
		return fmt.Errorf("no error, want: %s", wantError(want))
	}
	if want.Missing != "" {
		cause := h.reader.end()
		if want.Some && cause == io.EOF {
			cause = io.ErrUnexpectedEOF
		}
		h.buf = append(append(append(append(h.buf[:0], "error reading "...), want.Missing...), ": "...), cause.Error()...)
		if err.Error() == string(h.buf) {
			return checkCause(err, cause)
		} else if want.Rule == "" {
			return fmt.Errorf("error %q, want %q", err, h.buf)
		}
	}
	if !errors.Is(err, input.RuleErrors[want.Rule]) {
		return fmt.Errorf("error %q, want %s", err, wantError(want))
	}
	return nil
}

// checkCause checks what a failure of the transport wraps, and its code.
func checkCause(err, cause error) error {
	if !errors.Is(err, cause) {
		return fmt.Errorf("error %q does not wrap %v", err, cause)
	}
	var e *protocol.Error
	if !isError(err, &e) || e.Code() != protocol.StatusAbnormalClose {
		return fmt.Errorf("error %q is no *Error with code 1006", err)
	}
	return nil
}

func wantError(want *model.Decoded) string {
	switch {
	case want.Rule == "":
		return "the input ends in the " + want.Missing
	case want.Missing == "":
		return string(want.Rule)
	}
	return string(want.Rule) + ", or that the input ends in the " + want.Missing
}

// same compares a frame with the model's, bit by bit.
func same(want *model.Decoded, frame *protocol.Frame) error {
	if frame == nil {
		return fmt.Errorf("no frame and no error")
	}
	w := &want.Frame
	if frame.Fin() != w.Fin || byte(frame.Opcode()) != w.Opcode ||
		frame.RSV1() != (w.RSV&4 != 0) || frame.RSV2() != (w.RSV&2 != 0) || frame.RSV3() != (w.RSV&1 != 0) {
		return fmt.Errorf("got %v, want FIN %t, RSV %03b, opcode %#x", frame, w.Fin, w.RSV, w.Opcode)
	}
	if !bytes.Equal(frame.Payload, w.Payload) {
		return fmt.Errorf("payload %x, want %x", input.Clip(frame.Payload), input.Clip(w.Payload))
	}
	if len(frame.Payload) == 0 && frame.Payload != nil {
		return fmt.Errorf("an empty payload is not nil")
	}
	return nil
}

func seedReadFrame(vectors []vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range vectors {
		v := &vectors[i]
		limit := max(0, slices.Index(frameLimits[:], v.Limits.Frame))
		first := byte(limit<<1 | i<<4)
		if v.Role == model.Client {
			first |= 1
		}
		seeds = append(seeds, append([]byte{first}, v.Input...))
	}
	// At each limit: no payload, one as long, one byte more, and what no slice holds.
	for i, limit := range frameLimits {
		for _, n := range []uint64{0, uint64(max(limit, 1)), uint64(max(limit, 0)) + 1, 1 << 63} {
			f := wire.Frame{Opcode: wire.Binary, Masked: true, Key: [4]byte{0x37, 0xfa, 0x21, 0x3d}, Length: n, Payload: input.Padding[:min(n, 200)]}
			for _, split := range []byte{0, 3} {
				seeds = append(seeds, f.Append([]byte{byte(i<<1) | split<<4}))
			}
		}
	}
	return seeds, nil
}

func explainReadFrame(data []byte) string {
	var first byte
	if len(data) > 0 {
		first, data = data[0], data[1:]
	}
	limit := frameLimits[first>>1&7]
	t := &input.Transcript{Role: model.Role(first&1 != 0), Limits: model.Limits{Frame: limit, Message: 1 << 62}, Input: data}
	return fmt.Sprintf("ReadFrame with limit %d; as a conversation (the decoder judges masking, minimal length and the limit alone):\n%s", limit, input.Annotate(t))
}
