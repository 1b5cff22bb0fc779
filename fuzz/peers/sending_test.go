package peers

import (
	"bytes"
	"compress/flate"
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// sender is a library that sends frames as it should, but for what change does to a frame
// and to what is compressed.
func sender(change func(f *wire.Frame), window func(all []byte, s transcript.Sending) []byte) *transcript.Reader {
	l := &transcript.Reader{Name: "fake", Caps: transcript.Caps{Deflate: transcript.DeflateTakeover}}
	l.Read = func(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
		var all []byte // in the window
		t.Send(c, r, func(opcode byte, payload []byte) error {
			f := wire.Frame{Fin: true, Opcode: opcode, Masked: t.Role == model.Client, Key: [4]byte{1, 2, 3, 4}, Payload: payload}
			if t.Deflate != nil && opcode != wire.Ping {
				f.RSV, f.Payload = 4, compressed(all, payload)
			}
			if t.Deflate != nil && t.Deflate.Takeover(t.Role) {
				all = window(all, transcript.Sending{Opcode: opcode, Payload: payload})
				all = all[max(0, len(all)-t.Deflate.Window(t.Role)):]
			}
			change(&f)
			_, err := c.Write(f.Append(nil))
			return err
		})
		return nil
	}
	return l
}

// compressed is a message behind what is in the window, by compress/flate, which looks back
// over 32 KiB.
func compressed(window, payload []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriterDict(&b, flate.BestSpeed+1, window)
	_, _ = w.Write(payload)
	_ = w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte{0, 0, 0xff, 0xff})
}

// messages is what is in the window of a sender that does it right.
func messages(all []byte, s transcript.Sending) []byte {
	if s.Opcode == wire.Ping {
		return all
	}
	return append(all, s.Payload...)
}

// TestCompareSent has libraries send that do one thing wrong each: it is named. One that does
// all right is left alone.
func TestCompareSent(t *testing.T) {
	right := func(*wire.Frame) {}
	data := func(do func(f *wire.Frame)) func(f *wire.Frame) {
		return func(f *wire.Frame) {
			if f.Opcode != wire.Ping {
				do(f)
			}
		}
	}
	for _, test := range []struct {
		rule   string
		change func(f *wire.Frame)
		window func(all []byte, s transcript.Sending) []byte
	}{
		{"", right, messages},
		{"client-frame-unmasked", func(f *wire.Frame) { f.Masked = false }, messages},
		{"server-frame-masked", func(f *wire.Frame) { f.Masked = true }, messages},
		{"rsv-bits-unsupported", func(f *wire.Frame) { f.RSV |= 1 }, messages},
		{"compressed-control-frame", func(f *wire.Frame) { f.RSV = 4 }, messages},
		{"length-not-minimal", func(f *wire.Frame) { f.Form = wire.Form64 }, messages},
		{"control-frame-fragmented", func(f *wire.Frame) { f.Fin = f.Opcode != wire.Ping }, messages},
		{"deflate-message-cut", data(func(f *wire.Frame) { f.Payload = f.Payload[:len(f.Payload)*3/4] }), messages},
		{sentMessage, data(func(f *wire.Frame) { f.Opcode ^= 3 }), messages},
		{sentTail, data(func(f *wire.Frame) {
			if f.RSV&4 != 0 {
				f.Payload = append(f.Payload, 0, 0, 0xff, 0xff, 1)
			}
		}), messages},
		{string(model.WindowExceeded), right, messages},
		{string(model.ContextControl), right, func(all []byte, s transcript.Sending) []byte { return append(all, s.Payload...) }},
	} {
		found := map[string]bool{}
		l := sender(test.change, test.window)
		l.Caps.Windows = test.rule == string(model.WindowExceeded)
		_, err := SearchSent(l, 7, nil, func(n int) bool { return n == 60 || test.rule != "" && found[test.rule] }, func(f *Finding, _ int, words string) {
			found[f.Rule] = true
			if test.rule == "" {
				t.Errorf("a library that is right: %v, %s", f, words)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if test.rule != "" && !found[test.rule] {
			t.Errorf("%s: not found, but %v", test.rule, found)
		}
	}
}

// TestCompareSentTellsMany has short messages leave in several frames.
func TestCompareSentTellsMany(t *testing.T) {
	l := &transcript.Reader{Name: "fake"}
	l.Read = func(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
		t.Send(c, r, func(opcode byte, payload []byte) error {
			f := wire.Frame{Opcode: opcode, Payload: payload}
			_, err := c.Write((&wire.Frame{Fin: true, Opcode: wire.Continuation}).Append(f.Append(nil)))
			return err
		})
		return nil
	}
	tr := &transcript.Transcript{Limits: input.RawLimits[0], Sends: []transcript.Sending{{Opcode: wire.Text, Payload: []byte("short")}}}
	if f, err := CompareSent(l, tr, nil); err != nil || f == nil || f.Rule != sentShort {
		t.Errorf("a short message in two frames: %v, %v", f, err)
	}
	tr.Sends[0].Payload = bytes.Repeat([]byte("long"), 1000)
	if f, err := CompareSent(l, tr, nil); err != nil || f != nil {
		t.Errorf("a long message in two frames: %v, %v", f, err)
	}
}

// TestSentOfAllLibraries: what the libraries send is right, but for what the table knows.
func TestSentOfAllLibraries(t *testing.T) {
	for _, l := range Libraries() {
		_, err := SearchSent(l, 2, Divergences, func(n int) bool { return n == 60 }, func(f *Finding, _ int, words string) {
			t.Errorf("%v\n%s", f, words)
		})
		if err != nil {
			t.Error(err)
		}
	}
}
