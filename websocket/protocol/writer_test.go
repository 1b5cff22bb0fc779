package protocol

import (
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
	if w.Compresses() || w.Wakes() || !w.Doze() {
		t.Error("a Writer that was stopped does not rest")
	}
}
