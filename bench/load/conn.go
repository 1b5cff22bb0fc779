package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// A conn is a connection after its handshake.
type conn struct {
	net.Conn
	r       *runner
	shard   *shard
	index   int
	first   int  // the message of the ring to go on with
	ended   bool // closed, in order or not
	answers *answers
	unread  []byte // bytes that came with the 101

	received atomic.Int64 // bytes
	mu       sync.Mutex
	pongs    pongs
}

// dial opens a connection and shakes hands (RFC 6455 §4.1).
func (r *runner) dial(ctx context.Context, index int) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	c := &conn{r: r, index: index, shard: &r.shards[index%len(r.shards)]}
	var err error
	if address, plain := r.plain(); plain {
		if c.Conn, err = r.dialer().DialContext(ctx, "tcp", address); err != nil {
			return nil, fmt.Errorf("dialling: %w", err)
		}
		return c, nil
	}
	if c.Conn, err = r.client.Connect(ctx); err != nil {
		return nil, fmt.Errorf("dialling: %w", err)
	}
	offer := ""
	if r.Compression {
		offer = deflateOffer
	}
	o, err := r.client.Handshake(ctx, c.Conn, offer)
	if err == nil && r.Compression {
		err = agreed(o.Extensions)
	}
	if err != nil {
		c.Conn.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	c.unread = o.Early
	return c, nil
}

// dialAll opens the connections, some at a time, and sends a message on each at
// once if echoed is set. It returns those that opened, and an error if none did.
func (r *runner) dialAll(ctx context.Context, echoed bool) ([]*conn, error) {
	conns := make([]*conn, r.Conns)
	var wg sync.WaitGroup
	slots := make(chan struct{}, r.Dials)
	for i := range conns {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			c, err := r.dial(ctx, i)
			if ctx.Err() != nil {
				if err == nil {
					c.Conn.Close()
				}
				return
			}
			if err != nil {
				r.fail(&r.failures.Refused, 1, err)
				return
			}
			c.begin(i)
			conns[i] = c
			if !echoed {
				return
			}
			if err := c.echoOne(); err != nil {
				r.fail(&r.failures.Lost, 1, err)
			}
		})
	}
	wg.Wait()
	open := conns[:0]
	for _, c := range conns {
		if c != nil {
			open = append(open, c)
		}
	}
	if ctx.Err() != nil {
		for _, c := range open {
			c.Conn.Close()
		}
		return nil, ctx.Err()
	}
	if len(open) == 0 {
		return nil, fmt.Errorf("load: no connection opened: %s", strings.Join(r.failures.First, "; "))
	}
	return open, nil
}

// begin makes the connection ready to send from its own place in the ring, so
// that an answer to another connection's message is noticed.
func (c *conn) begin(i int) {
	c.first = i * 7 % c.r.script.messages()
	c.answers = newAnswers(c.r.script, c.first)
	c.answers.wrong = func(err error) { c.r.fail(&c.r.failures.Wrong, 1, err) }
	c.answers.pong = c.pong
}

// send writes whole frames; several goroutines may.
func (c *conn) send(frames []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Write(frames)
	return err
}

// pongs are what a connection has to answer pings with.
type pongs struct {
	mu      sync.Mutex
	due     bool
	payload []byte // of the latest ping, which answers those before it (RFC 6455 §5.5.3)
	writing bool
	done    sync.WaitGroup
}

// pong has a ping answered by a goroutine of its own: who reads must not wait for
// the connection to take something, since the server may wait for its answers to
// be read.
func (c *conn) pong(payload []byte) {
	p := &c.pongs
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due, p.payload = true, append(p.payload[:0], payload...)
	if p.writing {
		return
	}
	p.writing = true
	p.done.Go(func() {
		for {
			p.mu.Lock()
			if !p.due {
				p.writing = false
				p.mu.Unlock()
				return
			}
			p.due = false
			f := wire.Frame{Fin: true, Opcode: wire.Pong, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: p.payload}
			frame := f.Append(nil)
			p.mu.Unlock()
			_ = c.send(frame) // the reader learns of what breaks the connection
		}
	})
}

// drop closes the connection at once.
func (c *conn) drop() {
	c.Conn.Close()
	c.pongs.done.Wait()
}

// Read returns first what came with the 101.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	c.received.Add(int64(n))
	return n, err
}

// received is how many bytes the connections have received behind the handshake.
func received(conns []*conn) (n int64) {
	for _, c := range conns {
		if c != nil {
			n += c.received.Load()
		}
	}
	return n
}

// blame judges why reading ended while due messages were without an answer.
func (c *conn) blame(err error, due int64) {
	var wrong errClosed
	switch {
	case errors.Is(err, errLate):
		c.r.fail(&c.r.failures.Lost, due, fmt.Errorf("lost messages: %d without an answer after %v", due, c.r.Patience))
		return
	case errors.Is(err, io.EOF), errors.As(err, &wrong), isNet(err):
		c.r.fail(&c.r.failures.Dropped, 1, fmt.Errorf("connection %d dropped with %d messages without an answer: %w", c.index, due, err))
	default:
		c.r.fail(&c.r.failures.Wrong, 1, err)
	}
	if due > 0 {
		c.r.fail(&c.r.failures.Lost, due, fmt.Errorf("lost messages: %d on connection %d when it ended", due, c.index))
	}
}

var (
	errLate    = errors.New("load: late")
	errTooMany = errors.New("a wrong answer: more answers than messages")
)

func isNet(err error) bool {
	var e net.Error
	return errors.As(err, &e)
}

// closeFrame is the Close of every connection: masked, status 1000.
var closeFrame = func() []byte {
	f := wire.Frame{Fin: true, Opcode: wire.Close, Masked: true, Key: [4]byte{9, 8, 7, 6}, Payload: []byte{0x03, 0xE8}}
	return f.Append(nil)
}()

// goodbye closes the connection in order (RFC 6455 §7.1.2): Close, the
// server's Close, the server's end of the stream.
func (c *conn) goodbye() error {
	defer c.drop()
	if c.r.script.raw {
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(c.r.Patience))
	if err := c.send(closeFrame); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	if err := c.awaitClose(); err != nil {
		return err
	}
	// The server has to end TCP now. One that does not is known from the first time
	// on, and not worth that wait again.
	bound := min(c.r.Patience, leftOpenWait)
	if c.r.leaves.Load() {
		bound = leftOpenGlance
	}
	_ = c.SetReadDeadline(time.Now().Add(bound))
	if _, err := io.Copy(io.Discard, c.Conn); errors.Is(err, os.ErrDeadlineExceeded) {
		c.r.leaves.Store(true)
		c.r.leftOpen.Add(1)
	}
	return nil
}

// How long to wait for the end of TCP behind both Closes, at first and where a
// connection was left open before.
const (
	leftOpenWait   = time.Second
	leftOpenGlance = time.Millisecond
)

// awaitClose reads up to the server's Close. A message before it is an answer too
// many.
func (c *conn) awaitClose() error {
	var got []byte
	if c.answers != nil {
		got = c.answers.begun()
		if c.answers.inside {
			c.r.fail(&c.r.failures.Wrong, 1, errTooMany)
		}
	}
	chunk := make([]byte, 512)
	for read := 0; read <= mostBeforeClose; {
		for {
			f, n, err := wire.Split(got)
			if err != nil {
				break
			}
			got = got[n:]
			switch f.Opcode {
			case wire.Close:
				return nil
			case wire.Text, wire.Binary, wire.Continuation:
				if c.answers != nil {
					c.r.fail(&c.r.failures.Wrong, 1, errTooMany)
				}
			}
		}
		n, err := c.Read(chunk)
		got = append(got, chunk[:n]...)
		read += n
		switch {
		case n > 0:
		case errors.Is(err, io.EOF):
			return errors.New("closing: the server's Close did not come before the end of the stream")
		case err != nil:
			return fmt.Errorf("closing: the server's Close did not come: %w", err)
		}
	}
	return fmt.Errorf("closing: the server's Close did not come within %d KiB", mostBeforeClose>>10)
}

// mostBeforeClose is how many bytes are read in the hope of the server's Close.
const mostBeforeClose = 64 << 10
