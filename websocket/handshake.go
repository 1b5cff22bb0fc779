package websocket

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Handshake checks that r opens a WebSocket connection (RFC 6455 §4.2.1) and
// answers it through w with 101 Switching Protocols and the headers that the
// caller has set in w. It returns the client's key. Taking the connection over
// (http.ResponseController.Hijack, then [New] with the bytes that Hijack had
// buffered in front) is left to the caller, and so is the check of the Origin:
// [Accept] does both.
//
// Of a Sec-WebSocket-Protocol that the caller has set, the first subprotocol
// that the client offers is kept. Other headers of the handshake itself are
// overwritten.
//
// On refusal Handshake writes nothing and leaves w's headers as they are. The
// error is a *[HandshakeError], whose Respond answers the client.
func Handshake(w http.ResponseWriter, r *http.Request) (ClientKey, error) {
	key, refusal := checkRequest(r)
	if refusal != nil {
		return "", refusal
	}
	header := w.Header()
	subprotocol := selectSubprotocol(r.Header[headerProtocol], header[headerProtocol])
	for name := range header {
		if isReserved(name) {
			delete(header, name)
		}
	}
	header[headerUpgrade] = []string{"websocket"}
	header[headerConnection] = []string{"Upgrade"}
	header[headerAccept] = []string{string(appendAccept(nil, key))}
	if subprotocol != "" {
		header[headerProtocol] = []string{subprotocol}
	}
	w.WriteHeader(http.StatusSwitchingProtocols)
	return key, nil
}

// Accept does a server's side of the opening handshake (RFC 6455 §4.2): it
// checks r as [Handshake] does, and its Origin, takes the connection over from
// w, and answers with 101 Switching Protocols, the headers that the caller has
// set in w, and the first of opts.Subprotocols that the client offers. What the
// client has sent behind its request are the first frames. The connection has
// no deadlines and outlives r: what belongs to the request should not be kept.
//
// Accept refuses a request whose Origin is not the request's own, as browsers
// send it for a page of another site, unless opts.OriginPatterns or
// opts.CheckOrigin allow it.
//
// On refusal Accept writes nothing and leaves w's headers as they are. The
// error is a *[HandshakeError], whose Respond answers the client. Where w cannot
// be hijacked its status is 501. Where writing the 101 fails the connection is
// closed and nothing is left to answer.
func Accept(w http.ResponseWriter, r *http.Request, opts Options) (*Websocket, error) {
	shared := opts.shared()
	key, refusal := mayOpen(r, shared)
	if refusal != nil {
		return nil, refusal
	}
	c := newWebsocket()
	if refusal := c.accept(w, r, key, shared); refusal != nil {
		return nil, refusal
	}
	return c, nil
}

// mayOpen checks r and its Origin, and returns the client's key.
func mayOpen(r *http.Request, opts *settings) (ClientKey, *HandshakeError) {
	key, refusal := checkRequest(r)
	if refusal == nil {
		refusal = checkOrigin(r, opts)
	}
	return key, refusal
}

// accept makes c what Accept returns, with options that have their defaults and
// are not copied. The transport is a net.Conn. The client may open the connection.
func (c *Websocket) accept(w http.ResponseWriter, r *http.Request, key ClientKey, opts *settings) *HandshakeError {
	var subprotocol string
	if len(opts.Subprotocols) > 0 {
		subprotocol = selectSubprotocol(r.Header[headerProtocol], opts.Subprotocols)
	}
	extensions, deflation, refusal := opts.Compression.accept(r.Header[headerExtensions])
	if refusal != nil {
		return refusal
	}
	preset := w.Header()
	conn, buffered, refusal := hijack(w)
	if refusal != nil {
		return refusal
	}
	var answer, unread []byte
	if buffered != nil && buffered.Writer != nil {
		answer = buffered.Writer.AvailableBuffer()
	}
	if buffered != nil && buffered.Reader != nil {
		unread, _ = buffered.Reader.Peek(buffered.Reader.Buffered())
	}
	answer = appendAnswer(answer, key, subprotocol, extensions, preset)
	if err := writeAnswer(conn, answer, opts.WriteTimeout); err != nil {
		drop(conn)
		return &HandshakeError{Status: http.StatusInternalServerError, Reason: "writing the answer", Err: err, hijacked: true}
	}
	c.init(conn, ServerMode, opts, unread, newOpened(key, subprotocol, deflation))
	return nil
}

// Respond answers a request that [Handshake] or [Accept] refused: with the
// status, the reason as text, and the headers that the status asks for, such as
// the version that is supported (RFC 6455 §4.2.2). Where Accept has taken the
// connection over it does nothing.
func (e *HandshakeError) Respond(w http.ResponseWriter) {
	if e.hijacked {
		return
	}
	status := e.Status
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	header := w.Header()
	switch status {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodGet)
	case http.StatusUpgradeRequired:
		header.Set(headerConnection, "Upgrade")
		header.Set(headerUpgrade, "websocket")
		header.Set(headerVersion, supportedVersion)
	}
	http.Error(w, "websocket handshake: "+e.Reason, status)
}

// checkRequest holds r against RFC 6455 §4.2.1 and returns the client's key.
func checkRequest(r *http.Request) (ClientKey, *HandshakeError) {
	if r.ProtoMajor != 1 || r.ProtoMinor != 1 {
		return "", refuse(http.StatusHTTPVersionNotSupported, "the request came by "+quote(r.Proto)+", must come by HTTP/1.1")
	}
	if r.Method != http.MethodGet {
		return "", refuse(http.StatusMethodNotAllowed, "method is "+quote(r.Method)+", must be GET")
	}
	if r.Host == "" {
		return "", refuse(http.StatusBadRequest, "no Host")
	}
	if !hasToken(r.Header[headerUpgrade], "websocket") {
		return "", refuse(http.StatusUpgradeRequired, "no Upgrade to websocket")
	}
	if !hasToken(r.Header[headerConnection], "upgrade") {
		return "", refuse(http.StatusBadRequest, "Connection lacks the token upgrade")
	}
	// A body would be taken for the first frames.
	if r.ContentLength != 0 || len(r.TransferEncoding) != 0 {
		return "", refuse(http.StatusBadRequest, "the request has a body")
	}
	switch versions := r.Header[headerVersion]; {
	case len(versions) == 0:
		return "", refuse(http.StatusUpgradeRequired, "no Sec-WebSocket-Version, must be 13")
	case len(versions) > 1:
		return "", refuse(http.StatusUpgradeRequired, "more than one Sec-WebSocket-Version, must be 13 alone")
	case versions[0] != supportedVersion:
		return "", refuse(http.StatusUpgradeRequired, "Sec-WebSocket-Version is "+quote(versions[0])+", must be 13")
	}
	keys := r.Header[headerKey]
	switch {
	case len(keys) == 0:
		return "", refuse(http.StatusBadRequest, "no Sec-WebSocket-Key")
	case len(keys) > 1:
		return "", refuse(http.StatusBadRequest, "more than one Sec-WebSocket-Key")
	}
	key := ClientKey(trimBlanks(keys[0]))
	if !key.valid() {
		return "", refuse(http.StatusBadRequest, "Sec-WebSocket-Key is not base64 of 16 bytes")
	}
	return key, nil
}

// hijack takes the connection over from w, together with its buffers, which may
// be nil.
func hijack(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, *HandshakeError) {
	conn, buffered, err := tryHijack(w)
	switch {
	case err == nil && conn != nil:
		return conn, buffered, nil
	case errors.Is(err, http.ErrNotSupported):
		return nil, nil, &HandshakeError{
			Status: http.StatusNotImplemented,
			Reason: "the connection cannot be taken over from net/http, by a middleware perhaps",
			Err:    err,
		}
	case err == nil:
		err = errors.New("no connection")
	}
	return nil, nil, &HandshakeError{
		Status: http.StatusInternalServerError,
		Reason: "taking the connection over from net/http",
		Err:    err,
	}
}

// tryHijack turns the panic of a middleware that claims to be a http.Hijacker,
// but wraps none, into an error.
func tryHijack(w http.ResponseWriter) (conn net.Conn, buffered *bufio.ReadWriter, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			conn, buffered, err = nil, nil, fmt.Errorf("%w: Hijack panicked: %v", http.ErrNotSupported, reason)
		}
	}()
	if hijacker, ok := w.(http.Hijacker); ok {
		return hijacker.Hijack()
	}
	return http.NewResponseController(w).Hijack()
}

// writeAnswer writes the 101 in one Write, bounded by timeout if that is set, and
// leaves conn without deadlines.
func writeAnswer(conn net.Conn, answer []byte, timeout time.Duration) error {
	// A transport without deadlines is written to without a bound.
	_ = conn.SetDeadline(time.Time{})
	if timeout > 0 {
		_ = conn.SetWriteDeadline(time.Now().Add(timeout))
		defer conn.SetWriteDeadline(time.Time{})
	}
	return writeAll(conn, answer)
}

// appendAnswer appends the 101 (RFC 6455 §4.2.2).
func appendAnswer(dst []byte, key ClientKey, subprotocol, extensions string, preset http.Header) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = appendAccept(dst, key)
	dst = append(dst, "\r\n"...)
	if subprotocol != "" {
		dst = appendField(dst, "Sec-WebSocket-Protocol", subprotocol)
	}
	if extensions != "" {
		dst = appendField(dst, "Sec-WebSocket-Extensions", extensions)
	}
	if len(preset) > 0 {
		dst = appendPreset(dst, preset)
	}
	return append(dst, "\r\n"...)
}

// appendPreset appends the caller's headers, without those that the handshake
// sets. As in net/http a name that is no token is dropped, and what could end
// a line becomes a blank.
func appendPreset(dst []byte, preset http.Header) []byte {
	for _, name := range slices.Sorted(maps.Keys(preset)) {
		if !isToken(name) || isReserved(name) {
			continue
		}
		for _, value := range preset[name] {
			dst = appendField(dst, name, asValue.Replace(value))
		}
	}
	return dst
}

// asValue makes a blank of what could end a line.
var asValue = strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ")

func appendField(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}
