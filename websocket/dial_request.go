package websocket

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
)

// parseURL returns a WebSocket URI (RFC 6455 §3) with the scheme that HTTP has
// for it.
func parseURL(rawURL string) (*url.URL, *HandshakeError) {
	target, err := url.Parse(rawURL)
	if err != nil {
		return nil, &HandshakeError{Reason: "the URL cannot be parsed", Err: err}
	}
	switch target.Scheme {
	case "ws", "http":
		target.Scheme = "http"
	case "wss", "https":
		target.Scheme = "https"
	default:
		return nil, refuse(0, "the URL's scheme is "+quote(target.Scheme)+", must be ws or wss")
	}
	if target.Hostname() == "" {
		return nil, refuse(0, "the URL has no host")
	}
	if !consistsOf(target.Host, isHostChar) {
		return nil, refuse(0, "the URL's host "+quote(target.Host)+" has characters that no host has: write a name in its xn-- form")
	}
	// An empty fragment is none to net/url.
	if strings.Contains(rawURL, "#") {
		return nil, refuse(0, "the URL has a fragment; a # that belongs to it is written %23")
	}
	// net/url escapes a path, and leaves these two as they came.
	target.Host = withoutEmptyPort(target.Host)
	target.RawQuery = escapeQuery(target.RawQuery)
	return target, nil
}

// withoutEmptyPort returns a host without the colon of a port that is not there.
func withoutEmptyPort(host string) string { return strings.TrimSuffix(host, ":") }

// escapeQuery percent-encodes what no query of a URI has (RFC 3986 §3.4), which
// in a request line would end the target, or be refused.
func escapeQuery(query string) string {
	if query == "" || consistsOf(query, isQueryChar) {
		return query
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(query) {
		if byteClass[c]&isQueryChar != 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// newRequest returns the client's side of the handshake (RFC 6455 §4.1).
func newRequest(ctx context.Context, target *url.URL, key ClientKey, opts *DialOptions) (*http.Request, *HandshakeError) {
	if failure := checkOffer(opts.Subprotocols); failure != nil {
		return nil, failure
	}
	request := (&http.Request{
		Method:     http.MethodGet,
		URL:        target,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     make(http.Header, len(opts.Header)+5),
		Host:       target.Host,
	}).WithContext(ctx)
	for name, values := range opts.Header {
		if failure := setHeader(request, name, values); failure != nil {
			return nil, failure
		}
	}
	if user := target.User; user != nil && request.Header["Authorization"] == nil {
		request.Header["Authorization"] = []string{basicAuthorization(user)}
	}
	// Spelled as in the RFC, for servers that know no better.
	request.Header["Upgrade"] = []string{"websocket"}
	request.Header["Connection"] = []string{"Upgrade"}
	request.Header["Sec-WebSocket-Key"] = []string{string(key)}
	request.Header["Sec-WebSocket-Version"] = []string{supportedVersion}
	if len(opts.Subprotocols) > 0 {
		request.Header["Sec-WebSocket-Protocol"] = []string{strings.Join(opts.Subprotocols, ", ")}
	}
	if opts.Compression != nil {
		request.Header["Sec-WebSocket-Extensions"] = []string{opts.Compression.offer()}
	}
	return request, nil
}

// setHeader takes over a field of the caller's, or refuses what would break the
// handshake.
func setHeader(request *http.Request, name string, values []string) *HandshakeError {
	if !isToken(name) {
		return refuse(0, "header name "+quote(name)+" is not a token")
	}
	if isReserved(name) {
		return refuse(0, "header "+name+" is the handshake's own, it cannot be set")
	}
	for _, value := range values {
		if strings.ContainsAny(value, "\r\n\x00") {
			return refuse(0, "header "+name+" has a value with a line break or a NUL in it")
		}
	}
	name = http.CanonicalHeaderKey(name)
	if name == "Host" {
		if len(values) != 1 || values[0] == "" || request.Host != request.URL.Host {
			return refuse(0, "header Host needs exactly one value")
		}
		request.Host = withoutEmptyPort(values[0])
		if u, err := url.Parse("http://" + request.Host); err != nil || u.Host != request.Host || !consistsOf(request.Host, isHostChar) {
			return refuse(0, "header Host is "+quote(request.Host)+", must be a host, with or without a port")
		}
		return nil
	}
	request.Header[name] = append(request.Header[name], values...)
	return nil
}

func basicAuthorization(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}
