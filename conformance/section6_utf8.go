package conformance

import (
	"fmt"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// kosme is a Greek word with characters of two and three octets.
const kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"

// A sequence is a text that section 6 sends in one frame.
type sequence struct {
	octets string
	note   string // what it is, as the end of a sentence
	valid  bool
}

// utf8Handling is section 6: text that is UTF-8, and text that is not.
func utf8Handling() []*Case {
	cases := fragmentedText()
	for _, g := range utf8Groups() {
		for i, s := range g.sequences {
			p := octets(s.octets)
			c := &Case{
				ID:          fmt.Sprintf("6.%d.%d", g.group, i+1),
				Description: fmt.Sprintf("A text message, %s: %s.", p, s.note),
				Steps:       []Step{Message{Payload: p}, FailAfter{500 * time.Millisecond}},
			}
			if s.valid {
				c.Expectation, c.Rule, c.Want, c.Close = expectEcho, ruleText, exactly(textEvent(p)), byTester
			} else {
				expectInvalid(c)
			}
			cases = append(cases, c)
		}
	}
	return cases
}

// expectInvalid makes c a case whose text must be refused.
func expectInvalid(c *Case) {
	c.Expectation = "The peer fails the connection, best with a Close 1007; nothing is echoed."
	c.Rule, c.Want = ruleUTF8, exactly()
	c.Close = CloseRule{Codes: []uint16{1007}, WrongSideFatal: true}
}

// fragmentedText is 6.1 to 6.4: text across fragments and TCP writes.
func fragmentedText() []*Case {
	const (
		mixed     = "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"
		surrogate = kosme + "\xed\xa0\x80edited"
		beyond    = "\xf4\x90\x80\x80" // U+110000, behind the last code point
	)
	closeAfter, failAfter := CloseAfter{time.Second}, FailAfter{time.Second}
	fragment := func(opcode byte, fin bool, text string) Frame {
		return Frame{Opcode: opcode, Fin: fin, Payload: octets(text)}
	}
	good := func(id, what, text string, steps ...Step) *Case {
		return &Case{
			ID: id, Description: what, Expectation: expectEcho, Rule: ruleText,
			Steps: append(steps, closeAfter), Want: exactly(textEvent(octets(text))), Close: byTester,
		}
	}
	cases := []*Case{
		good("6.1.1", "An empty text message in one frame.", "", fragment(wire.Text, true, "")),
		good("6.1.2", "An empty text message in three empty fragments.", "",
			fragment(wire.Text, false, ""), fragment(wire.Continuation, false, ""), fragment(wire.Continuation, true, "")),
		good("6.1.3", "A text message in three fragments of which the first and the last are empty.", "middle frame payload",
			fragment(wire.Text, false, ""), fragment(wire.Continuation, false, "middle frame payload"), fragment(wire.Continuation, true, "")),
		good("6.2.1", "A text with characters of one and two octets, in one frame.", mixed, Message{Payload: octets(mixed)}),
		good("6.2.2", "The same text in two fragments, cut between two characters.", mixed,
			fragment(wire.Text, false, mixed[:15]), fragment(wire.Continuation, true, mixed[15:])),
		good("6.2.3", "The same text in fragments of one octet, cut inside characters.", mixed, Message{Payload: octets(mixed), Fragment: 1}),
		good("6.2.4", "A Greek word with characters of two and three octets, in fragments of one octet.", kosme, Message{Payload: octets(kosme), Fragment: 1}),
	}
	for i, how := range []string{"in one frame", "in fragments of one octet"} {
		c := &Case{
			ID:          fmt.Sprintf("6.3.%d", i+1),
			Description: "A text with an encoded surrogate, U+D800, in its middle, " + how + ".",
			Steps:       []Step{Message{Payload: octets(surrogate), Fragment: i}, failAfter},
		}
		expectInvalid(c)
		cases = append(cases, c)
	}
	// 6.4: the text is invalid from its second part on; the third part must
	// not be needed to see it.
	a, b := Wait{For: time.Second, Tag: "A"}, Wait{For: time.Second, Tag: "B"}
	whole := octets(kosme + beyond + "edited")
	fast := func(id, what string, steps ...Step) *Case {
		c := &Case{ID: id, Description: what, Steps: append(steps, failAfter)}
		expectInvalid(c)
		c.Expectation = "The peer fails the connection, best with 1007, as soon as the second part has come and before the third is sent. Waiting for the third part is NON-STRICT."
		waited := Event{Kind: WaitPassed, Tag: "A"}
		c.Want = []Want{{Verdict: OK, Events: []Event{waited}}, {Verdict: NonStrict, Events: []Event{waited, {Kind: WaitPassed, Tag: "B"}}}}
		return c
	}
	return append(cases,
		fast("6.4.1", "A text in three fragments, a second apart: the second has the code point U+110000, which does not exist.",
			fragment(wire.Text, false, kosme), a, fragment(wire.Continuation, false, beyond), b, fragment(wire.Continuation, true, "edited")),
		fast("6.4.2", "A text in three fragments, a second apart: the first ends with octet f4, which may begin a character, the second is octet 90, with which it cannot be one.",
			fragment(wire.Text, false, kosme+"\xf4"), a, fragment(wire.Continuation, false, "\x90"), b, fragment(wire.Continuation, true, "\x80\x80edited")),
		fast("6.4.3", "A text in one frame whose payload comes in three parts, a second apart: the second part is the code point U+110000, which does not exist.",
			BeginFrame{whole}, Octets{len(kosme)}, a, Octets{4}, b, Octets{6}),
		fast("6.4.4", "A text in one frame whose payload comes in three parts, a second apart: the first ends with octet f4, which may begin a character, the second is octet 90, with which it cannot be one.",
			BeginFrame{whole}, Octets{len(kosme) + 1}, a, Octets{1}, b, Octets{8}),
	)
}

// utf8Groups is 6.5 to 6.23: one frame each.
func utf8Groups() []struct {
	group     int
	sequences []sequence
} {
	good := func(octets, note string) sequence { return sequence{octets, note, true} }
	bad := func(octets, note string) sequence { return sequence{octets, note, false} }

	prefixes := make([]sequence, len(kosme))
	whole := map[int]bool{2: true, 5: true, 7: true, 9: true, 11: true}
	for i := range prefixes {
		n := i + 1
		if whole[n] {
			prefixes[i] = good(kosme[:n], fmt.Sprintf("the first %d octets of a Greek word, which end with a character", n))
		} else {
			prefixes[i] = bad(kosme[:n], fmt.Sprintf("the first %d octets of a Greek word, which end inside a character", n))
		}
	}
	// Strings of octets in a row, each alone or with a space behind it.
	row := func(from, to int, behind string) (s string) {
		for o := from; o <= to; o++ {
			s += string([]byte{byte(o)}) + behind
		}
		return s
	}
	var stray []sequence
	for n := 1; n <= 6; n++ {
		s := ""
		for i := range n {
			s += []string{"\x80", "\xbf"}[i%2]
		}
		note := fmt.Sprintf("%d continuation octets without a leading one", n)
		switch n {
		case 1:
			note = "the first continuation octet alone"
			stray = append(stray, bad(s, note), bad("\xbf", "the last continuation octet alone"))
			continue
		}
		stray = append(stray, bad(s, note))
	}
	stray = append(stray, bad(row(0x80, 0xbe, ""), "all continuation octets but the last, without a leading one"))

	incomplete := []string{
		"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
		"\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf",
	}
	var cut []sequence
	var cutAll string
	for i, s := range incomplete {
		value := []string{"lowest", "highest"}[i/5]
		cut = append(cut, bad(s, fmt.Sprintf("the %s sequence of %d octets without its last octet", value, i%5+2)))
		cutAll += s
	}
	overlong := func(note string, s ...string) (out []sequence) {
		for i, s := range s {
			out = append(out, bad(s, fmt.Sprintf("%s in %d octets", note, i+2)))
		}
		return out
	}
	var noncharacters []sequence
	noncharacters = append(noncharacters, good("\xef\xbf\xbe", "the noncharacter U+FFFE"), good("\xef\xbf\xbf", "the noncharacter U+FFFF"))
	for plane := rune(1); plane <= 16; plane++ {
		for _, last := range []rune{0xfffe, 0xffff} {
			r := plane<<16 | last
			noncharacters = append(noncharacters, good(string(r), fmt.Sprintf("the noncharacter U+%X", r)))
		}
	}
	var specials []sequence
	for r := rune(0xfff9); r <= 0xffff; r++ {
		specials = append(specials, good(string(r), fmt.Sprintf("the code point U+%X of the block of specials", r)))
	}
	surrogates := []string{"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"}
	surrogateNames := []string{"U+D800", "U+DB7F", "U+DB80", "U+DBFF", "U+DC00", "U+DF80", "U+DFFF"}
	var single, pairs []sequence
	for i, s := range surrogates {
		single = append(single, bad(s, "the surrogate "+surrogateNames[i]+" alone"))
	}
	for i := range 4 {
		for _, low := range []int{4, 6} {
			pairs = append(pairs, bad(surrogates[i]+surrogates[low],
				"the surrogates "+surrogateNames[i]+" and "+surrogateNames[low]+" as a pair, each encoded for itself"))
		}
	}
	return []struct {
		group     int
		sequences []sequence
	}{
		{5, []sequence{
			good("hello$world", "a character of one octet among ASCII"),
			good("hello\xc2\xa2world", "a character of two octets among ASCII"),
			good("hello\xe2\x82\xacworld", "a character of three octets among ASCII"),
			good("hello\xf0\xa4\xad\xa2world", "a character of four octets among ASCII"),
			good(kosme, "a Greek word"),
		}},
		{6, prefixes},
		{7, []sequence{
			good("\x00", "the first code point of one octet"),
			good("\xc2\x80", "the first code point of two octets"),
			good("\xe0\xa0\x80", "the first code point of three octets"),
			good("\xf0\x90\x80\x80", "the first code point of four octets"),
		}},
		{8, []sequence{
			bad("\xf8\x88\x80\x80\x80", "what was the first sequence of five octets before UTF-8 ended at U+10FFFF"),
			bad("\xfc\x84\x80\x80\x80\x80", "what was the first sequence of six octets before UTF-8 ended at U+10FFFF"),
		}},
		{9, []sequence{
			good("\x7f", "the last code point of one octet"),
			good("\xdf\xbf", "the last code point of two octets"),
			good("\xef\xbf\xbf", "the last code point of three octets"),
			good("\xf4\x8f\xbf\xbf", "the last code point of all, U+10FFFF"),
		}},
		{10, []sequence{
			bad("\xf7\xbf\xbf\xbf", "the last sequence of four octets by its bits, far behind U+10FFFF"),
			bad("\xfb\xbf\xbf\xbf\xbf", "the last sequence of five octets by its bits"),
			bad("\xfd\xbf\xbf\xbf\xbf\xbf", "the last sequence of six octets by its bits"),
		}},
		{11, []sequence{
			good("\xed\x9f\xbf", "U+D7FF, the last code point before the surrogates"),
			good("\xee\x80\x80", "U+E000, the first code point after the surrogates"),
			good("\xef\xbf\xbd", "U+FFFD, the replacement character"),
			good("\xf4\x8f\xbf\xbf", "U+10FFFF, the last code point"),
			bad("\xf4\x90\x80\x80", "U+110000, one behind the last code point"),
		}},
		{12, stray},
		{13, []sequence{
			bad(row(0xc0, 0xde, " "), "leading octets of two-octet characters, each with a space behind it"),
			bad(row(0xe0, 0xee, " "), "leading octets of three-octet characters, each with a space behind it"),
			bad(row(0xf0, 0xf6, " "), "leading octets of four-octet characters, each with a space behind it"),
			bad(row(0xf8, 0xfa, " "), "leading octets of five-octet sequences, each with a space behind it"),
			bad(row(0xfc, 0xfc, " "), "a leading octet of a six-octet sequence with a space behind it"),
		}},
		{14, cut},
		{15, []sequence{bad(cutAll, "ten sequences without their last octet, one behind the other")}},
		{16, []sequence{
			bad("\xfe", "octet fe, which never stands in UTF-8"),
			bad("\xff", "octet ff, which never stands in UTF-8"),
			bad("\xfe\xfe\xff\xff", "octets fe and ff, which never stand in UTF-8"),
		}},
		{17, overlong("a slash, U+002F, written", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf")},
		{18, overlong("the last code point of a shorter form, written", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf")},
		{19, overlong("U+0000 written", "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80")},
		{20, single},
		{21, pairs},
		{22, noncharacters},
		{23, specials},
	}
}
