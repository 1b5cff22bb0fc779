package conformance

import (
	"strings"
	"testing"
)

func TestSelect(t *testing.T) {
	for _, test := range []struct {
		patterns string
		want     int
		first    string
	}{
		{"", 301, "1.1.1"},
		{"*", 517, "1.1.1"},
		{"5.7", 1, "5.7"},
		{"5.7,6.12.*,9.*", 1 + 8 + 54, "5.7"},
		{"9.*,5.7", 55, "5.7"}, // the catalogue's order
		{"6.12", 8, "6.12.1"},
		{"1", 16, "1.1.1"},
		{"1.1", 8, "1.1.1"},
		{"10.*", 1, "10.1.1"},
		{"-9.*", 301 - 54, "1.1.1"},
		{"7.*,-7.7.*", 24, "7.1.1"},
		{" 2.1 , 2.2 ", 2, "2.1"},
		{"12.*", 90, "12.1.1"},
		{"13.*", 126, "13.1.1"},
	} {
		cases, err := Select(test.patterns)
		if err != nil || len(cases) != test.want || cases[0].ID != test.first {
			t.Errorf("Select(%q): %d cases, %v; want %d from %s", test.patterns, len(cases), err, test.want, test.first)
		}
	}
	for _, patterns := range []string{"5.99", "8.*", "x", "5.7,11.*", "2.1,-2.1"} {
		if cases, err := Select(patterns); err == nil {
			t.Errorf("Select(%q): %d cases, want an error", patterns, len(cases))
		}
	}
}

// TestCatalogue holds each case against what a case must have.
func TestCatalogue(t *testing.T) {
	perSection := map[int]int{0: 110, 1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126}
	seen := make(map[string]bool)
	described := make(map[string]string)
	for _, c := range Catalogue() {
		if seen[c.ID] {
			t.Errorf("%s is there twice", c.ID)
		}
		seen[c.ID] = true
		perSection[c.Section()]--
		switch {
		case !strings.HasSuffix(c.Description, ".") || !strings.Contains(c.Expectation, "."):
			t.Errorf("%s: description %q and expectation %q are not sentences", c.ID, c.Description, c.Expectation)
		case c.Rule.Section == "" || !strings.HasSuffix(c.Rule.Sentence, "."):
			t.Errorf("%s: no sentence of the RFC: %+v", c.ID, c.Rule)
		case c.Deflate == nil && (len(c.Steps) == 0 || len(c.Close.Codes) == 0):
			t.Errorf("%s: no steps, or no close codes", c.ID)
		case c.Deflate == nil && len(c.Want) == 0 && c.Echo == nil:
			t.Errorf("%s: nothing is expected", c.ID)
		}
		// 13.1 repeats 12.1, and section 6 has some texts twice.
		if other := described[c.Description]; other != "" && !strings.HasPrefix(c.ID, "6.") && c.Group() != "13.1" {
			t.Errorf("%s is described as %s is: %q", c.ID, other, c.Description)
		}
		described[c.Description] = c.ID
		// A case ends by itself: something must end it where the peer is silent.
		ends := c.Deflate != nil
		for _, s := range c.Steps {
			switch s.(type) {
			case FailAfter, CloseAfter:
				ends = true
			}
		}
		if !ends {
			t.Errorf("%s: nothing ends the case", c.ID)
		}
	}
	for section, n := range perSection {
		if n != 0 {
			t.Errorf("section %d: %d cases too few", section, n)
		}
	}
}

func TestPayload(t *testing.T) {
	for _, test := range []struct {
		p    Payload
		want string
	}{
		{octets(""), ""},
		{octets("abc"), "abc"},
		{repeated("abc", 8), "abcabcab"},
		{repeated("*", 0), ""},
		{concat(octets("a"), repeated("b", 2)), "abb"},
	} {
		if got := string(test.p.Bytes()); got != test.want || test.p.Len() != len(test.want) {
			t.Errorf("payload %v: %q, want %q", test.p, got, test.want)
		}
		if !test.p.Equal([]byte(test.want)) || test.p.Equal([]byte(test.want+"x")) || (len(test.want) > 0 && test.p.Equal([]byte(test.want[1:]+"x"))) {
			t.Errorf("payload %v: Equal is wrong", test.p)
		}
	}
}
