package fuzz

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
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

// A frameSpec is a frame to be marshalled, as the generator makes it.
type frameSpec struct {
	Head    byte // FIN, RSV, opcode as on the wire
	Key     [4]byte
	Prefix  byte // how many bytes stand before it in the buffer
	Spare   byte // how much room the buffer has behind them, as a share of what is needed
	Payload []byte
}

// MarshalFrame checks the frame encoders on a frame that gofuzz generates from
// the input.
//
// Oracles: the bytes are those that plain code of package wire makes, header and
// masked payload, so the length form is the shortest; package model and ReadFrame
// read the frame back equal; AppendFrame keeps what stood before in its buffer
// and appends the same; WriteFrame writes the same in one call; the frame, its
// payload and the bytes around that are untouched.
func MarshalFrame(data []byte) error {
	h := marshalHarnesses.Get().(*marshalHarness)
	defer marshalHarnesses.Put(h)
	defer input.Guard()()
	h.gen.Fill(data, &h.spec)
	return h.check()
}

var marshalHarnesses = sync.Pool{New: func() any {
	h := new(marshalHarness)
	h.gen = input.NewGenerator(h.generate)
	return h
}}

type marshalHarness struct {
	gen    *input.Generator
	spec   frameSpec
	arena  []byte // the payload stands in it, with a guard on both sides
	keys   []byte
	want   []byte
	got    []byte
	writes int
	sink   []byte
	fault  error // of the transport that WriteFrame writes to
	short  bool
	busy   bool
	reader sliceReader
}

const fence = 0xA5

// generate is gofuzz's function for a frameSpec.
func (h *marshalHarness) generate(s *frameSpec, c gofuzz.Continue) {
	s.Head = byte(c.Intn(256))
	for i := range s.Key {
		s.Key[i] = 0
	}
	if shape := c.Intn(8); shape > 1 { // 0 and 1 are unmasked; a key with some bytes zero is worth a try
		for i := range s.Key {
			if shape > 3 || i < shape {
				s.Key[i] = byte(c.Intn(256))
			}
		}
	}
	s.Prefix = byte(c.Intn(256))
	s.Spare = byte(c.Intn(4))
	at := 1 + c.Intn(16) // alignment of the payload
	n := 0
	switch shape := c.Intn(32); {
	case shape == 0:
		n = input.Boundaries[c.Intn(len(input.Boundaries))]
	case shape < 4:
		n = input.Boundaries[c.Intn(31)]
	case shape < 8:
		n = c.Intn(256)
	default:
		n = h.gen.Left() // all that is left of the input
	}
	if cap(h.arena) < at+n+1 {
		h.arena = make([]byte, at+n+1)
	}
	h.arena = h.arena[:at+n+1]
	h.arena[at-1], h.arena[at+n] = fence, fence
	p := h.arena[at : at+n : at+n]
	filled := 0
	for filled < n && h.gen.Left() > 0 {
		p[filled] = byte(c.Intn(256))
		filled++
	}
	repeat(p, filled)
	s.Payload = p
}

// repeat fills p with its first n bytes, over again; with a counter if n is 0.
func repeat(p []byte, n int) {
	if n == 0 {
		for n < len(p) && n < 251 {
			p[n] = byte(n)
			n++
		}
	}
	for n < len(p) {
		n += copy(p[n:], p[:n])
	}
}

// Write is the io.Writer for WriteFrame.
func (h *marshalHarness) Write(p []byte) (int, error) {
	h.writes++
	if h.busy { // somebody else writes first, as long a frame
		other := protocol.NewFrame(protocol.OpcodeBinary, true, bytes.Repeat([]byte{fence}, len(p)))
		_ = protocol.WriteFrame(io.Discard, h.spec.Key, other)
	}
	h.sink = append(h.sink[:0], p...)
	if h.short {
		return len(p) - 1, nil
	}
	return len(p), h.fault
}

// checkFaults checks what WriteFrame makes of a transport that fails or takes too
// little, and the other constructors with the same input.
func (h *marshalHarness) checkFaults(frame *protocol.Frame) error {
	h.busy = false
	for _, want := range []error{errFault, io.ErrShortWrite} { // the second: less than all was taken
		h.fault, h.short = nil, want == io.ErrShortWrite
		if !h.short {
			h.fault = want
		}
		err := protocol.WriteFrame(h, h.spec.Key, frame)
		var e *protocol.Error
		if !errors.Is(err, want) || !isError(err, &e) || e.Code() != protocol.StatusAbnormalClose || err.Error() != "error writing frame: "+want.Error() {
			return fmt.Errorf("WriteFrame on a transport that fails with %q: %v", want, err)
		}
	}
	if err := checkKeys(); err != nil {
		return err
	}
	h.fault, h.short, h.busy = nil, false, true
	if err := protocol.WriteFrame(h, h.spec.Key, frame); err != nil || !bytes.Equal(h.sink, h.want) {
		return fmt.Errorf("WriteFrame(%v) on a transport on which others write: %x, %v, want %x", frame, input.Clip(h.sink), err, input.Clip(h.want))
	}
	want := fmt.Sprintf("len=%d", len(frame.Payload))
	if text := frame.String(); !strings.HasPrefix(text, frame.Opcode().String()) || !strings.Contains(text, want) {
		return fmt.Errorf("a frame with opcode %v and %s prints as %q", frame.Opcode(), want, text)
	}
	if name, known := opcodeNames[byte(frame.Opcode())]; frame.Opcode().String() != name && (known || frame.Opcode().String() != fmt.Sprintf("Opcode(%#x)", byte(frame.Opcode()))) {
		return fmt.Errorf("opcode %#x prints as %q", byte(frame.Opcode()), frame.Opcode())
	}
	return h.checkClose()
}

// checkKeys draws masking keys, which nobody can predict (RFC 6455 section 5.3): of
// so many each byte has changed.
func checkKeys() error {
	var changed protocol.MaskingKey
	first := protocol.NewMaskingKey()
	for range 16 {
		key := protocol.NewMaskingKey()
		if key == protocol.Unmasked {
			return errors.New("NewMaskingKey returned Unmasked")
		}
		for i := range key {
			changed[i] |= key[i] ^ first[i]
		}
	}
	if bytes.IndexByte(changed[:], 0) >= 0 {
		return fmt.Errorf("NewMaskingKey returned 17 keys that have a byte of %x in common", first)
	}
	return nil
}

var opcodeNames = map[byte]string{0: "Cont", 1: "Text", 2: "Binary", 8: "Close", 9: "Ping", 10: "Pong"}

// checkClose checks NewCloseFrame with a code and a reason of the input.
func (h *marshalHarness) checkClose() error {
	s := &h.spec
	code := protocol.StatusCode(uint16(s.Key[0])<<8 | uint16(s.Key[1]))
	reason := string(s.Payload)
	f := protocol.NewCloseFrame(code, reason)
	if !f.Fin() || f.Opcode() != protocol.OpcodeClose || f.RSV1() || f.RSV2() || f.RSV3() {
		return fmt.Errorf("NewCloseFrame(%d) = %v", code, f)
	}
	if code == 0 {
		if f.Payload != nil {
			return fmt.Errorf("NewCloseFrame(0) has a payload: %x", f.Payload)
		}
		return nil
	}
	if len(f.Payload) < 2 || len(f.Payload) > 125 || f.Payload[0] != s.Key[0] || f.Payload[1] != s.Key[1] {
		return fmt.Errorf("NewCloseFrame(%d, %d bytes) has the payload %x", code, len(reason), f.Payload)
	}
	got := string(f.Payload[2:])
	if !strings.HasPrefix(reason, got) || len(reason) <= 123 && got != reason {
		return fmt.Errorf("NewCloseFrame(%d, %q) has the reason %q", code, reason, got)
	}
	if len(reason) <= 123 {
		return nil
	}
	most := 0
	for at := range reason { // where a character begins
		if at <= 123 {
			most = at
		}
	}
	if utf8.ValidString(reason) && len(got) != most || len(got) < 120 {
		return fmt.Errorf("NewCloseFrame cut %q to %q, not on the last rune boundary", reason, got)
	}
	return nil
}

func (h *marshalHarness) check() error {
	s := &h.spec
	var rsv []protocol.RSVBit
	for _, bit := range [...]protocol.RSVBit{protocol.RSV1, protocol.RSV2, protocol.RSV3} {
		if s.Head&byte(bit) != 0 {
			rsv = append(rsv, bit|protocol.RSVBit(s.Prefix&^0x70)) // of which three bits count
		}
	}
	// Of an opcode the low 4 bits count.
	frame := protocol.NewFrame(protocol.Opcode(s.Head&15|s.Prefix<<4), s.Head&0x80 != 0, s.Payload, rsv...)

	// The expected bytes, by plain code.
	w := wire.Frame{
		Fin: s.Head&0x80 != 0, RSV: s.Head >> 4 & 7, Opcode: s.Head & 15,
		Masked: s.Key != [4]byte{}, Key: s.Key, Length: uint64(len(s.Payload)),
	}
	h.want = w.AppendHeader(h.want[:0])
	header := len(h.want)
	h.want = append(h.want, s.Payload...)
	if w.Masked {
		h.keys = append(h.keys[:0], s.Key[:]...)
		for len(h.keys) < len(s.Payload) {
			h.keys = append(h.keys, h.keys...)
		}
		subtle.XORBytes(h.want[header:], s.Payload, h.keys[:len(s.Payload)])
	}

	if got := protocol.MarshalFrame(frame, s.Key); !bytes.Equal(got, h.want) {
		return fmt.Errorf("MarshalFrame(%v, key %x) = %x, want %x", frame, s.Key, input.Clip(got), input.Clip(h.want))
	}

	// Appended behind bytes that must stay, with too little room or enough.
	size := int(s.Prefix) + len(h.want)*int(s.Spare)/2
	if cap(h.got) < size {
		h.got = make([]byte, size)
	}
	dst := h.got[:s.Prefix:size]
	for i := range dst {
		dst[i] = byte(i) ^ fence
	}
	got := protocol.AppendFrame(dst, frame, s.Key)
	for i := range dst {
		if got[i] != byte(i)^fence || dst[i] != byte(i)^fence {
			return fmt.Errorf("AppendFrame(%v) changed byte %d of %d before it", frame, i, len(dst))
		}
	}
	if got := got[s.Prefix:]; !bytes.Equal(got, h.want) {
		return fmt.Errorf("AppendFrame(%d bytes, %v, key %x) appended %x, want %x", s.Prefix, frame, s.Key, input.Clip(got), input.Clip(h.want))
	}

	if s.Spare == 3 {
		if err := h.checkFaults(frame); err != nil {
			return err
		}
	}
	h.writes, h.fault, h.short, h.busy = 0, nil, false, false
	if err := protocol.WriteFrame(h, s.Key, frame); err != nil {
		return fmt.Errorf("WriteFrame(%v): %w", frame, err)
	}
	if h.writes != 1 || !bytes.Equal(h.sink, h.want) {
		return fmt.Errorf("WriteFrame(%v) wrote %x in %d calls, want %x in one", frame, input.Clip(h.sink), h.writes, input.Clip(h.want))
	}
	return h.readBack(frame, header)
}

// readBack reads the bytes by the model and by ReadFrame, and checks that the
// inputs are what they were.
func (h *marshalHarness) readBack(frame *protocol.Frame, header int) error {
	s := &h.spec
	masked := s.Key != [4]byte{}
	role, mode := model.Server, protocol.ServerMode
	if !masked {
		role, mode = model.Client, protocol.ClientMode
	}
	// A long payload is compared with plain code above; of it the model, a byte
	// at a time, sees only the beginning.
	const most = 512
	d := model.Decode(role, len(s.Payload), h.want[:min(len(h.want), header+most)])
	if len(s.Payload) > most {
		if want := fmt.Sprintf("%d byte payload", len(s.Payload)); d.Rule != "" || d.Missing != want {
			return fmt.Errorf("the model reads the header %x as %q, breaking %q; want %q", h.want[:header], d.Missing, d.Rule, want)
		}
	} else {
		if d.Size != len(h.want) {
			return fmt.Errorf("the model reads %x as %d bytes (missing %q, breaks %q), want %d", input.Clip(h.want), d.Size, d.Missing, d.Rule, len(h.want))
		}
		if err := same(&d, frame); err != nil {
			return fmt.Errorf("the model reads it back other: %w", err)
		}
	}

	h.reader.reset(h.want, nil)
	back, err := protocol.ReadFrame(&h.reader, mode, len(s.Payload))
	if err != nil {
		return fmt.Errorf("ReadFrame(MarshalFrame(%v)): %w", frame, err)
	}
	if h.reader.off != len(h.want) {
		return fmt.Errorf("ReadFrame(MarshalFrame(%v)) read %d bytes of %d", frame, h.reader.off, len(h.want))
	}
	if back.Fin() != frame.Fin() || back.Opcode() != frame.Opcode() || back.RSV1() != frame.RSV1() ||
		back.RSV2() != frame.RSV2() || back.RSV3() != frame.RSV3() || !bytes.Equal(back.Payload, s.Payload) {
		return fmt.Errorf("ReadFrame(MarshalFrame(%v)) = %v", frame, back)
	}

	n := len(s.Payload)
	if len(frame.Payload) != n || n > 0 && &frame.Payload[0] != &s.Payload[0] ||
		frame.Fin() != (s.Head&0x80 != 0) || byte(frame.Opcode()) != s.Head&15 {
		return fmt.Errorf("the frame was changed: %v", frame)
	}
	end := len(h.arena) - 1
	if h.arena[end-n-1] != fence || h.arena[end] != fence {
		return fmt.Errorf("a byte next to the payload of %v was changed", frame)
	}
	// The payload itself: unmasking what was made of it gives it again.
	if masked {
		subtle.XORBytes(h.want[header:], h.want[header:], h.keys[:n])
	}
	if !bytes.Equal(h.want[header:], s.Payload) {
		return fmt.Errorf("the payload of %v was changed", frame)
	}
	return nil
}

// seedMarshalFrame makes a frame with each head, a masking key or none, and each
// of the boundary lengths.
func seedMarshalFrame([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range input.Boundaries {
		// The head, the shape of the key, the key, then prefix, room, alignment,
		// and the choice of a boundary length.
		seeds = append(seeds,
			[]byte{byte(i * 17), 0, byte(i), 0, 0, 0, byte(i), 'x'},
			[]byte{byte(0x80 | i), 7, 0x37, 0xfa, 0x21, 0x3d, byte(i), byte(i), byte(i), 0, byte(i), 'x', 'y'})
	}
	// Reasons of a Close that are cut inside each kind of character.
	for _, char := range []string{"a", "\u00e9", "\u20ac", "\U0001f600"} {
		for n := range 4 {
			head := []byte{0x88, 7, 3, 0xe8, 0x21, 0x3d, 0, 3, byte(n), 8}
			seeds = append(seeds, append(head, strings.Repeat("a", n)+strings.Repeat(char, 126/len(char))...))
		}
	}
	return seeds, nil
}

func explainMarshalFrame(data []byte) string {
	h := marshalHarnesses.New().(*marshalHarness)
	h.gen.Fill(data, &h.spec)
	s := &h.spec
	f := protocol.NewFrame(protocol.Opcode(s.Head&15), s.Head&0x80 != 0, s.Payload)
	return fmt.Sprintf("%v with first byte %#02x, key %x, payload %x, appended behind %d bytes\n", f, s.Head, s.Key, input.Clip(s.Payload), s.Prefix)
}

// errFault is what a broken transport reports.
var errFault = errors.New("fault of the transport")
