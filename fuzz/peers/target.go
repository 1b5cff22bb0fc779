package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// TargetEnv is the environment variable that names the server for target Target:
// ws://host:port/path or wss://….
const TargetEnv = "TARGET"

// targetBound is the time that a server gets to answer and to end a connection.
const targetBound = 10 * time.Second

// A RemoteTarget is a running echo server.
type RemoteTarget struct {
	url  *url.URL
	own  bool // it is the core, in this process
	stop func()
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
	t := &RemoteTarget{stop: func() {}}
	if rawURL == "" {
		server := httptest.NewServer(websocket.NewHandler(websocket.EchoHandler, websocket.Options{}))
		t.own, t.stop = true, server.Close
		rawURL = "ws" + strings.TrimPrefix(server.URL, "http")
	}
	var err error
	if t.url, err = opening.ParseURL(rawURL); err != nil {
		return nil, fmt.Errorf("%s: %w", TargetEnv, err)
	}
	if err := t.probe(); err != nil {
		return nil, fmt.Errorf("%s=%s: %w", TargetEnv, rawURL, err)
	}
	return t, nil
}

// Close stops a server of its own.
func (t *RemoteTarget) Close() { t.stop() }

// probe sees whether the target answers, speaks WebSocket, and echoes.
func (t *RemoteTarget) probe() error {
	const text = "is this an echo server?"
	sent := (&wire.Frame{Fin: true, Opcode: wire.Text, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: []byte(text)}).Append(nil)
	sent = (&wire.Frame{Fin: true, Opcode: wire.Close, Masked: true, Payload: []byte{3, 232}}).Append(sent)
	got, _, err := t.exchange(&input.Transcript{Input: sent})
	if err != nil {
		return err
	}
	if len(got.Messages) != 1 || got.Messages[0].Binary || string(got.Messages[0].Payload) != text {
		return fmt.Errorf("no echo server: %q was answered with %v", text, got.Outcome)
	}
	return nil
}

// dial makes the connection and does the opening handshake.
func (t *RemoteTarget) dial() (*opening.Opened, error) {
	ctx, cancel := context.WithTimeout(context.Background(), targetBound)
	defer cancel()
	client := &opening.Client{URL: t.url}
	conn, err := client.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("not reachable: %w", err)
	}
	o, err := client.Handshake(ctx, conn, "")
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("no WebSocket server: %w", err)
	}
	_ = conn.SetDeadline(time.Now().Add(targetBound))
	return o, nil
}

// exchange sends the transcript, ends its own direction, and reads what comes
// back until the end. reset tells that the server dropped the connection, by which
// what it had sent may be lost.
func (t *RemoteTarget) exchange(tr *input.Transcript) (got *transcript.Result, reset bool, err error) {
	o, err := t.dial()
	if err != nil {
		return nil, false, err
	}
	conn := o.Conn
	defer conn.Close()
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		_, _ = conn.Write(tr.Input) // the server may refuse and go
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}()
	answer, err := io.ReadAll(io.MultiReader(bytes.NewReader(o.Early), conn))
	conn.Close()
	<-wrote
	switch {
	case err == nil:
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed):
		reset = true
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, false, fmt.Errorf("the connection was not ended within %v of the transcript's end; %d bytes had come: %x", targetBound, len(answer), input.Clip(answer))
	default:
		return nil, false, err
	}
	got, err = readEchoes(answer, reset)
	return got, reset, err
}

// readEchoes reads the bytes of an echo server.
func readEchoes(answer []byte, reset bool) (*transcript.Result, error) {
	got := &transcript.Result{}
	var message []byte
	open, binary, closed := false, false, false
	for len(answer) > 0 {
		f, n, err := wire.Split(answer)
		if err != nil {
			if reset {
				break
			}
			return nil, fmt.Errorf("the server sent an incomplete frame: %x", input.Clip(answer))
		}
		answer = answer[n:]
		if f.Masked || f.RSV != 0 || f.Form != input.ShortestForm(len(f.Payload)) {
			return nil, fmt.Errorf("the server sent a frame with RSV %03b, masked: %t, %d bytes in form %d", f.RSV, f.Masked, len(f.Payload), f.Form)
		}
		if f.Opcode&8 != 0 && (!f.Fin || len(f.Payload) > 125) {
			return nil, fmt.Errorf("the server sent a control frame with FIN %t and %d bytes", f.Fin, len(f.Payload))
		}
		if closed {
			got.AfterClose++
		}
		switch f.Opcode {
		case wire.Text, wire.Binary, wire.Continuation:
			if open != (f.Opcode == wire.Continuation) {
				return nil, fmt.Errorf("the server sent a data frame with opcode %d where a message was open: %t", f.Opcode, open)
			}
			if !open {
				message, binary = nil, f.Opcode == wire.Binary
			}
			message = append(message, f.Payload...)
			if open = !f.Fin; !open {
				got.Messages = append(got.Messages, model.Message{Binary: binary, Payload: message})
			}
		case wire.Pong:
			got.Pongs = append(got.Pongs, f.Payload)
		case wire.Close:
			closed = true
			if err := input.CheckSentClose(f.Payload); err != nil {
				return nil, fmt.Errorf("the server: %w", err)
			}
			code := uint16(1005)
			if len(f.Payload) >= 2 {
				code = uint16(f.Payload[0])<<8 | uint16(f.Payload[1])
			}
			got.Codes = append(got.Codes, code)
		case wire.Ping: // nobody is there to answer
		default:
			return nil, fmt.Errorf("the server sent a frame with opcode %#x", f.Opcode)
		}
	}
	return got, nil
}

// Remote checks a running echo server, the one that TARGET names or one of the
// core, on the transcript of an input that is sent over the wire.
//
// Oracle: what comes back are the echoes that the model's messages demand, in
// order; pongs answer the pings; a Close has the right class of code, nothing
// comes behind it; and the connection ends in time. What the server's own limits
// refuse is passed over, and so is what a reset of the connection destroyed; the
// core in the process is held to all of it.
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

// Check gives a transcript to the target.
func (t *RemoteTarget) Check(tr *input.Transcript) error {
	limits := model.Limits{Frame: websocket.DefaultMaxFrameSize, Message: websocket.DefaultMaxMessageSize}
	if tr.Role == model.Client {
		return nil // a transcript for a client is nothing to send to a server
	}
	want := model.Read(model.Server, limits, tr.Input)
	got, reset, err := t.exchange(tr)
	if err != nil {
		return fmt.Errorf("%s: %w", t.url, err)
	}
	if got.AfterClose > 0 {
		return fmt.Errorf("%s: %d frames came behind the Close", t.url, got.AfterClose)
	}
	if !t.own && tooLarge(tr.Input) {
		return nil // where its limits are is not known
	}
	for i, m := range got.Messages {
		if i >= len(want.Messages) || m.Binary != want.Messages[i].Binary || !bytes.Equal(m.Payload, want.Messages[i].Payload) {
			return fmt.Errorf("%s: echo %d is %v; the model: %v", t.url, i+1, m, want)
		}
	}
	if reset && !t.own {
		return nil
	}
	out := got.Outcome
	out.End, out.Code, out.Reason = want.End, want.Code, want.Reason
	if t.own {
		if want.End == model.Open && len(out.Codes) == 0 {
			return model.Check(want, out)
		}
		if want.End == model.Open && want.Rule != "" {
			out.End = model.Failed
		}
		return model.Check(want, out)
	}
	if want.End == model.Open {
		out.Codes = nil // a Close at the end of the transport is no harm
	} else if len(out.Codes) > 1 {
		out.Codes = out.Codes[:1]
	}
	if err := model.CheckLoosely(want, out); err != nil {
		return fmt.Errorf("%s: %w", t.url, err)
	}
	return nil
}

// tooLarge tells whether a transcript has frames that a server may find too large.
func tooLarge(b []byte) bool {
	total := 0
	for _, s := range input.Split(b) {
		total += s.End - s.Start
		if s.Frame.Length > 4096 || total > 16384 {
			return true
		}
	}
	return false
}

// seedRemote takes the vectors for servers.
func seedRemote(vectors []vector.Vector) ([][]byte, error) {
	return input.SeedTranscripts(slices.DeleteFunc(slices.Clone(vectors), func(v vector.Vector) bool { return v.Role == model.Client }))
}
