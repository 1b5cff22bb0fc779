package peers

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
)

// fake is a library that does what the model says, but for some rules.
func fake(without ...model.Rule) *transcript.Reader {
	l := &transcript.Reader{
		Name: "fake", Module: "github.com/wsproof/wsproof/fuzz",
		Caps: transcript.Caps{UTF8: transcript.UTF8AsItArrives, Limits: transcript.LimitsBoth, SendsClose: true},
	}
	l.Read = func(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
		out := model.ReadWithout(t.Role, t.Limits, t.Input, without...)
		send := func(opcode byte, payload []byte) {
			f := wire.Frame{Fin: true, Opcode: opcode, Masked: t.Role == model.Client, Key: [4]byte{1, 2, 3, 4}, Payload: payload}
			_, _ = c.Write(f.Append(nil))
		}
		for _, p := range out.Pongs {
			send(wire.Pong, p)
		}
		for _, m := range out.Messages {
			r.Deliver(c, m.Binary, m.Payload)
		}
		if out.End != model.Open {
			code := out.Codes[0]
			if code == 1005 {
				send(wire.Close, nil)
			} else {
				send(wire.Close, []byte{byte(code >> 8), byte(code)})
			}
		}
		r.End, r.Code, r.Reason = out.End, out.Code, out.Reason
		return nil
	}
	return l
}

func loadVectors(t *testing.T) []vector.Vector {
	t.Helper()
	vectors, err := vector.Load()
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

func ofVector(v *vector.Vector) *input.Transcript {
	return &input.Transcript{Role: v.Role, Limits: v.Limits, Input: v.Input}
}

// TestCompareNamesTheRule has the vectors read by libraries that lack one rule
// each: the finding must name it, and nothing else may be found.
func TestCompareNamesTheRule(t *testing.T) {
	vectors := loadVectors(t)
	for _, info := range model.Rules() {
		if len(info.Codes) == 0 || info.Rule == model.LengthTopBit {
			continue // what such a length would mean is not the model's to say
		}
		l := fake(info.Rule)
		found := false
		for i := range vectors {
			f, err := Compare(l, ofVector(&vectors[i]), nil)
			if err != nil {
				t.Fatal(err)
			}
			if f == nil {
				continue
			}
			if f.Kind == Accepts && f.Rule == string(info.Rule) {
				found = true
			} else {
				t.Errorf("without %s, on %s: %v", info.Rule, vectors[i].ID, f)
			}
		}
		if !found {
			t.Errorf("a library without %s is not found out", info.Rule)
		}
	}
}

// TestCompareIsContent has the vectors read by a library that lacks nothing.
func TestCompareIsContent(t *testing.T) {
	vectors := loadVectors(t)
	for i := range vectors {
		if f, err := Compare(fake(), ofVector(&vectors[i]), nil); err != nil || f != nil {
			t.Errorf("%s: %v, %v", vectors[i].ID, f, err)
		}
	}
}

// TestCompareTellsCrashesAndHangs plants a library that panics, one that never
// ends, and an adapter that fails.
func TestCompareTellsCrashesAndHangs(t *testing.T) {
	tr := &input.Transcript{Limits: input.RawLimits[0], Input: []byte{0x81, 0}}
	l := fake()
	l.Read = func(*transcript.Transcript, *transcript.Conn, *transcript.Result) error { panic("of the library") }
	if f, err := Compare(l, tr, nil); err != nil || f == nil || f.Kind != Crashes || f.Rule != string(model.ClientFrameUnmasked) || !strings.Contains(f.Detail, "of the library") {
		t.Errorf("a panic: %v, %v", f, err)
	}
	private := []Divergence{{Library: "fake", Kind: Crashes, Rule: string(model.ClientFrameUnmasked), Private: true}}
	if f, err := Compare(l, tr, private); err != nil || f != nil {
		t.Errorf("a panic that the table knows: %v, %v", f, err)
	}
	l.Read = func(_ *transcript.Transcript, c *transcript.Conn, _ *transcript.Result) error {
		for {
			_, _ = c.Read(make([]byte, 1))
		}
	}
	if f, err := Compare(l, tr, nil); err != nil || f == nil || f.Kind != Hangs {
		t.Errorf("a hang: %v, %v", f, err)
	}
	l.Read = func(*transcript.Transcript, *transcript.Conn, *transcript.Result) error {
		return errors.New("of the adapter")
	}
	if _, err := Compare(l, tr, nil); !errors.Is(err, ErrHarness) {
		t.Errorf("a failure of the adapter: %v, want ErrHarness", err)
	}
}

// TestRowsHideNothingElse has rows of the table that stand for something in the
// transcript, and a library that does something else as well.
func TestRowsHideNothingElse(t *testing.T) {
	message := func(f wire.Frame) []byte {
		f.Payload = []byte("some")
		return f.Append(nil)
	}
	begun := message(wire.Frame{Opcode: wire.Text})
	ping := (&wire.Frame{Fin: true, Opcode: wire.Ping, Payload: []byte("ping")}).Append(nil)
	whole := message(wire.Frame{Fin: true, Opcode: wire.Text})
	badClose := (&wire.Frame{Fin: true, Opcode: wire.Close, Payload: []byte{0, 0}}).Append(nil)
	deliver := func(text string) func(c *transcript.Conn, r *transcript.Result) {
		return func(c *transcript.Conn, r *transcript.Result) { r.Deliver(c, false, []byte(text)) }
	}
	write := func(f wire.Frame) func(c *transcript.Conn, r *transcript.Result) {
		return func(c *transcript.Conn, _ *transcript.Result) { _, _ = c.Write(f.Append(nil)) }
	}
	pong := func(text string) func(c *transcript.Conn, r *transcript.Result) {
		return write(wire.Frame{Fin: true, Opcode: wire.Pong, Masked: true, Key: [4]byte{1}, Payload: []byte(text)})
	}
	unmaskedClose := func(c *transcript.Conn, r *transcript.Result) {
		write(wire.Frame{Fin: true, Opcode: wire.Close, Payload: []byte{3, 0xea}})(c, r)
		r.End = model.Failed
	}
	for _, test := range []struct {
		name  string
		row   Divergence
		input []byte
		does  []func(c *transcript.Conn, r *transcript.Result)
		found bool
	}{
		{"the beginning of the message", Divergence{Kind: Accepts, Rule: truncated}, begun, nil, false},
		{"its beginning, delivered", Divergence{Kind: Accepts, Rule: truncated}, begun, []func(*transcript.Conn, *transcript.Result){deliver("so")}, false},
		{"its beginning, and one that is refused", Divergence{Kind: Accepts, Rule: truncated}, append(slices.Clone(begun), 0x31, 126), []func(*transcript.Conn, *transcript.Result){deliver("some")}, false},
		{"another message", Divergence{Kind: Accepts, Rule: truncated}, begun, []func(*transcript.Conn, *transcript.Result){deliver("other")}, true},
		{"a message twice", Divergence{Kind: Accepts, Rule: truncated}, whole, []func(*transcript.Conn, *transcript.Result){deliver("some"), deliver("some")}, true},
		{"the beginning of the ping", Divergence{Kind: Accepts, Rule: truncatedPing}, ping[:4], []func(*transcript.Conn, *transcript.Result){pong("pi")}, false},
		{"another ping", Divergence{Kind: Accepts, Rule: truncatedPing}, ping[:4], []func(*transcript.Conn, *transcript.Result){pong("po")}, true},
		{"a masked frame, taken", Divergence{Kind: Accepts, Rule: string(model.ServerFrameMasked)}, ping, []func(*transcript.Conn, *transcript.Result){pong("other")}, true},
		{"the wrong masking of a Close", Divergence{Kind: Sends, Rule: "a-Close-with-the-wrong-masking-for-its-role"}, badClose, []func(*transcript.Conn, *transcript.Result){unmaskedClose}, false},
		{"of a pong", Divergence{Kind: Sends, Rule: "a-Close-with-the-wrong-masking-for-its-role"}, ping, []func(*transcript.Conn, *transcript.Result){write(wire.Frame{Fin: true, Opcode: wire.Pong, Payload: []byte("ping")})}, true},
		{"of a Close, and a message lost", Divergence{Kind: Sends, Rule: "a-Close-with-the-wrong-masking-for-its-role"}, append(slices.Clone(whole), badClose...), []func(*transcript.Conn, *transcript.Result){unmaskedClose}, true},
	} {
		l := fake()
		l.Read = func(_ *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
			for _, do := range test.does {
				do(c, r)
			}
			return nil
		}
		test.row.Library = l.Name
		f, err := Compare(l, &input.Transcript{Role: model.Client, Limits: input.RawLimits[0], Input: test.input}, []Divergence{test.row})
		if err != nil || (f != nil) != test.found {
			t.Errorf("%s: %v, %v, want a finding: %t", test.name, f, err, test.found)
		}
	}
}

// TestMinimise cuts a long transcript to the frame that matters.
func TestMinimise(t *testing.T) {
	var sent []byte
	for i := range 5 {
		sent = (&wire.Frame{Fin: true, Opcode: wire.Text, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: []byte("some text")}).Append(sent)
		if i == 2 {
			sent = (&wire.Frame{Fin: true, RSV: 4, Opcode: wire.Binary, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: make([]byte, 300)}).Append(sent)
		}
	}
	tr := &input.Transcript{Limits: input.RawLimits[0], Input: sent, Sizes: []int{1}}
	l := fake(model.RSVBitsUnsupported)
	f, err := Compare(l, tr, nil)
	if err != nil || f == nil {
		t.Fatalf("nothing found: %v, %v", f, err)
	}
	small := Minimise(l, tr, f, nil)
	if spans := input.Split(small.Input); len(spans) != 1 || spans[0].Frame.RSV != 4 || len(spans[0].Frame.Payload) != 0 || small.Sizes != nil {
		t.Errorf("the smallest transcript is %s", input.Annotate(small))
	}
}

// TestSearchFindsEachRule searches libraries that lack one rule each, from the
// generator alone.
func TestSearchFindsEachRule(t *testing.T) {
	for _, info := range model.Rules() {
		if len(info.Codes) == 0 || info.Rule == model.LengthTopBit {
			continue
		}
		stop := false
		n, err := Search(fake(info.Rule), 1, nil, func(n int) bool { return stop || n == 20000 }, func(f *Finding, _ int, _ *input.Transcript) {
			stop = stop || f.Kind == Accepts && f.Rule == string(info.Rule)
		})
		if err != nil {
			t.Fatal(err)
		}
		if !stop {
			t.Errorf("%s: not found in %d transcripts", info.Rule, n)
		}
	}
}
