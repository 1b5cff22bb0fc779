// Package nbio is the engine of github.com/lesismal/nbio.
package nbio

import (
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/nbio/transcripts"
)

// leave gives up an engine of the library's own, with two goroutines and 1 MiB: where
// another library is measured, the garbage collector would let the heap grow by twice that.
func leave() {
	// One that was not started cannot be stopped.
	if e := websocket.DefaultEngine; e != nil && transcripts.Start(e) == nil {
		e.Stop()
	}
	websocket.DefaultEngine = nil
}

// Engine is nbio.
var Engine = engine.Engine{
	Reader:      &transcripts.Reader,
	Serve:       newServer,
	Client:      runClient,
	Compressing: runCompressing,
	Tasks:       tasks,
	Leave:       leave,
	Lacks: map[engine.Lack]string{
		engine.EmptyMessages: "a message without payload is not delivered",
		engine.FailCodes:     "it closes TCP without a Close, or with 1002 or 1009, whatever the rule",
	},
}
