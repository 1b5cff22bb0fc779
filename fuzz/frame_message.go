package fuzz

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	gofuzz "github.com/google/gofuzz"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// A messageSpec is a message to be cut into frames, as the generator makes it.
type messageSpec struct {
	Binary  bool
	Payload []byte
	Size    int
	Ping    int  // before which frame a ping stands; past the last one: none
	Key     byte // of the masks; 0: unmasked, to a client
}

// FrameMessage checks FrameMessage on a message and a frame size that gofuzz
// generates from the input: fragment, then reassemble.
//
// Oracles: as many frames as the size demands, all but the last one full; the
// opcode on the first, FIN on the last, nothing else set; the payloads are the
// message's own memory, in order, and unchanged; package model and a Reader
// of the core reassemble the same message from the frames, with a ping between
// them.
func FrameMessage(data []byte) error {
	h := messageHarnesses.Get().(*messageHarness)
	defer messageHarnesses.Put(h)
	defer input.Guard()()
	h.gen.Fill(data, &h.spec)
	return h.check()
}

var messageHarnesses = sync.Pool{New: func() any {
	h := new(messageHarness)
	h.gen = input.NewGenerator(h.generate)
	return h
}}

type messageHarness struct {
	gen     *input.Generator
	spec    messageSpec
	payload []byte
	copied  []byte
	coded   []byte
}

// generate is gofuzz's function for a messageSpec.
func (h *messageHarness) generate(s *messageSpec, c gofuzz.Continue) {
	s.Binary = c.Intn(2) == 1
	s.Key = byte(c.Intn(256))
	s.Ping = c.Intn(8)
	size := c.Intn(16)
	shape := c.Intn(16)
	n := 0
	switch {
	case shape == 0:
		n = input.Boundaries[c.Intn(len(input.Boundaries))]
	case shape < 4:
		n = c.Intn(256)
	default:
		n = h.gen.Left() // about what is left
	}
	switch size {
	case 0:
		s.Size = 0
	case 1:
		s.Size = -1 - c.Intn(2)
	case 2, 3, 4:
		s.Size = n + size - 3
	case 5:
		s.Size = n/2 + c.Intn(3) - 1
	case 6:
		s.Size = input.Boundaries[c.Intn(len(input.Boundaries))]
	case 7:
		s.Size = int(^uint(0)>>1) - c.Intn(2)
	default:
		s.Size = 1 + c.Intn(64)
	}
	if s.Size > 0 && n/s.Size > 1024 {
		s.Size = n/1024 + 1 // bounds the number of frames
	}
	h.payload = h.payload[:0]
	for len(h.payload) < n && h.gen.Left() > 0 {
		b := byte(c.Intn(256))
		if !s.Binary && b >= 0x80 {
			h.payload = append(h.payload, input.Pieces[int(b)%14]...)
			continue
		}
		h.payload = append(h.payload, b)
	}
	for len(h.payload) < n {
		h.payload = append(h.payload, 'a')
	}
	s.Payload = h.payload
}

func (h *messageHarness) check() error {
	s := &h.spec
	if !s.Binary && !utf8.Valid(s.Payload) {
		return fmt.Errorf("the generator made text that is not UTF-8: %x", input.Clip(s.Payload))
	}
	h.copied = append(h.copied[:0], s.Payload...)
	msg := &protocol.Message{Binary: s.Binary, Payload: s.Payload}
	frames := protocol.FrameMessage(msg, s.Size)

	n := len(s.Payload)
	want := 1
	if s.Size > 0 && n > s.Size {
		want = (n-1)/s.Size + 1
	}
	if len(frames) != want {
		return fmt.Errorf("FrameMessage(%v, %d) made %d frames, want %d", msg, s.Size, len(frames), want)
	}
	opcode := protocol.OpcodeText
	if s.Binary {
		opcode = protocol.OpcodeBinary
	}
	off := 0
	for i, f := range frames {
		if f.Opcode() != opcode || f.Fin() != (i == want-1) || f.RSV1() || f.RSV2() || f.RSV3() {
			return fmt.Errorf("FrameMessage(%v, %d): frame %d of %d is %v, want opcode %v", msg, s.Size, i+1, want, f, opcode)
		}
		opcode = protocol.OpcodeContinuation
		size := n - off
		if i < want-1 {
			size = s.Size
		}
		if len(f.Payload) != size {
			return fmt.Errorf("FrameMessage(%v, %d): frame %d of %d holds %d bytes, want %d", msg, s.Size, i+1, want, len(f.Payload), size)
		}
		if size > 0 && &f.Payload[0] != &s.Payload[off] {
			return fmt.Errorf("FrameMessage(%v, %d): frame %d of %d does not alias the message at byte %d", msg, s.Size, i+1, want, off)
		}
		off += size
	}
	if msg.Binary != s.Binary || len(msg.Payload) != n || !bytes.Equal(s.Payload, h.copied) {
		return fmt.Errorf("FrameMessage changed the message")
	}
	kind := "Text"
	if s.Binary {
		kind = "Binary"
	}
	if text := msg.String(); !strings.HasPrefix(text, fmt.Sprintf("%s len=%d", kind, n)) {
		return fmt.Errorf("a message of kind %s with %d bytes prints as %q", kind, n, text)
	}
	return h.reassemble(frames)
}

// reassemble codes the frames and has them read.
func (h *messageHarness) reassemble(frames []*protocol.Frame) error {
	s := &h.spec
	t := input.Transcript{Role: model.Server, Limits: model.Limits{Frame: max(125, len(s.Payload)), Message: max(1, len(s.Payload))}}
	key := [4]byte{s.Key, s.Key ^ 0x55, s.Key * 3, 1}
	if s.Key == 0 {
		t.Role, key = model.Client, [4]byte{}
	}
	h.coded = h.coded[:0]
	for i, f := range frames {
		if i == s.Ping {
			ping := wire.Frame{Fin: true, Opcode: wire.Ping, Masked: s.Key != 0, Key: key, Payload: []byte("p")}
			h.coded = ping.Append(h.coded)
		}
		h.coded = protocol.AppendFrame(h.coded, f, key)
	}
	t.Input = h.coded
	if len(s.Payload) > 4096 { // in few reads, and byte by byte where that is quick
		t.Sizes = []int{1, 4096}
	} else {
		t.Sizes = input.ReadSizes[len(s.Payload)&7]
	}
	want := model.Read(t.Role, t.Limits, t.Input)
	if len(want.Messages) != 1 || want.Messages[0].Binary != s.Binary || !bytes.Equal(want.Messages[0].Payload, s.Payload) {
		return fmt.Errorf("the model reassembles the frames of %v to %v", protocol.Message{Binary: s.Binary, Payload: s.Payload}, want)
	}
	return checkReader(&t)
}

// seedFrameMessage takes a text and a binary message of each shape of length and
// of frame size.
func seedFrameMessage([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for size := range 16 {
		for shape := range 6 {
			for binary := range 2 {
				seeds = append(seeds, append([]byte{byte(binary), byte(size * shape), 1, byte(size), byte(shape), 16, 3}, "Hello, w\xf0rld: \xc3\xa9"...))
			}
		}
	}
	return seeds, nil
}

func explainFrameMessage(data []byte) string {
	h := messageHarnesses.New().(*messageHarness)
	h.gen.Fill(data, &h.spec)
	s := &h.spec
	return fmt.Sprintf("%v in frames of %d bytes, a ping before frame %d, key %d\n", protocol.Message{Binary: s.Binary, Payload: s.Payload}, s.Size, s.Ping+1, s.Key)
}
