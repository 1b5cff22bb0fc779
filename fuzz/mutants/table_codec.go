package main

// table holds all mutants.
var table = concat(codecMutants, textMutants, readMutants, shortMutants, writeMutants, endMutants, handshakeMutants, deflateMutants, parkMutants)

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

// codecMutants are bugs of frames: headers, reading, writing, masking, messages.
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
		name: "frame-reader-reset-keeps-what-was-read", kind: stateNotReset, rule: "FrameReader", in: "FrameReader.Reset",
		old: "buf: r.buf,", new: "buf: r.buf, start: r.start, end: r.end,", targets: masking,
	},
	{
		name: "frame-reader-reset-keeps-the-error", kind: stateNotReset, rule: "FrameReader", in: "FrameReader.Reset",
		old: "buf: r.buf,", new: "buf: r.buf, err: r.err,", targets: masking,
	},
	{
		name: "minimal-length-16-from-125", kind: wrongBoundary, rule: "length-not-minimal", in: "header.minimal",
		old: "return h.n > 125", new: "return h.n >= 125", targets: decoding,
	},
	{
		name: "minimal-length-16-from-127", kind: wrongBoundary, rule: "length-not-minimal", in: "header.minimal",
		old: "return h.n > 125", new: "return h.n > 126", targets: decoding,
	},
	{
		name: "minimal-length-64-from-65535", kind: wrongBoundary, rule: "length-not-minimal", in: "header.minimal",
		old: "return h.n > math.MaxUint16", new: "return h.n >= math.MaxUint16", targets: decoding,
	},
	{
		name: "decoder-skips-the-limit", kind: droppedCheck, rule: "frame-too-large", in: "header.checkDecoder",
		old: "h.tooLong(maxPayloadLen) { // RFC 6455 §10.4", new: "false {", targets: decoding,
	},
	{
		name: "limit-takes-one-more", kind: offByOne, rule: "frame-too-large", in: "header.tooLong",
		old: "return h.n > limit ||", new: "return h.n > limit+1 ||", targets: decoding,
	},
	{
		name: "limit-refuses-itself", kind: wrongBoundary, rule: "frame-too-large", in: "header.tooLong",
		old: "return h.n > limit ||", new: "return h.n >= limit ||", targets: decoding,
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
		old: "h.n = int(binary.BigEndian.Uint16(b[2:", new: "h.n = int(binary.LittleEndian.Uint16(b[2:", targets: decoding,
	},
	{
		name: "length-16-parsed-a-byte-early", kind: offByOne, rule: "truncation", in: "header.parse",
		old: "if len(b) < 4 {", new: "if len(b) < 3 {", targets: decoding,
	},
	{
		name: "key-parsed-a-byte-early", kind: offByOne, rule: "masking", in: "header.parse",
		old: "h.mask = le.Uint32(b[n:])", new: "h.mask = le.Uint32(b[n-1:])", targets: decoding,
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
		name: "read-frame-reads-a-byte-too-many", kind: offByOne, rule: "exactly one frame", in: "readHeader",
		old: "most += 4", new: "most += 5", targets: decoding,
	},
	{
		name: "read-payload-restarts-the-key", kind: stateLost, rule: "masking", in: "readPayload",
		old: "key = mask(dst[have:], dst[have:], key)", new: "mask(dst[have:], dst[have:], key)", targets: decoding,
	},
	{
		name: "read-payload-past-its-end", kind: offByOne, rule: "exactly one frame", in: "readPayload",
		old: "have:min(cap(dst), n, have+unmaskStep)])", new: "have:min(cap(dst), have+unmaskStep)])", targets: decoding,
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
		old: "if size == len(rest) {", new: "if i == 0 {", targets: splitting,
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
