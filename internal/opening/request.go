package opening

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ParseURL reads a WebSocket URI (RFC 6455 §3), of scheme ws or wss; http and
// https mean the same. What a request line cannot have is percent-encoded in the
// result, so that its RequestURI can be sent.
func ParseURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the URL cannot be parsed, it must look like ws://host:port/path: %w", err)
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	default:
		return nil, fmt.Errorf("%q is no WebSocket URL: it must look like ws://host:port/path, or wss://…", rawURL)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("the URL %q names no host: it must look like ws://host:port/path", rawURL)
	}
	if strings.Contains(rawURL, "#") {
		return nil, fmt.Errorf("the URL %q has a fragment; a # that belongs to it is written %%23", rawURL)
	}
	// net/url escapes a path, and leaves these two as they came.
	u.Host = strings.TrimSuffix(u.Host, ":")
	for _, c := range []byte(u.Host) {
		if c <= ' ' || c >= 0x7f {
			return nil, fmt.Errorf("the URL's host %q has characters that no host has: write a name in its xn-- form", u.Host)
		}
	}
	u.RawQuery = escapeQuery(u.RawQuery)
	return u, nil
}

// escapeQuery percent-encodes what no query of a URI has (RFC 3986 §3.4).
func escapeQuery(query string) string {
	var b strings.Builder
	for _, c := range []byte(query) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~%!$&'()*+,;=:@/?", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// own are the fields that the handshake sets itself.
var own = []string{
	"Upgrade", "Connection", "Content-Length", "Transfer-Encoding",
	"Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol",
}

// ParseField reads "Name: value", and refuses what would break the handshake.
func ParseField(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	value = strings.Trim(value, " \t")
	switch {
	case !ok:
		return "", "", fmt.Errorf("%q is no header: it must look like 'Name: value'", line)
	case !isToken(name):
		return "", "", fmt.Errorf("%q is no name of a header", name)
	case strings.ContainsAny(value, "\r\n\x00"):
		return "", "", fmt.Errorf("header %s has a value with a line break or a NUL in it", name)
	}
	for _, o := range own {
		if http.CanonicalHeaderKey(name) == o {
			return "", "", fmt.Errorf("header %s is the handshake's own, it cannot be set", name)
		}
	}
	return name, value, nil
}

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

// CheckSubprotocol returns an error for what cannot be offered.
func CheckSubprotocol(name string) error {
	if !isToken(name) {
		return fmt.Errorf("%q is no name of a subprotocol", name)
	}
	return nil
}

// Request returns the client's side of the handshake, as Handshake sends it.
func (c *Client) Request(key, extensions string) string { return c.request(key, extensions) }

// request returns the client's side of the handshake.
func (c *Client) request(key, extensions string) string {
	host := hostField(c.URL)
	set := map[string]bool{}
	var more strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.Header)) {
		set[http.CanonicalHeaderKey(name)] = true
		for _, value := range c.Header[name] {
			if strings.EqualFold(name, "Host") {
				host = value
				continue
			}
			fmt.Fprintf(&more, "%s: %s\r\n", name, value)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", c.URL.RequestURI(), host)
	if !set["User-Agent"] {
		b.WriteString("User-Agent: wsproof\r\n")
	}
	b.WriteString("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n")
	if extensions != "" {
		b.WriteString("Sec-WebSocket-Extensions: " + extensions + "\r\n")
	}
	if len(c.Subprotocols) > 0 {
		b.WriteString("Sec-WebSocket-Protocol: " + strings.Join(c.Subprotocols, ", ") + "\r\n")
	}
	if user := c.URL.User; user != nil && !set["Authorization"] {
		password, _ := user.Password()
		b.WriteString("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)) + "\r\n")
	}
	return b.String() + more.String() + "\r\n"
}

// hostField returns a URL's host without the zone of an IPv6 address, which
// means nothing to others (RFC 6874 §1).
func hostField(u *url.URL) string {
	host, zone, ok := strings.Cut(u.Host, "%")
	if !ok {
		return host
	}
	_, port, _ := strings.Cut(zone, "]")
	return host + "]" + port
}

// headerText returns an answer's header as text.
func headerText(r *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\r\n", r.Proto, r.Status)
	_ = r.Header.Write(&b) // into memory
	return b.String() + "\r\n"
}
