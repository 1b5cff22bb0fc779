package protocol

import "math"

// Limits are what a Reader takes and a Writer makes, in bytes. Many may share them;
// they are not changed while they are in use.
type Limits struct {
	// MaxFrameSize is the longest payload of a frame: a Reader refuses longer ones, a
	// Writer writes longer messages in fragments of this size.
	MaxFrameSize int
	// MaxMessageSize is the longest message that a Reader takes.
	MaxMessageSize int
}

// conversation is what the rules for a header depend on beside the header.
type conversation struct {
	mode       Mode
	fragmented bool // a message is under way, its last frame was not final
	size       int  // bytes that there are of it
	limits     *Limits

	deflate    bool // permessage-deflate was agreed on
	compressed bool // the message under way is compressed: size is that of its payload
}

// check applies the rules for the headers of a conversation, one after the other, to
// as much of the header as is there before the missing part: so a rule is applied as
// soon as no byte to come can break one before it. The rules for payloads come
// next: ParseClose and textStream have them.
func (h *header) check(missing part, c conversation) error {
	if missing == partHeader {
		return nil
	}
	if h.masked() == (c.mode == ClientMode) { // RFC 6455 §5.1
		if c.mode == ClientMode {
			return ErrServerFrameMasked
		}
		return ErrClientFrameUnmasked
	}
	op := h.opcode()
	compressed := c.deflate && h.rsv() == byte(RSV1) && (op == OpcodeText || op == OpcodeBinary) // RFC 7692 §6
	if h.rsv() != 0 && !compressed {                                                             // RFC 6455 §5.2
		return ErrRSVBitsUnsupported
	}
	switch op {
	case OpcodeContinuation, OpcodeText, OpcodeBinary:
	case OpcodeClose, OpcodePing, OpcodePong: // RFC 6455 §5.5
		if missing == partLength2 || missing == partLength8 {
			return nil // the length tells which rule is broken: this one, or that it is minimal
		}
		if h.length() > maxControlPayload {
			return ErrControlFrameTooLarge
		}
		if !h.fin() {
			return ErrControlFrameFragmented
		}
	default: // RFC 6455 §5.2
		return ErrOpcodeUnknown
	}
	if missing == partLength2 || missing == partLength8 {
		return nil
	}
	if !h.minimal() { // RFC 6455 §5.2
		return ErrLengthNotMinimal
	}
	if h.tooLong(c.limits.MaxFrameSize) { // RFC 6455 §10.4
		return ErrFrameTooLarge
	}
	if op.isControl() {
		return nil
	}
	if (op == OpcodeContinuation) != c.fragmented { // RFC 6455 §5.4
		if c.fragmented {
			return ErrContinuationExpected
		}
		return ErrContinuationUnexpected
	}
	most := c.limits.MaxMessageSize
	if compressed || c.compressed && c.fragmented {
		// The limit is for what it inflates to; no compressor needs more than this for that.
		most += min(most/1000+64, math.MaxInt-most)
	}
	if h.length() > most-c.size { // RFC 6455 §10.4
		return ErrMessageTooLarge
	}
	return nil
}

// checkDecoder applies the rules that a decoder of single frames keeps, in their
// order, as check does: it judges no conversation.
func (h *header) checkDecoder(missing part, mode Mode, maxPayloadLen int) error {
	if missing == partHeader {
		return nil
	}
	if mode == ServerMode && !h.masked() { // RFC 6455 §5.1
		return ErrClientFrameUnmasked
	}
	if missing == partLength2 || missing == partLength8 {
		return nil
	}
	if !h.minimal() { // RFC 6455 §5.2
		return ErrLengthNotMinimal
	}
	if h.tooLong(maxPayloadLen) { // RFC 6455 §10.4
		return ErrFrameTooLarge
	}
	return nil
}
