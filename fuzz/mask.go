package fuzz

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// Mask checks the masking kernel through the codec, at any alignment, length and
// split of the reads. The input: the key (4 bytes), a byte each for the
// alignment of the source, of the destination, and for the size of the first
// and the later reads, then the payload; a last choice, the top bit of the first
// size, repeats the payload up to the size of the reader's buffers.
//
// Oracles: masking (AppendFrame) and unmasking (ReadFrame, FrameReader) equal the
// loop of RFC 6455 5.3, octet i with octet i modulo 4 of the key, and leave the
// bytes around alone.
func Mask(data []byte) error {
	h := maskHarnesses.Get().(*maskHarness)
	defer maskHarnesses.Put(h)
	defer input.Guard()()
	return h.check(data)
}

var maskHarnesses = sync.Pool{New: func() any { return new(maskHarness) }}

type maskHarness struct {
	src, dst, want []byte
	sizes          [4]int
	reader         sliceReader
	stream         protocol.FrameReader
}

func (h *maskHarness) check(data []byte) error {
	var head [8]byte
	n := copy(head[:], data)
	payload := data[n:]
	key := protocol.MaskingKey(head[:4])
	if key == protocol.Unmasked {
		key[3] = 1
	}
	at, before := int(head[4]&63), int(head[5]&63)
	first, later := int(head[6]&127)+1, int(head[7])+1
	size := len(payload)
	if head[6]&128 != 0 && size > 0 {
		size = max(size, 33*int(head[7])) // up to 8415, past the reader's buffer
	}

	// The payload at its alignment, fenced.
	if cap(h.src) < at+size+2 {
		h.src = make([]byte, at+size+2)
	}
	h.src = h.src[:at+size+2]
	h.src[at], h.src[at+size+1] = fence, fence
	p := h.src[at+1 : at+1+size : at+1+size]
	repeat(p, copy(p, payload))

	// The obvious way.
	h.want = append(h.want[:0], p...)
	for i := range h.want {
		h.want[i] ^= key[i%4]
	}

	frame := protocol.NewFrame(protocol.OpcodeBinary, true, p)
	if cap(h.dst) < before {
		h.dst = make([]byte, before, 1024)
	}
	h.dst = protocol.AppendFrame(h.dst[:before], frame, key)
	header := len(h.dst) - size
	if got := h.dst[header:]; !bytes.Equal(got, h.want) {
		return fmt.Errorf("masked with %x at offset %d of the source and %d of the destination: %s", key, at+1, header, input.Differ(got, h.want))
	}
	if h.src[at] != fence || h.src[at+size+1] != fence || !bytes.Equal(p[:min(len(payload), size)], payload[:min(len(payload), size)]) {
		return fmt.Errorf("masking changed its source")
	}

	coded := h.dst[before:]
	h.sizes = [4]int{header - before + first, later, later, first}
	for _, sizes := range [...][]int{nil, h.sizes[:]} {
		h.reader.reset(coded, sizes)
		got, err := protocol.ReadFrame(&h.reader, protocol.ServerMode, size)
		if err != nil {
			return fmt.Errorf("ReadFrame in reads of %d: %w", sizes, err)
		}
		if !bytes.Equal(got.Payload, p) {
			return fmt.Errorf("unmasked with %x in reads of %d: %s", key, sizes, input.Differ(got.Payload, p))
		}
	}
	if head[5]&128 != 0 { // not each time
		h.reader.reset(coded, h.sizes[:])
		h.stream.Reset(&h.reader, protocol.ServerMode, size)
		got, err := h.stream.Next()
		if err != nil {
			return fmt.Errorf("FrameReader in reads of %d: %w", h.sizes, err)
		}
		if !bytes.Equal(got.Payload, p) {
			return fmt.Errorf("FrameReader unmasked with %x in reads of %d: %s", key, h.sizes, input.Differ(got.Payload, p))
		}
	}
	return nil
}

// seedMask takes each length up to 130 at changing alignments, and the boundary
// lengths.
func seedMask([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	seed := func(i, n int) {
		s := []byte{0x37, 0xfa, 0x21, 0x3d, byte(i), byte(3*i | i<<7), byte(i & 127), byte(7 * i)}
		for k := range n {
			s = append(s, byte(k*5+1))
		}
		seeds = append(seeds, s)
	}
	for n := range 130 {
		seed(n, n)
	}
	for i, n := range input.Boundaries {
		seed(i, n)
	}
	return seeds, nil
}

func explainMask(data []byte) string {
	var head [8]byte
	payload := data[copy(head[:], data):]
	return fmt.Sprintf("key %x, source at %d, destination at %d, reads of %d and %d bytes, payload of %d bytes %x\n",
		head[:4], head[4]&63+1, head[5]&63, int(head[6]&127)+1, int(head[7])+1, len(payload), input.Clip(payload))
}
