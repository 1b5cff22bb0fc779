// Package engine has the WebSocket libraries that the suite runs beside each
// other, the core among them. An engine is a library and what the suite does
// with it; all of that is in one folder below this one, named for the library:
//
//	transcripts/   reads transcripts with it, for fuzzing: a package of its own, on the
//	               part of the API that old versions of the library have, too
//	server.go      its echo server, for conformance, load tests and benchmarks
//	client.go      its client, for conformance
//	bench.go       what it does in the benchmarks in memory
//	echo.go        its echo servers that are measured, by its best API and as its README shows it
//	<library>.go   the Engine, which names them all
//
// What the engines share is in packages of its own: transcript, serve, dial and
// task. The table of all engines is package engines, which links them all: to add a
// library is to add a folder and a row there.
package engine

import (
	"net/http"

	"github.com/wsproof/wsproof/internal/engine/dial"
	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// An Engine is a WebSocket library and what the suite does with it.
type Engine struct {
	// Reader reads transcripts with it, and has its name and module.
	*transcript.Reader
	// Serve makes the part of a server that is the library's; [Engine.NewServer]
	// makes the server.
	Serve func(*serve.Hub) http.Handler
	// Client connects to a server.
	Client dial.Client
	// Compressing is the same client with permessage-deflate (RFC 7692); nil where
	// the engine does not compress.
	Compressing dial.Client
	// Lacks are the things of RFC 6455 that the library leaves out, each with how,
	// for tests that want them of a server or a client.
	Lacks map[Lack]string
	// Tasks are what it does in the benchmarks.
	Tasks task.Set
	// Leave gives up what the library has made when the process began, where that counts
	// when another one is measured there; nil where there is nothing. The library cannot be
	// used any more.
	Leave func()
}

// Compresses reports whether the engine has permessage-deflate as a server.
func (e *Engine) Compresses() bool {
	return e.Caps.Deflate != transcript.DeflateNone || e.Compressing != nil
}

// ClientFor returns the client, compressing if asked for and if there is one.
func (e *Engine) ClientFor(compressing bool) dial.Client {
	if compressing && e.Compressing != nil {
		return e.Compressing
	}
	return e.Client
}

// A Lack is something of RFC 6455 that a library leaves out.
type Lack string

// The lacks.
const (
	// Fragments: reading messages of several frames (§5.4).
	Fragments Lack = "fragments"
	// EmptyMessages: delivering messages without payload.
	EmptyMessages Lack = "empty messages"
	// PeersClose: telling the code of the peer's Close and answering with it (§5.5.1).
	PeersClose Lack = "the peer's Close"
	// CloseReason: sending a Close with a reason (§5.5.1).
	CloseReason Lack = "the reason of a Close"
	// FailCodes: a Close with the code that fits, where the peer breaks a rule (§7.4.1).
	FailCodes Lack = "codes of failures"
	// PingTimes: telling of pings, which a timeout could start anew from.
	PingTimes Lack = "times of pings"
)

// NewServer returns a server on the engine that answers with h.
func (e *Engine) NewServer(h serve.Handler, o serve.Options) serve.Server {
	return serve.New(e.Serve, h, o)
}
