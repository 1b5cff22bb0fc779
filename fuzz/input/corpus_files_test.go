package input

import (
	"bytes"
	"testing"
)

func TestCorpusFiles(t *testing.T) {
	for _, data := range [][]byte{nil, {0}, []byte("\"quoted\" \\ \xff\x00\n"), []byte("plain")} {
		got, err := DecodeCorpus(EncodeCorpus(data))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("DecodeCorpus(EncodeCorpus(%q)) = %q, %v", data, got, err)
		}
	}
	if got, err := DecodeCorpus([]byte("as it is")); err != nil || string(got) != "as it is" {
		t.Errorf("an input as it is: %q, %v", got, err)
	}
	for _, text := range []string{corpusHeader + "\nint(3)\n", corpusHeader + "\n[]byte(\"a\")\n[]byte(\"b\")\n", corpusHeader + "\n[]byte(\"a)\n", corpusHeader} {
		if got, err := DecodeCorpus([]byte(text)); err == nil {
			t.Errorf("%q was read as %q", text, got)
		}
	}
}
