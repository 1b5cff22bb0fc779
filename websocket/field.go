package websocket

import (
	"net/http"
	"strings"
)

// The header fields of the handshake, as net/http keeps them in a map, so that
// a look-up needs no canonicalization.
const (
	headerUpgrade    = "Upgrade"
	headerConnection = "Connection"
	headerKey        = "Sec-Websocket-Key"
	headerAccept     = "Sec-Websocket-Accept"
	headerVersion    = "Sec-Websocket-Version"
	headerProtocol   = "Sec-Websocket-Protocol"
	headerExtensions = "Sec-Websocket-Extensions"
	headerOrigin     = "Origin"
)

// supportedVersion is the Sec-WebSocket-Version of RFC 6455.
const supportedVersion = "13"

// What a byte may be part of.
const (
	isTokenChar = 1 << iota // a token (RFC 9110 §5.6.2)
	isBase64                // base64 before its padding (RFC 4648 §4)
	isHostChar              // a host with its port (RFC 3986 §3.2.2)
	isQueryChar             // a query of a URI (RFC 3986 §3.4), % among it
)

var byteClass = func() (class [256]byte) {
	mark := func(bits byte, chars string) {
		for i := range len(chars) {
			class[chars[i]] |= bits
		}
	}
	const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	mark(isTokenChar, alphanumeric+"!#$%&'*+-.^_`|~")
	mark(isBase64, alphanumeric+"+/")
	mark(isHostChar, alphanumeric+"-._~%!$&'()*+,;=:[]")
	mark(isQueryChar, alphanumeric+"-._~%!$&'()*+,;=:@/?")
	return class
}()

// isToken reports whether s is a token, as field names and the names of
// subprotocols are.
func isToken(s string) bool { return consistsOf(s, isTokenChar) }

// consistsOf reports whether s has bytes of the class only, and at least one.
func consistsOf(s string, class byte) bool {
	for i := range len(s) {
		if byteClass[s[i]]&class == 0 {
			return false
		}
	}
	return s != ""
}

// hasToken reports whether the comma-separated lists in values hold the
// lower-case token, in any ASCII case (RFC 9110 §5.6.1).
func hasToken(values []string, token string) bool {
	if len(values) == 1 && equalFold(values[0], token) {
		return true // nearly always
	}
	return hasElement(values, func(element string) bool { return equalFold(element, token) })
}

// hasElement reports whether an element of the comma-separated lists in values is a match.
func hasElement(values []string, match func(element string) bool) bool {
	for _, list := range values {
		for element := range strings.SplitSeq(list, ",") {
			if match(trimBlanks(element)) {
				return true
			}
		}
	}
	return false
}

// trimBlanks cuts off the blanks around a field's value, or an element of a list, which are no
// part of it (RFC 9110 §5.5). net/http has done so with whole values.
func trimBlanks(s string) string {
	for s != "" && isBlank(s[0]) {
		s = s[1:]
	}
	for s != "" && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// equalFold reports whether a and b are the same in any ASCII case. Unlike
// strings.EqualFold it takes no other letters for ASCII ones, such as the
// Kelvin sign for a k.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		b += 'a' - 'A'
	}
	return b
}

// isReserved reports whether the field name, in whatever case, is one that the
// handshake sets itself, or that frames a body where there is none.
func isReserved(name string) bool {
	switch key := http.CanonicalHeaderKey(name); key {
	case headerUpgrade, headerConnection, "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	default:
		return strings.HasPrefix(key, "Sec-Websocket-")
	}
}
