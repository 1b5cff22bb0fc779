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
	// Tasks are what it does in the benchmarks.
	Tasks task.Set
}

// ClientFor returns the client, compressing if asked for and if there is one.
func (e *Engine) ClientFor(compressing bool) dial.Client {
	if compressing && e.Compressing != nil {
		return e.Compressing
	}
	return e.Client
}

// NewServer returns a server on the engine that answers with h.
func (e *Engine) NewServer(h serve.Handler, o serve.Options) serve.Server {
	return serve.New(e.Serve, h, o)
}
