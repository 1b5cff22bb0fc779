package live

import "testing"

// Target Handshake gives raw requests to Accept and raw answers to Dial. Oracles:
// plain code for RFC 6455 sections 4.2.1 and 4.1 refuses nothing that was
// accepted; a plain one is accepted; no header is injected; nothing is written on
// refusal; the bytes behind the handshake are the first frames.
func FuzzHandshake(f *testing.F) {
	seeds, err := target("Handshake").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Handshake(data); err != nil {
			t.Fatal(target("Handshake").Report(err, data))
		}
	})
}

// Target Dial has Dial find its way to a server, directly or through a proxy, with faults
// and cancels at any byte. Oracle: plain code for RFC 6455 section 4.1, CONNECT, RFC 1928
// and RFC 1929 plays the same bytes: what is written, what comes of it, and which error.
func FuzzDial(f *testing.F) {
	seeds, err := target("Dial").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Dial(data); err != nil {
			t.Fatal(target("Dial").Report(err, data))
		}
	})
}

// Target Serve runs op bytes against Serve: what a peer sends, faults of the
// transport, writes and closes from other goroutines; then drains. Oracles: all
// returns and no goroutine is left; frames are whole and messages do not
// interleave; replies and pongs are those owed, in order; one Close at most, and
// nothing behind it.
func FuzzServe(f *testing.F) {
	seeds, err := target("Serve").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Serve(data); err != nil {
			t.Fatal(target("Serve").Report(err, data))
		}
	})
}

// Target Stream sends bytes as they are, in pieces, to a connection with each option by
// turns. The oracles are those of target Serve.
func FuzzStream(f *testing.F) {
	seeds, err := target("Stream").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Stream(data); err != nil {
			t.Fatal(target("Stream").Report(err, data))
		}
	})
}

// Target Socket has Serve answer a transcript on a socket of the kernel, while other
// goroutines write. Oracles: the model; each echo and each message is there once, whole
// and in order; the end comes behind the last byte; all returns.
func FuzzSocket(f *testing.F) {
	seeds, err := target("Socket").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Socket(data); err != nil {
			t.Fatal(target("Socket").Report(err, data))
		}
	})
}

// Target Handler runs op bytes against an HTTPHandler with several connections: requests,
// messages, panics, closes, and Shutdown. Oracles: when Shutdown returns, and what each
// connection gets by it; contexts; what is logged.
func FuzzHandler(f *testing.F) {
	seeds, err := target("Handler").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Handler(data); err != nil {
			t.Fatal(target("Handler").Report(err, data))
		}
	})
}

// Target Options sets one option alone. Oracle: plain arithmetic: what is set counts, what is
// zero or negative stands for the default.
func FuzzOptions(f *testing.F) {
	seeds, err := target("Options").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Options(data); err != nil {
			t.Fatal(target("Options").Report(err, data))
		}
	})
}
