package nbio

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lesismal/nbio"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/wsproof/wsproof/internal/engine/nbio/transcripts"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

// newServer serves on github.com/lesismal/nbio: upgraded from net/http, each TCP
// connection goes to the library's poller, so that an idle one has no goroutine
// and no buffer; others, such as those of TLS, have its blocking mode. UTF-8 is
// checked by it, replies are written as one frame. Handlers run on the poller:
// the library's pool of goroutines lets what it refuses close the connection
// before what came earlier is answered.
func newServer(h *serve.Hub) http.Handler {
	e := &acceptor{hub: h}
	e.opened.L = &e.mu
	e.engine = nbhttp.NewEngine(nbhttp.Config{
		MaxWebsocketFramePayloadSize: max(h.MaxMessage, 1<<10),
		NPoller:                      runtime.GOMAXPROCS(0),
		ServerExecutor:               here,
		ClientExecutor:               here,
		ReleaseWebsocketPayload:      true,
	})
	if h.SkipUTF8 {
		e.engine.CheckUtf8 = func([]byte) bool { return true }
	}
	u := websocket.NewUpgrader()
	u.Engine = e.engine
	u.MessageLengthLimit = h.MaxMessage
	u.EnableCompression(h.Compression)
	u.KeepaliveTime = h.ReadTimeout
	u.BlockingModAsyncWrite, u.BlockingModHandleRead = false, false
	u.CheckOrigin = func(*http.Request) bool { return true } // checked before
	u.SetPingHandler(e.ping)
	u.OnOpen(e.open)
	u.OnMessage(e.message)
	u.SetCloseHandler(e.closed)
	u.OnClose(e.end)
	e.upgrader = u
	h.AtEnd(e.stop)
	return e
}

type acceptor struct {
	hub      *serve.Hub
	engine   *nbhttp.Engine
	upgrader *websocket.Upgrader
	start    sync.Once
	running  bool
	halt     sync.Once

	mu     sync.Mutex // orders open, and what may come before it on the poller
	opened sync.Cond
}

func (e *acceptor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &serve.Spy{ResponseWriter: w}
	conn, err := e.upgrader.UpgradeAndTransferConnToPoller(starter{s, e}, r, nil)
	if err != nil {
		e.hub.Refused(s.Status, err)
		if s.Conn != nil {
			_ = s.Conn.Close()
		}
		return
	}
	if conn.IsBlockingMod() {
		go conn.HandleRead(0)
	}
}

// A starter starts the poller when it is needed: for a TCP connection.
type starter struct {
	*serve.Spy
	acceptor *acceptor
}

// Hijack takes the connection over.
func (s starter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := s.Spy.Hijack()
	if _, ok := conn.(*net.TCPConn); ok && err == nil {
		e := s.acceptor
		e.start.Do(func() { e.running = transcripts.Start(e.engine) == nil })
	}
	return conn, rw, err
}

func (e *acceptor) stop() {
	e.start.Do(func() {}) // no connection can come any more
	e.halt.Do(func() {
		if e.running {
			e.engine.Stop()
		}
	})
}

// A serverConn is a connection with what belongs to it: the session of the
// library's.
type serverConn struct {
	*websocket.Conn
	counts  serve.Counter
	scratch [serve.ScratchSize]byte
	opened  atomic.Bool // what open has written can be seen

	writing sync.Mutex // held while writing, which may end the connection there and then

	mu    sync.Mutex // never held while writing: end takes it
	sent  bool       // a Close
	code  uint16     // that the connection is closed with, 0: unknown
	asked error      // why the engine closed it
}

// leaves notes that a Close is sent, with the code, and why; it reports whether one
// was before.
func (c *serverConn) leaves(code uint16, cause error) (before bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.sent
	c.sent = true
	if !before && cause != nil {
		c.asked, c.code = cause, code
	}
	return before
}

// write writes, unless a Close was sent.
func (c *serverConn) write(kind websocket.MessageType, payload []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	sent := c.sent
	c.mu.Unlock()
	if sent {
		return net.ErrClosed
	}
	return c.WriteMessage(kind, payload)
}

// gone is the session of a connection that has ended before it was opened.
type gone struct{ err error }

func (c *serverConn) Counter() *serve.Counter { return &c.counts }
func (c *serverConn) Drop()                   { _ = c.Conn.Conn.Close() }
func (c *serverConn) GoAway() {
	c.sendClose(serve.CodeGoingAway, serve.ReasonGoingAway, nil)
}

// sendClose sends a Close, once, and gives the peer time for its own.
func (c *serverConn) sendClose(code uint16, reason string, cause error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.leaves(code, cause) {
		return
	}
	_ = c.WriteClose(int(code), reason)
	if cause != nil {
		_ = c.SetReadDeadline(time.Now().Add(serve.LingerTime))
	}
}

func (e *acceptor) open(conn *websocket.Conn) {
	c := new(serverConn)
	c.Conn = conn
	if t := e.hub.ReadTimeout; t > 0 { // the library has set it for the connection before the poller's
		_ = conn.SetReadDeadline(time.Now().Add(t))
	}
	e.hub.Enter(c) // which may drop it, and that calls end here
	e.mu.Lock()
	early, ended := conn.Session().(gone)
	conn.SetSession(c)
	c.opened.Store(true)
	e.mu.Unlock()
	e.opened.Broadcast()
	if ended {
		e.hub.Leave(c, serve.CodeAbnormal, early.err)
	}
}

// await returns the session: the poller may have read a message before the
// connection is told to be open.
func (e *acceptor) await(conn *websocket.Conn) *serverConn {
	if c, ok := conn.Session().(*serverConn); ok && c.opened.Load() {
		return c
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if c, ok := conn.Session().(*serverConn); ok {
			return c
		}
		e.opened.Wait()
	}
}

func (e *acceptor) message(conn *websocket.Conn, kind websocket.MessageType, payload []byte) {
	c := e.await(conn)
	reply, err := e.hub.Handler(c.scratch[:0], kind == websocket.BinaryMessage, payload)
	if err != nil {
		code, reason := serve.Closing(err)
		c.sendClose(code, reason, err)
		return
	}
	if reply != nil && c.write(kind, reply) != nil {
		return // end gets the error
	}
	e.hub.Answered(&c.counts, len(payload), len(reply))
}

func (e *acceptor) ping(conn *websocket.Conn, payload string) {
	_ = e.await(conn).write(websocket.PongMessage, []byte(payload))
}

// closed answers the peer's Close; the library closes TCP behind it.
func (e *acceptor) closed(conn *websocket.Conn, code int, reason string) {
	c := e.await(conn)
	c.mu.Lock()
	sent := c.sent
	c.sent = true
	if c.code == 0 {
		c.code = uint16(code)
	}
	c.mu.Unlock()
	switch {
	case sent:
	case code == serve.CodeNoStatus:
		_ = conn.WriteMessage(websocket.CloseMessage, nil)
	default:
		_ = conn.WriteClose(code, reason)
	}
}

// end is called last.
func (e *acceptor) end(conn *websocket.Conn, err error) {
	e.mu.Lock()
	c, ok := conn.Session().(*serverConn)
	if !ok {
		conn.SetSession(gone{err})
	}
	e.mu.Unlock()
	if !ok {
		return
	}
	c.mu.Lock()
	code, asked := c.code, c.asked
	c.mu.Unlock()
	switch {
	case asked != nil:
		err = asked
	case code != 0:
		err = nil
	case errors.Is(err, websocket.ErrMessageTooLarge), errors.Is(err, websocket.ErrControlMessageTooBig):
		code = serve.CodeTooLarge // sent by the library
	case errors.Is(err, websocket.ErrInvalidUtf8), errors.Is(err, websocket.ErrInvalidCloseCode):
		code = serve.CodeProtocol // sent by the library
	case errors.Is(err, nbio.ErrReadTimeout):
		code, err = serve.CodeAbnormal, os.ErrDeadlineExceeded
	default:
		code = serve.CodeAbnormal
		if err == nil || errors.Is(err, net.ErrClosed) {
			err = io.ErrUnexpectedEOF
		}
	}
	e.hub.Leave(c, code, err)
}
