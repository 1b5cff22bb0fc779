package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// UTF8 checks the validation of text through a connection of the core: what is
// read, at any offset and split into frames and reads anywhere, and what is
// written. The input: a byte each for how much ASCII stands in front of and
// behind the text, for the size of fragments, and for the sizes of reads; then
// the text.
//
// Oracle: the standard library's view of UTF-8, a rune at a time. Valid text is
// delivered as it is; invalid text fails the connection with 1007, as soon as
// the first byte that cannot be right has arrived; WriteMessage sends valid
// text, and nothing of invalid text. Package model agrees.
func UTF8(data []byte) error {
	h := utf8Harnesses.Get().(*utf8Harness)
	defer utf8Harnesses.Put(h)
	defer guard()()
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

// padding is ASCII in front of and behind a text.
var padding = bytes.Repeat([]byte("0123456789abcdef"), 16)

func (h *utf8Harness) check(data []byte) error {
	var head [4]byte
	rest := data[copy(head[:], data):]
	h.text = append(h.text[:0], padding[:head[0]]...)
	h.text = append(h.text, rest...)
	h.text = append(h.text, padding[:head[1]&63]...)
	size := len(h.text)
	if head[2] > 0 {
		size = int(head[2])
	}
	t := Transcript{
		Role:   model.Role(head[3]&1 != 0),
		Limits: model.Limits{Frame: max(1, len(h.text)), Message: max(1, len(h.text))},
		Sizes:  transcriptSizes[head[3]>>1&7],
	}

	certain, whole := firstInvalid(h.text)
	if whole != model.ValidUTF8(h.text) || whole != utf8.Valid(h.text) {
		return fmt.Errorf("%x: the model says %t, the standard library %t, a rune at a time %t", clip(h.text), model.ValidUTF8(h.text), utf8.Valid(h.text), whole)
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

// write checks what WriteMessage sends of the text.
func (h *utf8Harness) write(role model.Role, whole bool, size int) error {
	mode := websocket.ServerMode
	if role == model.Client {
		mode = websocket.ClientMode
	}
	c := transcript.NewConn(&transcript.Transcript{Role: role})
	ws := websocket.New(c, "peer", mode, websocket.Options{MaxFrameSize: size})
	err := ws.WriteMessage(context.Background(), &websocket.Message{Payload: h.text})
	sent := c.Sent()
	if !whole {
		if !errors.Is(err, websocket.ErrInvalidFramePayload) || len(sent) > 0 {
			return fmt.Errorf("WriteMessage of text that is not UTF-8: %v, %d bytes sent, want ErrInvalidFramePayload and none", err, len(sent))
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("WriteMessage of valid text: %w", err)
	}
	h.got = h.got[:0]
	for first := true; ; first = false {
		f, n, err := wire.Split(sent)
		if err != nil {
			return fmt.Errorf("WriteMessage sent %x, no whole frame", clip(sent))
		}
		sent = sent[n:]
		opcode := wire.Continuation
		if first {
			opcode = wire.Text
		}
		if f.Opcode != opcode || f.RSV != 0 || f.Masked != (role == model.Client) || f.Fin != (len(sent) == 0) || size > 0 && len(f.Payload) > size {
			return fmt.Errorf("WriteMessage sent %+v with %d bytes behind it, want opcode %d and at most %d bytes", f, len(sent), opcode, size)
		}
		h.got = append(h.got, f.Payload...)
		if f.Fin {
			break
		}
	}
	if !bytes.Equal(h.got, h.text) {
		return fmt.Errorf("WriteMessage: %s", differ(h.got, h.text))
	}
	return nil
}
