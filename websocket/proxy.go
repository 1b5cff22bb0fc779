package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// chooseProxy returns the proxy for request, or nil if none is to be used.
func chooseProxy(request *http.Request, choose func(*http.Request) (*url.URL, error)) (*url.URL, *HandshakeError) {
	if choose == nil {
		choose = http.ProxyFromEnvironment
	}
	proxy, err := choose(request)
	if err != nil {
		return nil, &HandshakeError{Reason: "choosing the proxy", Err: err}
	}
	if proxy == nil {
		return nil, nil
	}
	switch proxy.Scheme {
	case "http", "https", "socks5", "socks5h":
	case "": // as net/http takes it
		named := *proxy
		named.Scheme = "http"
		proxy = &named
	default:
		return nil, refuse(0, "the proxy's scheme is "+quote(proxy.Scheme)+", must be http, https, socks5 or socks5h")
	}
	if proxy.Hostname() == "" {
		return nil, refuse(0, "the proxy's URL has no host")
	}
	return proxy, nil
}

// throughProxy turns the transport to the proxy into a tunnel to addr. If the
// proxy refused by HTTP, its response comes along.
func (d *dialer) throughProxy(ctx context.Context, addr string) (net.Conn, *http.Response, *HandshakeError) {
	conn := d.transport
	switch d.proxy.Scheme {
	case "https":
		secure, failure := d.overTLS(ctx, conn, d.proxy.Hostname(), true)
		if failure != nil {
			failure.Reason = "proxy: " + failure.Reason
			return nil, nil, failure
		}
		conn = secure
		fallthrough
	case "http":
		response, failure := d.connectTunnel(ctx, conn, addr)
		return conn, response, failure
	}
	if err := socksConnect(conn, d.proxy.User, addr); err != nil {
		return nil, nil, &HandshakeError{Reason: "proxy: SOCKS5 to " + addr, Err: withCause(ctx, err)}
	}
	return conn, nil, nil
}

// connectTunnel asks an HTTP proxy for a tunnel to addr (RFC 9110 §9.3.6). The
// response is returned with a refusal only.
func (d *dialer) connectTunnel(ctx context.Context, conn net.Conn, addr string) (*http.Response, *HandshakeError) {
	request := &http.Request{
		Method: http.MethodConnect,
		URL:    &url.URL{Opaque: addr},
		Host:   addr,
		Header: http.Header{},
	}
	text := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if user := d.proxy.User; user != nil {
		text += "Proxy-Authorization: " + basicAuthorization(user) + "\r\n"
	}
	if err := writeAll(conn, []byte(text+"\r\n")); err != nil {
		return nil, &HandshakeError{Reason: "proxy: writing the request", Err: withCause(ctx, err)}
	}
	buffered, response, failure := readAnswer(ctx, conn, request)
	if failure != nil {
		failure.Reason = "proxy: " + failure.Reason
		return nil, failure
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		d.keepBody(response)
		return response, refuse(response.StatusCode, "the proxy answered "+quote(response.Status))
	}
	// The server has been sent nothing yet that it could answer.
	if buffered.Buffered() > 0 {
		return nil, refuse(0, "proxy: bytes behind its answer, before anything was sent through the tunnel")
	}
	return nil, nil
}

// The words of SOCKS version 5 (RFC 1928) and of its user names and passwords
// (RFC 1929).
const (
	socksVersion     = 5
	socksNoAuth      = 0
	socksPassword    = 2
	socksNoMethod    = 0xFF
	socksConnectWord = 1
	socksIPv4        = 1
	socksName        = 3
	socksIPv6        = 4
	socksAuthVersion = 1
)

// socksReplies are what the reply field of RFC 1928 §6 means.
var socksReplies = [...]string{
	1: "general failure",
	2: "connection not allowed by ruleset",
	3: "network unreachable",
	4: "host unreachable",
	5: "connection refused",
	6: "TTL expired",
	7: "command not supported",
	8: "address type not supported",
}

// socksConnect asks a SOCKS5 proxy for a tunnel to addr. It reads not one byte
// of what comes through the tunnel.
func socksConnect(conn io.ReadWriter, user *url.Userinfo, addr string) error {
	request, err := socksRequest(addr)
	if err != nil {
		return err
	}
	greeting := []byte{socksVersion, 1, socksNoAuth}
	if user != nil {
		greeting = []byte{socksVersion, 2, socksNoAuth, socksPassword}
	}
	if err := writeAll(conn, greeting); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	var reply [4]byte
	if err := socksRead(conn, reply[:2]); err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	switch method := reply[1]; {
	case reply[0] != socksVersion:
		return fmt.Errorf("it speaks version %d, must be 5", reply[0])
	case method == socksNoAuth:
	case method == socksPassword && user != nil:
		if err := socksAuthenticate(conn, user); err != nil {
			return err
		}
	case method == socksNoMethod || method == socksPassword:
		return errors.New("it accepts none of the authentication methods; set user and password in its URL")
	default:
		return fmt.Errorf("it chose authentication method %d, which was not offered", method)
	}
	if err := writeAll(conn, request); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	if err := socksRead(conn, reply[:]); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	if reply[0] != socksVersion {
		return fmt.Errorf("it replied with version %d, must be 5", reply[0])
	}
	if code := int(reply[1]); code != 0 {
		if code < len(socksReplies) {
			return errors.New(socksReplies[code])
		}
		return fmt.Errorf("unknown failure %d", code)
	}
	return socksSkipAddress(conn, reply[3])
}

// socksRequest is the request of RFC 1928 §4 for a connection to addr. Names are
// left to the proxy to resolve.
func socksRequest(addr string) ([]byte, error) {
	host, portText, _ := net.SplitHostPort(addr) // as hostPort joined them
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %s is out of range", quote(portText))
	}
	request := []byte{socksVersion, socksConnectWord, 0}
	if ip := net.ParseIP(host); ip == nil {
		if len(host) > 255 {
			return nil, fmt.Errorf("host name of %d bytes, 255 is the most", len(host))
		}
		request = append(request, socksName, byte(len(host)))
		request = append(request, host...)
	} else if ip4 := ip.To4(); ip4 != nil {
		request = append(request, socksIPv4)
		request = append(request, ip4...)
	} else {
		request = append(request, socksIPv6)
		request = append(request, ip...)
	}
	return append(request, byte(port>>8), byte(port)), nil
}

// socksAuthenticate sends user and password (RFC 1929).
func socksAuthenticate(conn io.ReadWriter, user *url.Userinfo) error {
	name := user.Username()
	password, _ := user.Password()
	// RFC 1929 §2 has no empty password; net/http sends one.
	if len(name) == 0 || len(name) > 255 || len(password) > 255 {
		return errors.New("the user must have 1 to 255 bytes, the password at most 255")
	}
	request := []byte{socksAuthVersion, byte(len(name))}
	request = append(request, name...)
	request = append(request, byte(len(password)))
	request = append(request, password...)
	if err := writeAll(conn, request); err != nil {
		return fmt.Errorf("authentication: %w", err)
	}
	var reply [2]byte
	if err := socksRead(conn, reply[:]); err != nil {
		return fmt.Errorf("authentication: %w", err)
	}
	if reply[0] != socksAuthVersion || reply[1] != 0 {
		return errors.New("user and password refused")
	}
	return nil
}

// socksSkipAddress reads the address that the proxy bound, and its port.
func socksSkipAddress(conn io.Reader, kind byte) error {
	var address [256 + 2]byte
	var size int
	switch kind {
	case socksIPv4:
		size = net.IPv4len
	case socksIPv6:
		size = net.IPv6len
	case socksName:
		if err := socksRead(conn, address[:1]); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
		size = int(address[0])
	default:
		return fmt.Errorf("it replied with an address of unknown type %d", kind)
	}
	if err := socksRead(conn, address[:size+2]); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return nil
}

// socksRead reads all of p; an end in front of it is none to be expected.
func socksRead(conn io.Reader, p []byte) error {
	for len(p) > 0 {
		n, err := protocol.ReadSome(conn, p)
		p = p[n:]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && len(p) > 0 {
			return err
		}
	}
	return nil
}
