package fuzz

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/peers"
	"github.com/wsproof/wsproof/internal/peers/core"
	"github.com/wsproof/wsproof/websocket"
)

// Handshake checks both sides of the opening handshake (RFC 6455 section 4). The
// first byte of the input chooses the side and how the bytes are read; a second
// one is how long a value is that the application sets as a header; then come
// that value and the bytes that arrive: a request to Accept, or the answer to
// Dial, where the word ACCEPT stands for the right Sec-WebSocket-Accept.
//
// Oracles: plain code that reads the rules of section 4.2.1, and of 4.1, off what
// net/http parsed: nothing is accepted that they refuse, and nothing refused that
// is right in the plainest form; an answer, and a request, have exactly the
// headers they should, whatever the peer sent and the application set; nothing
// is written on refusal; the bytes behind the handshake are the first frames.
func Handshake(data []byte) error {
	defer guard()()
	in := newHandshakeInput(data)
	if in.client {
		return in.dial()
	}
	return in.accept()
}

type handshakeInput struct {
	client bool
	sizes  []int
	most   int // bytes that are in the buffer of net/http behind the request
	preset string
	raw    []byte
}

func newHandshakeInput(data []byte) *handshakeInput {
	var head [2]byte
	rest := data[copy(head[:], data):]
	n := min(len(rest), int(head[1]&63))
	return &handshakeInput{
		client: head[0]&1 != 0,
		sizes:  transcriptSizes[head[0]>>1&7],
		most:   int(head[0] >> 4),
		preset: strings.Map(sendable, string(rest[:n])),
		raw:    rest[n:],
	}
}

// sendable leaves of the control characters only those that could end a line:
// what an application sets beyond that, net/http's parser would refuse.
func sendable(r rune) rune {
	if r < ' ' && r != '\r' && r != '\n' && r != 0 && r != '\t' || r == 0x7f {
		return ' '
	}
	return r
}

// subprotocols are those of our side.
var subprotocols = []string{"chat", "superchat"}

// tokens returns the elements of the lists in a header's values, in lower case
// (RFC 7230 section 7).
func tokens(values []string) []string {
	var list []string
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			list = append(list, strings.ToLower(strings.Trim(t, " \t")))
		}
	}
	return list
}

func has(list []string, token string) bool {
	for _, t := range list {
		if t == token {
			return true
		}
	}
	return false
}

// refusal returns why RFC 6455 section 4.2.1 refuses the request, "" if it does not.
func refusal(r *http.Request) string {
	key := r.Header["Sec-Websocket-Key"]
	version := r.Header["Sec-Websocket-Version"]
	switch {
	case r.Method != "GET":
		return "the method is not GET"
	case r.Proto != "HTTP/1.1":
		return "the protocol is not HTTP/1.1"
	case r.Host == "":
		return "there is no Host"
	case !has(tokens(r.Header["Upgrade"]), "websocket"):
		return "Upgrade does not name websocket"
	case !has(tokens(r.Header["Connection"]), "upgrade"):
		return "Connection does not name upgrade"
	case len(version) == 0 || !has(tokens(version), "13"):
		return "the version is not 13"
	case len(key) != 1:
		return "there is not one key"
	}
	if b, err := base64.StdEncoding.DecodeString(strings.Trim(key[0], " \t")); err != nil || len(b) != 16 {
		return "the key is not base64 of 16 bytes"
	}
	if origin := r.Header["Origin"]; len(origin) > 0 {
		u, err := url.Parse(origin[0])
		if len(origin) > 1 || err != nil || !strings.EqualFold(host(u), host(&url.URL{Scheme: u.Scheme, Host: r.Host})) {
			return "the Origin is another one"
		}
	}
	return ""
}

// host returns the host of u with its port.
func host(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// plain tells whether a request has each header of the handshake once, with the
// plainest value.
func plain(r *http.Request) bool {
	once := func(name, value string) bool {
		v := r.Header[name]
		return len(v) == 1 && strings.EqualFold(v[0], value)
	}
	return once("Upgrade", "websocket") && once("Connection", "Upgrade") && once("Sec-Websocket-Version", "13") &&
		len(r.Header["Origin"]) == 0 && refusal(r) == "" && len(r.TransferEncoding) == 0 && r.ContentLength == 0
}

// accept gives a request to Accept.
func (in *handshakeInput) accept() error {
	br := bufio.NewReader(bytes.NewReader(in.raw))
	r, err := http.ReadRequest(br)
	if err != nil {
		return nil // net/http answers such a request by itself
	}
	rest, _ := io.ReadAll(br)
	w := &hijackable{c: peers.NewConn(&peers.Transcript{Input: rest, Chunks: in.sizes}), most: in.most, header: http.Header{}}
	if in.preset != "" {
		w.header["X-Preset"] = []string{in.preset}
	}
	limits := model.Limits{Frame: websocket.DefaultMaxFrameSize, Message: websocket.DefaultMaxMessageSize}
	ws, err := websocket.Accept(w, r, websocket.Options{Subprotocols: subprotocols, CloseTimeout: peers.Bound})
	why := refusal(r)
	if err != nil {
		var refused *websocket.HandshakeError
		switch {
		case !errors.As(err, &refused):
			return fmt.Errorf("websocket.Accept: %v (%T), want a *HandshakeError", err, err)
		case refused.Status < 400 || refused.Status > 599:
			return fmt.Errorf("websocket.Accept: %w with status %d", err, refused.Status)
		case len(w.c.Sent()) > 0:
			return fmt.Errorf("websocket.Accept refused (%w) and wrote %q", err, w.c.Sent())
		case plain(r) && in.preset == "":
			return fmt.Errorf("websocket.Accept refused a request that is right: %w", err)
		}
		return nil
	}
	if why != "" {
		return fmt.Errorf("websocket.Accept took a request although %s", why)
	}
	answer := bytes.Clone(w.c.Sent())
	if err := in.checkAnswer(r, answer, ws.Subprotocol()); err != nil {
		return err
	}
	w.c.Frames()
	return checkFrames(ws, w.c, model.Server, limits, rest)
}

// checkFrames checks that what ws delivers are the frames of rest.
func checkFrames(ws *websocket.Websocket, c *peers.Conn, role model.Role, limits model.Limits, rest []byte) error {
	got, err := core.Frames(ws, c, role)
	if err != nil {
		return err
	}
	if got.Wrong != "" {
		return fmt.Errorf("behind the handshake, the core %s", got.Wrong)
	}
	got.Offset = 0
	if err := model.Check(model.Read(role, limits, rest), got.Outcome); err != nil {
		return fmt.Errorf("the bytes behind the handshake: %w", err)
	}
	return nil
}

// checkAnswer checks the 101.
func (in *handshakeInput) checkAnswer(r *http.Request, answer []byte, subprotocol string) error {
	head, behind, found := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !found || len(behind) > 0 {
		return fmt.Errorf("the answer %q is not one head", answer)
	}
	want := map[string]string{
		"Upgrade":              "websocket",
		"Connection":           "Upgrade",
		"Sec-Websocket-Accept": peers.AcceptKey(strings.Trim(r.Header.Get("Sec-Websocket-Key"), " \t")),
	}
	if subprotocol != "" {
		if !has(subprotocols, subprotocol) || !has(tokens(r.Header["Sec-Websocket-Protocol"]), subprotocol) {
			return fmt.Errorf("subprotocol %q was agreed on, of %q and %q", subprotocol, subprotocols, r.Header["Sec-Websocket-Protocol"])
		}
		want["Sec-Websocket-Protocol"] = subprotocol
	}
	lines := strings.Split(string(head), "\r\n")
	if lines[0] != "HTTP/1.1 101 Switching Protocols" {
		return fmt.Errorf("the answer begins with %q", lines[0])
	}
	return checkHeader(lines[1:], want, in.preset)
}

// checkHeader checks that the lines are the wanted headers, and no more but the
// one that the application set.
func checkHeader(lines []string, want map[string]string, preset string) error {
	seen := map[string]bool{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		name = http.CanonicalHeaderKey(name)
		if !found || strings.ContainsAny(line, "\r\n\x00") || seen[name] {
			return fmt.Errorf("header line %q", line)
		}
		seen[name] = true
		if name == "X-Preset" && preset != "" || name == "User-Agent" {
			continue
		}
		if w, ok := want[name]; !ok || value != w && w != "*" {
			return fmt.Errorf("header line %q, want %q", line, w)
		}
	}
	for name := range want {
		if !seen[name] {
			return fmt.Errorf("header %s is missing in %q", name, lines)
		}
	}
	return nil
}

// hijackable is net/http's ResponseWriter, with some bytes read ahead.
type hijackable struct {
	c      *peers.Conn
	most   int
	header http.Header
}

func (w *hijackable) Header() http.Header         { return w.header }
func (w *hijackable) Write(p []byte) (int, error) { return w.c.Write(p) }
func (w *hijackable) WriteHeader(int)             {}
func (w *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	br := bufio.NewReader(w.c)
	_, _ = br.Peek(w.most)
	return w.c, bufio.NewReadWriter(br, bufio.NewWriter(w.c)), nil
}

// dial has Dial answered.
func (in *handshakeInput) dial() error {
	var request, answer []byte
	dialled, accept := false, ""
	c := peers.NewConn(&peers.Transcript{Role: model.Client, Chunks: in.sizes})
	c.Answer(func(r []byte) []byte {
		request = bytes.Clone(r)
		key := ""
		if parsed, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r))); err == nil {
			key = parsed.Header.Get("Sec-Websocket-Key")
		}
		accept = peers.AcceptKey(key)
		answer = bytes.ReplaceAll(in.raw, []byte("ACCEPT"), []byte(accept))
		return answer
	})
	opts := websocket.DialOptions{
		Options: websocket.Options{Subprotocols: subprotocols, CloseTimeout: peers.Bound},
		NetDial: func(context.Context, string, string) (net.Conn, error) {
			dialled = true
			return c, nil
		},
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}
	if in.preset != "" {
		opts.Header = http.Header{"X-Preset": {in.preset}}
	}
	ws, _, err := websocket.Dial(context.Background(), "ws://peer.example/path?query", opts)
	if request != nil {
		if err := in.checkRequest(request); err != nil {
			return err
		}
	} else if in.preset == "" {
		return fmt.Errorf("websocket.Dial wrote no whole request: %v", err)
	}
	why, rest := refusalOfAnswer(answer, accept)
	if err != nil {
		var refused *websocket.HandshakeError
		if !errors.As(err, &refused) {
			return fmt.Errorf("websocket.Dial: %v (%T), want a *HandshakeError", err, err)
		}
		if bytes.HasPrefix(in.raw, []byte(plainAnswer)) && in.preset == "" {
			return fmt.Errorf("websocket.Dial refused an answer that is right: %w", err)
		}
		if dialled && !c.Closed() {
			return fmt.Errorf("websocket.Dial refused (%w) and left the transport open", err)
		}
		return nil
	}
	if why != "" {
		return fmt.Errorf("websocket.Dial took an answer although %s", why)
	}
	limits := model.Limits{Frame: websocket.DefaultMaxFrameSize, Message: websocket.DefaultMaxMessageSize}
	return checkFrames(ws, c, model.Client, limits, rest)
}

// plainAnswer is an answer that must be taken.
const plainAnswer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n"

// refusalOfAnswer returns why RFC 6455 section 4.1 refuses the answer, "" if it does
// not, and what comes behind it.
func refusalOfAnswer(answer []byte, key string) (why string, rest []byte) {
	src := bytes.NewReader(answer)
	br := bufio.NewReaderSize(src, 1<<20)
	request := &http.Request{Method: "GET"}
	var r *http.Response
	for {
		var err error
		if r, err = http.ReadResponse(br, request); err != nil {
			return "it is no HTTP response: " + err.Error(), nil
		}
		if r.StatusCode/100 != 1 || r.StatusCode == 101 {
			break
		}
	}
	rest, _ = io.ReadAll(br)
	protocol := r.Header["Sec-Websocket-Protocol"]
	accept := r.Header["Sec-Websocket-Accept"]
	switch {
	case r.StatusCode != 101:
		return "its status is not 101", rest
	case !has(tokens(r.Header["Upgrade"]), "websocket"):
		return "its Upgrade does not name websocket", rest
	case !has(tokens(r.Header["Connection"]), "upgrade"):
		return "its Connection does not name upgrade", rest
	case len(accept) != 1 || strings.Trim(accept[0], " \t") != key:
		return "its Sec-WebSocket-Accept is not the one for the key", rest
	case len(tokens(r.Header["Sec-Websocket-Extensions"])) > 0 && r.Header.Get("Sec-Websocket-Extensions") != "":
		return "it uses an extension that was not offered", rest
	case len(protocol) > 0 && !has(subprotocols, protocol[0]):
		return "it uses a subprotocol that was not offered", rest
	}
	return "", rest
}

// checkRequest checks the request of Dial.
func (in *handshakeInput) checkRequest(request []byte) error {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		return fmt.Errorf("websocket.Dial sent %q, which is no request: %w", request, err)
	}
	if why := refusal(r); why != "" {
		return fmt.Errorf("websocket.Dial sent %q, although %s", request, why)
	}
	lines := strings.Split(strings.TrimSuffix(string(request), "\r\n\r\n"), "\r\n")
	if lines[0] != "GET /path?query HTTP/1.1" {
		return fmt.Errorf("websocket.Dial sent the line %q", lines[0])
	}
	return checkHeader(lines[1:], map[string]string{
		"Host": "peer.example", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-Websocket-Version": "13",
		"Sec-Websocket-Key": "*", "Sec-Websocket-Protocol": strings.Join(subprotocols, ", "),
	}, in.preset)
}

func explainHandshake(data []byte) string {
	in := newHandshakeInput(data)
	side := "a request to Accept"
	if in.client {
		side = "the answer to Dial"
	}
	return fmt.Sprintf("%s, in reads of %v, %d bytes read ahead, header X-Preset: %q\n%q\n", side, in.sizes, in.most, in.preset, in.raw)
}
