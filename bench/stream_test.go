package bench

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// A stream is the transport of every benchmark: it reads the same bytes again
// and again, and counts and drops what is written, or keeps it if told so. It
// is a net.Conn, takes time in proportion to the bytes copied, holds no lock,
// and is no *bytes.Reader, for which some libraries have a path of their own.
type stream struct {
	ring    []byte // read again and again; empty: only pre, then EOF
	off     int
	pre     []byte // read once, before ring
	stopped bool   // reads return io.EOF

	writes  int // calls of Write
	written int64
	keep    bool
	kept    []byte
}

var _ net.Conn = (*stream)(nil)

func (s *stream) Read(p []byte) (int, error) {
	if s.stopped {
		return 0, io.EOF
	}
	if len(s.pre) > 0 {
		n := copy(p, s.pre)
		s.pre = s.pre[n:]
		return n, nil
	}
	n := copy(p, s.ring[s.off:])
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	s.off += n
	if s.off == len(s.ring) {
		s.off = 0
	}
	return n, nil
}

func (s *stream) Write(p []byte) (int, error) {
	s.writes++
	s.written += int64(len(p))
	if s.keep {
		s.kept = append(s.kept, p...)
	}
	return len(p), nil
}

func (s *stream) Close() error                     { s.stopped = true; return nil }
func (s *stream) LocalAddr() net.Addr              { return addr{} }
func (s *stream) RemoteAddr() net.Addr             { return addr{} }
func (s *stream) SetDeadline(time.Time) error      { return nil }
func (s *stream) SetReadDeadline(time.Time) error  { return nil }
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

type addr struct{}

func (addr) Network() string { return "memory" }
func (addr) String() string  { return "memory" }

// A dialled stream answers the client handshake that is written to it, and is
// a plain stream from then on.
type dialled struct {
	*stream
	request []byte
	open    bool
}

func (d *dialled) Write(p []byte) (int, error) {
	if d.open {
		return d.stream.Write(p)
	}
	d.request = append(d.request, p...)
	if !bytes.HasSuffix(d.request, []byte("\r\n\r\n")) {
		return len(p), nil
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(d.request)))
	if err != nil {
		return 0, err
	}
	d.pre = []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		acceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n\r\n")
	d.open = true
	return len(p), nil
}

// acceptKey is the answer to a client's key (RFC 6455 §4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ=="

// A response is the http.ResponseWriter of the handshakes: what net/http gives
// a handler, as far as an upgrade needs it, without allocating.
type response struct {
	conn   net.Conn
	brw    *bufio.ReadWriter
	header http.Header
	status int
}

func newResponse(conn net.Conn) *response {
	return &response{
		conn:   conn,
		brw:    bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn)),
		header: http.Header{},
	}
}

// reset makes the response as good as new for the next handshake.
func (w *response) reset() {
	w.brw.Reader.Reset(w.conn)
	w.brw.Writer.Reset(w.conn)
	clear(w.header)
	w.status = 0
}

func (w *response) Header() http.Header { return w.header }

// WriteHeader sends the head of the response, as net/http does at the hijack
// that follows a 101.
func (w *response) WriteHeader(status int) {
	w.status = status
	if status != http.StatusSwitchingProtocols {
		return
	}
	w.brw.Writer.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = w.header.Write(w.brw.Writer)
	w.brw.Writer.WriteString("\r\n")
	_ = w.brw.Writer.Flush()
}

func (w *response) Write([]byte) (int, error) {
	return 0, errors.New("bench: the handshake was refused")
}

func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.conn, w.brw, nil }

// requestBytes are an upgrade request as a browser sends it.
var requestBytes = []byte("GET /echo HTTP/1.1\r\n" +
	"Host: localhost:9001\r\n" +
	"Connection: Upgrade\r\n" +
	"Upgrade: websocket\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Origin: http://localhost:9001\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Sec-WebSocket-Key: " + sampleKey + "\r\n" +
	"\r\n")

func parsedRequest() *http.Request {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(requestBytes)))
	if err != nil {
		panic(err)
	}
	return r
}
