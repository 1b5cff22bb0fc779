package model

// A Deflate is what was agreed on for a connection that compresses (RFC 7692
// §7.1): for each direction whether a message may refer to those before it, and
// the size of the window. 0 bits are 15. Its zero value is what the plain
// "permessage-deflate" agrees on.
type Deflate struct {
	ServerNoContextTakeover, ClientNoContextTakeover bool
	ServerMaxWindowBits, ClientMaxWindowBits         int
}

// Window returns the longest distance in messages that the role sends, in octets.
func (d Deflate) Window(sender Role) int {
	bits := d.ServerMaxWindowBits
	if sender == Client {
		bits = d.ClientMaxWindowBits
	}
	if bits == 0 {
		bits = 15
	}
	return 1 << bits
}

// Takeover reports whether messages that the role sends may refer to earlier ones.
func (d Deflate) Takeover(sender Role) bool {
	if sender == Client {
		return !d.ClientNoContextTakeover
	}
	return !d.ServerNoContextTakeover
}

// CompressedLimit is the number of compressed octets past which a message is
// refused that may have limit octets inflated. A sender never needs as many: 5
// octets for each 65,535 in stored blocks.
func CompressedLimit(limit int) int { return limit + limit/1000 + 64 }

// compressed reports whether RSV1, the "Per-Message Compressed" bit, is set
// (RFC 7692 §6).
func (h *header) compressed() bool { return h.hasFirst && h.rsv&4 != 0 }

// rsv1 adds what RSV1 breaks where permessage-deflate was negotiated, and returns
// the bits that no extension has given a meaning here.
func (c *conversation) rsv1(h *header, b *breach) (rsv byte) {
	// "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames
	// and non-first fragments of a data message." (RFC 7692 §6)
	switch h.opcode {
	case 0x1, 0x2:
	case 0x0:
		if c.without.on(CompressedContinuation) {
			b.add(CompressedContinuation)
		}
	case 0x8, 0x9, 0xA:
		if c.without.on(CompressedControl) {
			b.add(CompressedControl)
		}
	default:
		return h.rsv
	}
	return h.rsv &^ 4
}

// compresses reports whether the frame belongs to a compressed message: its
// first frame tells (RFC 7692 §6.2).
func (c *conversation) compresses(h *header) bool {
	if c.deflate == nil || h.control() {
		return false
	}
	if h.opcode == 0x0 {
		return c.compressed != nil
	}
	return h.compressed()
}

// addCompressedTooLarge bounds the compressed octets, which need not give any.
func (c *conversation) addCompressedTooLarge(h *header, b *breach) {
	if !c.without.on(CompressedTooLarge) || !h.hasLength || h.length >= 1<<63 {
		return
	}
	before := 0
	if h.opcode == 0x0 {
		before = len(c.compressed.in)
	}
	if uint64(before)+h.length > uint64(CompressedLimit(max(c.limits.Message, 0))) {
		b.add(CompressedTooLarge)
	}
}

// begin begins the message of a first frame.
func (c *conversation) begin(h *header) {
	c.compressed, c.late = nil, ""
	if c.deflate == nil || !h.compressed() {
		return
	}
	sender := !c.role
	window := c.deflate.Window(sender)
	if !c.without.on(WindowExceeded) {
		window = 1 << 15
	}
	c.compressed = newInflater(c.context[max(0, len(c.context)-window):], window)
	c.compressed.without = c.without
}

// inflate takes octets of a compressed message, the last of them if end is set,
// and returns what they break, and after how many of them.
func (c *conversation) inflate(payload []byte, end, checked bool) (b breach, octet int) {
	f := c.compressed
	before := len(f.in)
	f.in = append(f.in, payload...)
	limit := max(c.limits.Message, 0)
	judge := func() Rule {
		for i := f.start + len(c.message.Payload); i < len(f.out); i++ {
			if i-f.start == limit && c.without.on(InflatedTooLarge) {
				return InflatedTooLarge
			}
			if checked && c.without.on(TextNotUTF8FailFast) && !c.text.add(f.out[i]) {
				return TextNotUTF8
			}
			c.message.Payload = append(c.message.Payload, f.out[i])
		}
		return ""
	}
	rule := c.late
	if rule == "" {
		rule = f.steps(judge)
	}
	octet = (f.bit+7)/8 - before
	if rule == "" && end {
		rule, octet = f.end(judge), len(payload)
	}
	if rule == "" || !c.without.on(rule) {
		return b, 0
	}
	if !c.without.on(DeflateFailFast) {
		if c.late = rule; !end {
			return b, 0
		}
		octet = len(payload)
	}
	return broken(rule), octet
}

// end keeps the window of a compressed message.
func (c *conversation) end() {
	on := c.without.on
	switch {
	case c.compressed == nil && !on(ContextPlain):
		c.context = append(c.context, c.message.Payload...)
	case c.compressed == nil:
	case !on(ContextKept), !c.deflate.Takeover(!c.role) && on(ContextFresh):
		c.context = nil
	default:
		c.context = c.compressed.out
		c.context = c.context[max(0, len(c.context)-1<<15):]
	}
	c.compressed = nil
}
