package vector

import (
	"strings"
	"testing"
)

// TestNegotiationFaults wants an error that says what is wrong, and where.
func TestNegotiationFaults(t *testing.T) {
	good := "vector: a, words\nproves: N1\noffer: permessage-deflate\nwins: 1\nright: permessage-deflate\n"
	if all, err := ParseNegotiations("sample.txt", "# a comment\n"+good+"\n"+strings.Replace(good, "a,", "b,", 1)); err != nil || len(all) != 2 || all[1].ID != "sample/b" {
		t.Errorf("got %v, %v", all, err)
	}
	for _, c := range []struct{ id, text, want string }{
		{"empty", "", "sample.txt: no vectors found: the file is empty"},
		{"unknown-key", good + "answer: x\n", `sample.txt:6: unknown key "answer"`},
		{"bad-name", strings.Replace(good, "a, words", "A, words", 1), "sample.txt:1: want a name"},
		{"bad-wins", strings.Replace(good, "wins: 1", "wins: x", 1), `sample.txt:4: wins "x": want none, refused or the number`},
		{"wins-twice", good + "wins: 1\n", "sample.txt:1: the key wins must stand there once"},
		{"no-rule", strings.Replace(good, "proves: N1", "proves:", 1), "sample.txt:1: the key proves names no rule"},
		{"no-right", strings.Replace(good, "right: permessage-deflate\n", "", 1), "sample.txt:1: the key right goes with an offer that wins"},
		{"right-of-none", strings.Replace(good, "wins: 1", "wins: none", 1), "sample.txt:1: the key right goes with an offer that wins"},
		{"wrong-without-rule", good + "wrong: C1\n", `sample.txt:6: wrong "C1": want a rule and an answer`},
	} {
		t.Run(c.id, func(t *testing.T) {
			_, err := ParseNegotiations("sample.txt", c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
