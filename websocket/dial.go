package websocket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/websocket/protocol"
)

const (
	// maxAnswerHeader is how many bytes of header, interim responses included,
	// a client reads of an answer to its handshake.
	maxAnswerHeader = 64 << 10
	// maxAnswerBody is how much of the body of a refused handshake is kept.
	maxAnswerBody = 1 << 10
)

// DialOptions set how a client connects. The zero value is ready to use. Of the
// embedded Options those that are for servers alone have no effect; Subprotocols
// are offered to the server, the preferred ones first, each a token and there
// once (RFC 6455 §4.1).
type DialOptions struct {
	Options

	// Header is sent along with the handshake: an Origin, cookies, credentials.
	// Fields that the handshake sets itself are refused; Host may be set.
	Header http.Header
	// TLSConfig is used for wss, and for proxies reached by https. Its
	// ServerName is taken from the URL where it is empty (for proxies always);
	// its NextProtos are ignored, since only http/1.1 will do. Default: the zero
	// tls.Config.
	TLSConfig *tls.Config
	// NetDial makes the connection to the server, or to the proxy. Default: that
	// of the zero net.Dialer.
	NetDial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Proxy returns the proxy for a request whose URL is that of the handshake
	// with http for ws, https for wss; nil means none. The proxy's scheme is
	// http (meant also by an empty one) or https, both by CONNECT, socks5 or
	// socks5h, which both leave the name to the proxy to resolve; its user and
	// password are sent to it. Default: http.ProxyFromEnvironment.
	Proxy func(*http.Request) (*url.URL, error)
}

// Dial connects to the server at rawURL, of scheme ws or wss (http and https
// mean the same), and does a client's side of the opening handshake (RFC 6455
// §4.1). A user and password in the URL are sent as basic credentials, unless
// the header has an Authorization. Redirects are not followed. Dial does not
// wait for other connections to the same host that are being opened, as §4.1
// wants it of browsers.
//
// The whole of it is bounded by ctx and by nothing else; once Dial has returned,
// ctx has no effect on the connection.
//
// The error is a *[HandshakeError]. Where the server, or a proxy, answered, its
// status and its response come along; up to 1 KiB of the body of a refusal can
// still be read, and TLS is that with the server. The response's body need not be
// closed. Where no answer came, the status is 0 and the response nil.
func Dial(ctx context.Context, rawURL string, opts DialOptions) (*Websocket, *http.Response, error) {
	ws, response, failure := dial(ctx, rawURL, &opts)
	if failure != nil {
		return nil, response, failure
	}
	return ws, response, nil
}

func dial(ctx context.Context, rawURL string, opts *DialOptions) (*Websocket, *http.Response, *HandshakeError) {
	// A copy of its own, so that opts is not kept for the connection's life.
	options := newSettings(opts.Options)
	target, failure := parseURL(rawURL)
	if failure != nil {
		return nil, nil, failure
	}
	key := NewClientKey()
	request, failure := newRequest(ctx, target, key, opts)
	if failure != nil {
		return nil, nil, failure
	}
	d := &dialer{opts: opts, request: request, key: key, bodyTimeout: options.CloseTimeout}
	if d.proxy, failure = chooseProxy(request, opts.Proxy); failure != nil {
		return nil, nil, failure
	}
	if d.transport, failure = d.netDial(ctx); failure != nil {
		return nil, nil, failure
	}
	// Closing ends a read or a write of any step at once, on any transport, be it
	// without deadlines, or under TLS, whose own Close may wait for the peer.
	stop := context.AfterFunc(ctx, d.drop)
	done, failure := d.establish(ctx)
	if !stop() && failure == nil {
		done.response, failure = nil, &HandshakeError{Reason: "given up", Err: ctxError(ctx)}
	}
	if failure != nil {
		d.drop()
		return nil, done.response, failure
	}
	c := newWebsocket()
	c.init(done.conn, ClientMode, options, done.unread, newOpened(key, done.subprotocol, done.deflation))
	return c, done.response, nil
}

// A dialer does the steps of one Dial.
type dialer struct {
	opts        *DialOptions
	request     *http.Request
	key         ClientKey
	proxy       *url.URL      // nil if none
	transport   net.Conn      // to the proxy or to the server, below any TLS
	bodyTimeout time.Duration // for the body of a refusal
}

// established is what comes of a successful handshake. Of a refused one it has
// the response.
type established struct {
	conn        net.Conn
	unread      []byte // what the server sent behind its answer
	subprotocol string
	deflation   *protocol.Deflation
	response    *http.Response
}

// drop closes the transport at once. NetDial may have brought TLS.
func (d *dialer) drop() { drop(d.transport) }

// netDial connects to the proxy or the server.
func (d *dialer) netDial(ctx context.Context) (net.Conn, *HandshakeError) {
	addr := hostPort(d.request.URL)
	reason := "connecting to " + addr
	if d.proxy != nil {
		addr = hostPort(d.proxy)
		reason = "connecting to the proxy " + addr
	}
	dial := d.opts.NetDial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", addr)
	if err == nil && conn == nil {
		err = errors.New("NetDial returned neither connection nor error")
	}
	if err != nil {
		return nil, &HandshakeError{Reason: reason, Err: withCause(ctx, err)}
	}
	return conn, nil
}

// establish does what follows once the transport is there: the proxy's tunnel,
// TLS, the handshake.
func (d *dialer) establish(ctx context.Context) (done established, failure *HandshakeError) {
	done.conn = d.transport
	if d.proxy != nil {
		done.conn, done.response, failure = d.throughProxy(ctx, hostPort(d.request.URL))
		if failure != nil {
			return done, failure
		}
	}
	if d.request.URL.Scheme == "https" {
		done.conn, failure = d.overTLS(ctx, done.conn, d.request.URL.Hostname(), false)
		if failure != nil {
			return done, failure
		}
	}
	return d.handshake(ctx, done.conn)
}

// overTLS returns conn under TLS, with a handshake that succeeded.
func (d *dialer) overTLS(ctx context.Context, conn net.Conn, hostname string, isProxy bool) (net.Conn, *HandshakeError) {
	config := d.opts.TLSConfig.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" || isProxy {
		config.ServerName = hostname
	}
	config.NextProtos = []string{"http/1.1"}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, &HandshakeError{Reason: "TLS with " + hostname, Err: withCause(ctx, err)}
	}
	return secure, nil
}

// handshake writes the request and judges the answer.
func (d *dialer) handshake(ctx context.Context, conn net.Conn) (established, *HandshakeError) {
	var text bytes.Buffer
	err := d.request.Write(&text)
	if err == nil {
		err = writeAll(conn, text.Bytes())
	}
	if err != nil {
		return established{}, &HandshakeError{Reason: "writing the request", Err: withCause(ctx, err)}
	}
	buffered, response, failure := readAnswer(ctx, conn, d.request)
	if failure != nil {
		return established{}, failure
	}
	// TLS with a proxy alone says nothing of the server.
	if secure, ok := conn.(*tls.Conn); ok && (d.proxy == nil || d.request.URL.Scheme == "https") {
		state := secure.ConnectionState()
		response.TLS = &state
	}
	done := established{conn: conn, response: response}
	if response.StatusCode != http.StatusSwitchingProtocols {
		d.keepBody(response)
		return done, refuse(response.StatusCode, "the server answered "+quote(response.Status)+redirection(response))
	}
	response.Body = http.NoBody
	done.subprotocol, failure = checkAnswer(response, d.key, d.opts.Subprotocols)
	if failure != nil {
		failure.Status = response.StatusCode
		return done, failure
	}
	if done.deflation, failure = checkExtensions(response.Header[headerExtensions], d.opts.Compression); failure != nil {
		failure.Status = response.StatusCode
		return done, failure
	}
	done.unread, _ = buffered.Peek(buffered.Buffered())
	return done, nil
}

// redirection says where a redirect points, so that the caller can go there.
func redirection(response *http.Response) string {
	location := response.Header.Get("Location")
	if response.StatusCode < 300 || response.StatusCode > 399 || location == "" {
		return ""
	}
	return ", a redirect to " + quote(location) + " that Dial does not follow"
}

// checkAnswer holds a 101 against RFC 6455 §4.1 and returns the subprotocol that
// the server selected.
func checkAnswer(response *http.Response, key ClientKey, offered []string) (string, *HandshakeError) {
	header := response.Header
	if response.ProtoMajor != 1 || response.ProtoMinor != 1 {
		return "", refuse(0, "the server answered by "+quote(response.Proto)+", must answer by HTTP/1.1")
	}
	if upgrade := header[headerUpgrade]; len(upgrade) != 1 || !equalFold(upgrade[0], "websocket") {
		return "", refuse(0, "the answer has not exactly one Upgrade, to websocket")
	}
	if !hasToken(header[headerConnection], "upgrade") {
		return "", refuse(0, "the answer's Connection lacks the token upgrade")
	}
	accept := header[headerAccept]
	if len(accept) != 1 {
		return "", refuse(0, "the answer has not exactly one Sec-WebSocket-Accept")
	}
	if want := string(appendAccept(nil, key)); accept[0] != want {
		return "", refuse(0, "Sec-WebSocket-Accept is "+quote(accept[0])+", does not belong to the key")
	}
	return checkSelection(header, offered)
}

// checkExtensions holds the answer's Sec-WebSocket-Extensions against what was offered
// (RFC 6455 §9.1), which is nothing where offered is nil.
func checkExtensions(answer []string, offered *Compression) (*protocol.Deflation, *HandshakeError) {
	if !slices.ContainsFunc(answer, func(list string) bool { return list != "" }) {
		return nil, nil
	}
	if offered == nil {
		return nil, refuse(0, "the server uses the extensions "+quote(strings.Join(answer, ", "))+", none of which was offered")
	}
	return offered.check(answer)
}

// readAnswer reads the header of the answer to request, and skips interim
// responses. The reader has what came behind it.
func readAnswer(ctx context.Context, conn net.Conn, request *http.Request) (*bufio.Reader, *http.Response, *HandshakeError) {
	limited := &limitedReader{src: conn, left: maxAnswerHeader}
	buffered := bufio.NewReader(limited)
	for {
		response, err := http.ReadResponse(buffered, request)
		if err != nil {
			// A parser takes the end of what it got for the end of a line.
			if limited.err != nil {
				err = limited.err
			}
			return nil, nil, &HandshakeError{Reason: "reading the answer", Err: withCause(ctx, err)}
		}
		if code := response.StatusCode; code < 100 || code > 199 || code == http.StatusSwitchingProtocols {
			limited.left = maxAnswerHeader // for a body, and what frames it
			return buffered, response, nil
		}
	}
}

// keepBody reads the beginning of a refusal's body, so that it outlives the
// transport.
func (d *dialer) keepBody(response *http.Response) {
	// An endless body must not hold Dial up.
	timer := time.AfterFunc(d.bodyTimeout, d.drop)
	defer timer.Stop()
	// What broke off is kept as far as it came.
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswerBody))
	response.Body = io.NopCloser(bytes.NewReader(body))
}

// errHeaderTooLarge is what a limitedReader fails with.
var errHeaderTooLarge = errors.New("header of more than 64 KiB")

// A limitedReader reads what has to be there: an end is unexpected, and so are
// more than left bytes.
type limitedReader struct {
	src  io.Reader
	left int
	err  error // what it failed with
}

func (r *limitedReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		r.err = errHeaderTooLarge
		return 0, r.err
	}
	n, err := protocol.ReadSome(r.src, p[:min(len(p), r.left)])
	r.left -= n
	r.err = err
	if err == io.EOF {
		r.err = io.ErrUnexpectedEOF
	}
	return n, err
}

// withCause returns why ctx ended, if it has, since err then only tells that the
// transport was closed for it.
func withCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctxError(ctx)
	}
	return err
}

// ctxError returns the error of a context that has ended, with the cause that
// was given to it, if any.
func ctxError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == err {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// hostPort returns the address that a URL names, with the port of its scheme
// where it names none.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch u.Scheme {
		case "https":
			port = "443"
		case "socks5", "socks5h":
			port = "1080"
		default:
			port = "80"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
