// Package opening is a client's side of the opening handshake (RFC 6455 §4.1),
// by plain code, for the tools: the suite, the load generator and the wire
// fuzzer. It must not depend on the core, which is one of the servers under
// test, and gives back the raw connection and the bytes behind the answer.
package opening

import (
	"bufio"
	"bytes"
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
	"time"
)

// A Client opens connections to one server, any number of them at the same time.
// It must not be changed meanwhile.
type Client struct {
	// URL is the server's, as ParseURL returns it. User and password in it are
	// sent as basic credentials, unless Header has an Authorization.
	URL *url.URL
	// Header is sent along, its names spelled as they are. Those of ParseField can
	// be in it.
	Header http.Header
	// Subprotocols are offered, the preferred ones first.
	Subprotocols []string
	// TLS is for wss. Default: the zero tls.Config. Its NextProtos are ignored, and
	// where its ServerName is empty, it is the URL's host.
	TLS *tls.Config
	// Dial makes the connection below TLS. Default: that of the zero net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// An Opened is a connection behind its opening handshake.
type Opened struct {
	// Conn is the connection, of which nothing behind Early has been read.
	Conn net.Conn
	// Early are the bytes that came together with the answer, the first of what the
	// server sends by frames; nil if there are none.
	Early []byte
	// Request and Response are the two headers as text, with the empty line.
	Request, Response string
	// Subprotocol is what the server selected of those that were offered.
	Subprotocol string
	// Extensions are those that the server agreed to, one list.
	Extensions string
}

// Address returns host:port to connect to.
func (c *Client) Address() string {
	port := c.URL.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[c.URL.Scheme]
	}
	return net.JoinHostPort(c.URL.Hostname(), port)
}

// Connect makes the connection below the handshake: TCP, and TLS for wss.
func (c *Client) Connect(ctx context.Context) (net.Conn, error) {
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", c.Address())
	if err != nil || c.URL.Scheme != "wss" {
		return conn, err
	}
	config := c.TLS.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = c.URL.Hostname()
	}
	config.NextProtos = []string{"http/1.1"} // WebSocket is an upgrade of that alone
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, tlsError(err)
	}
	return secure, nil
}

// tlsError says what can be done about a certificate.
func tlsError(err error) error {
	if invalid := new(tls.CertificateVerificationError); errors.As(err, &invalid) {
		return fmt.Errorf("TLS: %w (-cacert FILE names who may sign, -insecure takes any certificate)", err)
	}
	if record := new(tls.RecordHeaderError); errors.As(err, record) {
		return fmt.Errorf("TLS: %w (does it speak plain ws?)", err)
	}
	return fmt.Errorf("TLS: %w", err)
}

// Open connects and shakes hands. extensions is the Sec-WebSocket-Extensions to
// offer; "" offers none.
func (c *Client) Open(ctx context.Context, extensions string) (*Opened, error) {
	conn, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	o, err := c.Handshake(ctx, conn, extensions)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return o, nil
}

// Handshake is Open on a connection that is there. If it fails, the connection is
// of no more use, and the caller's to close.
func (c *Client) Handshake(ctx context.Context, conn net.Conn, extensions string) (*Opened, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	o, err := c.exchange(conn, extensions)
	switch {
	case stop():
		return o, err
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", err, context.Cause(ctx))
	}
	return nil, context.Cause(ctx)
}

func (c *Client) exchange(conn net.Conn, extensions string) (*Opened, error) {
	key := newKey()
	o := &Opened{Conn: conn, Request: c.request(key, extensions)}
	if _, err := io.WriteString(conn, o.Request); err != nil {
		return nil, fmt.Errorf("the opening handshake could not be sent: %w", err)
	}
	limited := &io.LimitedReader{R: conn, N: maxAnswer}
	buffered := bufio.NewReader(limited)
	response, err := readAnswer(buffered, limited)
	if err != nil {
		return nil, err
	}
	o.Response = headerText(response)
	if err := c.check(response, key, extensions != ""); err != nil {
		return nil, err
	}
	o.Subprotocol = response.Header.Get("Sec-WebSocket-Protocol")
	o.Extensions = strings.Join(response.Header.Values("Sec-WebSocket-Extensions"), ", ")
	if early, _ := buffered.Peek(buffered.Buffered()); len(early) > 0 {
		o.Early = bytes.Clone(early) // the buffer is larger
	}
	return o, nil
}

// maxAnswer is how many bytes the header of an answer may have, with those of
// the interim answers before it.
const maxAnswer = 64 << 10

// ErrNoResponse says that the server has not answered, or not by HTTP.
var ErrNoResponse = errors.New("no HTTP response came")

// readAnswer reads up to the answer that is not an interim one (RFC 9110 §15.2).
func readAnswer(buffered *bufio.Reader, limited *io.LimitedReader) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(buffered, &http.Request{Method: http.MethodGet})
		switch {
		case err != nil && limited.N <= 0:
			return nil, fmt.Errorf("the answer to the opening handshake has a header of more than %d KiB", maxAnswer>>10)
		case err != nil:
			return nil, fmt.Errorf("%w to the opening handshake: %w", ErrNoResponse, err)
		}
		if code := response.StatusCode; code < 100 || code > 199 || code == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
}

// A RefusedError says that the server answered the opening handshake with
// something else than 101.
type RefusedError struct {
	Status   int
	Text     string // of the status line, such as "404 Not Found"
	Location string // of a redirect
}

func (e *RefusedError) Error() string {
	s := fmt.Sprintf("the server answered the opening handshake with %s, not with 101", e.Text)
	if e.Location != "" && e.Status >= 300 && e.Status < 400 {
		s += fmt.Sprintf("; it redirects to %q", e.Location)
	}
	return s
}

// check holds the answer to RFC 6455 §4.1.
func (c *Client) check(response *http.Response, key string, offered bool) error {
	h := response.Header
	connection := strings.Join(h.Values("Connection"), ", ")
	if connection == "" && response.Close { // which net/http takes out
		connection = "close"
	}
	extensions, subprotocol := strings.Join(h.Values("Sec-WebSocket-Extensions"), ", "), h.Values("Sec-WebSocket-Protocol")
	switch {
	case response.StatusCode != http.StatusSwitchingProtocols:
		return &RefusedError{Status: response.StatusCode, Text: response.Status, Location: h.Get("Location")}
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return fmt.Errorf("the 101 has Upgrade: %q, not websocket", h.Get("Upgrade"))
	case !HasToken(h.Values("Connection"), "upgrade"):
		return fmt.Errorf("the 101 has Connection: %q, not Upgrade", connection)
	case h.Get("Sec-WebSocket-Accept") != AcceptKey(key):
		return fmt.Errorf("the 101 has a wrong Sec-WebSocket-Accept: %q, not %q", h.Get("Sec-WebSocket-Accept"), AcceptKey(key))
	case extensions != "" && !offered:
		return fmt.Errorf("the 101 has an extension that was not offered: %s", extensions)
	case len(subprotocol) > 1:
		return fmt.Errorf("the 101 has more than one subprotocol: %q", subprotocol)
	}
	for _, s := range c.Subprotocols {
		if len(subprotocol) == 1 && s == subprotocol[0] {
			return nil
		}
	}
	if len(subprotocol) == 1 {
		return fmt.Errorf("the 101 has a subprotocol that was not offered: %s", subprotocol[0])
	}
	return nil
}

func newKey() string {
	var nonce [16]byte
	rand.Read(nonce[:]) // never fails, by its documentation
	return base64.StdEncoding.EncodeToString(nonce[:])
}

// AcceptKey returns the Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455
// §4.2.2).
func AcceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// HasToken reports whether lists, the values of a field, have the token, in
// whichever case.
func HasToken(lists []string, token string) bool {
	for _, list := range lists {
		for t := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}
