package fuzz

import (
	"fmt"
	"sync"

	"github.com/wsproof/wsproof/internal/engine/core/transcripts"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
)

// Reassembly checks a connection of the core on a transcript of frames, valid and
// broken, that is cut into reads anywhere.
//
// Oracle: what the connection delivers and what stands on its wire equal what the
// model makes of the transcript: the messages, the pongs, one Close frame with a
// right code, sent before another byte is asked for once the failure is certain,
// and nothing behind it.
func Reassembly(data []byte) error {
	g := transcriptGenerators.Get().(*transcriptGenerator)
	defer transcriptGenerators.Put(g)
	defer guard()()
	return checkCore(g.generate(data))
}

var transcriptGenerators = sync.Pool{New: func() any { return newTranscriptGenerator() }}

// checkCore holds the core against the model on a transcript.
func checkCore(t *Transcript) error {
	limits := t.Limits
	if limits.Frame <= 0 { // the defaults, then
		limits.Frame = websocket.DefaultMaxFrameSize
	}
	if limits.Message <= 0 {
		limits.Message = websocket.DefaultMaxMessageSize
	}
	return checkOutcome(t, model.Read(t.Role, limits, t.Input))
}

// checkOutcome holds the core against an outcome.
func checkOutcome(t *Transcript, want model.Outcome) error {
	got, err := transcripts.Reader.RunHere(&transcript.Transcript{Role: t.Role, Limits: t.Limits, Input: t.Input, Chunks: t.Sizes})
	if err != nil {
		return err
	}
	if got.Wrong != "" {
		return fmt.Errorf("the core %s", got.Wrong)
	}
	return model.Check(want, got.Outcome)
}
