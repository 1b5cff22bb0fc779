package wirefuzz

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
)

// TestJudge has answers of servers that were tried, and what is to be said of them.
func TestJudge(t *testing.T) {
	text := func(list ...string) (messages []model.Message) {
		for _, s := range list {
			messages = append(messages, model.Message{Payload: []byte(s)})
		}
		return messages
	}
	for _, c := range []struct {
		what, input string
		answer      answer
		want        string // level and key of each, with commas between
	}{
		{"text that is looked at late, with a message inside it that is passed over", "018237fa213d7f05 018237fa213d7f05", answer{goesOn: true, part: reacting}, "note continuation-expected: passes over"},
		{"a lone Continuation is passed over, and the message behind it comes back", "808037fa213d 818137fa213d56", answer{part: reacting, messages: text("a")}, "note continuation-unexpected: passes over"},
		{"a lone Continuation comes back", "808137fa213d56 818137fa213d56", answer{part: reacting, messages: text("a", "a")}, "finding continuation-unexpected: accepts"},
		{"two pings, and one pong", "898137fa213d56 898137fa213d55", answer{pongs: [][]byte{{'b'}}, part: closing, codes: []uint16{1000}, close: []byte{3, 232}, end: ended}, ""},
		{"two pings, and the first pong", "898137fa213d56 898137fa213d55", answer{pongs: [][]byte{{'a'}}}, "finding ping-answered: loses the last of several pings"},
		{"TCP is dropped behind what is not text", "818137fa213dc8", answer{part: reacting, end: reset}, ""},
		{"1011 for what is not text", "818137fa213dc8", answer{part: closing, codes: []uint16{1011}, close: []byte{3, 243}, end: ended}, "note text-not-utf8: code"},
		{"a length in a form that is not the shortest is refused", "81fe000037fa213d", answer{part: closing, codes: []uint16{1002}, close: []byte{3, 234}, end: ended}, "note length-not-minimal: stricter"},
		{"and taken", "81fe000037fa213d", answer{part: closing, messages: text(""), codes: []uint16{1000}, close: []byte{3, 232}, end: ended}, ""},
		{"a frame inside a message of what is no text, which comes back with it", "018137fa213dc8 028037fa213d 808037fa213d", answer{part: reacting, messages: []model.Message{{Binary: true, Payload: []byte{0xff}}}}, "finding continuation-expected: accepts"},
		{"an unmasked frame behind the first fragment of what is no text", "018137fa213dc8 8000 898037fa213d", answer{part: reacting, goesOn: true}, "finding client-frame-unmasked: accepts"},
		{"an unmasked message comes back", "810161", answer{part: reacting, messages: text("a")}, "finding client-frame-unmasked: accepts"},
		{"a ping of 126 bytes is passed over", "89fe007e00000000" + strings.Repeat("61", 126), answer{part: reacting, goesOn: true}, "note control-frame-too-large: passes over"},
		{"a Close of one byte is answered as if it was right", "888137fa213d34", answer{part: closing, codes: []uint16{1000}, close: []byte{3, 232}, end: ended}, "note close-payload-invalid: accepts"},
		{"a Close is not answered", "888037fa213d", answer{part: reacting, end: ended}, "finding close-answered: unanswered"},
		{"a Close, with another frame behind it, is not answered", "888037fa213d838037fa213d", answer{part: reacting, end: ended}, "note close-answered: unanswered"},
		{"a Close with a code that is no older than its registration is not answered", "888237fa213d340c", answer{part: reacting, end: reset}, "note close-answered: unanswered"},
		{"TCP stays open", "888037fa213d", answer{part: closing, codes: []uint16{1005}}, "finding tcp-closed: leaves open"},
		{"TCP stays open behind a frame cut short", "810561", answer{part: closing, codes: []uint16{1002}, close: []byte{3, 234}}, "note tcp-closed: leaves open"},
		{"a message is closed with 1009", "818137fa213d56", answer{codes: []uint16{1009}, close: []byte{3, 241}, end: ended}, "note message-too-large: limit"},
		{"TCP is dropped at many pings", strings.Repeat("898037fa213d", 61), answer{pongs: slices.Repeat([][]byte{{}}, 60), end: ended}, "note message-received: limit a crowd of frames"},
		{"TCP is dropped at a few pings", strings.Repeat("898037fa213d", 3), answer{end: ended}, "finding message-received: refuses a ping"},
		{"a message is closed with 1008", "818137fa213d56", answer{codes: []uint16{1008}, close: []byte{3, 240}, end: ended}, "finding message-received: refuses a message"},
		{"echoes in another order", "818137fa213d56 818137fa213d55", answer{part: closing, messages: text("b", "a"), codes: []uint16{1000}, close: []byte{3, 232}, end: ended}, "note message-received: reorders"},
		{"echoes in another order, and one of what is no text", "828137fa213d56 818137fa213d55 818137fa213dc8", answer{part: reacting, messages: []model.Message{{Payload: []byte("b")}, {Binary: true, Payload: []byte("a")}, {Payload: []byte{0xff}}}}, "note message-received: reorders"},
		{"a message is lost", "828137fa213d56 818137fa213d55", answer{part: closing, messages: text("b"), codes: []uint16{1000}, close: []byte{3, 232}, end: ended}, "finding message-received: loses a message"},
		{"a fragment comes back", "018137fa213d56 808137fa213d55", answer{part: closing, messages: text("a"), codes: []uint16{1000}, close: []byte{3, 232}, end: ended}, "finding fragments-joined: invents"},
		{"a message comes out of a frame that is cut", "818537fa213d56", answer{part: finishing, messages: text("a"), end: ended}, "finding message-received: invents out of a frame cut short"},
		{"it neither fails nor goes on", "838037fa213d", answer{part: reacting}, "finding opcode-unknown: stays"},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(c.input, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range judge(newPlan(b, DefaultMaxMessage, nil), &c.answer) {
			got = append(got, string(s.Level)+" "+s.key())
		}
		slices.Sort(got)
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}
