//go:build !amd64 || purego

package websocket

const vectorMin = 0

const haveVector = false

func maskVector(dst, src []byte, key uint32) { maskWords(dst, src, key) }

func asciiVector(p []byte) int { return asciiWords(p) }
