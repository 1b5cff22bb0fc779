// Package nbio is the engine of github.com/lesismal/nbio.
package nbio

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/nbio/transcripts"
)

// Engine is nbio.
var Engine = engine.Engine{
	Reader: &transcripts.Reader,
	Serve:  newServer,
	Client: runClient,
	Tasks:  tasks,
	Lacks: map[engine.Lack]string{
		engine.EmptyMessages: "a message without payload is not delivered",
		engine.FailCodes:     "it closes TCP without a Close, or with 1002 or 1009, whatever the rule",
	},
}
