package main

// table holds all mutants.
var table = concat(codecMutants, textMutants, readMutants, shortMutants, writeMutants, endMutants, handshakeMutants)

func concat(lists ...[]mutant) (all []mutant) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// The kinds of bugs.
const (
	wrongBoundary = "wrong boundary"
	droppedCheck  = "dropped check"
	wrongCode     = "wrong code"
	offByOne      = "off by one"
	wrongOrder    = "wrong order"
	wrongBytes    = "wrong bytes"
	stateNotReset = "state not reset"
	stateLost     = "state lost"
	errorLost     = "error swallowed"
	noDeadline    = "deadline not set"
	earlyReuse    = "buffer reused too early"
	notReleased   = "not released"
	dataRace      = "race"
)

// The targets that look at a layer.
var (
	decoding   = []string{"ReadFrame", "Reassembly"}
	encoding   = []string{"MarshalFrame"}
	masking    = []string{"Mask", "ReadFrame"}
	validating = []string{"UTF8", "Reassembly"}
	splitting  = []string{"FrameMessage"}
)

// codecMutants are bugs of frames: header.go, read.go, write.go, mask.go, frame.go
// and message.go.
var codecMutants = []mutant{
	{
		name: "decoder-takes-unmasked-client-frame", kind: droppedCheck, rule: "client-frame-unmasked", in: "header.checkDecoder",
		old: "if mode == ServerMode && !h.masked() {", new: "if false {", targets: decoding,
	},
	{
		name: "decoder-refuses-unmasked-server-frame", kind: wrongBoundary, rule: "client-frame-unmasked", in: "header.checkDecoder",
		old: "if mode == ServerMode && !h.masked() {", new: "if !h.masked() {", targets: decoding,
	},
	{
		name: "decoder-skips-minimal-length", kind: droppedCheck, rule: "length-not-minimal", in: "header.checkDecoder",
		old: "if !h.minimal() { // RFC 6455 §5.2", new: "if false {", targets: decoding,
	},
	{
		name: "minimal-length-16-from-125", kind: wrongBoundary, rule: "length-not-minimal", in: "header.minimal",
		old: "return h.length > 125", new: "return h.length >= 125", targets: decoding,
	},
	{
		name: "minimal-length-16-from-127", kind: wrongBoundary, rule: "length-not-minimal", in: "header.minimal",
		old: "return h.length > 125", new: "return h.length > 126", targets: decoding,
	},
	{
		name: "minimal-length-64-from-65535", kind: wrongBoundary, rule: "length-not-minimal", in: "header.minimal",
		old: "return h.length > math.MaxUint16", new: "return h.length >= math.MaxUint16", targets: decoding,
	},
	{
		name: "decoder-skips-the-limit", kind: droppedCheck, rule: "frame-too-large", in: "header.checkDecoder",
		old: "h.tooLong(maxPayloadLen) { // RFC 6455 §10.4", new: "false {", targets: decoding,
	},
	{
		name: "limit-takes-one-more", kind: offByOne, rule: "frame-too-large", in: "header.tooLong",
		old: "return h.length > limit ||", new: "return h.length > limit+1 ||", targets: decoding,
	},
	{
		name: "limit-refuses-itself", kind: wrongBoundary, rule: "frame-too-large", in: "header.tooLong",
		old: "return h.length > limit ||", new: "return h.length >= limit ||", targets: decoding,
	},
	{
		name: "length-64-turns-negative", kind: droppedCheck, rule: "length-top-bit", in: "header.parse",
		old: "min(binary.BigEndian.Uint64(b[2:]), math.MaxInt",
		new: "binary.BigEndian.Uint64(b[2:]", targets: decoding,
	},
	{
		name: "length-64-cut-to-32-bits", kind: wrongBytes, rule: "frame-too-large", in: "header.parse",
		old: "min(binary.BigEndian.Uint64(b[2:]), math.MaxInt",
		new: "uint32(binary.BigEndian.Uint64(b[2:])", targets: decoding,
	},
	{
		name: "length-16-little-endian", kind: wrongBytes, rule: "length-forms", in: "header.parse",
		old: "h.length = int(binary.BigEndian.Uint16(b[2:", new: "h.length = int(binary.LittleEndian.Uint16(b[2:", targets: decoding,
	},
	{
		name: "length-16-parsed-a-byte-early", kind: offByOne, rule: "truncation", in: "header.parse",
		old: "if len(b) < 4 {", new: "if len(b) < 3 {", targets: decoding,
	},
	{
		name: "key-parsed-a-byte-early", kind: offByOne, rule: "masking", in: "header.parse",
		old: "h.key = le.Uint32(b[n:])", new: "h.key = le.Uint32(b[n-1:])", targets: decoding,
	},
	{
		name: "limit-before-minimal-length", kind: wrongOrder, rule: "order-of-checks", in: "header.checkDecoder",
		old: "!h.minimal() { // RFC 6455 §5.2\n\t\treturn ErrLengthNotMinimal\n\t}\n\tif h.tooLong(maxPayloadLen) { // RFC 6455 §10.4\n\t\treturn ErrFrameTooLarge",
		new: "h.tooLong(maxPayloadLen) {\n\t\treturn ErrFrameTooLarge\n\t}\n\tif !h.minimal() {\n\t\treturn ErrLengthNotMinimal", targets: decoding,
	},
	{
		name: "cut-after-one-byte-is-eof", kind: offByOne, rule: "read failures", in: "cutCause",
		old: "if cause == io.EOF && have > 0 {", new: "if cause == io.EOF && have > 1 {", targets: decoding,
	},
	{
		name: "cut-names-the-wrong-part", kind: errorLost, rule: "read failures", in: "errCut",
		old: `"error reading 8-byte extended payload length"`, new: `"error reading 2-byte extended payload length"`, targets: decoding,
	},
	{
		name: "cut-header-is-a-protocol-error", kind: wrongCode, rule: "read failures", in: "errCut",
		old: "Error{code: StatusAbnormalClose, text: text", new: "Error{code: StatusProtocolError, text: text", targets: decoding,
	},
	{
		name: "written-length-7-up-to-126", kind: wrongBoundary, rule: "length-forms", in: "putHeader",
		old: "case length <= 125:", new: "case length <= 126:", targets: encoding,
	},
	{
		name: "written-length-16-below-65535", kind: wrongBoundary, rule: "length-forms", in: "putHeader",
		old: "case length <= math.MaxUint16:", new: "case length < math.MaxUint16:", targets: encoding,
	},
	{
		name: "header-size-7-up-to-124", kind: offByOne, rule: "length-forms", in: "headerSize",
		old: "case length <= 125:", new: "case length <= 124:", targets: encoding,
	},
	{
		name: "mask-bit-not-written", kind: droppedCheck, rule: "client-frame-unmasked", in: "putHeader",
		old: "b[1] |= maskBit", new: "_ = maskBit", targets: encoding,
	},
	{
		name: "key-written-turned", kind: offByOne, rule: "masking", in: "putHeader",
		old: "copy(b[n:], key[:])", new: "copy(b[n:], key[1:])", targets: encoding,
	},

	{
		name: "read-frame-reads-a-byte-too-many", kind: offByOne, rule: "exactly one frame", in: "ReadFrame",
		old: "most += 4", new: "most += 5", targets: decoding,
	},
	{
		name: "read-payload-restarts-the-key", kind: stateLost, rule: "masking", in: "readPayload",
		old: "key = mask(dst[have:], dst[have:], key)", new: "mask(dst[have:], dst[have:], key)", targets: decoding,
	},
	{
		name: "read-payload-past-its-end", kind: offByOne, rule: "exactly one frame", in: "readPayload",
		old: "have:min(cap(dst), want, have+unmaskStep)])", new: "have:min(cap(dst), have+unmaskStep)])", targets: decoding,
	},
	{
		name: "header-alone-allocates-all", kind: droppedCheck, rule: "bounded allocation", in: "growFor",
		old: "(b), min(want, max(2*len(b), allocStep)))", new: "(b), want)", targets: decoding,
	},
	{
		name: "frame-reader-forgets-its-error", kind: stateLost, rule: "read failures", in: "FrameReader.fail",
		old: "r.err, r.large, r.frame = err, nil, Frame{}", new: "r.large, r.frame, r.start, r.end = nil, Frame{}, 0, 0", targets: decoding,
	},
	{
		name: "frame-reader-restarts-the-key", kind: stateLost, rule: "masking", in: "FrameReader.largePayload",
		old: "key = mask(large, b, key)", new: "mask(large, b, key)", targets: decoding,
	},
	{
		name: "frame-reader-moves-the-buffer-only", kind: stateNotReset, rule: "FrameReader", in: "FrameReader.fill",
		old: "(r.buf, r.buf[r.start:r.end])\n\t\tr.start = 0", new: "(r.buf, r.buf[r.start:r.end])", targets: decoding,
	},
	{
		name: "frame-reader-leaves-the-payload", kind: offByOne, rule: "FrameReader", in: "FrameReader.payload",
		old: "r.start += n", new: "r.start += n &^ 1", targets: decoding,
	},
	{
		name: "frame-reader-drops-what-is-buffered", kind: stateNotReset, rule: "FrameReader", in: "FrameReader.largePayload",
		old: "r.start, r.end = 0, 0", new: "r.start = 0", targets: decoding,
	},

	{
		name: "append-frame-spoils-its-prefix", kind: offByOne, rule: "AppendFrame", in: "appendFrame",
		old: "copy(dst[n+h:], payload)", new: "copy(dst[h:], payload)", targets: encoding,
	},
	{
		name: "marshal-masks-the-callers-payload", kind: wrongBytes, rule: "MarshalFrame", in: "appendFrame",
		old: "mask(dst[n+h:], payload, key.word())", new: "mask(payload, payload, key.word())\n\t\tcopy(dst[n+h:], payload)", targets: encoding,
	},
	{
		name: "pooled-buffers-keep-their-bytes", kind: stateNotReset, rule: "writes", in: "Buffer.Free",
		old: "b.Bytes = b.Bytes[:0]", new: "", targets: []string{"Reassembly", "Serve"},
	},
	{
		name: "write-frame-swallows-the-error", kind: errorLost, rule: "WriteFrame", in: "protocol/WriteFrame",
		old: "return ErrWrite(err)", new: "return nil", targets: encoding,
	},

	{
		name: "key-turned-the-wrong-way", kind: offByOne, rule: "masking", in: "turnKey",
		old: "return bits.RotateLeft32(key, -8*(n&3))", new: "return bits.RotateLeft32(key, 8*(n&3))", targets: masking,
	},
	{
		name: "mask-tail-turned-the-wrong-way", kind: offByOne, rule: "masking", in: "maskBy",
		old: "bits.RotateLeft64(k, -8*(n&3))", new: "bits.RotateLeft64(k, 8*(n&3))", targets: masking,
	},
	{
		name: "mask-short-uses-half-the-key", kind: offByOne, rule: "masking", in: "maskBy",
		old: "byte(k>>(uint(i)*8))", new: "byte(k>>(uint(i&1)*8))", targets: masking,
	},
	{
		name: "mask-block-misses-a-word", kind: offByOne, rule: "masking", in: "maskBy",
		old: "le.PutUint64(d[120:], le.Uint64(s[120:])^k)", new: "le.PutUint64(d[120:], le.Uint64(s[112:])^k)", targets: masking,
		tags: "purego",
	},
	{
		name: "mask-four-bytes-key-not-turned", kind: offByOne, rule: "masking", in: "maskBy",
		old: "[n-4:]) ^ bits.RotateLeft32(key, -8*(n&3))", new: "[n-4:]) ^ key", targets: masking,
	},
	{
		name: "mask-tail-loaded-too-late", kind: wrongOrder, rule: "masking", in: "maskBy",
		old: "tail := le.Uint32(src[n-4:]) ^ bits.RotateLeft32(key, -8*(n&3))\n\t\t\tle.PutUint32(dst, le.Uint32(src)^key", new: "le.PutUint32(dst, le.Uint32(src)^key)\n\t\t\ttail := le.Uint32(src[n-4:]) ^ bits.RotateLeft32(key, -8*(n&3)", targets: masking,
	},
	{
		name: "key-big-endian", kind: wrongBytes, rule: "masking", in: "MaskingKey.word",
		old: ") word() uint32 { return le.Uint32(k[:]) }",
		new: ") word() uint32 { return bits.ReverseBytes32(le.Uint32(k[:])) }", targets: encoding,
	},
	{
		name: "vector-mask-repeats-a-block", kind: offByOne, rule: "masking", file: "protocol/vector_amd64.s",
		old: "VPXOR 96(SI), Y0, Y7", new: "VPXOR 64(SI), Y0, Y7", targets: masking,
	},
	{
		name: "vector-mask-last-block-not-turned", kind: offByOne, rule: "masking", file: "protocol/vector_amd64.s",
		old: "VPXOR -32(SI)(BX*1), Y2, Y1", new: "VPXOR -32(SI)(BX*1), Y0, Y1", targets: masking,
	},
	{
		name: "vector-mask-first-block-lost", kind: wrongOrder, rule: "masking", file: "protocol/vector_amd64.s",
		old: "VMOVDQU Y3, (R10)", new: "VMOVDQU Y3, (DI)", targets: masking,
	},

	{
		name: "opcode-of-three-bits", kind: wrongBytes, rule: "opcode-unknown", in: "Frame.Opcode",
		old: "Opcode { return Opcode(f.b0 & opcodeBits) }", new: "Opcode { return Opcode(f.b0 & 0x07) }", targets: decoding,
	},
	{
		name: "rsv2-read-as-rsv3", kind: wrongBytes, rule: "rsv-bits-unsupported", in: "Frame.RSV2",
		old: "return f.b0&byte(RSV2) != 0", new: "return f.b0&byte(RSV3) != 0", targets: decoding,
	},
	{
		name: "fin-lost-in-new-frame", kind: wrongBytes, rule: "NewFrame", in: "NewFrame",
		old: "if fin {", new: "if fin && opcode&8 == 0 {", targets: encoding,
	},
	{
		name: "frame-message-adds-an-empty-frame", kind: offByOne, rule: "FrameMessage", in: "FrameMessage",
		old: "count := (n-1)/frameSize + 1", new: "count := n/frameSize + 1", targets: splitting,
	},
	{
		name: "frame-message-ends-at-once", kind: wrongBytes, rule: "FrameMessage", in: "FrameMessage",
		old: "frames[count-1].b0 |= finBit", new: "frames[0].b0 |= finBit", targets: splitting,
	},
	{
		name: "frame-message-of-size-0-is-empty", kind: wrongBoundary, rule: "FrameMessage", in: "FrameMessage",
		old: "if frameSize <= 0 || frameSize >= n {", new: "if frameSize < 0 || frameSize >= n {", targets: splitting,
	},
	{
		name: "message-kind-lost", kind: wrongBytes, rule: "messages", in: "Message.opcode",
		old: "if m.Binary {", new: "if m.Binary && len(m.Payload) > 0 {", targets: append([]string{"Reassembly"}, splitting...),
	},
}

// textMutants are bugs of UTF-8 (utf8.go), of close codes (close.go) and of the
// errors.
var textMutants = []mutant{
	{
		name: "overlong-three-bytes-taken", kind: wrongBoundary, rule: "text-not-utf8", in: "utf8Syntax",
		old: "{utf8AfterE0, 0xA0, 0xBF, utf8Tail1}", new: "{utf8AfterE0, 0x80, 0xBF, utf8Tail1}", targets: validating,
	},
	{
		name: "surrogates-taken", kind: wrongBoundary, rule: "text-not-utf8", in: "utf8Syntax",
		old: "{utf8AfterED, 0x80, 0x9F, utf8Tail1}", new: "{utf8AfterED, 0x80, 0xBF, utf8Tail1}", targets: validating,
	},
	{
		name: "last-before-surrogates-refused", kind: wrongBoundary, rule: "text-utf8", in: "utf8Syntax",
		old: "{utf8AfterED, 0x80, 0x9F, utf8Tail1}", new: "{utf8AfterED, 0x80, 0x9E, utf8Tail1}", targets: validating,
	},
	{
		name: "overlong-four-bytes-taken", kind: wrongBoundary, rule: "text-not-utf8", in: "utf8Syntax",
		old: "{utf8AfterF0, 0x90, 0xBF, utf8Tail2}", new: "{utf8AfterF0, 0x8F, 0xBF, utf8Tail2}", targets: validating,
	},
	{
		name: "past-u10ffff-taken", kind: wrongBoundary, rule: "text-not-utf8", in: "utf8Syntax",
		old: "{utf8AfterF4, 0x80, 0x8F, utf8Tail2}", new: "{utf8AfterF4, 0x80, 0x90, utf8Tail2}", targets: validating,
	},
	{
		name: "f5-taken", kind: wrongBoundary, rule: "text-not-utf8", in: "utf8Syntax",
		old: "{utf8Start, 0xF4, 0xF4, utf8AfterF4}", new: "{utf8Start, 0xF4, 0xF5, utf8AfterF4}", targets: validating,
	},
	{
		name: "c1-taken", kind: wrongBoundary, rule: "text-not-utf8", in: "utf8Syntax",
		old: "{utf8Start, 0xC2, 0xDF, utf8Tail1}", new: "{utf8Start, 0xC1, 0xDF, utf8Tail1}", targets: validating,
	},
	{
		name: "tails-up-to-c0", kind: offByOne, rule: "text-not-utf8", in: "utf8Syntax",
		old: "{utf8Tail1, 0x80, 0xBF, utf8Start}", new: "{utf8Tail1, 0x80, 0xC0, utf8Start}", targets: validating,
	},
	{
		name: "four-bytes-counted-as-three", kind: offByOne, rule: "text-utf8", in: "utf8Syntax",
		old: "{utf8Tail3, 0x80, 0xBF, utf8Tail2}", new: "{utf8Tail3, 0x80, 0xBF, utf8Tail1}", targets: validating,
	},
	{
		name: "text-may-end-in-a-character", kind: droppedCheck, rule: "text-not-utf8", in: "textStream.complete",
		old: "s.state == utf8Start", new: "s.state != utf8Failed", targets: validating,
	},
	{
		name: "ascii-block-taken-within-a-character", kind: stateLost, rule: "text-not-utf8", in: "utf8State.after",
		old: "if utf8State(w) != utf8Start {\n\t\t\t\treturn utf8Failed\n\t\t\t}", new: "w = uint64(utf8Start)", targets: validating,
	},
	{
		name: "eight-bytes-skipped-within-a-character", kind: droppedCheck, rule: "text-not-utf8", in: "utf8State.after",
		old: "if utf8State(w) == utf8Start && len(p) >= 8", new: "if len(p) >= 8", targets: validating,
	},
	{
		name: "third-byte-of-sixteen-not-checked", kind: offByOne, rule: "text-not-utf8", in: "utf8State.after",
		old: "w = utf8Rows[b[3]] >> (w & 63", new: "w = utf8Rows[b[2]] >> (w & 63", targets: validating,
	},
	{
		name: "three-of-four-bytes-not-split-off", kind: offByOne, rule: "text-utf8-fragments", in: "splitLast",
		old: "i <= len(p) && i <= 3; i++", new: "i <= len(p) && i <= 2; i++", targets: validating,
	},
	{
		name: "split-of-four-bytes-as-three", kind: offByOne, rule: "text-utf8-fragments", in: "splitLast",
		old: "size = 4", new: "size = 3", targets: validating,
	},
	{
		name: "long-piece-forgets-the-character", kind: stateLost, rule: "text-utf8-fragments", in: "textStream.valid",
		old: "for s.state != utf8Start {", new: "for s.state = utf8Start; s.state != utf8Start; {", targets: validating,
	},
	{
		name: "ascii-of-sixteen-by-its-first-half", kind: offByOne, rule: "text-not-utf8", in: "ValidUTF8",
		old: "(le.Uint64(p)|le.Uint64(p[n-8:]))&high", new: "le.Uint64(p)&high", targets: validating,
	},
	{
		name: "ascii-of-seventeen-by-sixteen", kind: offByOne, rule: "text-not-utf8", in: "ValidUTF8",
		old: "n <= 16", new: "n <= 17", targets: validating,
	},
	{
		name: "vector-utf8-looks-one-byte-back-twice", kind: offByOne, rule: "text-not-utf8", file: "protocol/utf8_amd64.s",
		old: "VPALIGNR $14, Y4, Y0, Y2", new: "VPALIGNR $15, Y4, Y0, Y2", targets: validating,
	},
	{
		name: "vector-utf8-may-end-in-a-character", kind: droppedCheck, rule: "text-not-utf8", file: "protocol/utf8_amd64.s",
		old: "VPSUBUSB utf8End<>(SB), Y0, Y0", new: "VPSUBUSB Y0, Y0, Y0", targets: validating,
	},
	{
		name: "vector-utf8-takes-overlong-two", kind: wrongBytes, rule: "text-not-utf8", file: "protocol/utf8_amd64.s",
		old: "$(SHORT|OVER2)", new: "$(SHORT)", targets: validating,
	},

	{
		name: "close-999-taken", kind: wrongBoundary, rule: "close-status-invalid", in: "CheckCloseStatus",
		old: "case code < 1000, code >= 5000:", new: "case code < 999, code >= 5000:", targets: []string{"Reassembly"},
	},
	{
		name: "close-5000-taken", kind: wrongBoundary, rule: "close-status-invalid", in: "CheckCloseStatus",
		old: "case code < 1000, code >= 5000:", new: "case code < 1000, code > 5000:", targets: []string{"Reassembly"},
	},
	{
		name: "close-2999-taken", kind: wrongBoundary, rule: "close-status-reserved", in: "CheckCloseStatus",
		old: "case code >= 3000,", new: "case code >= 2999,", targets: []string{"Reassembly"},
	},
	{
		name: "close-3000-refused", kind: wrongBoundary, rule: "close-status", in: "CheckCloseStatus",
		old: "case code >= 3000,", new: "case code > 3000,", targets: []string{"Reassembly"},
	},
	{
		name: "close-1004-taken", kind: wrongBoundary, rule: "close-status-reserved", in: "CheckCloseStatus",
		old: "code <= 1003:", new: "code <= 1004:", targets: []string{"Reassembly"},
	},
	{
		name: "close-1006-taken", kind: wrongBoundary, rule: "close-status-reserved", in: "CheckCloseStatus",
		old: "code >= 1007 && code <= 1014", new: "code >= 1006 && code <= 1014", targets: []string{"Reassembly"},
	},
	{
		name: "close-1015-taken", kind: wrongBoundary, rule: "close-status-reserved", in: "CheckCloseStatus",
		old: "code >= 1007 && code <= 1014", new: "code >= 1007 && code <= 1015", targets: []string{"Reassembly"},
	},
	{
		name: "close-of-one-byte-taken", kind: droppedCheck, rule: "close-payload-invalid", in: "ParseClose",
		old: "return nil, ErrClosePayloadInvalid", new: "return &CloseError{Code: StatusNoStatusRcvd}, nil", targets: []string{"Reassembly"},
	},
	{
		name: "close-code-not-checked", kind: errorLost, rule: "close-status-reserved", in: "ParseClose",
		old: "CheckCloseStatus(code); err != nil", new: "CheckCloseStatus(code); err == ErrCloseStatusInvalid", targets: []string{"Reassembly"},
	},
	{
		name: "close-reason-not-checked", kind: droppedCheck, rule: "close-reason-not-utf8", in: "ParseClose",
		old: "!ValidUTF8(payload[2:])", new: "false", targets: []string{"Reassembly"},
	},
	{
		name: "close-reason-checked-from-its-second-byte", kind: offByOne, rule: "close-reason-not-utf8", in: "ParseClose",
		old: "!ValidUTF8(payload[2:])", new: "!ValidUTF8(payload[min(3, len(payload)):])", targets: []string{"Reassembly"},
	},
	{
		name: "close-code-little-endian", kind: wrongBytes, rule: "close-status", in: "ParseClose",
		old: "(payload[0])<<8 | StatusCode(payload[1])", new: "(payload[1])<<8 | StatusCode(payload[0])", targets: []string{"Reassembly"},
	},
	{
		name: "invalid-text-closes-with-1002", kind: wrongCode, rule: "text-not-utf8", in: "ErrInvalidFramePayload",
		old: "= newError(StatusInvalidFramePayload,", new: "= newError(StatusProtocolError,", targets: []string{"Reassembly"},
	},
	{
		name: "too-large-message-closes-with-1008", kind: wrongCode, rule: "message-too-large", in: "ErrMessageTooLarge",
		old: "= newError(StatusTooLarge,", new: "= newError(StatusPolicyViolation,", targets: []string{"Reassembly"},
	},
	{
		name: "unknown-opcode-closes-with-1003", kind: wrongCode, rule: "opcode-unknown", in: "ErrOpcodeUnknown",
		old: "= newError(StatusProtocolError,", new: "= newError(StatusUnsupportedData,", targets: []string{"Reassembly"},
	},
	{
		name: "written-reason-cut-in-a-character", kind: offByOne, rule: "NewCloseFrame", in: "cutReason",
		old: "!utf8.RuneStart(s[n]); i++ {", new: "!utf8.RuneStart(s[n-1]); i++ {", targets: []string{"Serve"},
	},
	{
		name: "written-reason-a-byte-too-long", kind: offByOne, rule: "NewCloseFrame", in: "maxCloseReason",
		old: "maxCloseReason = maxControlPayload - 2", new: "maxCloseReason = maxControlPayload - 1", targets: []string{"Serve"},
	},
}
