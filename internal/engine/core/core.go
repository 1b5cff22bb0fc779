// Package core is the engine of this module's package websocket.
package core

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/core/transcripts"
)

// Engine is core.
var Engine = engine.Engine{
	Reader: &transcripts.Reader,
	Serve:  newServer,
	Client: runClient,
	Tasks:  tasks,

	Compressing: runCompressing,
}
