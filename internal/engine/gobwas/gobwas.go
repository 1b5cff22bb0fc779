// Package gobwas is the engine of github.com/gobwas/ws.
package gobwas

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/gobwas/transcripts"
)

// Engine is gobwas.
var Engine = engine.Engine{
	Reader:      &transcripts.Reader,
	Serve:       newServer,
	Client:      runClient,
	Compressing: runCompressing,
	Tasks:       tasks,
}
