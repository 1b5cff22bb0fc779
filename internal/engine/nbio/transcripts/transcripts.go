// Package transcripts reads transcripts with github.com/lesismal/nbio, by its
// blocking mode, which reads any net.Conn: the parser and the handlers are those
// of its poller, too.
package transcripts

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/engine/transcript/opening"
	"github.com/wsproof/wsproof/internal/model"
)

// Reader is nbio, which looks at the UTF-8 of whole messages. It has one limit,
// for messages and frames of any kind. Most rules about a header it looks at
// when the frame is complete, and it closes the connection then without a Close.
var Reader = transcript.Reader{
	Name:   "nbio",
	Module: "github.com/lesismal/nbio",
	Caps: transcript.Caps{
		UTF8: transcript.UTF8AtEnd, Limits: transcript.LimitsOne, Deflate: transcript.DeflateAlone,
		Late: []model.Rule{
			model.RSVBitsUnsupported, model.OpcodeUnknown, model.ControlFrameFragmented,
			model.ContinuationUnexpected, model.ContinuationExpected,
		},
	},
	Read: read,
}

// engine runs all handlers where the frames are read.
var engine = sync.OnceValue(func() *nbhttp.Engine {
	return nbhttp.NewEngine(nbhttp.Config{
		ServerExecutor:               here,
		ClientExecutor:               here,
		ReleaseWebsocketPayload:      true,
		MaxWebsocketFramePayloadSize: mostSent,
	})
})

// mostSent is how long a frame that is sent is at most: what is longer is cut.
const mostSent = 1000

func here(f func()) { f() }

// recovered keeps what nbio logs as an error: it recovers from its own panics, and
// the log is where it says so. Its logger is one for all, so transcripts are read
// one at a time.
var recovered struct {
	reading sync.Mutex
	said    atomic.Value // string
}

func init() { logging.SetLogger(logger{}) }

type logger struct{}

func (logger) Debug(string, ...any) {}
func (logger) Info(string, ...any)  {}
func (logger) Warn(string, ...any)  {}
func (logger) Error(format string, v ...any) {
	recovered.said.CompareAndSwap("", fmt.Sprintf(format, v...))
}

func read(t *transcript.Transcript, c *transcript.Conn, r *transcript.Result) error {
	recovered.reading.Lock()
	defer recovered.reading.Unlock()
	recovered.said.Store("")
	u := websocket.NewUpgrader()
	u.Engine = engine()
	u.MessageLengthLimit = t.Limits.Message
	u.EnableCompression(t.Deflate != nil)
	u.BlockingModAsyncWrite, u.BlockingModHandleRead = false, false
	closed := false // by the peer's Close
	u.OnMessage(func(_ *websocket.Conn, kind websocket.MessageType, payload []byte) {
		if c.Closed() && !closed { // it has closed the transport, and goes on with what it has read
			r.AfterFailure++
			return
		}
		r.Deliver(c, kind == websocket.BinaryMessage, payload)
	})
	u.SetCloseHandler(func(ws *websocket.Conn, code int, reason string) { // as its own, which tells nothing of 1000
		if c.Closed() {
			r.AfterClose++
			return
		}
		closed = true
		r.End, r.Code, r.Reason = model.Closed, uint16(code), reason
		if code == 1005 {
			_ = ws.WriteMessage(websocket.CloseMessage, nil)
		} else {
			_ = ws.WriteClose(code, reason)
		}
	})
	u.OnClose(func(_ *websocket.Conn, err error) {
		r.Err = err
		switch {
		case closed:
		case errors.Is(err, io.EOF):
			r.End = model.Open
		default:
			r.End = model.Failed
		}
	})
	var ws *websocket.Conn
	if t.Role == model.Server {
		w, req, upgraded := opening.Upgrade(c)
		var err error
		if ws, err = u.Upgrade(w, req, nil); err != nil {
			return err
		}
		upgraded()
	} else {
		ws = websocket.NewClientConn(u, net.Conn(c), "", t.Deflate != nil, false)
		ws.Execute = nbhttp.SyncExecutor
	}
	if t.Pings {
		if err := ws.WriteMessage(websocket.PingMessage, []byte("1")); err != nil {
			return err
		}
	}
	ws.EnableWriteCompression(t.Deflate != nil)
	t.Send(c, r, func(opcode byte, payload []byte) error {
		return ws.WriteMessage(websocket.MessageType(opcode), payload)
	})
	ws.HandleRead(0)
	r.Crash = recovered.said.Load().(string)
	return nil
}
