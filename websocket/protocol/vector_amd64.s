//go:build !purego

#include "textflag.h"

// func maskAVX2(dst, src *byte, n int, key uint32)
//
// The last 32 bytes are loaded before anything is stored, so that they may
// overlap the blocks before them also where dst is src.
TEXT ·maskAVX2(SB), NOSPLIT, $0-28
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), BX
	MOVL key+24(FP), AX
	VMOVD AX, X0
	VPBROADCASTD X0, Y0

	// Y1: the masked last block; its key is turned by n bytes.
	MOVL BX, CX
	SHLL $3, CX
	RORL CX, AX
	VMOVD AX, X2
	VPBROADCASTD X2, Y2
	VPXOR -32(SI)(BX*1), Y2, Y1
	LEAQ -32(DI)(BX*1), R8

	// Up to 128 bytes: the first blocks and the last ones, which may overlap.
	CMPQ BX, $64
	JA   four
	VPXOR (SI), Y0, Y4
	VMOVDQU Y4, (DI)
	JMP  tail

four:
	CMPQ BX, $128
	JA   long
	VPXOR (SI), Y0, Y4
	VPXOR 32(SI), Y0, Y5
	VPXOR -64(SI)(BX*1), Y2, Y6
	VMOVDQU Y4, (DI)
	VMOVDQU Y5, 32(DI)
	VMOVDQU Y6, -32(R8)
	JMP  tail

long:
	CMPQ BX, $1024
	JB   wide

	// Long runs: advance to where dst is aligned to 32 bytes, so that no store
	// crosses a cache line, and turn the key by the bytes skipped. The first
	// block, Y3, is computed now and stored behind the loop: where dst is src, the
	// loop must still load its bytes as they were.
	MOVQ DI, CX
	NEGQ CX
	ANDQ $31, CX
	JZ   wide
	VPXOR (SI), Y0, Y3
	MOVQ CX, R9
	MOVL key+24(FP), AX
	SHLL $3, CX
	RORL CX, AX
	VMOVD AX, X0
	VPBROADCASTD X0, Y0
	MOVQ DI, R10
	ADDQ R9, DI
	ADDQ R9, SI
	SUBQ R9, BX
	MOVQ $1, R11
	JMP  loop

wide:
	XORL R11, R11

loop:
	VPXOR (SI), Y0, Y4
	VPXOR 32(SI), Y0, Y5
	VPXOR 64(SI), Y0, Y6
	VPXOR 96(SI), Y0, Y7
	VMOVDQU Y4, (DI)
	VMOVDQU Y5, 32(DI)
	VMOVDQU Y6, 64(DI)
	VMOVDQU Y7, 96(DI)
	ADDQ $128, SI
	ADDQ $128, DI
	SUBQ $128, BX
	CMPQ BX, $128
	JAE  loop
	TESTL R11, R11
	JZ   blocks
	VMOVDQU Y3, (R10)

blocks:
	CMPQ BX, $32
	JB   tail
	VPXOR (SI), Y0, Y4
	VMOVDQU Y4, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $32, BX
	JMP  blocks

tail:
	VMOVDQU Y1, (R8)
	VZEROUPPER
	RET

// func cpuid(eax, ecx uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL eax+0(FP), AX
	MOVL ecx+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func xgetbv() uint32
TEXT ·xgetbv(SB), NOSPLIT, $0-4
	XORL CX, CX
	XGETBV
	MOVL AX, ret+0(FP)
	RET
