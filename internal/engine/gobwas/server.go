package gobwas

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/wsproof/wsproof/internal/engine/serve"
)

// newServer serves on github.com/gobwas/ws: UpgradeHTTP, headers by
// ReadHeaderBuffer and CheckHeader, payloads read straight into a pooled buffer
// and unmasked there by Cipher, replies through the bufio.Writer of net/http,
// large ones by writev. With Gather its buffers are larger than net/http's.
func newServer(h *serve.Hub) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var extension *wsflate.Extension
		upgrader := ws.HTTPUpgrader{}
		if h.Compression {
			extension = newExtension()
			upgrader.Negotiate = extension.Negotiate
		}
		conn, rw, _, err := upgrader.Upgrade(r, w)
		if err != nil {
			status := http.StatusInternalServerError
			var refusal *ws.ConnectionRejectedError
			if errors.As(err, &refusal) && refusal.StatusCode() != 0 {
				status = refusal.StatusCode()
			}
			h.Refused(status, err)
			if conn != nil {
				_ = conn.Close()
			}
			return
		}
		c := &serverConn{hub: h, conn: conn, br: rw.Reader, bw: rw.Writer}
		if extension != nil {
			if _, c.compress = extension.Accepted(); c.compress {
				c.state = ws.StateExtended
			}
		}
		if h.Gather {
			c.flushBeforeReads()
		}
		h.Enter(c)
		go c.serve()
	})
}

type serverConn struct {
	hub    *serve.Hub
	conn   net.Conn
	br     *bufio.Reader
	header [ws.MaxHeaderSize]byte // the reader's

	compress bool // permessage-deflate was negotiated
	state    ws.State

	mu      sync.Mutex // guards the writer's
	bw      *bufio.Writer
	out     [ws.MaxHeaderSize]byte
	parts   [2][]byte
	vector  net.Buffers
	closing bool // a Close was sent

	counts  serve.Counter
	scratch [serve.ScratchSize]byte
	control [ws.MaxControlFramePayloadSize]byte
}

// closedByPeer is the peer's Close.
type closedByPeer struct{ code ws.StatusCode }

func (closedByPeer) Error() string { return "closed by the peer" }

func (c *serverConn) Counter() *serve.Counter { return &c.counts }
func (c *serverConn) Drop()                   { _ = c.conn.Close() }
func (c *serverConn) GoAway()                 { c.sendClose(serve.CodeGoingAway, serve.ReasonGoingAway) }

func (c *serverConn) sendClose(code uint16, reason string) {
	_ = c.write(ws.OpClose, ws.NewCloseFrameBody(ws.StatusCode(code), reason), true)
}

// gatherBuffer is the size of both buffers where replies are gathered, which they
// bound: that of the core's.
const gatherBuffer = 16 << 10

// flushBeforeReads puts a flush before each read of the connection.
func (c *serverConn) flushBeforeReads() {
	ahead, _ := c.br.Peek(c.br.Buffered())
	source := io.Reader(flushingReader{c})
	if len(ahead) > 0 {
		source = io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), source)
	}
	c.br = bufio.NewReaderSize(source, gatherBuffer)
	c.bw = bufio.NewWriterSize(c.conn, gatherBuffer)
}

type flushingReader struct{ c *serverConn }

func (r flushingReader) Read(p []byte) (int, error) {
	r.c.mu.Lock()
	err := r.c.bw.Flush()
	r.c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return r.c.conn.Read(p)
}

func (c *serverConn) serve() {
	err := c.loop()
	code := uint16(serve.CodeAbnormal)
	var peer closedByPeer
	var broken ws.ProtocolError
	switch {
	case errors.As(err, &peer):
		code, err = uint16(peer.code), nil
		_ = c.conn.Close()
	case serve.Ours(err):
		code, _ = serve.Closing(err)
		c.sendClose(serve.Closing(err))
		serve.Linger(c.conn)
	case errors.As(err, &broken), errors.Is(err, ws.ErrHeaderLengthMSB):
		code = serve.CodeProtocol
		c.sendClose(code, serve.Cut(err.Error()))
		serve.Linger(c.conn)
	default:
		_ = c.conn.Close()
	}
	c.hub.Leave(c, code, err)
}

func (c *serverConn) loop() error {
	for {
		h, err := c.next(ws.StateServerSide)
		if err != nil {
			return err
		}
		if h.OpCode.IsControl() {
			if err := c.handleControl(h); err != nil {
				return err
			}
			continue
		}
		buf := serve.Buffers.Get().(*[]byte)
		err = c.answer(h, buf)
		serve.Buffers.Put(buf)
		if err != nil {
			return err
		}
	}
}

// next reads and checks a header.
func (c *serverConn) next(state ws.State) (ws.Header, error) {
	if t := c.hub.ReadTimeout; t > 0 {
		_ = c.conn.SetReadDeadline(time.Now().Add(t))
	}
	h, err := ws.ReadHeaderBuffer(c.br, c.header[:])
	if err != nil {
		return h, err
	}
	return h, ws.CheckHeader(h, state|c.state)
}

// answer reads the message that begins with h, and answers it.
func (c *serverConn) answer(h ws.Header, buf *[]byte) error {
	kind := h.OpCode
	squeezed := c.compress && h.Rsv1()
	checked := kind == ws.OpText && !c.hub.SkipUTF8
	check := checked && !squeezed
	var text serve.TextCheck
	message := (*buf)[:0]
	for {
		if h.Length > int64(c.hub.MaxMessage-len(message)) {
			return serve.ErrTooLarge
		}
		begin, left := len(message), int(h.Length)
		for left > 0 {
			message = serve.Grow(message)
			*buf = message
			chunk := message[len(message):min(cap(message), len(message)+left)]
			n, err := c.br.Read(chunk)
			ws.Cipher(chunk[:n], h.Mask, len(message)-begin)
			message = message[:len(message)+n]
			left -= n
			if check && n > 0 {
				if err := text.More(message); err != nil {
					return err
				}
			}
			if err != nil {
				return err
			}
		}
		if h.Fin {
			break
		}
		var err error
		if h, err = c.continuation(); err != nil {
			return err
		}
	}
	if squeezed {
		d := deflaters.Get().(*deflater)
		defer deflaters.Put(d)
		var err error
		if message, err = d.inflate(message, c.hub.MaxMessage); err != nil {
			return err
		}
		if checked {
			if err := text.More(message); err != nil {
				return err
			}
		}
	}
	if checked {
		if err := text.End(message); err != nil {
			return err
		}
	}
	reply, err := c.hub.Handler(c.scratch[:0], kind == ws.OpBinary, message)
	if err != nil {
		return serve.Asked(err)
	}
	if reply != nil {
		switch err := c.writeMessage(kind, reply); {
		case errors.Is(err, errCloseSent):
			return nil
		case err != nil:
			return err
		}
	}
	c.hub.Answered(&c.counts, len(message), len(reply))
	return nil
}

// continuation returns the next header of the message, past control frames.
func (c *serverConn) continuation() (ws.Header, error) {
	for {
		h, err := c.next(ws.StateServerSide | ws.StateFragmented)
		if err != nil || !h.OpCode.IsControl() {
			return h, err
		}
		if err := c.handleControl(h); err != nil {
			return h, err
		}
	}
}

func (c *serverConn) handleControl(h ws.Header) error {
	payload := c.control[:h.Length] // CheckHeader has bounded it
	if _, err := io.ReadFull(c.br, payload); err != nil {
		return err
	}
	ws.Cipher(payload, h.Mask, 0)
	switch h.OpCode {
	case ws.OpPing:
		if err := c.write(ws.OpPong, payload, !c.hub.Gather); !errors.Is(err, errCloseSent) {
			return err
		}
	case ws.OpClose:
		if len(payload) == 0 {
			_ = c.write(ws.OpClose, nil, true)
			return closedByPeer{serve.CodeNoStatus}
		}
		code, reason := ws.ParseCloseFrameData(payload)
		if err := ws.CheckCloseFrameData(code, reason); err != nil {
			return err
		}
		_ = c.write(ws.OpClose, payload[:2], true)
		return closedByPeer{code}
	}
	return nil
}

// errCloseSent is for what would follow a Close (RFC 6455 §5.5.1): what the peer
// sends until it has read that is read, and not answered.
var errCloseSent = errors.New("a Close was sent")

// writeMessage writes a message, compressed where that was negotiated.
func (c *serverConn) writeMessage(op ws.OpCode, message []byte) error {
	h := ws.Header{Fin: true, OpCode: op}
	if c.compress {
		d := deflaters.Get().(*deflater)
		defer deflaters.Put(d)
		var err error
		if message, err = d.deflate(message); err != nil {
			return err
		}
		h = compressed(h)
	}
	return c.writeFrame(h, message, !c.hub.Gather)
}

func (c *serverConn) write(op ws.OpCode, payload []byte, flush bool) error {
	return c.writeFrame(ws.Header{Fin: true, OpCode: op}, payload, flush)
}

// writeFrame writes a frame: in one piece, or by writev where it does not fit the
// buffer.
func (c *serverConn) writeFrame(h ws.Header, payload []byte, flush bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return errCloseSent
	}
	c.closing = h.OpCode == ws.OpClose
	h.Length = int64(len(payload))
	n := ws.HeaderSize(h)
	if n+len(payload) > c.bw.Size() {
		if err := c.bw.Flush(); err != nil {
			return err
		}
		_ = ws.WriteHeaderBuffer(io.Discard, h, c.out[:]) // fills c.out
		c.parts = [2][]byte{c.out[:n], payload}
		c.vector = c.parts[:]
		_, err := c.vector.WriteTo(c.conn)
		c.parts[1] = nil
		return err
	}
	if err := ws.WriteHeaderBuffer(c.bw, h, c.out[:]); err != nil {
		return err
	}
	if _, err := c.bw.Write(payload); err != nil {
		return err
	}
	if flush {
		return c.bw.Flush()
	}
	return nil
}
