package main

// textMutants are bugs of UTF-8, of Close payloads and of the errors.
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
