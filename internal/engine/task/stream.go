package task

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/wsproof/wsproof/internal/engine/transcript"
)

// A Stream is the transport of every benchmark: it reads the same bytes again
// and again, and counts and drops what is written, or keeps it if told so. It
// is a net.Conn, takes time in proportion to the bytes copied, holds no lock,
// and is no *bytes.Reader, for which some libraries have a path of their own.
type Stream struct {
	Ring    []byte // read again and again; empty: only Pre, then EOF
	off     int
	Pre     []byte // read once, before Ring
	Stopped bool   // reads return io.EOF

	Writes  int // calls of Write
	written int64
	Keep    bool   // keep what is written
	Kept    []byte // what was
}

var _ net.Conn = (*Stream)(nil)

func (s *Stream) Read(p []byte) (int, error) {
	if s.Stopped {
		return 0, io.EOF
	}
	if len(s.Pre) > 0 {
		n := copy(p, s.Pre)
		s.Pre = s.Pre[n:]
		return n, nil
	}
	n := copy(p, s.Ring[s.off:])
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	s.off += n
	if s.off == len(s.Ring) {
		s.off = 0
	}
	return n, nil
}

func (s *Stream) Write(p []byte) (int, error) {
	s.Writes++
	s.written += int64(len(p))
	if s.Keep {
		s.Kept = append(s.Kept, p...)
	}
	return len(p), nil
}

// Written is how many bytes were.
func (s *Stream) Written() int64 { return s.written }

func (s *Stream) Close() error                     { s.Stopped = true; return nil }
func (s *Stream) LocalAddr() net.Addr              { return addr{} }
func (s *Stream) RemoteAddr() net.Addr             { return addr{} }
func (s *Stream) SetDeadline(time.Time) error      { return nil }
func (s *Stream) SetReadDeadline(time.Time) error  { return nil }
func (s *Stream) SetWriteDeadline(time.Time) error { return nil }

type addr struct{}

func (addr) Network() string { return "memory" }
func (addr) String() string  { return "memory" }

// Dial returns s for a client: it answers the handshake that is written to it,
// and is s from then on.
func Dial(s *Stream) net.Conn { return &dialled{Stream: s} }

type dialled struct {
	*Stream
	request []byte
	open    bool
}

func (d *dialled) Write(p []byte) (int, error) {
	if d.open {
		return d.Stream.Write(p)
	}
	d.request = append(d.request, p...)
	if !bytes.HasSuffix(d.request, []byte("\r\n\r\n")) {
		return len(p), nil
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(d.request)))
	if err != nil {
		return 0, err
	}
	d.Pre = []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		transcript.AcceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n\r\n")
	d.open = true
	return len(p), nil
}

// SampleKey is the Sec-WebSocket-Key of [Request] (RFC 6455 §1.3).
const SampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// A Response is the http.ResponseWriter of the handshakes: what net/http gives
// a handler, as far as an upgrade needs it, without allocating.
type Response struct {
	conn   net.Conn
	brw    *bufio.ReadWriter
	header http.Header
	status int
}

// NewResponse returns the Response of a connection.
func NewResponse(conn net.Conn) *Response {
	return &Response{
		conn:   conn,
		brw:    bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)),
		header: http.Header{},
	}
}

// Reset makes the response as good as new for the next handshake.
func (w *Response) Reset() {
	w.brw.Reader.Reset(w.conn)
	w.brw.Writer.Reset(w.conn)
	clear(w.header)
	w.status = 0
}

// Reader returns what net/http reads the connection by.
func (w *Response) Reader() *bufio.Reader { return w.brw.Reader }

func (w *Response) Header() http.Header { return w.header }

// WriteHeader sends the head of the response, as net/http does at the hijack
// that follows a 101.
func (w *Response) WriteHeader(status int) {
	w.status = status
	if status != http.StatusSwitchingProtocols {
		return
	}
	w.brw.Writer.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = w.header.Write(w.brw.Writer)
	w.brw.Writer.WriteString("\r\n")
	_ = w.brw.Writer.Flush()
}

func (w *Response) Write([]byte) (int, error) {
	return 0, errors.New("bench: the handshake was refused")
}

func (w *Response) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.conn, w.brw, nil }

// RequestBytes are an upgrade request as a browser sends it.
var RequestBytes = []byte("GET /echo HTTP/1.1\r\n" +
	"Host: localhost:9001\r\n" +
	"Connection: Upgrade\r\n" +
	"Upgrade: websocket\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Origin: http://localhost:9001\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: " + SampleKey + "\r\n" +
	"\r\n")

// Request returns RequestBytes as net/http parses them.
func Request() *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(RequestBytes)))
	if err != nil {
		panic(err)
	}
	return r
}
