package load

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
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
	mu      sync.Mutex
}

// dial opens a connection and shakes hands (RFC 6455 §4.1).
func (r *runner) dial(ctx context.Context, index int) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Patience)
	defer cancel()
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), map[string]string{"ws": "80", "wss": "443"}[u.Scheme])
	}
	var nc net.Conn
	if u.Scheme == "wss" {
		nc, err = (&tls.Dialer{Config: &tls.Config{ServerName: u.Hostname()}}).DialContext(ctx, "tcp", host)
	} else {
		nc, err = (&net.Dialer{}).DialContext(ctx, "tcp", host)
	}
	if err != nil {
		return nil, fmt.Errorf("dialling: %w", err)
	}
	c := &conn{Conn: nc, r: r, index: index, shard: &r.shards[index%len(r.shards)]}
	if u.Scheme == "tcp" {
		return c, nil
	}
	deadline, _ := ctx.Deadline()
	_ = nc.SetDeadline(deadline)
	if err := c.handshake(u); err != nil {
		nc.Close()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	_ = nc.SetDeadline(time.Time{})
	return c, nil
}

func (c *conn) handshake(u *url.URL) error {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	key := base64.StdEncoding.EncodeToString(nonce[:])
	request := "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n\r\n"
	if _, err := io.WriteString(c.Conn, request); err != nil {
		return err
	}
	br := bufio.NewReaderSize(c.Conn, 2048)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if got, want := resp.Header.Get("Sec-WebSocket-Accept"), base64.StdEncoding.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("the accept key is %q, want %q", got, want)
	}
	switch h := resp.Header; {
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return fmt.Errorf("the 101 upgrades to %q, want websocket", h.Get("Upgrade"))
	case !hasToken(h.Values("Connection"), "upgrade"):
		return fmt.Errorf("the 101 has Connection %q, want upgrade", h.Values("Connection"))
	case h.Get("Sec-WebSocket-Extensions") != "" || h.Get("Sec-WebSocket-Protocol") != "":
		return errors.New("the 101 agrees to an extension or a subprotocol that nobody asked for")
	}
	c.unread, _ = br.Peek(br.Buffered())
	return nil
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
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
	if len(open) == 0 {
		return nil, fmt.Errorf("load: no connection opened: %s", r.failures.String())
	}
	return open, nil
}

// begin makes the connection ready to send from its own place in the ring, so
// that an answer to another connection's message is noticed.
func (c *conn) begin(i int) {
	c.first = i * 7 % c.r.script.messages()
	c.answers = newAnswers(c.r.script, c.first)
	c.answers.wrong = func(err error) { c.r.fail(&c.r.failures.Wrong, 1, err) }
	c.answers.pong = func(payload []byte) {
		f := wire.Frame{Fin: true, Opcode: wire.Pong, Masked: true, Key: [4]byte{1, 2, 3, 4}, Payload: payload}
		_ = c.send(f.Append(nil))
	}
}

// send writes whole frames; several goroutines may.
func (c *conn) send(frames []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Write(frames)
	return err
}

// Read returns first what came with the 101.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
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
// server's Close, the server's end of the stream. A message before that Close
// is an answer too many.
func (c *conn) goodbye() error {
	defer c.Conn.Close()
	if c.r.script.raw {
		return nil
	}
	_ = c.SetDeadline(time.Now().Add(c.r.Patience))
	if err := c.send(closeFrame); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	got, err := io.ReadAll(io.LimitReader(c, 1<<16))
	if c.answers != nil {
		got = append(c.answers.begun(), got...)
		if c.answers.inside {
			c.r.fail(&c.r.failures.Wrong, 1, errTooMany)
		}
	}
	for len(got) > 0 {
		f, n, splitErr := wire.Split(got)
		if splitErr != nil {
			break
		}
		switch f.Opcode {
		case wire.Close:
			return nil
		case wire.Text, wire.Binary, wire.Continuation:
			if c.answers != nil {
				c.r.fail(&c.r.failures.Wrong, 1, errTooMany)
			}
		}
		got = got[n:]
	}
	if err != nil {
		return fmt.Errorf("closing: the server's Close did not come: %w", err)
	}
	return errors.New("closing: the server's Close did not come before the end of the stream")
}
