//go:build !amd64 || purego

package protocol

const vectorMin = 0

const haveVector = false

func maskVector(dst, src []byte, key uint32) { maskBy(false, dst, src, key) }

const utf8VectorMin = 0

func validVector(p []byte) bool { return utf8Start.after(p) == utf8Start }
