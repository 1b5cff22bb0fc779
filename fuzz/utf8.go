package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket/protocol"
)

// UTF8 checks the validation of text through a Reader and a Writer of the core: what is
// read, at any offset and split into frames and reads anywhere, and what is
// written. The input: a byte each for how much ASCII stands in front of and
// behind the text, for the size of fragments, and for the sizes of reads; then
// the text.
//
// Oracle: the standard library's view of UTF-8, a rune at a time. Valid text is
// delivered as it is; invalid text fails the connection with 1007, as soon as
// the first byte that cannot be right has arrived; a Writer writes it in frames. Package model agrees.
func UTF8(data []byte) error {
	h := utf8Harnesses.Get().(*utf8Harness)
	defer utf8Harnesses.Put(h)
	defer input.Guard()()
	return h.check(data)
}

var utf8Harnesses = sync.Pool{New: func() any { return new(utf8Harness) }}

type utf8Harness struct {
	text, coded, got []byte
}

// firstInvalid returns how many bytes of text there must be until it is certain
// that it is not UTF-8, the obvious way; 0 if it is valid or may become so.
func firstInvalid(text []byte) (certain int, whole bool) {
	for i := 0; i < len(text); {
		rest := text[i:]
		r, size := utf8.DecodeRune(rest)
		if r != utf8.RuneError || size != 1 {
			i += size
			continue
		}
		if !utf8.FullRune(rest) {
			return 0, false // the beginning of a rune
		}
		for k := 1; ; k++ {
			if utf8.FullRune(rest[:k]) {
				return i + k, false
			}
		}
	}
	return 0, true
}

func (h *utf8Harness) check(data []byte) error {
	var head [4]byte
	rest := data[copy(head[:], data):]
	h.text = append(h.text[:0], input.Padding[:head[0]]...)
	h.text = append(h.text, rest...)
	h.text = append(h.text, input.Padding[:head[1]&63]...)
	size := len(h.text)
	if head[2] > 0 {
		size = int(head[2])
	}
	t := input.Transcript{
		Role:   model.Role(head[3]&1 != 0),
		Limits: model.Limits{Frame: max(1, len(h.text)), Message: max(1, len(h.text))},
		Sizes:  input.ReadSizes[head[3]>>1&7],
	}

	certain, whole := firstInvalid(h.text)
	if whole != model.ValidUTF8(h.text) || whole != utf8.Valid(h.text) {
		return fmt.Errorf("%x: the model says %t, the standard library %t, a rune at a time %t", input.Clip(h.text), model.ValidUTF8(h.text), utf8.Valid(h.text), whole)
	}

	// Frames, and the offset in them by which an invalid byte is there.
	h.coded = h.coded[:0]
	key := [4]byte{0x37, head[3], 0x21, 0x3d}
	offset := 0
	for off, first := 0, true; first || off < len(h.text); first = false {
		n := min(size, len(h.text)-off)
		f := wire.Frame{Opcode: wire.Text, Masked: t.Role == model.Server, Key: key, Payload: h.text[off : off+n]}
		if !first {
			f.Opcode = wire.Continuation
		}
		f.Fin = off+n == len(h.text)
		h.coded = f.Append(h.coded)
		if certain > off && certain <= off+n {
			offset = len(h.coded) - n + certain - off
		}
		off += n
	}
	if certain == 0 && !whole {
		offset = len(h.coded) // it ends inside a rune
	}
	t.Input = h.coded

	want := model.Outcome{End: model.Open, Offset: len(h.coded)}
	if whole {
		want.Messages = []model.Message{{Payload: h.text}}
	} else {
		want.End, want.Rule, want.Codes, want.Offset = model.Failed, model.TextNotUTF8, []uint16{1007}, offset
	}
	if err := checkOutcome(&t, want); err != nil {
		return err
	}
	return h.write(t.Role, whole, size)
}

// write checks what a Writer makes of the text.
func (h *utf8Harness) write(role model.Role, whole bool, size int) error {
	if got := protocol.ValidUTF8(h.text); got != whole {
		return fmt.Errorf("ValidUTF8(%x) is %t, want %t", input.Clip(h.text), got, whole)
	}
	mode := protocol.ServerMode
	if role == model.Client {
		mode = protocol.ClientMode
	}
	w := protocol.NewWriter(mode, &protocol.Limits{MaxFrameSize: max(1, size)})
	if !w.Message(false, h.text) {
		return errors.New("a message was refused")
	}
	buf := w.Take()
	defer buf.Free()
	sent := buf.Bytes
	h.got = h.got[:0]
	for first := true; ; first = false {
		f, n, err := wire.Split(sent)
		if err != nil {
			return fmt.Errorf("wrote %x, no whole frame", input.Clip(sent))
		}
		sent = sent[n:]
		opcode := wire.Continuation
		if first {
			opcode = wire.Text
		}
		if f.Opcode != opcode || f.RSV != 0 || f.Masked != (role == model.Client) || f.Fin != (len(sent) == 0) || size > 0 && len(f.Payload) > size {
			return fmt.Errorf("wrote %+v with %d bytes behind it, want opcode %d and at most %d bytes", f, len(sent), opcode, size)
		}
		h.got = append(h.got, f.Payload...)
		if f.Fin {
			break
		}
	}
	if !bytes.Equal(h.got, h.text) {
		return fmt.Errorf("the text that was written: %s", input.Differ(h.got, h.text))
	}
	return nil
}

// seedUTF8 takes each piece of text, alone and between other text.
func seedUTF8([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i, piece := range input.Pieces {
		seeds = append(seeds,
			append([]byte{0, 0, 0, byte(i)}, piece...),
			append([]byte{byte(i * 5), 0, byte(i % 4), byte(i)}, input.Pieces[i%14]+piece...),
			append([]byte{31, 32, byte(64 + i), byte(i)}, piece+input.Pieces[i%14]...))
	}
	// One wrong byte at each place of a short text, and at the seams of a long one.
	for n := 7; n <= 72; n++ {
		for at := range n {
			if n <= 18 || n%8 <= 3 && (at%8 == 0 || at%8 == 7 || at == n-1) && n%5 == at%5 {
				text := bytes.Clone(input.Padding[:n])
				text[at] = 0xff
				seeds = append(seeds, append([]byte{0, 0, 0, byte(at & 1)}, text...))
			}
		}
	}
	// A long fragment that ends inside a character, of each kind of first byte.
	for i, whole := range []string{"\u0080", "\u0800", "\u1000", "\ud7ff", "\uffff", "\U00010000", "\U00040000", "\U0010ffff"} {
		for cut := 1; cut < len(whole); cut++ {
			seeds = append(seeds, append([]byte{64, 40, byte(64 + cut), byte(i & 1)}, whole...))
		}
	}
	for i, whole := range []string{"\u00e9", "\u20ac", "\U0001f600"} {
		for cut := 1; cut < len(whole); cut++ {
			// Cut into fragments that end inside the character, short and long, in
			// whole reads and others.
			for _, front := range []int{0, 5, 31, 64, 100} {
				for _, reads := range []int{0, 1, 12, 15} {
					seeds = append(seeds, append([]byte{byte(front), 40, byte(front + cut), byte(reads)}, whole...))
				}
			}
			// Torn apart by ASCII of every length that is skipped at once, at the end
			// of a block of 16 and of a fragment.
			for _, gap := range []int{1, 4, 7, 8, 9, 15, 16, 17, 24, 32, 33, 64} {
				torn := whole[:cut] + string(input.Padding[:gap]) + whole[cut:]
				seeds = append(seeds,
					append([]byte{byte(16 - cut), byte(gap & 3), 0, byte(i & 1)}, torn...),
					append([]byte{byte(40 - cut), byte(gap & 3), 40, byte(i & 1)}, torn...))
			}
		}
	}
	return seeds, nil
}

func explainUTF8(data []byte) string {
	var head [4]byte
	text := data[copy(head[:], data):]
	return fmt.Sprintf("%d bytes of ASCII, then %q (%x), then %d bytes of ASCII, in fragments of %d bytes (0: whole), to a %v in reads of %v\n",
		head[0], text, text, head[1]&63, head[2], model.Role(head[3]&1 != 0), input.ReadSizes[head[3]>>1&7])
}
