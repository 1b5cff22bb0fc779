// Package coder is the engine of github.com/coder/websocket.
package coder

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/coder/transcripts"
)

// Engine is coder.
var Engine = engine.Engine{
	Reader:      &transcripts.Reader,
	Serve:       newServer,
	Client:      runClient,
	Compressing: runCompressing,
	Tasks:       tasks,
}
