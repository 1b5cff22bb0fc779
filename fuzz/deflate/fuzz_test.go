package deflate

import "testing"

// Target Inflate inflates any payload, cut anywhere, at any limit and in any window.
// Oracles: the model, and compress/flate but for windows; cuts and limits change
// nothing.
func FuzzInflate(f *testing.F) {
	for _, seed := range seedInflate() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Inflate(data); err != nil {
			t.Fatal(err)
		}
	})
}

// Target Deflate compresses the messages of a connection. Oracles: compress/flate, with
// no more than the window, and a Decompressor that refuses more make the messages of
// the payloads; the size is bounded.
func FuzzDeflate(f *testing.F) {
	for _, seed := range seedDeflate() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Deflate(data); err != nil {
			t.Fatal(err)
		}
	})
}

// Target Negotiate reads any header as offers and as an answer. Oracle: the model.
func FuzzNegotiate(f *testing.F) {
	for _, seed := range seedNegotiate() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Negotiate(data); err != nil {
			t.Fatal(err)
		}
	})
}
