package main

var (
	opening  = []string{"Handshake"}
	dialling = []string{"Dial"}
)

// handshakeMutants are bugs of the opening handshake.
var handshakeMutants = []mutant{
	{
		name: "any-version-accepted", kind: droppedCheck, rule: "4.2.1 version", in: "checkRequest",
		old: "case versions[0] != supportedVersion:", new: `case versions[0] == "":`, targets: opening,
	},
	{
		name: "any-method-accepted", kind: droppedCheck, rule: "4.2.1 GET", in: "checkRequest",
		old: "if r.Method != http.MethodGet {", new: `if r.Method == "" {`, targets: opening,
	},
	{
		name: "http-1-0-accepted", kind: wrongBoundary, rule: "4.2.1 HTTP/1.1", in: "checkRequest",
		old: "if r.ProtoMajor != 1 || r.ProtoMinor != 1 {", new: "if r.ProtoMajor != 1 {", targets: opening,
	},
	{
		name: "no-host-accepted", kind: droppedCheck, rule: "4.2.1 Host", in: "checkRequest",
		old: `if r.Host == "" {`, new: "if false {", targets: opening,
	},
	{
		name: "upgrade-not-looked-at", kind: droppedCheck, rule: "4.2.1 Upgrade", in: "checkRequest",
		old: `!hasToken(r.Header[headerUpgrade], "websocket")`, new: "len(r.Header[headerUpgrade]) == 0", targets: opening,
	},
	{
		name: "connection-not-looked-at", kind: droppedCheck, rule: "4.2.1 Connection", in: "checkRequest",
		old: `!hasToken(r.Header[headerConnection], "upgrade")`, new: "len(r.Header[headerConnection]) == 0", targets: opening,
	},
	{
		name: "only-the-first-token", kind: offByOne, rule: "4.2.1 Connection", in: "hasElement",
		old: "return true\n\t\t\t}\n", new: "return true\n\t\t\t}\n\t\t\tbreak\n", targets: opening,
	},
	{
		name: "tokens-match-as-prefixes", kind: wrongBoundary, rule: "4.2.1 Connection", in: "equalFold",
		old: "!= len(b) {\n\t\treturn false\n\t}\n\tfor i := range len(a) {", new: "< len(b) {\n\t\treturn false\n\t}\n\tfor i := range len(b) {", targets: opening,
	},
	{
		name: "key-without-padding-accepted", kind: droppedCheck, rule: "4.2.1 key", in: "ClientKey.valid",
		old: "keyLen || k[keyLen-2] != '=' || k[keyLen-1] != '='", new: "keyLen", targets: opening,
	},
	{
		name: "two-keys-accepted", kind: droppedCheck, rule: "4.2.1 key", in: "checkRequest",
		old: "case len(keys) > 1:", new: "case false:", targets: opening,
	},
	{
		name: "body-accepted", kind: droppedCheck, rule: "4.2.1 body", in: "checkRequest",
		old: "if r.ContentLength != 0 || len(r.", new: "if len(r.", targets: opening,
	},
	{
		name: "header-injected-by-a-line-end", kind: droppedCheck, rule: "no header injected", in: "appendPreset",
		old: "asValue.Replace(value)", new: "value", targets: opening,
	},
	{
		name: "preset-upgrade-kept", kind: droppedCheck, rule: "no header injected", in: "appendPreset",
		old: "if !isToken(name) || isReserved(name) {", new: "if !isToken(name) {", targets: opening,
	},
	{
		name: "hijacked-bytes-lost", kind: stateLost, rule: "pipelined bytes", in: "Websocket.accept",
		old: "unread, _ = buffered.Reader.Peek(buffered.Reader.Buffered())", new: "unread = nil", targets: opening,
	},
	{
		name: "another-fault-is-told", kind: errorLost, rule: "4.1 accept", in: "checkAnswer",
		old: `"Sec-WebSocket-Accept is "+quote(accept[0])+", does not belong to the key"`, new: `"the answer's Connection lacks the token upgrade"`, targets: dialling,
	},
	{
		name: "tunnel-is-read-before-anything-is-sent", kind: wrongOrder, rule: "proxy tunnel", in: "dialer.connectTunnel",
		old: "if buffered.Buffered() > 0 {", new: "if _, err := buffered.Peek(1); err == nil {", targets: dialling,
	},
	{
		name: "accept-key-of-another-guid", kind: wrongBytes, rule: "4.2.2 accept", in: "acceptGUID",
		old: "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", new: "258EAFA5-E914-47DA-95CA-C5AB0DC85B10", targets: opening,
	},
}
