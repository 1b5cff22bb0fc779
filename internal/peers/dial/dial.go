// Package dial has one client a library, each by the library's best public API:
// it connects, and answers each message that the server sends. The conformance
// suite tests clients with it. As in package serve, all check UTF-8, none
// compresses, and the limits are the same.
package dial

import (
	"context"
	"fmt"
	"strings"
)

// MaxMessage is the longest message and frame that a client takes, in bytes.
const MaxMessage = 16 << 20

// A Handler answers one message. The payload is valid during the call, and the
// reply may alias it. A nil reply sends nothing.
type Handler func(binary bool, payload []byte) (reply []byte)

// Echo answers each message with itself.
func Echo(_ bool, payload []byte) []byte {
	if payload == nil {
		return []byte{}
	}
	return payload
}

var engines = []struct {
	name string
	run  func(ctx context.Context, url string, h Handler) error
}{
	{"core", runCore},
	{"gorilla", runGorilla},
	{"gobwas", runGobwas},
	{"coder", runCoder},
	{"gws", runGws},
}

// Engines returns the names that Run takes, the core's first.
func Engines() []string {
	var names []string
	for _, e := range engines {
		names = append(names, e.name)
	}
	return names
}

// Run connects the named engine's client to url and lets h answer until the
// connection is over, however it ends. The error says why there was no
// connection. When ctx is done, the connection is dropped.
func Run(ctx context.Context, engine, url string, h Handler) error {
	for _, e := range engines {
		if e.name == engine {
			return e.run(ctx, url, h)
		}
	}
	return fmt.Errorf("no engine %q: want one of %s", engine, strings.Join(Engines(), ", "))
}
