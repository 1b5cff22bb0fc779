package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"testing"
	"unsafe"

	"github.com/wsproof/wsproof/websocket/deflate"
)

// What a connection takes for permessage-deflate that was agreed on and is not used.
func TestDeflationSize(t *testing.T) {
	if size := unsafe.Sizeof(Deflation{}); size > 64 {
		t.Errorf("a Deflation has %d bytes, want 64 at most", size)
	}
}

func TestDeflationParams(t *testing.T) {
	want := deflate.Params{ServerNoContextTakeover: true, ServerMaxWindowBits: 9, ClientMaxWindowBits: 11}
	for _, mode := range []Mode{ServerMode, ClientMode} {
		if got := NewDeflation(mode, want, deflate.Fast, 1).Params(); got != want {
			t.Errorf("mode %v: %+v, want %+v", mode, got, want)
		}
	}
}

// A Writer wakes with the first message that it compresses, and with the next one after
// it was put to rest; messages that are not compressed do not count.
func TestWriterRests(t *testing.T) {
	w := NewWriter(ServerMode, &Limits{MaxFrameSize: 1 << 10, MaxMessageSize: 1 << 10})
	if w.Wakes() || !w.Doze() || w.Compresses() {
		t.Error("a Writer without compression does not rest")
	}
	params := deflate.Params{ServerMaxWindowBits: 12, ClientMaxWindowBits: 12}
	w.Deflate(NewDeflation(ServerMode, params, deflate.Fast, 20))
	text := []byte(strings.Repeat("some text ", 10))
	peer := deflate.NewDecompressor(12, true)
	for range 3 {
		w.Message(false, text[:10]) // below the threshold
		w.Control(OpcodePing, text)
		f := w.PlainFragments(false, text)
		w.Queue(&f)
		if w.Wakes() || !w.Doze() {
			t.Error("it is awake, and has compressed nothing")
		}
		w.Take().Free()
		w.Message(false, text)
		b := w.Take()
		if got, err := peer.Append(nil, b.Bytes[2:], true, 1<<10); err != nil || string(got) != string(text) {
			t.Errorf("the peer inflates %q: %v", got, err)
		}
		b.Free()
		if !w.Wakes() || w.Wakes() {
			t.Error("it does not say once that it is awake")
		}
		if w.Doze() {
			t.Error("it rests at once")
		}
		w.Rest() // does not say it
		if !w.Doze() {
			t.Error("it does not rest")
		}
	}
	w.Stop()
	w.Message(false, text)
	if w.Wakes() || !w.Doze() || w.Len() > 0 {
		t.Error("a Writer that was stopped does not rest")
	}
}

// What was prepared is made once for each of the terms on which it is sent, and is what a
// Writer would send that compresses it without a context.
func TestPrepared(t *testing.T) {
	limits := &Limits{MaxFrameSize: 64, MaxMessageSize: 1 << 20}
	writer := func(mode Mode, bits, threshold int, takeover bool) *Writer {
		w := NewWriter(mode, limits)
		if bits > 0 {
			params := deflate.Params{
				ServerMaxWindowBits: bits, ServerNoContextTakeover: !takeover,
				ClientMaxWindowBits: bits, ClientNoContextTakeover: !takeover,
			}
			w.Deflate(NewDeflation(mode, params, deflate.Fast, threshold))
		}
		return &w
	}
	text := []byte(strings.Repeat("some text that comes again, ", 20) + strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 3)) // 668 bytes
	noise := []byte("\x01\x9f\x42\x77\xe1\x03\x5c\xaa\x10\xfe\x31\x88\xd2\x4b\x99\x07\x63\xb5\x2e\xf0\x1d")
	for name, c := range map[string]struct {
		msg  Message
		more int // renderings beside the plain one
	}{
		"text":           {Message{Payload: text}, 3},
		"uncompressed":   {Message{Payload: text, Uncompressed: true}, 0},
		"noise":          {Message{Binary: true, Payload: noise}, 1},
		"no octets":      {Message{}, 0},
		"below":          {Message{Payload: text[:9]}, 0},
		"a small window": {Message{Payload: text[:256]}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Prepare(&c.msg)
			if err != nil {
				t.Fatal(err)
			}
			for _, mode := range []Mode{ServerMode, ClientMode} {
				seen := map[*Rendering]bool{}
				for range 2 {
					for _, bits := range []int{0, 8, 9, 12, 15} {
						for _, takeover := range []bool{false, true} {
							w := writer(mode, bits, 10, takeover)
							r := p.Render(w.Terms(p))
							seen[r] = true
							f := w.Send(r)
							w.Queue(&f)
							got := w.Take().Bytes
							if (r.Whole() != nil) != (mode == ServerMode) || r.Whole() != nil && string(r.Whole()) != string(got) {
								t.Errorf("all of it is %d bytes, the frames are %d", len(r.Whole()), len(got))
							}
							var want []byte
							plain := writer(mode, bits, 10, false)
							f = plain.Fragments(c.msg.Binary, c.msg.Payload)
							if c.msg.Uncompressed {
								f = plain.PlainFragments(c.msg.Binary, c.msg.Payload)
							}
							plain.Queue(&f)
							want = plain.Take().Bytes
							if unmasked(t, got) != unmasked(t, want) {
								t.Errorf("%d bits: it is sent as %q, want %q", bits, unmasked(t, got), unmasked(t, want))
							}
						}
					}
				}
				if len(seen) != 1+c.more {
					t.Errorf("mode %v: it was made %d times, want %d", mode, len(seen), 1+c.more)
				}
			}
		})
	}
}

// unmasked tells frames without their masking keys.
func unmasked(t *testing.T, b []byte) string {
	t.Helper()
	var told strings.Builder
	mode := Mode(b[1]&0x80 == 0) // the reader's
	for r := NewFrameReader(bytes.NewReader(b), mode, 1<<20); ; {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return told.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&told, "%v %v %x\n", f, f.RSV1(), f.Payload)
	}
}

func TestPrepareRefuses(t *testing.T) {
	if p, err := Prepare(&Message{Payload: []byte("\xff")}); p != nil || err != error(ErrInvalidFramePayload) {
		t.Errorf("text that is not UTF-8: %v, %v", p, err)
	}
}

// A Ping or Pong of more than 125 bytes is no frame (RFC 6455 §5.5).
func TestWriterRefusesLongControlFrames(t *testing.T) {
	w := NewWriter(ServerMode, &Limits{MaxFrameSize: 1 << 20, MaxMessageSize: 1 << 20})
	if w.Control(OpcodePing, make([]byte, 126)) || w.Len() > 0 {
		t.Errorf("queued %d bytes", w.Len())
	}
	if !w.Control(OpcodePing, make([]byte, 125)) {
		t.Error("refused 125 bytes")
	}
}

// A limit beyond 32 bits is none for what a Writer can be given here.
func TestWriterWithAVastLimit(t *testing.T) {
	vast := 1<<(bits.UintSize/2) + 1 // 1 in the lower half
	w := NewWriter(ServerMode, &Limits{MaxFrameSize: vast})
	if !w.Message(true, []byte("ab")) {
		t.Fatal("not queued")
	}
	if got := w.Take().Bytes; string(got) != "\x82\x02ab" {
		t.Errorf("written: % x, want one frame", got)
	}
}
