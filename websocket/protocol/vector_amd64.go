//go:build !purego

package protocol

// vectorMin is the least number of bytes that maskVector takes.
const vectorMin = 32

// haveVector tells whether the processor and the system do AVX2.
var haveVector = hasAVX2()

func maskVector(dst, src []byte, key uint32) { maskAVX2(&dst[0], &src[0], len(src), key) }

// maskAVX2 is mask for n >= 32 bytes.
//
//go:noescape
func maskAVX2(dst, src *byte, n int, key uint32)

func hasAVX2() bool {
	const osxsave, avx = 1 << 27, 1 << 28
	const avx2 = 1 << 5
	const sseAndAVXState = 6
	if most, _, _, _ := cpuid(0, 0); most < 7 {
		return false
	}
	if _, _, c, _ := cpuid(1, 0); c&osxsave == 0 || c&avx == 0 {
		return false
	}
	if xgetbv()&sseAndAVXState != sseAndAVXState {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&avx2 != 0
}

func cpuid(eax, ecx uint32) (a, b, c, d uint32)

// xgetbv returns the low half of XCR0: which register state the system saves.
func xgetbv() uint32

// utf8VectorMin is the least number of bytes that validVector takes.
const utf8VectorMin = 35

func validVector(p []byte) bool { return validUTF8AVX2(&p[0], len(p)) }

// validUTF8AVX2 is utf8.Valid for n >= 35 bytes.
//
//go:noescape
func validUTF8AVX2(p *byte, n int) bool
