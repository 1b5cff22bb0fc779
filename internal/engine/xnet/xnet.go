// Package xnet is the engine of golang.org/x/net/websocket.
package xnet

import (
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/xnet/transcripts"
)

// Engine is x/net.
var Engine = engine.Engine{
	Reader: &transcripts.Reader,
	Serve:  newServer,
	Client: runClient,
	Tasks:  tasks,
	Lacks: map[engine.Lack]string{
		engine.Fragments:   "each frame is a message",
		engine.PeersClose:  "a Close is told as io.EOF, like the end of TCP",
		engine.CloseReason: "WriteClose takes none",
		engine.FailCodes:   "most rules are not looked at",
		engine.PingTimes:   "pings are answered inside Receive",
	},
}
