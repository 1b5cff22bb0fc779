package websocket

// checkHeader applies the rules for headers, one after the other, to as much of
// the header as is there before the missing part: so a rule is applied as soon as
// no byte to come can break one before it. The rules for payloads, which come
// next, are in parseClose and utf8Stream.
func (c *Websocket) checkHeader(missing part) error {
	h := &c.in.h
	if missing == partHeader {
		return nil
	}
	if h.masked() == (c.mode == ClientMode) { // RFC 6455 §5.1
		if c.mode == ClientMode {
			return ErrServerFrameMasked
		}
		return ErrClientFrameUnmasked
	}
	if h.b0&rsvBits != 0 { // RFC 6455 §5.2; an extension would allow its own bits here
		return ErrRSVBitsUnsupported
	}
	op := h.opcode()
	switch op {
	case OpcodeContinuation, OpcodeText, OpcodeBinary:
	case OpcodeClose, OpcodePing, OpcodePong: // RFC 6455 §5.5
		if missing == partLength2 || missing == partLength8 {
			return nil // the length tells which rule is broken: this one, or that it is minimal
		}
		if h.length > maxControlPayload {
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
	if h.tooLong(c.opts.MaxFrameSize) { // RFC 6455 §10.4
		return ErrFrameTooLarge
	}
	if op.isControl() {
		return nil
	}
	if (op == OpcodeContinuation) != c.in.fragmented { // RFC 6455 §5.4
		if c.in.fragmented {
			return ErrContinuationExpected
		}
		return ErrContinuationUnexpected
	}
	so := 0
	if c.in.fragmented {
		so = len(c.in.parts.body)
	}
	if h.length > c.opts.MaxMessageSize-so { // RFC 6455 §10.4
		return ErrMessageTooLarge
	}
	return nil
}
