package protocol

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"sync"

	crand "crypto/rand"
)

// le reads masking keys and what is masked: the key's first byte is the lowest.
var le = binary.LittleEndian

// A MaskingKey is the key that a client masks a frame's payload with (RFC 6455
// §5.3). Each frame wants a fresh one from [NewMaskingKey].
type MaskingKey [4]byte

// Unmasked is the zero key: frames written with it are not masked, as a server's
// must not be (RFC 6455 §5.1).
var Unmasked MaskingKey

// keySources hold generators, each seeded with 256 bits of the system's entropy.
// ChaCha8 is cryptographically strong: no key tells anything about the others.
var keySources = sync.Pool{New: func() any {
	var seed [32]byte
	crand.Read(seed[:]) // never fails: it crashes the process instead
	return rand.NewChaCha8(seed)
}}

// NewMaskingKey returns a key that nobody can predict, derived from a strong
// source of entropy (RFC 6455 §5.3, §10.3). It is never Unmasked.
func NewMaskingKey() MaskingKey {
	src := keySources.Get().(*rand.ChaCha8)
	k := uint32(src.Uint64())
	for k == 0 {
		k = uint32(src.Uint64())
	}
	keySources.Put(src)
	var key MaskingKey
	le.PutUint32(key[:], k)
	return key
}

// word returns the key as mask takes it: the byte for payload offset 0 lowest.
func (k MaskingKey) word() uint32 { return le.Uint32(k[:]) }

// mask XORs src with the masking key into dst, which is src itself or does not
// overlap it, and is as long (RFC 6455 §5.3: masking and unmasking are the same).
// It returns the key turned by len(src), for the bytes that follow.
func mask(dst, src []byte, key uint32) uint32 { return maskBy(haveVector, dst, src, key) }

// turnKey is key as it applies n bytes further on.
func turnKey(key uint32, n int) uint32 { return bits.RotateLeft32(key, -8*(n&3)) }

// maskBy is mask, by the vector kernel where it may and it pays. In plain Go it
// masks words of 64 bits, 16 a step, and at the end a word that may overlap the
// one before, loaded before that was stored. Both are one function because
// another call would cost a short frame a fifth of its time.
func maskBy(vector bool, dst, src []byte, key uint32) uint32 {
	n := len(src)
	dst, src = dst[:n:n], src[:n:n]
	if key == 0 { // unmasked: at most a copy
		if n > 0 && &dst[0] != &src[0] {
			copy(dst, src)
		}
		return 0
	}
	next := turnKey(key, n)
	if vector && n >= vectorMin {
		maskVector(dst, src, key)
		return next
	}
	k := uint64(key) | uint64(key)<<32
	if n < 8 {
		if n >= 4 {
			tail := le.Uint32(src[n-4:]) ^ bits.RotateLeft32(key, -8*(n&3))
			le.PutUint32(dst, le.Uint32(src)^key)
			le.PutUint32(dst[n-4:], tail)
			return next
		}
		for i := range src {
			dst[i] = src[i] ^ byte(k>>(uint(i)*8))
		}
		return next
	}
	tail := le.Uint64(src[n-8:]) ^ bits.RotateLeft64(k, -8*(n&3))
	last := dst[n-8:]
	if n <= 16 {
		le.PutUint64(dst, le.Uint64(src)^k)
		le.PutUint64(last, tail)
		return next
	}
	for len(src) >= 128 && len(dst) >= 128 {
		s, d := (*[128]byte)(src), (*[128]byte)(dst)
		le.PutUint64(d[0:], le.Uint64(s[0:])^k)
		le.PutUint64(d[8:], le.Uint64(s[8:])^k)
		le.PutUint64(d[16:], le.Uint64(s[16:])^k)
		le.PutUint64(d[24:], le.Uint64(s[24:])^k)
		le.PutUint64(d[32:], le.Uint64(s[32:])^k)
		le.PutUint64(d[40:], le.Uint64(s[40:])^k)
		le.PutUint64(d[48:], le.Uint64(s[48:])^k)
		le.PutUint64(d[56:], le.Uint64(s[56:])^k)
		le.PutUint64(d[64:], le.Uint64(s[64:])^k)
		le.PutUint64(d[72:], le.Uint64(s[72:])^k)
		le.PutUint64(d[80:], le.Uint64(s[80:])^k)
		le.PutUint64(d[88:], le.Uint64(s[88:])^k)
		le.PutUint64(d[96:], le.Uint64(s[96:])^k)
		le.PutUint64(d[104:], le.Uint64(s[104:])^k)
		le.PutUint64(d[112:], le.Uint64(s[112:])^k)
		le.PutUint64(d[120:], le.Uint64(s[120:])^k)
		dst, src = dst[128:], src[128:]
	}
	if len(src) >= 64 && len(dst) >= 64 {
		s, d := (*[64]byte)(src), (*[64]byte)(dst)
		le.PutUint64(d[0:], le.Uint64(s[0:])^k)
		le.PutUint64(d[8:], le.Uint64(s[8:])^k)
		le.PutUint64(d[16:], le.Uint64(s[16:])^k)
		le.PutUint64(d[24:], le.Uint64(s[24:])^k)
		le.PutUint64(d[32:], le.Uint64(s[32:])^k)
		le.PutUint64(d[40:], le.Uint64(s[40:])^k)
		le.PutUint64(d[48:], le.Uint64(s[48:])^k)
		le.PutUint64(d[56:], le.Uint64(s[56:])^k)
		dst, src = dst[64:], src[64:]
	}
	for len(src) >= 16 && len(dst) >= 16 {
		s, d := (*[16]byte)(src), (*[16]byte)(dst)
		le.PutUint64(d[0:], le.Uint64(s[0:])^k)
		le.PutUint64(d[8:], le.Uint64(s[8:])^k)
		dst, src = dst[16:], src[16:]
	}
	if len(src) >= 8 && len(dst) >= 8 {
		le.PutUint64(dst, le.Uint64(src)^k)
	}
	le.PutUint64(last, tail)
	return next
}
