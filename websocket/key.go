package websocket

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
)

// A ClientKey is the Sec-WebSocket-Key of an opening handshake: 16 bytes in
// base64 (RFC 6455 §4.1). The client chooses it, so it may serve as a label in
// logs, never as an identity.
type ClientKey string

const (
	// keyBytes is the length of the nonce behind a ClientKey.
	keyBytes = 16
	// keyLen is the length of its base64 form, two padding characters included.
	keyLen = 24
	// acceptGUID is what both sides append to the key (RFC 6455 §1.3).
	acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

// NewClientKey returns the base64 form of 16 bytes from crypto/rand.
func NewClientKey() ClientKey {
	var nonce [keyBytes]byte
	rand.Read(nonce[:]) // never fails, by its documentation
	return ClientKey(base64.StdEncoding.EncodeToString(nonce[:]))
}

// valid reports whether k is the base64 form of 16 bytes. The bits of the last
// character that encode nothing may be set: they are in the example of RFC 6455
// §4.1.
func (k ClientKey) valid() bool {
	if len(k) != keyLen || k[keyLen-2] != '=' || k[keyLen-1] != '=' {
		return false
	}
	class := byte(isBase64)
	for i := range keyLen - 2 {
		class &= byteClass[k[i]]
	}
	return class != 0
}

// appendAccept appends the Sec-WebSocket-Accept that answers the valid key k
// (RFC 6455 §4.2.2).
func appendAccept(dst []byte, k ClientKey) []byte {
	var text [keyLen + len(acceptGUID)]byte
	copy(text[:], k)
	copy(text[keyLen:], acceptGUID)
	sum := sha1.Sum(text[:])
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}
