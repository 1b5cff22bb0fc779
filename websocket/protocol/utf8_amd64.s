//go:build !purego

#include "textflag.h"

// The idea of the tables is J. Keiser's and D. Lemire's: "Validating UTF-8 In Less
// Than One Instruction Per Byte", Software: Practice and Experience 51(5), 2021.

// What is wrong, or may be, with two bytes that follow each other: a bit each.
// Three tables tell what the high half of the first byte, its low half and the
// high half of the second byte leave possible; what all three leave is so.
#define SHORT   0x01 // a lead, then no continuation byte
#define LONG    0x02 // ASCII, then a continuation byte
#define OVER2   0x04 // C0, C1: two bytes for what takes one
#define OVER3   0x08 // E0 80-9F: three bytes for what takes two
#define SURR    0x10 // ED A0-BF: surrogates
#define OVER4   0x20 // F0 80-8F: four bytes for what takes three; F5-FF 80-8F
#define LARGE   0x40 // F4-FF 90-BF: past U+10FFFF
#define CONTS   0x80 // two continuation bytes: right only behind a lead of three or four

// Bits that do not depend on the low half of the first byte.
#define ANYLOW  (SHORT|LONG|CONTS)

// By the high half of the first byte.
DATA utf8First<>+0(SB)/8, $(LONG*0x0101010101010101)
DATA utf8First<>+8(SB)/4, $(CONTS*0x01010101)
DATA utf8First<>+12(SB)/1, $(SHORT|OVER2)
DATA utf8First<>+13(SB)/1, $(SHORT)
DATA utf8First<>+14(SB)/1, $(SHORT|OVER3|SURR)
DATA utf8First<>+15(SB)/1, $(SHORT|OVER4|LARGE)
GLOBL utf8First<>(SB), RODATA|NOPTR, $16

// By the low half of the first byte.
DATA utf8Low<>+0(SB)/1, $(ANYLOW|OVER2|OVER3|OVER4)
DATA utf8Low<>+1(SB)/1, $(ANYLOW|OVER2)
DATA utf8Low<>+2(SB)/1, $(ANYLOW)
DATA utf8Low<>+3(SB)/1, $(ANYLOW)
DATA utf8Low<>+4(SB)/1, $(ANYLOW|LARGE)
DATA utf8Low<>+5(SB)/1, $(ANYLOW|LARGE|OVER4)
DATA utf8Low<>+6(SB)/1, $(ANYLOW|LARGE|OVER4)
DATA utf8Low<>+7(SB)/1, $(ANYLOW|LARGE|OVER4)
DATA utf8Low<>+8(SB)/4, $((ANYLOW|LARGE|OVER4)*0x01010101)
DATA utf8Low<>+12(SB)/1, $(ANYLOW|LARGE|OVER4)
DATA utf8Low<>+13(SB)/1, $(ANYLOW|LARGE|OVER4|SURR)
DATA utf8Low<>+14(SB)/1, $(ANYLOW|LARGE|OVER4)
DATA utf8Low<>+15(SB)/1, $(ANYLOW|LARGE|OVER4)
GLOBL utf8Low<>(SB), RODATA|NOPTR, $16

// By the high half of the second byte.
DATA utf8Second<>+0(SB)/8, $(SHORT*0x0101010101010101)
DATA utf8Second<>+8(SB)/1, $(LONG|CONTS|OVER2|OVER3|OVER4)
DATA utf8Second<>+9(SB)/1, $(LONG|CONTS|OVER2|OVER3|LARGE)
DATA utf8Second<>+10(SB)/1, $(LONG|CONTS|OVER2|SURR|LARGE)
DATA utf8Second<>+11(SB)/1, $(LONG|CONTS|OVER2|SURR|LARGE)
DATA utf8Second<>+12(SB)/4, $(SHORT*0x01010101)
GLOBL utf8Second<>(SB), RODATA|NOPTR, $16

// The greatest bytes that a text may end in: 32 of them, of which the last three
// matter.
DATA utf8End<>+0(SB)/8, $0xFFFFFFFFFFFFFFFF
DATA utf8End<>+8(SB)/8, $0xFFFFFFFFFFFFFFFF
DATA utf8End<>+16(SB)/8, $0xFFFFFFFFFFFFFFFF
DATA utf8End<>+24(SB)/8, $0xBFDFEFFFFFFFFFFF
GLOBL utf8End<>(SB), RODATA|NOPTR, $32

// What is 0x80 and more when 0x60 is taken from it is the lead of three bytes or
// more, and with 0x70 of four.
DATA utf8Bytes<>+0(SB)/1, $0x0F
DATA utf8Bytes<>+1(SB)/1, $0x60
DATA utf8Bytes<>+2(SB)/1, $0x70
DATA utf8Bytes<>+3(SB)/1, $0x80
GLOBL utf8Bytes<>(SB), RODATA|NOPTR, $4

// CHECK ORs into Y7 what is wrong with the bytes in Y0; in Y1, Y2 and Y3 stand
// the bytes one, two and three places before them. Y8 to Y14 are the tables.
#define CHECK \
	VPSRLW   $4, Y1, Y4   \
	VPAND    Y11, Y4, Y4  \
	VPSHUFB  Y4, Y8, Y4   \
	VPAND    Y11, Y1, Y5  \
	VPSHUFB  Y5, Y9, Y5   \
	VPSRLW   $4, Y0, Y6   \
	VPAND    Y11, Y6, Y6  \
	VPSHUFB  Y6, Y10, Y6  \
	VPAND    Y4, Y5, Y4   \
	VPAND    Y6, Y4, Y4   \
	VPSUBUSB Y12, Y2, Y2  \
	VPSUBUSB Y13, Y3, Y3  \
	VPOR     Y2, Y3, Y2   \
	VPAND    Y14, Y2, Y2  \
	VPXOR    Y4, Y2, Y2   \
	VPOR     Y2, Y7, Y7

// LOAD loads Y0 from SI+at and what stands before it. It reads from SI+at-3 on.
#define LOAD(at, i) \
	VMOVDQU at(SI)(i*1), Y0     \
	VMOVDQU (at-1)(SI)(i*1), Y1 \
	VMOVDQU (at-2)(SI)(i*1), Y2 \
	VMOVDQU (at-3)(SI)(i*1), Y3

// func validUTF8AVX2(p *byte, n int) bool
//
// AX is the number of bytes done; CX and DX are the greatest AX at which 128 and
// 32 bytes are left. The last block overlaps the one before it, and no block
// reaches past the end; n >= 35 so that its LOAD does not reach past the beginning.
TEXT ·validUTF8AVX2(SB), NOSPLIT, $0-17
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), BX
	XORQ AX, AX
	LEAQ -128(BX), CX
	LEAQ -32(BX), DX

	// Where the text so far is ASCII: look for the first block that is not.
	PCALIGN $32
ascii:
	CMPQ AX, CX
	JGT  asciiRest
	VMOVDQU (SI)(AX*1), Y0
	VMOVDQU 32(SI)(AX*1), Y1
	VPOR 64(SI)(AX*1), Y0, Y0
	VPOR 96(SI)(AX*1), Y1, Y1
	VPOR Y1, Y0, Y0
	VPMOVMSKB Y0, DI
	TESTL DI, DI
	JNZ  mixed
	ADDQ $128, AX
	JMP  ascii

asciiRest:
	CMPQ AX, DX
	JGE  asciiLast
	VMOVDQU (SI)(AX*1), Y0
	VPMOVMSKB Y0, DI
	TESTL DI, DI
	JNZ  mixed
	ADDQ $32, AX
	JMP  asciiRest

asciiLast:
	VMOVDQU (SI)(DX*1), Y0
	VPMOVMSKB Y0, DI
	TESTL DI, DI
	JZ   valid
	MOVQ DX, AX

mixed:
	VBROADCASTI128 utf8First<>(SB), Y8
	VBROADCASTI128 utf8Low<>(SB), Y9
	VBROADCASTI128 utf8Second<>(SB), Y10
	VPBROADCASTB utf8Bytes<>+0(SB), Y11
	VPBROADCASTB utf8Bytes<>+1(SB), Y12
	VPBROADCASTB utf8Bytes<>+2(SB), Y13
	VPBROADCASTB utf8Bytes<>+3(SB), Y14
	VPXOR Y7, Y7, Y7
	TESTQ AX, AX
	JNZ  wide

	// The first block has zeros before it.
	VMOVDQU (SI), Y0
	VPERM2I128 $0x08, Y0, Y0, Y4
	VPALIGNR $15, Y4, Y0, Y1
	VPALIGNR $14, Y4, Y0, Y2
	VPALIGNR $13, Y4, Y0, Y3
	CHECK
	MOVQ $32, AX

	// 128 bytes a step, all of them checked. Back to looking for what is not ASCII
	// only after 128 bytes of it: a branch for less is mispredicted too often.
	PCALIGN $32
wide:
	CMPQ AX, CX
	JGT  rest
	LOAD(0, AX)
	VMOVDQA Y0, Y15
	CHECK
	LOAD(32, AX)
	VPOR Y0, Y15, Y15
	CHECK
	LOAD(64, AX)
	VPOR Y0, Y15, Y15
	CHECK
	LOAD(96, AX)
	VPOR Y0, Y15, Y15
	CHECK
	VPTEST Y7, Y7
	JNZ  invalid
	ADDQ $128, AX
	VPMOVMSKB Y15, DI
	TESTL DI, DI
	JNZ  wide
	JMP  ascii

rest:
	CMPQ AX, DX
	JGE  last
	LOAD(0, AX)
	CHECK
	ADDQ $32, AX
	JMP  rest

last:
	LOAD(0, DX)
	CHECK
	VPSUBUSB utf8End<>(SB), Y0, Y0
	VPOR Y0, Y7, Y7
	VPTEST Y7, Y7
	JNZ  invalid

valid:
	VZEROUPPER
	MOVB $1, ret+16(FP)
	RET

invalid:
	VZEROUPPER
	MOVB $0, ret+16(FP)
	RET
