package input

import (
	"encoding/binary"
	"fmt"
	"slices"

	gofuzz "github.com/google/gofuzz"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// A Transcript is what one side of a connection receives.
type Transcript struct {
	Role   model.Role
	Limits model.Limits
	// Deflate is what was agreed on of permessage-deflate (RFC 7692); nil: nothing.
	Deflate *model.Deflate
	// Sizes are those of the reads, in turn and over again; none: as asked for.
	Sizes []int
	// Input is all that arrives, frames whole and broken.
	Input []byte
	// Pings has a library ping its peer before it reads.
	Pings bool
}

// Want is what the model makes of the transcript.
func (t *Transcript) Want() model.Outcome {
	if t.Deflate != nil {
		return model.ReadCompressed(t.Role, t.Limits, *t.Deflate, t.Input)
	}
	return model.Read(t.Role, t.Limits, t.Input)
}

// TranscriptLimits are the limits that an input chooses from: the core's
// defaults, and small ones whose Boundaries cost little to reach.
var TranscriptLimits = [8]model.Limits{
	{Frame: 16 << 10, Message: 256 << 10},
	{Frame: 125, Message: 125},
	{Frame: 126, Message: 300},
	{Frame: 1000, Message: 1000},
	{Frame: 65536, Message: 65536},
	{Frame: 10, Message: 25},
	{Frame: 256, Message: 600},
	{Frame: 65535, Message: 70000},
}

// ReadSizes are the ways to cut a transcript into reads.
var ReadSizes = [8][]int{nil, {1}, {2}, {3, 1, 7}, {5}, {16, 1}, {100}, {1, 2, 3, 4096}}

const (
	maxFrames = 64
	maxInput  = 192 << 10
	rawBit    = 0x80 // in the first byte: the rest is the transcript as it is
	// A first byte of deflateMark has one behind it that says what was agreed on of
	// permessage-deflate; then comes an input like any other.
	deflateMark = 0xFF
)

// A TranscriptGenerator makes transcripts of input bytes: mostly conversations
// in good order, so that the reader gets deep, with one thing broken here and
// there, weighted to Boundaries.
type TranscriptGenerator struct {
	*Generator
	t Transcript

	open  bool // a fragmented message is under way
	text  bool // the message under way, or the next one, is text
	sent  int  // bytes of it so far
	ended bool // what follows would be taken for something else
	buf   []byte
	data  []byte

	deflate model.Deflate
	window  Window
	packed  []byte // what is still to be sent of a compressed message
	packs   bool   // one is under way
}

func NewTranscriptGenerator() *TranscriptGenerator {
	g := new(TranscriptGenerator)
	g.Generator = NewGenerator(g.transcript, g.frame)
	return g
}

// generate returns the transcript for data. It is valid until the next call.
func (g *TranscriptGenerator) Generate(data []byte) *Transcript {
	g.t.Deflate = nil
	if len(data) > 1 && data[0] == deflateMark {
		g.deflate = agreedBy(data[1])
		g.t.Deflate = &g.deflate
		data = data[2:]
	}
	g.data = data
	g.Fill(data, &g.t)
	return &g.t
}

// agreedBy is what a byte says was agreed on: context takeover, and windows.
func agreedBy(b byte) model.Deflate {
	return model.Deflate{
		ServerNoContextTakeover: b&1 != 0, ClientNoContextTakeover: b&2 != 0,
		ServerMaxWindowBits: 8 + int(b>>2&7), ClientMaxWindowBits: 8 + int(b>>5),
	}
}

// Compressed returns the input of a structured target that is data, on a connection with
// permessage-deflate.
func Compressed(d model.Deflate, data []byte) []byte {
	or15 := func(bits int) byte {
		if bits == 0 {
			return 15 - 8
		}
		return byte(bits - 8)
	}
	b := or15(d.ServerMaxWindowBits)<<2 | or15(d.ClientMaxWindowBits)<<5
	if d.ServerNoContextTakeover {
		b |= 1
	}
	if d.ClientNoContextTakeover {
		b |= 2
	}
	return append([]byte{deflateMark, b}, data...)
}

// RawLimits are the limits of transcripts that are given as they are: those of
// the vectors.
var RawLimits = [...]model.Limits{
	{Frame: 16384, Message: 262144},
	{Frame: 0, Message: 10},
	{Frame: 1, Message: 262144},
	{Frame: 10, Message: 0},
	{Frame: 10, Message: 10},
	{Frame: 10, Message: 100},
	{Frame: 10, Message: 262144},
	{Frame: 100, Message: 10},
	{Frame: 125, Message: 262144},
	{Frame: 126, Message: 262144},
	{Frame: 200, Message: 100},
	{Frame: 1000, Message: 1500},
	{Frame: 1000, Message: 262144},
	{Frame: 2000, Message: 1500},
	{Frame: 16384, Message: 1048576},
	{Frame: 65535, Message: 262144},
	{Frame: 65536, Message: 65536},
	{Frame: 65536, Message: 262144},
	{Frame: 131072, Message: 262144},
	{Frame: 1048576, Message: 1048576},
	{Frame: 200, Message: 130},
	{Frame: 1065, Message: 1000},
	{Frame: 2000, Message: 1000},
	{Frame: 1000, Message: 1000},
	{Frame: 500, Message: 1000},
	{Frame: 2000, Message: 0},
}

// RawInput returns the input of a structured target whose transcript is b as it is.
func RawInput(role model.Role, limits model.Limits, b []byte) ([]byte, error) {
	i := slices.Index(RawLimits[:], limits)
	if i < 0 {
		return nil, fmt.Errorf("limits %+v are not in the table RawLimits: add them", limits)
	}
	first := byte(rawBit | i<<1)
	if role == model.Client {
		first |= 1
	}
	return append([]byte{first}, b...), nil
}

// transcript is gofuzz's function for a Transcript.
func (g *TranscriptGenerator) transcript(t *Transcript, c gofuzz.Continue) {
	first := c.Intn(256)
	t.Role = model.Role(first&1 != 0)
	t.Limits = TranscriptLimits[first>>1&7]
	t.Sizes = ReadSizes[first>>4&7]
	if first&rawBit != 0 && !gofuzzSource {
		t.Limits = RawLimits[(first>>1&63)%len(RawLimits)]
		t.Input = g.data[1:]
		t.Sizes = ReadSizes[len(g.data)&7]
		return
	}
	g.open, g.text, g.sent, g.ended = false, false, 0, false
	g.buf, g.packed, g.packs = g.buf[:0], nil, false
	if t.Deflate != nil {
		g.window = NewWindow(t.Deflate, !t.Role)
	}
	for n := 0; n < maxFrames && len(g.buf) < maxInput && !g.ended && g.src.Len() > 0; n++ {
		var f wire.Frame
		c.Fuzz(&f)
	}
	t.Input = g.buf
}

// frame is gofuzz's function for a frame of the transcript: it appends it.
func (g *TranscriptGenerator) frame(f *wire.Frame, c gofuzz.Continue) {
	f.Fin = true
	f.Masked = g.t.Role == model.Server
	kind := c.Intn(32)
	switch kind {
	default:
		g.next(f, c, c.Intn(4) != 0)
	case 27:
		f.Opcode = [...]byte{wire.Ping, wire.Close, wire.Pong, 0}[c.Intn(4)]
		if f.Opcode == 0 {
			g.next(f, c, c.Intn(4) != 0)
		}
	case 10, 11:
		g.next(f, c, false)
	case 12, 13:
		f.Opcode = wire.Ping
	case 14:
		f.Opcode = wire.Pong
	case 15, 28, 29:
		f.Opcode = wire.Close
	case 17:
		g.next(f, c, true)
		f.Masked = !f.Masked
	case 18:
		g.next(f, c, true)
		f.RSV = byte(1 + c.Intn(7))
	case 19:
		f.Opcode = [...]byte{3, 7, 0xB, 0xF, 4, 5, 6, 0xC, 0xD, 0xE}[c.Intn(10)]
	case 20:
		g.next(f, c, true)
		f.Form = wire.Form16
	case 21:
		g.next(f, c, true)
		f.Form = wire.Form64
	case 22:
		f.Opcode = [...]byte{wire.Ping, wire.Pong, wire.Close}[c.Intn(3)]
		f.Fin = false
	case 23:
		f.Opcode = [...]byte{wire.Ping, wire.Pong, wire.Close}[c.Intn(3)]
		f.Payload = make([]byte, [...]int{125, 126, 127, 200, 256, 65536}[c.Intn(6)])
		if f.Opcode == wire.Close {
			binary.BigEndian.PutUint16(f.Payload, 1000)
		}
	case 24:
		f.Opcode = wire.Continuation
	case 25:
		f.Opcode = wire.Text + byte(c.Intn(2))
	case 26:
		g.next(f, c, true)
		f.Length = g.claim(c)
		g.ended = true
	case 30:
		for n := c.Intn(16); n > 0; n-- {
			g.buf = append(g.buf, byte(c.Intn(256)))
		}
		return
	case 31:
		head := c.Intn(256)
		f.Fin, f.RSV, f.Opcode = head&0x80 != 0, byte(head>>4&7), byte(head&15)
		f.Form = wire.Form(c.Intn(4))
	}

	switch {
	case f.Payload != nil || g.ended:
	case f.Opcode == wire.Close:
		f.Payload = g.closePayload(c)
	case f.Opcode&8 != 0:
		f.Payload = g.control(c)
	case g.t.Deflate != nil:
		f.Payload = g.deflated(f, c)
	default:
		f.Payload = g.payload(c)
	}
	if f.Masked {
		k := byte(c.Intn(256))
		f.Key = [4]byte{k, k*7 + 1, k ^ 0x5A, k * 13}
		if k == 0 {
			f.Key = [4]byte{} // a key like any other on the wire
		}
	}
	begin := len(g.buf)
	g.buf = f.Append(g.buf)
	if kind == 27 { // cut short
		g.buf = g.buf[:len(g.buf)-min(len(g.buf)-begin, 1+c.Intn(16))]
		g.ended = true
	}
	if f.Opcode&8 == 0 {
		g.sent += len(f.Payload)
		if f.Fin {
			g.open, g.sent = false, 0
		}
	}
}

// next makes f the next data frame of a conversation in good order.
func (g *TranscriptGenerator) next(f *wire.Frame, c gofuzz.Continue, fin bool) {
	f.Fin = fin
	if g.open {
		f.Opcode = wire.Continuation
	} else {
		g.text = c.Intn(4) != 0
		f.Opcode = wire.Binary
		if g.text {
			f.Opcode = wire.Text
		}
	}
	g.open = !fin
}

// deflated returns the payload of a data frame where permessage-deflate was agreed on:
// a first one mostly begins a compressed message, which it and those behind it share.
func (g *TranscriptGenerator) deflated(f *wire.Frame, c gofuzz.Continue) []byte {
	if f.Opcode != wire.Continuation {
		if g.packs = c.Intn(4) != 0; g.packs {
			f.RSV ^= 4
			message := g.payload(c)
			if again := c.Intn(4); again > 0 && !g.text || again == 3 { // octets that were there before
				message = append(message, g.window.again(c)...)
			}
			g.packed = g.window.Compress(c, message)
		}
	}
	if !g.packs {
		return g.payload(c)
	}
	n := len(g.packed)
	if !f.Fin {
		n = min(n, c.Intn(256))
	}
	p := g.packed[:n]
	g.packed = g.packed[n:]
	if p == nil {
		p = []byte{}
	}
	return p
}

// claim returns a length for a header that stands alone.
func (g *TranscriptGenerator) claim(c gofuzz.Continue) uint64 {
	switch c.Intn(6) {
	case 0:
		return uint64(g.t.Limits.Frame) + uint64(c.Intn(3)) - 1
	case 1:
		return uint64(max(1, g.t.Limits.Message-g.sent)) + uint64(c.Intn(3)) - 1
	case 2:
		return 1 << (20 + c.Intn(44))
	case 3:
		return 1<<63 | uint64(c.Intn(256))
	case 4:
		return ^uint64(0) - uint64(c.Intn(256))
	}
	return uint64(Boundaries[c.Intn(len(Boundaries))])
}

// payload returns the payload of a data frame.
func (g *TranscriptGenerator) payload(c gofuzz.Continue) []byte {
	n := -1
	switch c.Intn(16) {
	case 0:
		n = Boundaries[c.Intn(len(Boundaries))]
	case 1:
		n = g.t.Limits.Frame + c.Intn(3) - 1
	case 2:
		n = max(0, g.t.Limits.Message-g.sent+c.Intn(3)-1)
	case 3:
		return nil
	}
	if n > 128<<10 {
		n = 1
	}
	most := n
	if n < 0 {
		most = maxPieces
	}
	var p []byte
	if g.text {
		p = g.textPieces(c, most)
	} else {
		for k := min(c.Intn(32), most); k > 0; k-- {
			p = append(p, byte(c.Intn(256)))
		}
	}
	if len(p) >= n {
		return p
	}
	// Filled up in front with a byte over again; what was chosen stands at the end.
	long := make([]byte, n)
	long[0] = byte('a' + c.Intn(26))
	for filled := 1; filled < n; {
		filled += copy(long[filled:], long[:filled])
	}
	copy(long[n-len(p):], p)
	return long
}

// maxPieces is more than the Pieces of a text take, in bytes.
const maxPieces = 64

// Pieces of text: characters at the Boundaries of the forms of UTF-8 (RFC 3629
// section 3), parts of characters, and what is no UTF-8.
var Pieces = [...]string{
	"a", "~", "\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\u20ac", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "\u00e9",
	"\xe2", "\x82", "\xac", "\xe2\x82", "\x82\xac", "\xf0", "\x90\x8d", "\xf0\x90\x8d", "\x88", "\xc3", "\xa9", "\xed", "\x9f", "\xe0", "\xf4", "\x8f", "\xbf",
	"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "\x80",
}

// textPieces returns some text of at most so many bytes: mostly valid.
func (g *TranscriptGenerator) textPieces(c gofuzz.Continue, most int) []byte {
	var p []byte
	if most < 1 {
		return p
	}
	for n := c.Intn(8); n > 0 && len(p) < most; n-- {
		switch k := c.Intn(8); {
		case k < 5:
			p = append(p, Pieces[c.Intn(14)]...)
		case k < 7:
			p = append(p, Pieces[14+c.Intn(17)]...)
		default:
			p = append(p, Pieces[c.Intn(len(Pieces))]...)
		}
	}
	return p[:min(len(p), most)]
}

// control returns the payload of a ping or pong.
func (g *TranscriptGenerator) control(c gofuzz.Continue) []byte {
	n := c.Intn(8)
	if n == 7 {
		n = 120 + c.Intn(6)
	}
	p := make([]byte, n)
	for i := range p {
		if i < 6 {
			p[i] = byte(c.Intn(256))
		} else {
			p[i] = byte(i)
		}
	}
	return p
}

// CloseCodes are close codes on both sides of each boundary (RFC 6455 section 7.4).
var CloseCodes = [...]uint16{
	1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016,
	0, 1, 999, 1100, 1999, 2000, 2999, 3000, 3001, 3999, 4000, 4999, 5000, 5001, 65535,
}

// closePayload returns the payload of a Close.
func (g *TranscriptGenerator) closePayload(c gofuzz.Continue) []byte {
	var p []byte
	switch c.Intn(8) {
	case 0:
		return nil
	case 1:
		return []byte{byte(c.Intn(256))}
	case 2:
		p = append(p, byte(c.Intn(256)), byte(c.Intn(256)))
	case 3, 4:
		p = binary.BigEndian.AppendUint16(p, CloseCodes[c.Intn(len(CloseCodes))])
	default:
		p = binary.BigEndian.AppendUint16(p, 1000)
	}
	switch c.Intn(4) {
	case 0:
		return p
	case 1:
		for n := 120 + c.Intn(6); len(p) < n; {
			p = append(p, 'r')
		}
	}
	return append(p, g.textPieces(c, maxPieces)...)
}
