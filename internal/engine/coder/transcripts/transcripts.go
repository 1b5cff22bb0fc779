// Package transcripts reads transcripts with github.com/coder/websocket, by what its
// versions share since v1.8.12.
package transcripts

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"

	"github.com/coder/websocket"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/engine/transcript/opening"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// Reader is coder. Text is not checked for UTF-8; its one limit is on messages.
// After it refuses a frame it sends its Close and reads on for the peer's, up to
// 5 s: the end of the transcript cuts that short.
var Reader = transcript.Reader{
	Name:   "coder",
	Module: "github.com/coder/websocket",
	Caps:   transcript.Caps{UTF8: transcript.UTF8None, Limits: transcript.LimitsMessage, Deflate: transcript.DeflateTakeover, SendsClose: true, Late: []model.Rule{model.MessageTooLarge}},
	Read:   read,
}

func read(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
	ctx := context.Background()
	mode := websocket.CompressionDisabled
	switch {
	case t.Deflate == nil:
	case t.Deflate.ServerNoContextTakeover:
		mode = websocket.CompressionNoContextTakeover
	default:
		mode = websocket.CompressionContextTakeover
	}
	threshold := 0 // the default
	if len(t.Sends) > 0 {
		threshold = 1
	}
	var ws *websocket.Conn
	var err error
	if t.Role == model.Server {
		w, req, upgraded := opening.Upgrade(c)
		ws, err = websocket.Accept(w, req, &websocket.AcceptOptions{CompressionMode: mode, CompressionThreshold: threshold})
		upgraded()
	} else {
		ws, _, err = websocket.Dial(ctx, "ws://peer/", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: roundTripper{c}}, CompressionMode: mode, CompressionThreshold: threshold,
		})
	}
	if err != nil {
		return err
	}
	c.Share() // its timeout goroutine closes the connection when it likes
	defer ws.CloseNow()
	ws.SetReadLimit(int64(t.Limits.Message))
	if t.Pings {
		ping(ctx, ws, c)
	}
	t.Send(c, r, func(opcode byte, payload []byte) error {
		if opcode == wire.Ping { // its payload cannot be chosen, and it waits for the pong
			return errors.ErrUnsupported
		}
		return ws.Write(ctx, websocket.MessageType(opcode), payload)
	})
	for failures := 0; failures < readsAfterFailure; {
		kind, payload, err := ws.Read(ctx)
		if err != nil {
			if failures++; failures == 1 {
				end(r, err)
				r.Fail(c, err)
			}
			if r.End == model.Open {
				return nil
			}
			continue
		}
		r.Deliver(c, kind == websocket.MessageBinary, payload)
	}
	return nil
}

// ping begins a Ping, which waits for its pong until a read has come across it, or the
// connection has ended. The first one has the payload "1".
func ping(ctx context.Context, ws *websocket.Conn, c *transcript.Conn) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = ws.Ping(ctx) // the pong may never come
	}()
	for len(c.Sent()) == 0 {
		select {
		case <-ended:
			return
		default:
			runtime.Gosched()
		}
	}
}

// readsAfterFailure is how often the adapter reads once a read has failed: the
// documentation says that the connection is then closed, so that these reads
// must neither deliver nor answer anything.
const readsAfterFailure = 8

func end(r *transcript.Result, err error) {
	var ce websocket.CloseError
	switch {
	case errors.As(err, &ce):
		r.End, r.Code, r.Reason = model.Closed, uint16(ce.Code), ce.Reason
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.End = model.Open
	default:
		r.End = model.Failed
	}
}

// roundTripper answers the opening handshake with the Conn as the body.
type roundTripper struct{ c *transcript.Conn }

func (rt roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if rt.c.Opens() {
		return rt.exchange(req)
	}
	header := http.Header{
		"Upgrade":              {"websocket"},
		"Connection":           {"Upgrade"},
		"Sec-Websocket-Accept": {transcript.AcceptKey(req.Header.Get("Sec-WebSocket-Key"))},
	}
	if extension := rt.c.Extension(); extension != "" {
		header.Set("Sec-WebSocket-Extensions", extension)
	}
	return &http.Response{
		Status: "101 Switching Protocols", StatusCode: http.StatusSwitchingProtocols,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  header,
		Body:    rt.c,
		Request: req,
	}, nil
}

// exchange has the request answered on the Conn, as net/http does it.
func (rt roundTripper) exchange(req *http.Request) (*http.Response, error) {
	if err := req.Write(rt.c); err != nil {
		return nil, err
	}
	ahead := bufio.NewReader(rt.c)
	for {
		response, err := http.ReadResponse(ahead, req)
		if err != nil {
			return nil, err
		}
		if response.StatusCode == http.StatusSwitchingProtocols {
			response.Body = struct {
				io.Reader
				io.WriteCloser
			}{ahead, rt.c}
		}
		if response.StatusCode/100 != 1 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
}
