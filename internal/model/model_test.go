package model

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestUTF8 holds the grammar of RFC 3629 against unicode/utf8: every sequence of
// up to three bytes of which the first is any byte and the others lie at the
// boundaries, and all of two bytes.
func TestUTF8(t *testing.T) {
	edges := []byte{0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xED, 0xF0, 0xF4, 0xFF}
	check := func(p []byte) {
		if got, want := ValidUTF8(p), utf8.Valid(p); got != want {
			t.Errorf("ValidUTF8(% x) = %v, want %v", p, got, want)
		}
	}
	check(nil)
	for a := range 256 {
		check([]byte{byte(a)})
		for b := range 256 {
			check([]byte{byte(a), byte(b)})
		}
		for _, b := range edges {
			for _, c := range edges {
				check([]byte{byte(a), b, c})
				for _, d := range edges {
					check([]byte{byte(a), b, c, d})
				}
			}
		}
	}
}

// TestInvalidAt wants the first byte that cannot be right, not the begin of its character.
func TestInvalidAt(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", -1},
		{"abc", -1},
		{"\xff", 0},
		{"ab\xe2\x82\xac", -1},
		{"ab\xe2\x82", 4},
		{"ab\xe2\x41", 3},
		{"\xed\xa0\x80", 1},
		{"\xf4\x90\x80\x80", 1},
		{"\xe0\x80\x80", 1},
	} {
		if got := invalidAt([]byte(c.text)); got != c.want {
			t.Errorf("invalidAt(%q) = %d, want %d", c.text, got, c.want)
		}
	}
}

// TestDecodeEncode reads back what Encode writes, at the boundaries of the lengths.
func TestDecodeEncode(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65535, 65536} {
		for _, role := range []Role{Server, Client} {
			f := Frame{Fin: n%2 == 0, RSV: byte(n % 8), Opcode: byte(n % 16), Masked: role == Server, Payload: bytes.Repeat([]byte{0xA5}, n)}
			if f.Masked {
				f.Key = [4]byte{1, 2, 3, 4}
			}
			if n == 0 {
				f.Payload = nil
			}
			b := Encode(f)
			d := Decode(role, n, append(b, "next"...))
			if d.Rule != "" || d.Missing != "" || d.Size != len(b) || !equalFrames(d.Frame, f) {
				t.Errorf("%d bytes to a %v: Decode(Encode(f)) = %+v, size %d of %d", n, role, d.Rule, d.Size, len(b))
			}
			if n > 0 {
				if d := Decode(role, n-1, b); d.Rule != FrameTooLarge {
					t.Errorf("%d bytes to a %v with a limit of %d: rule %q, want %s", n, role, n-1, d.Rule, FrameTooLarge)
				}
			}
			for cut := range min(len(b), 20) {
				d := Decode(role, n, b[:cut])
				if d.Missing == "" || d.Size != 0 {
					t.Errorf("%d bytes to a %v, cut to %d: missing %q, size %d", n, role, cut, d.Missing, d.Size)
				}
			}
		}
	}
}

func equalFrames(a, b Frame) bool {
	return a.Fin == b.Fin && a.RSV == b.RSV && a.Opcode == b.Opcode && a.Masked == b.Masked && a.Key == b.Key && bytes.Equal(a.Payload, b.Payload)
}

// TestDecodeEnds names the part in which the input ends, as the core's errors do.
func TestDecodeEnds(t *testing.T) {
	for _, c := range []struct {
		role    Role
		input   string
		rule    Rule
		missing string
		some    bool
	}{
		{Client, "", "", "frame header", false},
		{Client, "\x81", "", "frame header", true},
		{Client, "\x81\x7e", "", "2-byte extended payload length", false},
		{Client, "\x81\x7e\x01", "", "2-byte extended payload length", true},
		{Client, "\x81\x7f", "", "8-byte extended payload length", false},
		{Client, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00", "", "8-byte extended payload length", true},
		{Server, "\x81\x85", "", "mask key", false},
		{Server, "\x81\x85\x01\x02\x03", "", "mask key", true},
		{Server, "\x81\x85\x01\x02\x03\x04", "", "5 byte payload", false},
		{Server, "\x81\x85\x01\x02\x03\x04\x05", "", "5 byte payload", true},
		{Server, "\x81\x05", ClientFrameUnmasked, "", false},
		{Server, "\x81\x7e", ClientFrameUnmasked, "2-byte extended payload length", false},
		{Client, "\x81\x7e\x00\x7d", LengthNotMinimal, "", false},
		{Client, "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00", LengthTopBit, "", false},
		{Server, "\x81\xfe\x00\x7d", LengthNotMinimal, "mask key", false},
	} {
		d := Decode(c.role, 1<<20, []byte(c.input))
		if d.Rule != c.rule || d.Missing != c.missing || d.Some != c.some {
			t.Errorf("Decode(%v, % x) = rule %q, missing %q, some %v; want %q, %q, %v", c.role, c.input, d.Rule, d.Missing, d.Some, c.rule, c.missing, c.some)
		}
	}
}

func TestCheck(t *testing.T) {
	text := func(s string) Message { return Message{Payload: []byte(s)} }
	pongs := func(s ...string) (out [][]byte) {
		for _, p := range s {
			out = append(out, []byte(p))
		}
		return out
	}
	for _, c := range []struct {
		id        string
		want, got Outcome
		strict    string // what the error of Check holds, "" if none
		loose     string // the same for CheckLoosely
	}{
		{"same", Outcome{Messages: []Message{text("a")}}, Outcome{Messages: []Message{text("a")}}, "", ""},
		{"message-missing", Outcome{Messages: []Message{text("a")}}, Outcome{}, "not delivered", "not delivered"},
		{"message-too-many", Outcome{}, Outcome{Messages: []Message{text("a")}}, "was delivered, want 0", "was delivered, want 0"},
		{"message-other-kind", Outcome{Messages: []Message{text("a")}}, Outcome{Messages: []Message{{Binary: true, Payload: []byte("a")}}}, "was delivered as binary", "as binary"},
		{"message-binary-as-text", Outcome{Messages: []Message{{Binary: true, Payload: []byte("a")}}}, Outcome{Messages: []Message{text("a")}}, "was delivered as text", "as text"},
		{"message-other-byte", Outcome{Messages: []Message{text("ab")}}, Outcome{Messages: []Message{text("ac")}}, "byte 1 is 0x63, want 0x62", "byte 1"},
		{"message-shorter", Outcome{Messages: []Message{text("ab")}}, Outcome{Messages: []Message{text("a")}}, "1 bytes, want 2", "1 bytes"},
		{"pongs-all", Outcome{Pongs: pongs("1", "2", "3")}, Outcome{Pongs: pongs("1", "2", "3")}, "", ""},
		{"pongs-latest-only", Outcome{Pongs: pongs("1", "2", "3")}, Outcome{Pongs: pongs("3")}, "", ""},
		{"pongs-some", Outcome{Pongs: pongs("1", "2", "3")}, Outcome{Pongs: pongs("1", "3")}, "", ""},
		{"pongs-not-latest", Outcome{Pongs: pongs("1", "2", "3")}, Outcome{Pongs: pongs("1", "2")}, "the last pong", "the last pong"},
		{"pongs-none", Outcome{Pongs: pongs("1")}, Outcome{}, "no pong was sent", "no pong"},
		{"pongs-order", Outcome{Pongs: pongs("1", "2")}, Outcome{Pongs: pongs("2", "1")}, "answers no ping", "answers no ping"},
		{"pongs-twice", Outcome{Pongs: pongs("1")}, Outcome{Pongs: pongs("1", "1")}, "answers no ping", "answers no ping"},
		{"pong-unasked", Outcome{}, Outcome{Pongs: pongs("1")}, "answers no ping", "answers no ping"},
		{"after-close", Outcome{}, Outcome{AfterClose: 1}, "after the Close", "after the Close"},
		{"open-not-failed", Outcome{End: Open}, Outcome{End: Failed, Codes: []uint16{1002}}, "it failed with 1002", "it failed"},
		{"failed-not-open", Outcome{End: Failed, Rule: OpcodeUnknown, Codes: []uint16{1002}}, Outcome{}, "stayed open", "stayed open"},
		{"early", Outcome{End: Open, Rule: OpcodeUnknown, Codes: []uint16{1002}}, Outcome{End: Failed, Codes: []uint16{1002}}, "", ""},
		{"early-other-code", Outcome{End: Open, Rule: OpcodeUnknown, Codes: []uint16{1002}}, Outcome{End: Failed, Codes: []uint16{1009}}, "Close with 1009", "Close with 1009"},
		{"early-waits", Outcome{End: Open, Rule: OpcodeUnknown, Codes: []uint16{1002}}, Outcome{}, "", ""},
		{"open-close-sent", Outcome{}, Outcome{Codes: []uint16{1000}}, "want none", ""},
		{"closed", Outcome{End: Closed, Code: 1001, Codes: []uint16{1001, 1000}}, Outcome{End: Closed, Code: 1001, Codes: []uint16{1001}}, "", ""},
		{"closed-other-code", Outcome{End: Closed, Code: 1001, Codes: []uint16{1001}}, Outcome{End: Closed, Code: 1000, Codes: []uint16{1001}}, "was read as 1000", "was read as 1000"},
		{"closed-other-reason", Outcome{End: Closed, Code: 1001, Reason: "a", Codes: []uint16{1001}}, Outcome{End: Closed, Code: 1001, Codes: []uint16{1001}}, "was read as", "was read as"},
		{"closed-no-answer", Outcome{End: Closed, Code: 1001, Codes: []uint16{1001}}, Outcome{End: Closed, Code: 1001}, "0 Close frames", ""},
		{"closed-other-answer", Outcome{End: Closed, Code: 1001, Codes: []uint16{1001, 1000}}, Outcome{End: Closed, Code: 1001, Codes: []uint16{1002}}, "Close with 1002", ""},
		{"failed-rule", Outcome{End: Failed, Rule: OpcodeUnknown, Codes: []uint16{1002}}, Outcome{End: Failed, Rule: RSVBitsUnsupported, Codes: []uint16{1002}}, "failed by rule rsv", "failed by rule rsv"},
		{"failed-top-bit", Outcome{End: Failed, Rule: LengthTopBit, Codes: []uint16{1009, 1002}}, Outcome{End: Failed, Rule: FrameTooLarge, Codes: []uint16{1009}}, "", ""},
		{"failed-code", Outcome{End: Failed, Rule: TextNotUTF8, Codes: []uint16{1007}}, Outcome{End: Failed, Codes: []uint16{1002}}, "Close with 1002", ""},
		{"failed-class", Outcome{End: Failed, Rule: FrameTooLarge, Codes: []uint16{1009}}, Outcome{End: Failed, Codes: []uint16{1002}}, "Close with 1002", "Close with 1002"},
		{"failed-silently", Outcome{End: Failed, Rule: TextNotUTF8, Codes: []uint16{1007}}, Outcome{End: Failed}, "0 Close frames", ""},
		{"failed-late", Outcome{End: Failed, Rule: TextNotUTF8, Codes: []uint16{1007}, Offset: 3}, Outcome{End: Failed, Codes: []uint16{1007}, Offset: 4}, "after 4 bytes, want after 3", "after 4"},
		{"failed-in-time", Outcome{End: Failed, Rule: TextNotUTF8, Codes: []uint16{1007}, Offset: 3}, Outcome{End: Failed, Codes: []uint16{1007}, Offset: 3}, "", ""},
		{"two-closes", Outcome{End: Failed, Rule: TextNotUTF8, Codes: []uint16{1007}}, Outcome{End: Failed, Codes: []uint16{1007, 1007}}, "2 Close frames", ""},
	} {
		t.Run(c.id, func(t *testing.T) {
			wantError(t, "Check", Check(c.want, c.got), c.strict)
			wantError(t, "CheckLoosely", CheckLoosely(c.want, c.got), c.loose)
		})
	}
}

func wantError(t *testing.T, name string, err error, want string) {
	t.Helper()
	if want == "" && err != nil {
		t.Errorf("%s: %v, want no difference", name, err)
	}
	if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
}

func TestCheckAny(t *testing.T) {
	wants := []Outcome{{End: Failed, Rule: TextNotUTF8, Codes: []uint16{1007}}, {End: Open}}
	if err := CheckAny(wants, Outcome{}, Check); err != nil {
		t.Errorf("the second fits, got %v", err)
	}
	err := CheckAny(wants, Outcome{End: Closed, Code: 1000}, Check)
	wantError(t, "CheckAny", err, "it failed by rule text-not-utf8")
}

// TestRules wants each rule once, with its place and its sentence.
func TestRules(t *testing.T) {
	seen := map[Rule]bool{}
	for _, info := range Rules() {
		if seen[info.Rule] {
			t.Errorf("%s is there twice", info.Rule)
		}
		seen[info.Rule] = true
		if info.Section == "" || info.Sentence == "" {
			t.Errorf("%s has no section or no sentence", info.Rule)
		}
		if got, ok := info.Rule.Info(); !ok || got.Section != info.Section {
			t.Errorf("%s.Info() = %v, %v", info.Rule, got, ok)
		}
	}
	if _, ok := Rule("no-such-rule").Info(); ok {
		t.Error("there is a rule no-such-rule")
	}
}

// TestInputUntouched wants the transcript as it was: the model unmasks a copy.
func TestInputUntouched(t *testing.T) {
	input := []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")
	before := bytes.Clone(input)
	got := Read(Server, Limits{100, 100}, input)
	if !bytes.Equal(input, before) {
		t.Errorf("input is % x after Read, was % x", input, before)
	}
	if len(got.Messages) != 1 || string(got.Messages[0].Payload) != "Hello" {
		t.Errorf("got %v, want Hello", got)
	}
}

// TestLimitsBelowZero reads with limits below 0, which count as 0.
func TestLimitsBelowZero(t *testing.T) {
	for input, want := range map[string]Rule{"\x82\x00": "", "\x82\x01a": FrameTooLarge} {
		for _, limits := range []Limits{{0, 0}, {-1, 0}, {0, -1}, {-1, -1}} {
			if got := Read(Client, limits, []byte(input)); got.Rule != want {
				t.Errorf("Read(%+v, %x) = %v, want rule %q", limits, input, got, want)
			}
			if got := Read(Client, Limits{1, limits.Message}, []byte(input)); (got.Rule == MessageTooLarge) != (want != "") {
				t.Errorf("Read(%+v, %x) = %v", Limits{1, limits.Message}, input, got)
			}
		}
	}
}
