package protocol

import (
	"bytes"
	"math"
)

// A Writer makes bytes of messages and control frames, which wait in its queue until
// somebody takes them to the transport. Like Reader it is a value without I/O. What
// waits stands as it goes on the wire, in whole frames:
//
//	queue:  message │ pong │ message … Close     nothing comes behind a Close (RFC 6455 §5.5.1)
//
// A message stands in one piece, in as many fragments as MaxFrameSize makes of it: no
// other comes between them (§5.4).
type Writer struct {
	deflate *Deflation // nil without permessage-deflate
	queue   *Buffer    // nil if nothing waits
	most    int32      // the longest payload of a frame
	mode    Mode
	closed  bool
}

// NewWriter returns a Writer for this side's role, which masks if that is a client's
// (RFC 6455 §5.1), each frame with a key of its own.
func NewWriter(mode Mode, limits *Limits) Writer {
	return Writer{mode: mode, most: int32(min(limits.MaxFrameSize, math.MaxInt32))}
}

// Mode is this side's role.
func (w *Writer) Mode() Mode { return w.mode }

// Deflate has the Writer compress messages, as was agreed on (RFC 7692).
func (w *Writer) Deflate(d *Deflation) { w.deflate = d }

// Compresses reports whether the Writer may compress messages.
func (w *Writer) Compresses() bool { return w.deflate != nil }

// Message queues a message. It reports false, and does nothing, behind a Close. It
// does not check that a text is UTF-8.
//
// An unmasked frame with a payload of at most 125 bytes is put together right here:
// short replies, gathered, take half of the time so.
func (w *Writer) Message(binary bool, payload []byte) bool {
	if len(payload) > shortMost || w.mode != ServerMode || w.deflate != nil || w.closed || len(payload) > int(w.most) {
		f := w.Fragments(binary, payload)
		return w.Queue(&f)
	}
	if w.queue == nil {
		w.queue = TakeBuffer(2 + shortMost)
	}
	b := w.queue.Bytes
	n := len(b)
	if cap(b)-n < 2+len(payload) {
		w.grow(2 + len(payload))
		b = w.queue.Bytes
	}
	b = b[:n+2+len(payload)]
	b[n], b[n+1] = wholeText, byte(len(payload))
	if binary {
		b[n] = wholeBinary
	}
	copy(b[n+2:], payload)
	w.queue.Bytes = b
	return true
}

// Queue queues the frames of a message, and frees them. It reports false, and queues
// nothing, behind a Close.
func (w *Writer) Queue(f *Fragments) bool {
	if !w.closed {
		w.grow(f.Size())
		for more := true; more; {
			w.queue.Bytes, more = f.Append(w.queue.Bytes)
		}
	}
	f.Free()
	return !w.closed
}

// Control queues a control frame. It reports false, and does nothing, behind a Close,
// and for a payload of more than 125 bytes (RFC 6455 §5.5).
func (w *Writer) Control(opcode Opcode, payload []byte) bool {
	if w.closed || len(payload) > maxControlPayload {
		return false
	}
	w.grow(maxHeaderSize + len(payload))
	w.queue.Bytes = appendFrame(w.queue.Bytes, finBit|byte(opcode), payload, w.mode.maskingKey())
	w.closed = opcode == OpcodeClose
	return true
}

// grow makes room in the queue for n more bytes.
func (w *Writer) grow(n int) {
	b := w.queue
	if b == nil {
		w.queue = TakeBuffer(n)
		return
	}
	if cap(b.Bytes)-len(b.Bytes) < n {
		w.queue = TakeBuffer(max(4*cap(b.Bytes), len(b.Bytes)+n))
		w.queue.Bytes = append(w.queue.Bytes, b.Bytes...)
		b.Free()
	}
}

// Len is the number of bytes that wait.
func (w *Writer) Len() int {
	if w.queue == nil {
		return 0
	}
	return len(w.queue.Bytes)
}

// Holds is the number of bytes of memory that the writer holds beside itself.
func (w *Writer) Holds() int {
	if w.queue == nil {
		return 0
	}
	return cap(w.queue.Bytes)
}

// Take empties the queue into the hands of the caller, or returns nil if nothing waits.
func (w *Writer) Take() *Buffer {
	b := w.queue
	w.queue = nil
	return b
}

// Closed reports whether a Close frame was queued, or Stop called: nothing follows.
func (w *Writer) Closed() bool { return w.closed }

// Stop refuses all that is to come: the connection has ended.
func (w *Writer) Stop() {
	w.closed = true
	if w.deflate != nil {
		w.deflate.compressor.Release()
	}
}

// Rest gives back what compressing the next message can make again: for who expects none
// soon.
func (w *Writer) Rest() {
	if w.deflate != nil {
		w.deflate.compressor.Idle()
	}
}

// Wakes reports, once until Doze has put it to rest, that a message was compressed:
// there is memory that Rest gives back.
func (w *Writer) Wakes() bool {
	d := w.deflate
	if d == nil || d.awake || !d.used || w.closed {
		return false
	}
	d.awake = true
	return true
}

// Doze is Rest if no message was compressed since it was last called, and reports whether
// that is so.
func (w *Writer) Doze() bool {
	d := w.deflate
	if d == nil {
		return true
	}
	rests := !d.used || w.closed
	d.used = false
	if rests {
		d.awake = false
		w.Rest()
	}
	return rests
}

// Fragments cuts a message into frames, for who writes it without the queue: before
// anything that is queued later. It compresses the message if that was agreed on and
// makes it smaller.
func (w *Writer) Fragments(binary bool, payload []byte) Fragments {
	if w.closed { // and nobody will send it
		return w.fragments(binary, payload, nil)
	}
	return w.fragments(binary, payload, w.deflate)
}

// PlainFragments is Fragments, without compression.
func (w *Writer) PlainFragments(binary bool, payload []byte) Fragments {
	return w.fragments(binary, payload, nil)
}

func (w *Writer) fragments(binary bool, payload []byte, deflate *Deflation) Fragments {
	f := fragmentsOf(binary, payload, w.mode, int(w.most))
	if f.compressed = deflate.compress(payload); f.compressed != nil {
		f.compressTo(f.compressed.Bytes)
	}
	return f
}

func fragmentsOf(binary bool, payload []byte, mode Mode, most int) Fragments {
	f := Fragments{rest: payload, b0: byte(OpcodeText), most: most, mode: mode}
	if binary {
		f.b0 = byte(OpcodeBinary)
	}
	return f
}

// compressTo has the frames say small in place of the message.
func (f *Fragments) compressTo(small []byte) {
	f.rest = small
	f.b0 |= byte(RSV1) // on the first frame alone (RFC 7692 §6.1)
}

// Fragments are the frames of a message that are still to be written (RFC 6455 §5.4).
type Fragments struct {
	rest       []byte
	compressed *Buffer // what rest is of, if the message is compressed
	most       int     // bytes of payload in a frame
	b0         byte    // of the next frame, without FIN
	mode       Mode
}

// Free gives back what the message was compressed into. Nothing is appended any more.
func (f *Fragments) Free() {
	if f.compressed != nil {
		f.compressed.Free()
		f.compressed = nil
	}
}

// Frames describes the frames, in memory of their own.
func (f *Fragments) Frames() []*Frame {
	var frames []*Frame
	for rest, b0 := bytes.Clone(f.rest), f.b0; ; b0 = byte(OpcodeContinuation) {
		n := min(len(rest), f.most)
		payload := rest[:n:n]
		if n == 0 {
			payload = nil
		}
		if rest = rest[n:]; len(rest) == 0 {
			b0 |= finBit
		}
		frame := frameOf(b0, payload)
		frames = append(frames, &frame)
		if b0&finBit != 0 {
			return frames
		}
	}
}

// Append appends the next frame to dst and reports whether there is another one.
func (f *Fragments) Append(dst []byte) (grown []byte, more bool) {
	if len(f.rest) <= f.most {
		return appendFrame(dst, finBit|f.b0, f.rest, f.mode.maskingKey()), false
	}
	dst = appendFrame(dst, f.b0, f.rest[:f.most], f.mode.maskingKey())
	f.rest, f.b0 = f.rest[f.most:], byte(OpcodeContinuation)
	return dst, true
}

// NextSize is an upper bound of the bytes that the next frame takes.
func (f *Fragments) NextSize() int { return min(len(f.rest), f.most) + maxHeaderSize }

// Size is an upper bound of the bytes that the frames take.
func (f *Fragments) Size() int {
	if len(f.rest) <= f.most {
		return len(f.rest) + maxHeaderSize
	}
	return len(f.rest) + (len(f.rest)/f.most+1)*maxHeaderSize
}

// maskingKey returns the key for the next frame (RFC 6455 §5.1, §5.3).
func (m Mode) maskingKey() MaskingKey {
	if m == ClientMode {
		return NewMaskingKey()
	}
	return Unmasked
}
