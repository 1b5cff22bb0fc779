package protocol

const (
	// readAhead is the size of the buffer that a Reader borrows while there is
	// something to read, unless it is told otherwise.
	readAhead = 16 << 10
	// directLeast is the least that is still to come of a payload for its bytes to go
	// straight to their place; of less, reading ahead is better.
	directLeast = 2 << 10
)

// An Event is what a Reader has found in the bytes of a connection.
type Event uint8

// The events. The payload that comes with one is valid until the Reader is used again,
// unless Own says otherwise.
const (
	// NeedMore: nothing more is complete. The next bytes are wanted (Space, Came), or
	// word that there are none (Cut).
	NeedMore Event = iota
	// MessageComes: a message is complete, and its payload is here. A text is UTF-8.
	// Binary tells which it is.
	MessageComes
	// PingComes: a Ping is to be answered with its payload (RFC 6455 §5.5.2).
	PingComes
	// PongComes: a Pong answers the Ping with its payload and all before it (§5.5.3).
	PongComes
	// CloseComes: the peer's Close, which is valid: see ParseClose. Nothing that comes
	// behind it counts (§5.5.1).
	CloseComes
	// FrameComes: a frame of data has passed all rules; a Reader says so only if
	// EachFrame is set. Frame describes it.
	FrameComes
)

// A Reader makes messages and control frames of the bytes that a peer has sent. It is a
// value without I/O: it calls, locks and waits for nothing, and reads nothing by
// itself. Whoever has the transport puts bytes into Space, says so with Came, and asks
// Next what has come; see the package's example.
//
//	     bytes                 events
//	read ─────▶ Space … Came ─────▶ Next
//
// It applies the rules of RFC 6455 that a receiver keeps, each as soon as no byte to
// come can change its verdict: those for headers are in rules.go, that for text
// (§8.1) in utf8.go, those for Close frames in close.go. An error of Next is final.
//
// What it has read ahead stands in
//
//	buf.Bytes:  taken │ to be taken │ free
//	                start          len     cap
//
// and what of a message does not come whole in a body. Without either it has no
// memory beside itself: both are borrowed.
type Reader struct {
	limits  *Limits
	deflate *Deflation // nil without permessage-deflate
	buf     *Buffer    // nil if nothing is read ahead
	body    *body      // of the message under way, or of the last one; nil where that is all in buf
	head    header     // of the current frame

	start      int32 // in buf
	ahead      int32 // size of buf, in bytes
	like       int32 // bytes of the last message that came in a body
	mode       Mode
	binary     bool // the kind of the message
	compressed bool // the message under way is compressed (RFC 7692 §6)
	fragmented bool // a message is under way
	inPayload  bool // and in it a frame's payload
	told       bool // FrameComes was said of the last frame of a message: that comes next

	// Own makes the payload of a message memory of its own, the caller's. It may be
	// changed between messages.
	Own bool
	// EachFrame makes Next tell of each frame of data by itself, too.
	EachFrame bool
}

// NewReader returns a Reader for this side's role that keeps limits.
func NewReader(mode Mode, limits *Limits) Reader {
	return Reader{mode: mode, limits: limits, ahead: readAhead}
}

// ReadAhead sets the size of the buffer, in bytes, for those that Space takes from
// now on: a smaller one for transports that wait with it in their hands.
func (r *Reader) ReadAhead(size int) { r.ahead = int32(size) }

// Deflate has the Reader take compressed messages, as was agreed on (RFC 7692). It is
// called before anything else.
func (r *Reader) Deflate(d *Deflation) { r.deflate = d }

// Preload makes unread, which it copies, the first bytes: what was read behind the
// opening handshake. It is called before anything else.
func (r *Reader) Preload(unread []byte) {
	if len(unread) > 0 {
		r.buf = TakeBuffer(max(len(unread), int(r.ahead)))
		r.buf.Bytes = append(r.buf.Bytes, unread...)
	}
}

// Buffered is the number of bytes that were read ahead and not yet taken.
func (r *Reader) Buffered() int { return len(r.buffered()) }

func (r *Reader) buffered() []byte {
	if r.buf == nil {
		return nil
	}
	return r.buf.Bytes[r.start:]
}

// direct reports whether the next bytes go straight to where their payload stays.
func (r *Reader) direct() bool {
	return r.inPayload && !r.compressed && r.body.missing() >= directLeast && (r.buf == nil || int(r.start) == len(r.buf.Bytes))
}

// Space returns where the next bytes are to be put, as many as there are: it is not
// empty, but for after an error of Next. It is called after NeedMore.
func (r *Reader) Space() []byte {
	if r.direct() {
		return r.body.direct()
	}
	b := r.buf
	switch {
	case b == nil:
		b = TakeBuffer(int(r.ahead))
		r.buf, r.start = b, 0
	case int(r.start) == len(b.Bytes):
		b.Bytes, r.start = b.Bytes[:0], 0
	case r.start > 0 && len(b.Bytes) > cap(b.Bytes)/2:
		// A header that is cut, or a small payload: at least half is free again.
		b.Bytes = b.Bytes[:copy(b.Bytes, b.Bytes[r.start:])]
		r.start = 0
	}
	return b.Bytes[len(b.Bytes):cap(b.Bytes)]
}

// Came says that n bytes were put into Space.
func (r *Reader) Came(n int) {
	if r.direct() {
		r.body.came(n)
		return
	}
	r.buf.Bytes = r.buf.Bytes[:len(r.buf.Bytes)+n]
}

// Holds is the number of bytes of memory that the reader holds beside itself.
func (r *Reader) Holds() int {
	n := 0
	if r.buf != nil {
		n += cap(r.buf.Bytes)
	}
	if r.body != nil {
		n += r.body.holds()
	}
	return n
}

// Release gives the buffer back if nothing is in it: for who is about to wait for the
// next bytes, and asks for Space when they are there.
func (r *Reader) Release() {
	if r.buf != nil && int(r.start) == len(r.buf.Bytes) {
		r.buf.Free()
		r.buf, r.start = nil, 0
	}
}

// Binary reports whether the message that came last is binary, not text.
func (r *Reader) Binary() bool { return r.binary }

// Blank reports whether the Reader is as a new one: nothing has come behind the last message.
func (r *Reader) Blank() bool { return r.buf == nil && r.body == nil }

// InMessage reports whether something of a message has come, but not its end.
func (r *Reader) InMessage() bool {
	if r.fragmented {
		return true
	}
	b := r.buffered()
	return len(b) > 0 && !Opcode(b[0]&opcodeBits).isControl()
}

// Last reports whether the frame of FrameComes was the last one of its message.
func (r *Reader) Last() bool { return r.told }

// Frame describes the frame of the last event with its payload, which it keeps.
func (r *Reader) Frame(payload []byte) *Frame {
	if len(payload) == 0 {
		payload = nil
	}
	f := r.head.frame(payload)
	return &f
}

// Next returns what the bytes that came have brought, one event after the other,
// with its payload, or an error of the rule that they break: one of the Err variables.
// What was right before that is told first.
func (r *Reader) Next() (Event, []byte, error) {
	if r.body == nil && r.buf != nil && r.mode == ServerMode && !r.EachFrame {
		if p, ok := r.glanceMessage(); ok {
			if r.Own {
				p = append([]byte(nil), p...)
			}
			return MessageComes, p, nil
		}
	}
	return r.next()
}

// next is Next, without a glance at a short message.
func (r *Reader) next() (Event, []byte, error) {
	if r.body != nil && !r.fragmented {
		if r.told {
			r.told = false
			return r.complete()
		}
		r.body.free()
		r.body = nil
	}
	for {
		if !r.inPayload {
			if r.buf == nil {
				return NeedMore, nil, nil
			}
			if r.fragmented && r.mode == ServerMode && !r.EachFrame && !r.compressed && r.glanceFragments() {
				return r.complete()
			}
			h := &r.head
			missing := h.parse(r.buffered())
			if err := h.check(missing, r.conversation()); err != nil {
				return NeedMore, nil, err
			}
			switch {
			case missing != partNone:
				return NeedMore, nil, nil
			case h.opcode().isControl():
				return r.control()
			}
			r.start += int32(h.size())
			if op := h.opcode(); op != OpcodeContinuation {
				r.binary, r.compressed = op == OpcodeBinary, h.rsv() != 0
				if h.fin() && h.length() <= r.Buffered() && !r.EachFrame && !r.compressed {
					return r.whole()
				}
			}
			r.beginPayload()
		}
		done, err := r.takePayload()
		if err != nil || !done {
			return NeedMore, nil, err
		}
		r.inPayload = false
		switch {
		case r.EachFrame:
			r.told = r.head.fin()
			r.fragmented = !r.told
			return FrameComes, r.body.frame(r.head.length(), r.compressed), nil
		case r.head.fin():
			return r.complete()
		}
	}
}

// complete ends the message in body, whose last frame has been taken.
func (r *Reader) complete() (Event, []byte, error) {
	r.fragmented = false
	r.like = r.body.size()
	return MessageComes, r.body.take(r.Own), nil
}

// conversation is what the rules for the next header depend on.
func (r *Reader) conversation() conversation {
	c := conversation{mode: r.mode, fragmented: r.fragmented, limits: r.limits, deflate: r.deflate != nil, compressed: r.compressed}
	if r.fragmented {
		c.size = r.body.payload(r.compressed)
	}
	return c
}

// whole takes the message that is one frame and all in the buffer.
func (r *Reader) whole() (Event, []byte, error) {
	n := r.head.length()
	p := r.buffered()[:n:n]
	mask(p, p, r.head.key())
	if !r.binary && !ValidUTF8(p) { // RFC 6455 §8.1
		return NeedMore, nil, ErrInvalidFramePayload
	}
	r.start += int32(n)
	if r.Own {
		p = append([]byte(nil), p...)
	}
	return MessageComes, p, nil
}

// control takes the control frame that comes next, if all of it is there (RFC 6455
// §5.5). Before that its header is left where it is.
func (r *Reader) control() (Event, []byte, error) {
	size, n := r.head.size(), r.head.length()
	b := r.buffered()
	if len(b) < size+n {
		return NeedMore, nil, nil
	}
	p := b[size : size+n : size+n]
	mask(p, p, r.head.key())
	event := PongComes
	switch r.head.opcode() {
	case OpcodePing:
		event = PingComes
	case OpcodeClose:
		event = CloseComes
		if _, err := ParseClose(p); err != nil {
			return NeedMore, nil, err
		}
	}
	r.start += int32(size + n)
	return event, p, nil
}

// beginPayload begins the payload of a data frame, behind what there is of its message.
func (r *Reader) beginPayload() {
	if r.body == nil {
		r.body = newBody(r.head.length(), r.head.fin() && !r.compressed, r.Own, int(r.like))
	}
	r.body.begin(r.head.length(), r.head.key())
	r.fragmented, r.inPayload = true, true
}

// takePayload takes what has come of the current frame's payload, and reports whether
// that is all of it.
func (r *Reader) takePayload() (done bool, err error) {
	var n int
	b, fin := r.buffered(), r.head.fin()
	if r.compressed {
		n, err = r.body.inflate(b, r.binary, fin, r.deflate, r.limits.MaxMessageSize, r.EachFrame)
	} else {
		n, err = r.body.append(b, r.binary, fin)
	}
	r.start += int32(n)
	return err == nil && r.body.missing() == 0, err
}

// Cut returns the error for a connection whose bytes have ended where Next wanted
// more: an *Error with StatusAbnormalClose that says which part of a frame is missing,
// and wraps cause; io.EOF is io.ErrUnexpectedEOF inside a part.
func (r *Reader) Cut(cause error) error {
	if r.inPayload {
		return errCutPayload(r.head.length(), r.head.length()-r.body.missing(), cause)
	}
	b := r.buffered()
	missing := r.head.parse(b)
	if missing == partNone { // of a control frame
		return errCutPayload(r.head.length(), len(b)-r.head.size(), cause)
	}
	return errCut(missing, len(b)-r.head.start(missing), cause)
}
