package dial

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadMessage(t *testing.T) {
	for _, test := range []struct {
		octets string
		text   bool
		valid  bool
	}{
		{"", true, true},
		{"κόσμε \U0010ffff", true, true},
		{"a\xff", true, false},
		{"a\xff", false, true},
		{"\xce", true, false},
		{"\xf4\x90", true, false},
		{"\xed\xa0\x80", true, false},
		{strings.Repeat("é", 9000), true, true},
	} {
		for _, r := range []io.Reader{strings.NewReader(test.octets), iotest.OneByteReader(strings.NewReader(test.octets)), iotest.DataErrReader(strings.NewReader(test.octets))} {
			got, valid, err := ReadMessage(r, test.text)
			if valid != test.valid || err != nil || (valid && string(got) != test.octets) {
				t.Errorf("%.20q as text %v: %.20q, valid %v, %v; want valid %v", test.octets, test.text, got, valid, err, test.valid)
			}
		}
	}
	// The first wrong octet is enough: the rest need not come.
	if _, valid, err := ReadMessage(io.MultiReader(strings.NewReader("a\xf4\x90"), iotest.ErrReader(errors.New("not reached"))), true); valid || err != nil {
		t.Errorf("valid %v, %v; want a refusal before the rest is read", valid, err)
	}
	if _, valid, err := ReadMessage(iotest.ErrReader(errors.New("broken")), true); !valid || err == nil {
		t.Errorf("valid %v, %v; want the error", valid, err)
	}
}
