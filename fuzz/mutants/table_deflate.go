package main

// The targets of package deflate.
var (
	inflating   = []string{"Inflate"}
	deflating   = []string{"Deflate"}
	negotiating = []string{"Negotiate"}
	compressing = []string{"Reassembly"}
)

// deflateMutants are bugs of permessage-deflate (RFC 7692): negotiation, inflating,
// compressing. Their rules are those of the vectors (testdata/README.md).
var deflateMutants = []mutant{
	{
		name: "window-one-too-large", kind: offByOne, rule: "D7", in: "deflate/output.copy",
		old: "m.distance > o.window", new: "m.distance > o.window+1", targets: inflating,
	},
	{
		name: "window-not-looked-at-within-a-message", kind: droppedCheck, rule: "D7", in: "deflate/inflater.decode",
		old: "far > out.window || ", new: "", targets: inflating,
	},
	{
		name: "distance-before-the-first-octet", kind: droppedCheck, rule: "D6", in: "deflate/output.copy",
		old: "if past > o.history.len() {\n\t\treturn ErrDistance\n\t}", new: "if past > o.history.len() {\n\t\tpast = 0\n\t\tm.distance = 1\n\t\tm.length = min(m.length, o.n)\n\t}", targets: inflating,
	},
	{
		name: "limit-counts-matches-too-late", kind: wrongBoundary, rule: "L1", in: "deflate/output.copy",
		old: "m.length > o.end-o.n", new: "o.n > o.end", targets: inflating,
	},
	{
		name: "limit-not-looked-at-for-stored-blocks", kind: droppedCheck, rule: "L1", in: "deflate/inflater.copyStored",
		old: "if out.n == out.end {", new: "if m.stored > out.end {", targets: inflating,
	},
	{
		name: "limit-takes-one-literal-less", kind: offByOne, rule: "L2", in: "deflate/inflater.symbol",
		old: "if out.n == out.end {", new: "if out.n+1 >= out.end {", targets: inflating,
	},
	{
		name: "compressed-octets-without-bound", kind: droppedCheck, rule: "L4", in: "deflate/inflater.append",
		old: "over := len(payload) > most-m.taken", new: "over := false", targets: inflating,
	},
	{
		name: "tail-of-9-octets", kind: wrongBytes, rule: "D1", in: "deflate/tail",
		old: `"\x00\x00\xff\xff"`, new: `"\x00\x00\xff\xff\x01\x00\x00\xff\xff"`, targets: inflating,
	},
	{
		name: "cut-message-taken", kind: droppedCheck, rule: "D1", in: "deflate/inflater.run",
		old: "if m.state != stateDone {", new: "if m.state != stateDone && m.state != stateSymbols {", targets: inflating,
	},
	{
		name: "message-without-octets-taken", kind: droppedCheck, rule: "D9", in: "deflate/inflater.run",
		old: "if m.state != stateDone {", new: "if m.state != stateDone && m.taken > 0 {", targets: inflating,
	},
	{
		name: "final-block-ends-the-message", kind: wrongBoundary, rule: "D3", in: "deflate/inflater.endBlock",
		old: "m.state = stateBlock", new: "m.state = stateBlock\n\tif m.final {\n\t\tm.state = stateDone\n\t}", targets: inflating,
	},
	{
		name: "behind-a-final-block-within-its-octet", kind: wrongBytes, rule: "D3", in: "deflate/inflater.endBlock",
		old: "m.take(m.nhold & 7)", new: "", targets: inflating,
	},
	{
		name: "final-block-must-not-end-the-payload", kind: wrongBoundary, rule: "D4", in: "deflate/inflater.blocks",
		old: "if m.final && in.last &&", new: "if false && in.last &&", targets: inflating,
	},
	{
		name: "complement-of-the-length-not-looked-at", kind: droppedCheck, rule: "D5", in: "deflate/inflater.blocks",
		old: "if m.stored != m.take(16)^0xffff {", new: "if m.take(16) < 0 {", targets: inflating,
	},
	{
		name: "distance-code-30-taken", kind: wrongBoundary, rule: "D5", in: "deflate/distanceEntries",
		old: "if i < maxDistances {\n\t\t\t\tentries[i] = distanceCodes[i].entry()", new: "if i <= maxDistances {\n\t\t\t\tentries[i] = distanceCodes[min(i, maxDistances-1)].entry()", targets: inflating,
	},
	{
		name: "length-code-286-taken", kind: wrongBoundary, rule: "D5", in: "deflate/litlenEntries",
		old: "case i < maxLitlens:\n\t\t\t\tentries[i] = lengthCodes[i-firstLength].entry()", new: "case i <= maxLitlens:\n\t\t\t\tentries[i] = lengthCodes[min(i, maxLitlens-1)-firstLength].entry()", targets: inflating,
	},
	{
		name: "undersubscribed-code-taken", kind: droppedCheck, rule: "D5", in: "deflate/buildTable",
		old: "(used > 1 || longest > 1)", new: "(used > 2 || longest > 2)", targets: inflating,
	},
	{
		name: "no-code-for-the-end-of-the-block", kind: droppedCheck, rule: "D5", in: "deflate/inflater.header",
		old: "if m.lenOf[endOfBlock] == 0 {", new: "if false {", targets: inflating,
	},
	{
		name: "repetition-of-no-length", kind: droppedCheck, rule: "D5", in: "deflate/inflater.header",
		old: "if m.count == 0 {\n\t\t\t\treturn false, ErrRepeat\n\t\t\t}\n\t\t\tlength = m.lenOf[m.count-1]", new: "length = m.lenOf[max(m.count-1, 0)]", targets: inflating,
	},
	{
		name: "split-inside-a-repetition-loses-it", kind: stateLost, rule: "F5", in: "deflate/inflater.header",
		old: "if n+extra > m.nhold {\n\t\t\treturn false, nil\n\t\t}\n\t\tm.take(n)", new: "m.take(n)\n\t\tif extra > m.nhold {\n\t\t\treturn false, nil\n\t\t}", targets: inflating,
	},
	{
		name: "split-inside-a-symbol-loses-it", kind: stateLost, rule: "F5", in: "deflate/inflater.symbol",
		old: "if n > nhold {\n\t\treturn false, nil\n\t}", new: "if n > nhold {\n\t\tm.take(taken)\n\t\treturn false, nil\n\t}", targets: inflating,
	},
	{
		name: "window-kept-without-takeover", kind: stateNotReset, rule: "D8", in: "deflate/Decompressor.Append",
		old: "} else if d.history.takeover {", new: "} else {", targets: deflating,
	},
	{
		name: "final-block-resets-the-window", kind: stateLost, rule: "D8", in: "deflate/Decompressor.Append",
		old: "} else if d.history.takeover {", new: "} else if d.history.takeover && !m.final {", targets: inflating,
	},
	{
		name: "window-turned-by-one", kind: offByOne, rule: "D8", in: "deflate/history.add",
		old: "h.next = uint16(end & (size - 1))", new: "h.next = uint16((end + 1) & (size - 1))", targets: deflating,
	},

	{
		name: "match-past-the-window", kind: droppedCheck, rule: "P4", in: "deflate/index.longer",
		old: "reach := uint(min(window, i))", new: "reach := uint(i)", targets: deflating,
	},
	{
		name: "match-of-Best-past-the-window", kind: droppedCheck, rule: "P4", in: "deflate/index.longest",
		old: "d > min(window, i)", new: "d > i", targets: deflating,
	},
	{
		name: "match-too-long", kind: offByOne, rule: "P7", in: "deflate/same",
		old: "most := min(maxMatch, end-i)", new: "most := min(maxMatch+1, end-i)", targets: deflating,
	},
	{
		name: "match-past-the-message", kind: wrongBoundary, rule: "P7", in: "deflate/same",
		old: "most := min(maxMatch, end-i)", new: "most := min(maxMatch, len(buf)-i)", targets: deflating,
	},
	{
		name: "message-that-did-not-shrink-in-the-context", kind: stateNotReset, rule: "P6", in: "deflate/Compressor.append",
		old: "return dst[:e.start], false", new: "if c.takeover {\n\t\t\tc.window.add(message, 1<<c.bits)\n\t\t}\n\t\treturn dst[:e.start], false", targets: deflating,
	},
	{
		name: "as-large-is-smaller", kind: offByOne, rule: "P6", in: "deflate/Compressor.AppendSmaller",
		old: "len(message)-1", new: "len(message)", targets: deflating,
	},
	{
		name: "noted-message-not-in-the-context", kind: stateLost, rule: "P6", in: "deflate/Compressor.Note",
		old: "w.add(message, 1<<c.bits)", new: "", targets: deflating,
	},
	{
		name: "idle-keeps-the-first-octets", kind: stateLost, rule: "P6", in: "deflate/window.shut",
		old: "kept := w.buf[max(0, len(w.buf)-1<<bits):]", new: "kept := w.buf[:min(len(w.buf), 1<<bits)]", targets: deflating,
	},
	{
		name: "without-the-empty-block", kind: wrongBytes, rule: "P1", in: "deflate/encoder.end",
		old: "e.put(blockStored<<1, 3)", new: "", targets: deflating,
	},
	{
		name: "code-words-too-long", kind: wrongBoundary, rule: "P7", in: "deflate/treeBuilder.lengths",
		old: "for ; space > 1<<limit; space-- {", new: "for ; space > 2<<limit; space-- {", targets: deflating,
	},

	{
		name: "parameter-twice-with-two-values", kind: droppedCheck, rule: "N8", in: "deflate/read",
		old: "if before.name == p.name {", new: "if before == p {", targets: negotiating,
	},
	{
		name: "window-bits-with-a-leading-zero", kind: droppedCheck, rule: "N7", in: "deflate/windowBits",
		old: `case "8",`, new: `case "08", "8",`, targets: negotiating,
	},
	{
		name: "server-window-larger-than-offered", kind: droppedCheck, rule: "N14", in: "deflate/Accept",
		old: "p.ServerMaxWindowBits = min(serverBits, offer.serverMaxWindowBits)", new: "p.ServerMaxWindowBits = serverBits", targets: negotiating,
	},
	{
		name: "client-window-bounded-by-the-server's", kind: wrongBytes, rule: "N18", in: "deflate/Accept",
		old: "p.ClientMaxWindowBits = min(clientBits, offer.clientMaxWindowBits)", new: "p.ClientMaxWindowBits = min(clientBits, serverBits)", targets: negotiating,
	},
	{
		name: "client-window-answered-though-not-offered", kind: droppedCheck, rule: "N16", in: "deflate/Accept",
		old: "case offer.clientMaxWindow: // RFC 7692 §7.1.2.2", new: "case true:", targets: negotiating,
	},
	{
		name: "server-no-context-takeover-not-answered", kind: droppedCheck, rule: "N11", in: "deflate/Accept",
		old: "config.ServerNoContextTakeover || offer.serverNoContextTakeover", new: "config.ServerNoContextTakeover", targets: negotiating,
	},
	{
		name: "invalid-offer-ends-the-search", kind: wrongOrder, rule: "N10", in: "deflate/Accept",
		old: "continue // RFC 7692 §7: declined", new: "break", targets: negotiating,
	},
	{
		name: "answer-of-another-extension-taken", kind: droppedCheck, rule: "C1", in: "deflate/Check",
		old: "if answers[i].name != Name {", new: "if i == 0 && answers[i].name != Name {", targets: negotiating,
	},
	{
		name: "answer-without-the-window-asked-for", kind: droppedCheck, rule: "C7", in: "deflate/Check",
		old: "(answer.serverMaxWindowBits == 0 || answer.serverMaxWindowBits > serverBits)", new: "answer.serverMaxWindowBits > serverBits", targets: negotiating,
	},
	{
		name: "client-window-without-a-value-answered", kind: droppedCheck, rule: "C4", in: "deflate/Check",
		old: "case answer.clientMaxWindow && answer.clientMaxWindowBits == 0:", new: "case false:", targets: negotiating,
	},
	{
		name: "quoted-value-that-is-no-token", kind: droppedCheck, rule: "N20", in: "deflate/parser.value",
		old: "if p.at == len(p.text) || !isTokenChar(p.text[p.at]) {", new: "if p.at == len(p.text) {", targets: negotiating,
	},

	// The connection's part, in package protocol.
	{
		name: "compressed-message-in-plain-frames", kind: wrongBytes, rule: "F9", in: "protocol/Fragments.compressTo",
		old: "f.b0 |= byte(RSV1)", new: "_ = RSV1", targets: compressing,
	},
	{
		name: "rsv1-on-every-frame", kind: stateNotReset, rule: "F9", in: "protocol/Fragments.Append",
		old: "f.rest, f.b0 = f.rest[f.most:], byte(OpcodeContinuation)", new: "f.rest, f.b0 = f.rest[f.most:], byte(OpcodeContinuation)|f.b0&byte(RSV1)", targets: compressing,
	},
	{
		name: "limit-of-frames-for-inflated-octets", kind: wrongBytes, rule: "L1", in: "protocol/Reader.takePayload",
		old: "r.limits.MaxMessageSize", new: "r.limits.MaxFrameSize", targets: compressing,
	},
	{
		name: "inflated-text-not-looked-at", kind: droppedCheck, rule: "L5", in: "protocol/body.inflate",
		old: "if !binary && (", new: "if false && !binary && (", targets: compressing,
	},
	{
		name: "inflated-text-may-end-in-a-character", kind: droppedCheck, rule: "L5", in: "protocol/body.inflate",
		old: " || err == nil && last && !m.text.complete()", new: "", targets: compressing,
	},
	{
		name: "inflated-text-judged-at-the-end", kind: wrongOrder, rule: "L5", in: "protocol/body.inflate",
		old: "if !binary && (", new: "if !last && len(m.bytes) > 0 {\n\t\thad = len(m.bytes)\n\t}\n\tif !binary && (", targets: compressing,
	},
	{
		name: "frame-ends-the-compressed-message", kind: wrongBoundary, rule: "F5", in: "protocol/body.inflate",
		old: "last = last && m.left == 0", new: "last = m.left == 0", targets: compressing,
	},
	{
		name: "compressed-payload-still-masked", kind: wrongBytes, rule: "D1", in: "protocol/body.inflate",
		old: "m.key = mask(b, b, m.key)", new: "", targets: compressing,
	},
	{
		name: "compressed-payload-masked-anew-in-each-part", kind: stateLost, rule: "D1", in: "protocol/body.inflate",
		old: "m.key = mask(b, b, m.key)", new: "_ = mask(b, b, m.key)", targets: compressing,
	},
	{
		name: "bad-deflate-is-too-large", kind: wrongCode, rule: "D5", in: "protocol/Deflation.inflate",
		old: "StatusInvalidFramePayload", new: "StatusTooLarge", targets: compressing,
	},
	{
		name: "bomb-is-invalid-payload", kind: wrongCode, rule: "L1", in: "protocol/Deflation.inflate",
		old: "return dst, ErrMessageTooLarge", new: "return dst, ErrInvalidFramePayload", targets: compressing,
	},
	{
		name: "sides-exchanged", kind: wrongBytes, rule: "N14", in: "protocol/NewDeflation",
		old: "if mode == ClientMode {", new: "if mode != ClientMode {", targets: compressing,
	},
	{
		name: "prepared-not-noted", kind: stateLost, rule: "P6", in: "protocol/Writer.Send",
		old: "w.deflate.note(r.noted.Payload)", new: "", targets: compressing,
	},
	{
		name: "prepared-plain-message-noted", kind: stateNotReset, rule: "P6", in: "protocol/Writer.Send",
		old: "if r.noted != nil && !w.closed {\n\t\tw.deflate.note(r.noted.Payload)\n\t}", new: "if !w.closed {\n\t\tw.deflate.note(r.fragments.rest)\n\t}", targets: compressing,
	},
	{
		name: "prepared-for-any-window", kind: droppedCheck, rule: "P4", in: "protocol/Writer.Terms",
		old: "min(window, max(", new: "max(window, max(", targets: compressing,
	},
	{
		name: "prepared-once-for-all", kind: droppedCheck, rule: "P4", in: "protocol/Prepared.Render",
		old: "if r.terms == t {", new: "if r.terms.mode == t.mode {", targets: compressing,
	},
	{
		name: "plain-message-compressed", kind: droppedCheck, rule: "P6", in: "protocol/Writer.PlainFragments",
		old: "payload, nil)", new: "payload, w.deflate)", targets: compressing,
	},
}
