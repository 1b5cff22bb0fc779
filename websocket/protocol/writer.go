package protocol

// A Writer makes bytes of messages and control frames, which wait in its queue until
// somebody takes them to the transport. Like Reader it is a value without I/O. What
// waits stands as it goes on the wire, in whole frames:
//
//	queue:  message │ pong │ message … Close     nothing comes behind a Close (RFC 6455 §5.5.1)
//
// A message stands in one piece, in as many fragments as MaxFrameSize makes of it: no
// other comes between them (§5.4).
type Writer struct {
	limits *Limits
	queue  *Buffer // nil if nothing waits
	mode   Mode
	closed bool
}

// NewWriter returns a Writer for this side's role, which masks if that is a client's
// (RFC 6455 §5.1), each frame with a key of its own.
func NewWriter(mode Mode, limits *Limits) Writer { return Writer{mode: mode, limits: limits} }

// Message queues a message. It reports false, and does nothing, behind a Close. It
// does not check that a text is UTF-8.
//
// An unmasked frame with a payload of at most 125 bytes is put together right here:
// short replies, gathered, take half of the time so.
func (w *Writer) Message(binary bool, payload []byte) bool {
	if w.closed {
		return false
	}
	if q := w.queue; q != nil && len(payload) <= shortMost && w.mode == ServerMode && len(payload) <= w.limits.MaxFrameSize {
		if b := q.Bytes; cap(b)-len(b) >= 2+shortMost {
			n := len(b)
			b = b[:n+2+len(payload)]
			b[n], b[n+1] = wholeText, byte(len(payload))
			if binary {
				b[n] = wholeBinary
			}
			copy(b[n+2:], payload)
			q.Bytes = b
			return true
		}
	}
	f := w.Fragments(binary, payload)
	w.grow(f.Size())
	for more := true; more; {
		w.queue.Bytes, more = f.Append(w.queue.Bytes)
	}
	return true
}

// Control queues a control frame with a payload of at most 125 bytes. It reports
// false, and does nothing, behind a Close.
func (w *Writer) Control(opcode Opcode, payload []byte) bool {
	if w.closed {
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
func (w *Writer) Stop() { w.closed = true }

// Fragments cuts a message into frames, for who writes it without the queue.
func (w *Writer) Fragments(binary bool, payload []byte) Fragments {
	f := Fragments{rest: payload, opcode: OpcodeText, most: w.limits.MaxFrameSize, mode: w.mode}
	if binary {
		f.opcode = OpcodeBinary
	}
	return f
}

// Fragments are the frames of a message that are still to be written (RFC 6455 §5.4).
type Fragments struct {
	rest   []byte
	most   int // bytes of payload in a frame
	opcode Opcode
	mode   Mode
}

// Append appends the next frame to dst and reports whether there is another one.
func (f *Fragments) Append(dst []byte) (grown []byte, more bool) {
	if len(f.rest) <= f.most {
		return appendFrame(dst, finBit|byte(f.opcode), f.rest, f.mode.maskingKey()), false
	}
	dst = appendFrame(dst, byte(f.opcode), f.rest[:f.most], f.mode.maskingKey())
	f.rest, f.opcode = f.rest[f.most:], OpcodeContinuation
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
