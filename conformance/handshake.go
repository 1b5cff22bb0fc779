package conformance

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
)

// handshakeTimeout bounds the opening handshake, as in the original suite.
const handshakeTimeout = 5 * time.Second

// An opened is a connection whose opening handshake is done.
type opened struct {
	conn     net.Conn
	early    []byte // octets that came with the handshake
	request  string // the HTTP request, as text
	response string
	deflate  string    // the other side's extensions, as its header has them
	agreed   agreement // what the tester answered, if it is the server
}

// openAsClient makes the client's opening handshake (RFC 6455 4.1) on conn.
func openAsClient(ctx context.Context, conn net.Conn, client *opening.Client, extensions string, within time.Duration) (*opened, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	o, err := client.Handshake(ctx, conn, extensions)
	if err != nil {
		return nil, err
	}
	return &opened{conn: conn, early: o.Early, request: o.Request, response: o.Response, deflate: o.Extensions}, nil
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
	case !opening.HasToken(h.Values("Upgrade"), "websocket"), !opening.HasToken(h.Values("Connection"), "upgrade"):
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

// openAsServer answers the client's opening handshake. It takes no extension but
// permessage-deflate, in a case of that, and no subprotocol.
func openAsServer(conn net.Conn, br *bufio.Reader, r *http.Request, d *Deflate) (*opened, error) {
	offers := r.Header.Values("Sec-WebSocket-Extensions")
	extensions := ""
	var agreed agreement
	if d != nil {
		if extensions, agreed = d.accept(offers); extensions != "" {
			extensions = "Sec-WebSocket-Extensions: " + extensions + "\r\n"
		}
	}
	response := "HTTP/1.1 101 Switching Protocols\r\nServer: wsconform\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + opening.AcceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n" + extensions + "\r\n"
	if _, err := conn.Write([]byte(response)); err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	early, _ := br.Peek(br.Buffered())
	return &opened{conn: conn, early: early, request: requestText(r), response: response, deflate: strings.Join(offers, ", "), agreed: agreed}, nil
}

// refuse answers a request with an error and closes.
func refuse(conn net.Conn, status int, text string) {
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\n",
		status, http.StatusText(status), len(text)+1, text)
	conn.Close()
}

func requestText(r *http.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\r\nHost: %s\r\n", r.Method, r.RequestURI, r.Proto, r.Host)
	r.Header.Write(&b)
	return b.String() + "\r\n"
}
