// Package gorilla is the engine of github.com/gorilla/websocket.
package gorilla

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/gorilla/transcripts"
)

// Engine is gorilla.
var Engine = engine.Engine{
	Reader:      &transcripts.Reader,
	Serve:       newServer,
	Client:      runClient,
	Compressing: runCompressing,
	Tasks:       tasks,
}
