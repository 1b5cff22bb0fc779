// Package gws is the engine of github.com/lxzan/gws.
package gws

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/gws/transcripts"
)

// Engine is gws.
var Engine = engine.Engine{
	Reader:      &transcripts.Reader,
	Serve:       newServer,
	Client:      runClient,
	Compressing: runCompressing,
	Tasks:       tasks,
}
