package peers

import "testing"

// Target Peers gives a transcript to gorilla, gobwas, coder, gws, nbio and x/net/websocket. Oracle, one a
// library: it agrees with the model but for the rows of the table of divergences;
// a crash or a hang is reported as such.
func FuzzPeers(f *testing.F) {
	seeds, err := target("Peers").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Peers(data); err != nil {
			t.Fatal(target("Peers").Report(err, data))
		}
	})
}

// Target Openings gives a request to each library's server. Oracle: plain code for RFC 6455
// section 4.2.1 tells which requests are refused; the table OpeningDivergences has what is
// known.
func FuzzOpenings(f *testing.F) {
	seeds, err := target("Openings").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Openings(data); err != nil {
			t.Fatal(target("Openings").Report(err, data))
		}
	})
}

// Target Answers gives an answer to the opening handshake of each library's client. Oracle:
// plain code for RFC 6455 section 4.1 tells which answers are refused; what stands behind
// one is delivered; the table AnswerDivergences has what is known.
func FuzzAnswers(f *testing.F) {
	seeds, err := target("Answers").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Answers(data); err != nil {
			t.Fatal(target("Answers").Report(err, data))
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
	seeds, err := target("Target").Seeds()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := Remote(data); err != nil {
			t.Fatal(target("Target").Report(err, data))
		}
	})
}
