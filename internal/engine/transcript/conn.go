package transcript

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// A Conn is a net.Conn in memory: reads return the transcript, then io.EOF, and
// never wait; writes are kept. Deadlines are taken and do nothing.
type Conn struct {
	mu       sync.Mutex
	prefix   []byte // returned before the input, in a read of its own
	input    []byte
	chunks   []int
	turn     int
	idle     int // reads that returned no byte
	out      []byte
	from     int                         // where the frames begin in out
	answer   func(request []byte) []byte // to the request of an opening handshake
	deflate  string                      // the offer, and the answer, of permessage-deflate; "": none
	closeAt  int                         // scanned for a Close up to here
	code     uint16                      // of the first Close that was sent, 0 if none was
	start    int                         // what had been consumed before the last read
	closed   bool
	chunked  bool // the answer comes in chunks too
	request  *http.Request
	shared   bool // a goroutine that is not the adapter's may still hold it
	consumed int
}

// NewConn returns a Conn that gives the transcript.
func NewConn(t *Transcript) *Conn {
	c := new(Conn)
	c.reset(t)
	return c
}

func (c *Conn) reset(t *Transcript) {
	*c = Conn{input: t.Input, chunks: t.Chunks, out: c.out[:0], deflate: Extension(t.Deflate)}
}

// Extension is what the peer offers of permessage-deflate, or answers; "" for nothing.
func (c *Conn) Extension() string { return c.deflate }

// Share keeps the Conn from being used again after this transcript, because the
// library may hold it in a goroutine that outlives the reading.
func (c *Conn) Share() { c.shared = true }

// Read returns the next chunk of the input.
func (c *Conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	if len(c.prefix) > 0 && !c.closed {
		n := len(c.prefix)
		if c.chunked && len(c.chunks) > 0 {
			n = min(n, max(1, c.chunks[c.turn%len(c.chunks)]))
			c.turn++
		}
		n = copy(p, c.prefix[:n])
		c.prefix = c.prefix[n:]
		return n, nil
	}
	if c.closed {
		c.spin()
		return 0, net.ErrClosed
	}
	if len(c.input) == 0 {
		c.spin()
		return 0, io.EOF
	}
	n := len(c.input)
	if len(c.chunks) > 0 {
		n = min(n, max(1, c.chunks[c.turn%len(c.chunks)]))
		c.turn++
	}
	n = copy(p, c.input[:n])
	c.start = c.consumed
	c.input = c.input[n:]
	c.consumed += n
	return n, nil
}

// spin ends a library that reads the end of the stream for ever.
func (c *Conn) spin() {
	if c.idle++; c.idle > maxIdleReads {
		panic(errSpin)
	}
}

// Write keeps p, and answers the request of an opening handshake in [Conn.Client].
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.out = append(c.out, p...)
	if c.answer != nil {
		if end := bytes.Index(c.out, []byte("\r\n\r\n")); end >= 0 {
			c.prefix = c.answer(c.out[:end+4])
			c.answer = nil
			c.from = end + 4
		}
	}
	c.scan()
	return len(p), nil
}

// scan looks for the first Close in what was sent.
func (c *Conn) scan() {
	if c.answer != nil || c.code != 0 {
		return
	}
	for {
		b := c.out[c.from+c.closeAt:]
		f, n, err := wire.Split(b)
		if err != nil {
			return
		}
		c.closeAt += n
		if f.Opcode != wire.Close {
			continue
		}
		c.code = 1005
		if len(f.Payload) >= 2 {
			c.code = uint16(f.Payload[0])<<8 | uint16(f.Payload[1])
		}
		return
	}
}

// SentClose returns the code of the first Close that was sent: 1005 for an empty
// one, 0 if none was.
func (c *Conn) SentClose() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code
}

// Asked returns how many bytes had been given when the last read was asked for:
// a failure that is certain after n bytes is noticed in time if it is at most n-1.
func (c *Conn) Asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start
}

// Close makes further reads and writes fail.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

// Sent returns the bytes written behind the opening handshake. They are valid
// until the next Write.
func (c *Conn) Sent() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out[c.from:]
}

// Consumed returns how many bytes of the input were read.
func (c *Conn) Consumed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.consumed
}

// Client makes the Conn play the server of an opening handshake: the first
// request that is written gets the 101 that suits it (RFC 6455 §4.2.2), in a
// read of its own, before the transcript; or what was chosen by Answer.
func (c *Conn) Client() net.Conn {
	if c.answer == nil {
		c.answer = c.response
	}
	return c
}

// Ask has a server asked by r, in place of the usual request.
func (c *Conn) Ask(r *http.Request) { c.request = r }

// Request is what a server is asked by, nil for the usual request.
func (c *Conn) Request() *http.Request { return c.request }

// Opens tells whether the request or the answer of the opening handshake is not the usual
// one, so that a library has to read it, which otherwise may begin behind it.
func (c *Conn) Opens() bool { return c.chunked || c.request != nil }

// Answer has the first request that is written answered by f, in reads of the
// transcript's sizes.
func (c *Conn) Answer(f func(request []byte) []byte) { c.answer, c.chunked = f, true }

// Frames says that what has been written so far is the opening handshake.
func (c *Conn) Frames() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from, c.closeAt, c.code = len(c.out), 0, 0
}

// Closed tells whether it was closed.
func (c *Conn) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// LocalAddr returns an address that means nothing.
func (c *Conn) LocalAddr() net.Addr { return addr{} }

// RemoteAddr returns an address that means nothing.
func (c *Conn) RemoteAddr() net.Addr { return addr{} }

// SetDeadline does nothing: no read or write waits.
func (c *Conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (c *Conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

type addr struct{}

func (addr) Network() string { return "memory" }
func (addr) String() string  { return "memory" }

// AcceptKey returns the Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2).
func AcceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// response returns the 101 for a request.
func (c *Conn) response(request []byte) []byte {
	var key string
	for line := range strings.SplitSeq(string(request), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)) == "Sec-Websocket-Key" {
			key = strings.TrimSpace(value)
		}
	}
	extension := ""
	if c.deflate != "" {
		extension = "Sec-WebSocket-Extensions: " + c.deflate + "\r\n"
	}
	return []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + extension +
		"Sec-WebSocket-Accept: " + AcceptKey(key) + "\r\n\r\n")
}

// Target is the URL that a client dials.
func Target() *url.URL { return &url.URL{Scheme: "ws", Host: "peer", Path: "/"} }
