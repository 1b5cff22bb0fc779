package fuzz

import "testing"

// Target ReadFrame reads any bytes as frames, with any role and limit. Oracles: the
// core agrees with the model's decoder, frame for frame and error for error;
// one-byte, split and whole reads agree; ReadFrame reads not one byte too many;
// what is accepted marshals back to the bytes it came from; memory is bounded by
// what arrived.
func FuzzReadFrame(f *testing.F) {
	seeds, err := target("ReadFrame").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := ReadFrame(data); err != nil {
			t.Fatal(target("ReadFrame").Report(err, data))
		}
	})
}

// Target MarshalFrame marshals any frame. Oracles: the bytes equal those of plain
// code, in the shortest form; the model and ReadFrame read the frame back equal;
// AppendFrame keeps its prefix; the inputs are untouched.
func FuzzMarshalFrame(f *testing.F) {
	seeds, err := target("MarshalFrame").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := MarshalFrame(data); err != nil {
			t.Fatal(target("MarshalFrame").Report(err, data))
		}
	})
}

// Target Reassembly gives a connection of the core a transcript of frames, valid and
// broken, cut into reads anywhere. Oracle: the messages, the pongs, the Close with
// the right code on the wire, the latest moment of a failure and nothing behind
// the Close equal the model's.
func FuzzReassembly(f *testing.F) {
	seeds, err := target("Reassembly").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Reassembly(data); err != nil {
			t.Fatal(target("Reassembly").Report(err, data))
		}
	})
}

// Target FrameMessage fragments a message and reassembles it. Oracles: the frames
// are as many, as long and as marked as the size demands, and alias the message;
// the model and a connection of the core make the same message of them.
func FuzzFrameMessage(f *testing.F) {
	seeds, err := target("FrameMessage").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := FrameMessage(data); err != nil {
			t.Fatal(target("FrameMessage").Report(err, data))
		}
	})
}

// Target UTF8 reads and writes text at any offset, split into frames and reads
// anywhere. Oracle: the standard library, a rune at a time: valid text passes,
// invalid text fails with 1007 at the first byte that cannot be right.
func FuzzUTF8(f *testing.F) {
	seeds, err := target("UTF8").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := UTF8(data); err != nil {
			t.Fatal(target("UTF8").Report(err, data))
		}
	})
}

// Target Mask masks and unmasks at any offset and split. Oracle: the loop of
// RFC 6455 section 5.3.
func FuzzMask(f *testing.F) {
	seeds, err := target("Mask").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Mask(data); err != nil {
			t.Fatal(target("Mask").Report(err, data))
		}
	})
}
