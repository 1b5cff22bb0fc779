package peers

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"sync"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wirefuzz"
	"github.com/wsproof/wsproof/websocket"
)

// TargetEnv is the environment variable that names the server for target Target:
// ws://host:port/path or wss://….
const TargetEnv = "TARGET"

// A RemoteTarget is a running echo server.
type RemoteTarget struct {
	*wirefuzz.Server
	compressed *wirefuzz.Server // the same with permessage-deflate; nil if it does not agree on that
	url        string
	own        bool // it is the core, in this process
	stop       func()
}

var remote struct {
	once   sync.Once
	target *RemoteTarget
	err    error
}

// TargetFromEnv returns the echo server that TARGET names, or one of the core in
// this process if it names none. It sees first whether that is an echo server.
func TargetFromEnv() (*RemoteTarget, error) {
	remote.once.Do(func() { remote.target, remote.err = OpenTarget(os.Getenv(TargetEnv)) })
	return remote.target, remote.err
}

// OpenTarget returns the echo server at a URL, or one of its own if that is "".
func OpenTarget(rawURL string) (*RemoteTarget, error) {
	t := &RemoteTarget{url: rawURL, stop: func() {}}
	if rawURL == "" {
		server := httptest.NewServer(websocket.NewHandler(websocket.EchoHandler, websocket.Options{Compression: &websocket.Compression{}}))
		t.own, t.stop, t.url = true, server.Close, server.URL
	}
	u, err := opening.ParseURL(t.url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", TargetEnv, err)
	}
	client := &opening.Client{URL: u}
	if t.Server, err = wirefuzz.Open(context.Background(), wirefuzz.Config{Client: client}); err != nil {
		t.stop()
		return nil, fmt.Errorf("%s=%s: %w", TargetEnv, rawURL, err)
	}
	t.compressed, err = wirefuzz.Open(context.Background(), wirefuzz.Config{Client: client, Compression: true})
	if err != nil && t.own {
		t.Close()
		return nil, fmt.Errorf("permessage-deflate: %w", err)
	}
	return t, nil
}

// Close stops a server of its own.
func (t *RemoteTarget) Close() {
	t.Server.Close()
	if t.compressed != nil {
		t.compressed.Close()
	}
	t.stop()
}

// Remote checks a running echo server, the one that TARGET names or one of the
// core, on the transcript of an input that is sent over the wire, as wsproof fuzz
// does (package wirefuzz).
//
// Oracle: what comes back are the echoes that the model's messages demand, in
// order, and pongs, which are awaited before a rule is broken; what breaks one is
// not taken; the server sends no frame that it must not, and ends the connection in
// time. The core in this process also does nothing otherwise than is usual, such as
// a close code that is merely appropriate.
func Remote(data []byte) error {
	defer input.Guard()()
	target, err := TargetFromEnv()
	if err != nil {
		return err
	}
	g := input.TranscriptGenerators.Get().(*input.TranscriptGenerator)
	defer input.TranscriptGenerators.Put(g)
	return target.Check(g.Generate(data))
}

// usual are notes that the core gives reason for: it refuses what binds the sender
// alone, and has limits.
var usual = []wirefuzz.Kind{wirefuzz.Stricter, wirefuzz.Limit}

// Check gives a transcript to the target.
func (t *RemoteTarget) Check(tr *input.Transcript) error {
	server := t.Server
	if tr.Deflate != nil {
		server = t.compressed // what it means is by what was agreed on there
	}
	if tr.Role == model.Client || server == nil {
		return nil // nothing to send to a server, or to this one
	}
	groups, err := server.Play(context.Background(), slices.Clone(tr.Input), false)
	if err != nil {
		return fmt.Errorf("%s: %w", t.url, err)
	}
	var list []error
	for _, g := range groups {
		if g.Level == wirefuzz.Finding || t.own && !slices.Contains(usual, g.Kind) {
			list = append(list, fmt.Errorf("%s: %s: %s (%s: %q)", t.url, g.Key(), g.Why, g.Place, g.Sentence))
		}
	}
	return errors.Join(list...)
}

// seedRemote takes the vectors for servers.
func seedRemote(vectors []vector.Vector) ([][]byte, error) {
	return input.SeedTranscripts(slices.DeleteFunc(slices.Clone(vectors), func(v vector.Vector) bool { return v.Role == model.Client }))
}
