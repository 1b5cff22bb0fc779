package fuzz

import "testing"

// Target ReadFrame reads any bytes as frames, with any role and limit. Oracles: the
// core agrees with the model's decoder, frame for frame and error for error;
// one-byte, split and whole reads agree; ReadFrame reads not one byte too many;
// what is accepted marshals back to the bytes it came from; memory is bounded by
// what arrived.
func FuzzReadFrame(f *testing.F) {
	seeds, err := Seeds("ReadFrame")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := ReadFrame(data); err != nil {
			t.Fatal(Report(err, "ReadFrame", data))
		}
	})
}

// Target MarshalFrame marshals any frame. Oracles: the bytes equal those of plain
// code, in the shortest form; the model and ReadFrame read the frame back equal;
// AppendFrame keeps its prefix; the inputs are untouched.
func FuzzMarshalFrame(f *testing.F) {
	seeds, err := Seeds("MarshalFrame")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := MarshalFrame(data); err != nil {
			t.Fatal(Report(err, "MarshalFrame", data))
		}
	})
}

// Target Reassembly gives a connection of the core a transcript of frames, valid and
// broken, cut into reads anywhere. Oracle: the messages, the pongs, the Close with
// the right code on the wire, the latest moment of a failure and nothing behind
// the Close equal the model's.
func FuzzReassembly(f *testing.F) {
	seeds, err := Seeds("Reassembly")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Reassembly(data); err != nil {
			t.Fatal(Report(err, "Reassembly", data))
		}
	})
}

// Target FrameMessage fragments a message and reassembles it. Oracles: the frames
// are as many, as long and as marked as the size demands, and alias the message;
// the model and a connection of the core make the same message of them.
func FuzzFrameMessage(f *testing.F) {
	seeds, err := Seeds("FrameMessage")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := FrameMessage(data); err != nil {
			t.Fatal(Report(err, "FrameMessage", data))
		}
	})
}

// Target UTF8 reads and writes text at any offset, split into frames and reads
// anywhere. Oracle: the standard library, a rune at a time: valid text passes,
// invalid text fails with 1007 at the first byte that cannot be right.
func FuzzUTF8(f *testing.F) {
	seeds, err := Seeds("UTF8")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := UTF8(data); err != nil {
			t.Fatal(Report(err, "UTF8", data))
		}
	})
}

// Target Mask masks and unmasks at any offset and split. Oracle: the loop of
// RFC 6455 section 5.3.
func FuzzMask(f *testing.F) {
	seeds, err := Seeds("Mask")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Mask(data); err != nil {
			t.Fatal(Report(err, "Mask", data))
		}
	})
}

// Target Handshake gives raw requests to Accept and raw answers to Dial. Oracles:
// plain code for RFC 6455 sections 4.2.1 and 4.1 refuses nothing that was
// accepted; a plain one is accepted; no header is injected; nothing is written on
// refusal; the bytes behind the handshake are the first frames.
func FuzzHandshake(f *testing.F) {
	seeds, err := Seeds("Handshake")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Handshake(data); err != nil {
			t.Fatal(Report(err, "Handshake", data))
		}
	})
}

// Target Serve runs op bytes against Serve: what a peer sends, faults of the
// transport, writes and closes from other goroutines; then drains. Oracles: all
// returns and no goroutine is left; frames are whole and messages do not
// interleave; replies and pongs are those owed, in order; one Close at most, and
// nothing behind it.
func FuzzServe(f *testing.F) {
	seeds, err := Seeds("Serve")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Serve(data); err != nil {
			t.Fatal(Report(err, "Serve", data))
		}
	})
}

// Target Peers gives a transcript to gorilla, gobwas, coder and gws. Oracle, one a
// library: it agrees with the model but for the rows of the table of divergences;
// a crash or a hang is reported as such.
func FuzzPeers(f *testing.F) {
	seeds, err := Seeds("Peers")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Peers(data); err != nil {
			t.Fatal(Report(err, "Peers", data))
		}
	})
}

// Target Target sends a transcript over the wire to the echo server that the
// environment variable TARGET names (ws://host:port/path), or to one of the core
// in the process. Oracle: the echoes, the pongs and the class of the close code
// are the model's, and the connection ends in time.
func FuzzTarget(f *testing.F) {
	if _, err := TargetFromEnv(); err != nil {
		f.Fatal(err)
	}
	seeds, err := Seeds("Target")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Remote(data); err != nil {
			t.Fatal(Report(err, "Target", data))
		}
	})
}
