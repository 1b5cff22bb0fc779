package conformance

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// handshakeTimeout bounds the opening handshake, as in the original suite.
const handshakeTimeout = 5 * time.Second

// noResponse begins the error of a server that has not answered.
const noResponse = "no HTTP response came"

const keyGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + keyGUID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// An opened is a connection whose opening handshake is done.
type opened struct {
	conn     net.Conn
	early    []byte // octets that came with the handshake
	request  string // the HTTP request, as text
	response string
	deflate  string // the extensions that were negotiated
}

// openAsClient makes the client's opening handshake (RFC 6455 4.1) on conn.
func openAsClient(ctx context.Context, conn net.Conn, target *url.URL, extensions string, within time.Duration) (*opened, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	conn.SetDeadline(time.Now().Add(within))

	var raw [16]byte
	rand.Read(raw[:])
	key := base64.StdEncoding.EncodeToString(raw[:])
	request := "GET " + target.RequestURI() + " HTTP/1.1\r\nHost: " + target.Host +
		"\r\nUser-Agent: wsconform\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\n" +
		"Sec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n"
	if extensions != "" {
		request += "Sec-WebSocket-Extensions: " + extensions + "\r\n"
	}
	request += "\r\n"
	if _, err := conn.Write([]byte(request)); err != nil {
		return nil, fmt.Errorf("the opening handshake could not be sent: %w", err)
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, &http.Request{Method: "GET"})
	if err != nil {
		return nil, fmt.Errorf("%s to the opening handshake: %w", noResponse, err)
	}
	o := &opened{conn: conn, request: request, response: responseText(resp), deflate: strings.Join(resp.Header.Values("Sec-WebSocket-Extensions"), ", ")}
	switch h := resp.Header; {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("the server answered the opening handshake with %s, not with 101", resp.Status)
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"):
		return nil, fmt.Errorf("the 101 has Upgrade: %q, not websocket", h.Get("Upgrade"))
	case !hasToken(h.Values("Connection"), "upgrade"):
		return nil, fmt.Errorf("the 101 has Connection: %q, not Upgrade", h.Get("Connection"))
	case h.Get("Sec-WebSocket-Accept") != acceptKey(key):
		return nil, fmt.Errorf("the 101 has a wrong Sec-WebSocket-Accept: %q", h.Get("Sec-WebSocket-Accept"))
	case o.deflate != "" && extensions == "":
		return nil, fmt.Errorf("the 101 has an extension that was not offered: %s", o.deflate)
	case h.Get("Sec-WebSocket-Protocol") != "":
		return nil, fmt.Errorf("the 101 has a subprotocol that was not offered: %s", h.Get("Sec-WebSocket-Protocol"))
	}
	o.early, _ = br.Peek(br.Buffered())
	stop()
	conn.SetDeadline(time.Time{})
	return o, ctx.Err()
}

// readRequest reads the client's opening handshake (RFC 6455 4.2.1).
func readRequest(conn net.Conn) (*bufio.Reader, *http.Request, error) {
	conn.SetDeadline(time.Now().Add(handshakeTimeout))
	br := bufio.NewReader(conn)
	r, err := http.ReadRequest(br)
	if err != nil {
		return nil, nil, fmt.Errorf("no HTTP request came: %w", err)
	}
	switch h := r.Header; {
	case r.Method != http.MethodGet:
		err = fmt.Errorf("the request's method is %s, not GET", r.Method)
	case !hasToken(h.Values("Upgrade"), "websocket"), !hasToken(h.Values("Connection"), "upgrade"):
		err = errors.New("the request does not ask for an upgrade to websocket")
	case h.Get("Sec-WebSocket-Version") != "13":
		err = fmt.Errorf("the request has version %q, not 13", h.Get("Sec-WebSocket-Version"))
	default:
		key, decodeErr := base64.StdEncoding.DecodeString(h.Get("Sec-WebSocket-Key"))
		if decodeErr != nil || len(key) != 16 {
			err = fmt.Errorf("the request's key %q is not base64 of 16 octets", h.Get("Sec-WebSocket-Key"))
		}
	}
	return br, r, err
}

// openAsServer answers the client's opening handshake. It takes no extension
// and no subprotocol.
func openAsServer(conn net.Conn, br *bufio.Reader, r *http.Request) (*opened, error) {
	response := "HTTP/1.1 101 Switching Protocols\r\nServer: wsconform\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + acceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n\r\n"
	if _, err := conn.Write([]byte(response)); err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	early, _ := br.Peek(br.Buffered())
	return &opened{conn: conn, early: early, request: requestText(r), response: response, deflate: r.Header.Get("Sec-WebSocket-Extensions")}, nil
}

// refuse answers a request with an error and closes.
func refuse(conn net.Conn, status int, text string) {
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\n",
		status, http.StatusText(status), len(text)+1, text)
	conn.Close()
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

func responseText(r *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\r\n", r.Proto, r.Status)
	r.Header.Write(&b)
	return b.String() + "\r\n"
}

func requestText(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\nHost: %s\r\n", r.Method, r.RequestURI, r.Proto, r.Host)
	r.Header.Write(&b)
	return b.String() + "\r\n"
}
