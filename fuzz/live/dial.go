package live

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
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/websocket"
)

// Dial has Dial find its way: directly or through a proxy, by CONNECT or SOCKS5, with a
// fault of the transport or a context that ends at any byte. The first three bytes of the
// input choose the URL, the proxy, how bytes come, and the fault; then come the answers
// of the proxy, one for each write of Dial's, and that of the server. The word ACCEPT
// stands for the right Sec-WebSocket-Accept, LONG for 80 KiB.
//
// Oracle: plain code that plays RFC 6455 section 4.1, RFC 9110 section 9.3.6, RFC 1928
// and RFC 1929 on the same bytes tells what Dial writes, octet by octet, whether it
// succeeds, and which fault or refusal it must return. A transport is closed unless it
// succeeds; a refusal comes with the answer, its status and the beginning of its body.
func Dial(data []byte) error {
	defer input.Guard()()
	in := newDialInput(data)
	if in.fault == faultSilence {
		return inBubble(in.check)
	}
	return in.check()
}

// The faults, and what their position counts.
const (
	faultNone    = iota
	faultDial    // NetDial fails
	faultChoice  // the choice of a proxy fails
	faultWrite   // a write fails: the position is its number
	faultShort   // and one takes half of it without an error
	faultRead    // reading fails: behind so many bytes
	faultCancel  // and the context ends there
	faultSilence // nothing comes behind the answers, not even an end
)

var dialURLs = [4]struct{ url, addr, authority, target, authorization string }{
	{"ws://peer.example/path?query", "peer.example:80", "peer.example", "/path?query", ""},
	{"http://10.1.2.3:8080", "10.1.2.3:8080", "10.1.2.3:8080", "/", ""},
	{"ws://[2001:db8::1]:9000/x", "[2001:db8::1]:9000", "[2001:db8::1]:9000", "/x", ""},
	{"ws://me:pa%20ss@peer.example:/", "peer.example:80", "peer.example", "/", "Basic " + base64.StdEncoding.EncodeToString([]byte("me:pa ss"))},
}

var dialProxies = [8]struct{ url, addr string }{
	{},
	{"http://proxy.example:3128", "proxy.example:3128"},
	{"//you:secret@proxy.example", "proxy.example:80"},
	{"socks5://proxy.example", "proxy.example:1080"},
	{"socks5h://you:secret@proxy.example:1081", "proxy.example:1081"},
	{"socks5://you@proxy.example", "proxy.example:1080"},
	{"socks5://:secret@proxy.example", "proxy.example:1080"}, // no user that RFC 1929 could send
	{"ftp://proxy.example", ""},
}

type dialInput struct {
	url, proxy int
	drip       bool // bytes come one by one
	hello      bool // a message stands behind the answer of the server
	fault      int
	at         int
	answers    [][]byte // to the first write, the second, and so on
}

// dialHead is how many bytes of an input choose how the rest is used.
const dialHead = 3

func newDialInput(data []byte) *dialInput {
	var head [dialHead]byte
	rest := data[copy(head[:], data):]
	in := &dialInput{
		url: int(head[0] & 3), proxy: int(head[0] >> 2 & 7), drip: head[0]&0x20 != 0, hello: head[0]&0x40 != 0,
		fault: int(head[1] & 7), at: int(head[1]>>3) | int(head[2])<<5,
	}
	for range in.steps() {
		n := 0
		if len(rest) > 0 {
			n, rest = int(rest[0]), rest[1:]
		}
		n = min(n, len(rest))
		in.answers = append(in.answers, long(rest[:n]))
		rest = rest[n:]
	}
	last := long(rest)
	if in.hello {
		last = append(last, "\x81\x05Hello"...)
	}
	in.answers = append(in.answers, last)
	return in
}

// steps is how many answers a proxy gives at most.
func (in *dialInput) steps() int {
	switch in.proxy {
	case 0, 7:
		return 0
	case 1, 2:
		return 1
	case 3:
		return 2
	}
	return 3
}

func long(b []byte) []byte {
	return bytes.ReplaceAll(bytes.Clone(b), []byte("LONG"), bytes.Repeat([]byte("x"), 80<<10))
}

// check has Dial play against the far side, and holds what came of it against a play of
// the oracle's own.
func (in *dialInput) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	f := &farSide{in: in, cancel: cancel, closed: make(chan struct{})}
	dialled := ""
	ws, response, err := websocket.Dial(ctx, dialURLs[in.url].url, websocket.DialOptions{
		Options: websocket.Options{Subprotocols: subprotocols, CloseTimeout: transcript.Bound},
		NetDial: func(_ context.Context, network, addr string) (net.Conn, error) {
			dialled = network + " " + addr
			if in.fault == faultDial {
				return nil, errFault
			}
			return f, nil
		},
		Proxy: func(r *http.Request) (*url.URL, error) {
			if want := strings.Replace(dialURLs[in.url].url, "ws:", "http:", 1); r.URL.String() != strings.Replace(want, "example:/", "example/", 1) && r.URL.String() != want {
				return nil, fmt.Errorf("asked for the proxy of %q, want that of %q", r.URL, want)
			}
			if in.fault == faultChoice {
				return nil, errFault
			}
			if in.proxy == 0 {
				return nil, nil
			}
			return url.Parse(dialProxies[in.proxy].url)
		},
	})
	want := &dialPlay{in: in, accept: f.accept}
	want.dial()
	if err := in.compare(f, want, dialled, ws, response, err); err != nil {
		return fmt.Errorf("websocket.Dial: %w", err)
	}
	return nil
}

func (in *dialInput) compare(f *farSide, want *dialPlay, dialled string, ws *websocket.Websocket, response *http.Response, err error) error {
	if dialled != want.dialled {
		return fmt.Errorf("it dialled %q, want %q", dialled, want.dialled)
	}
	for i, p := range f.written {
		switch {
		case i >= len(want.writes):
			return fmt.Errorf("it wrote %q, want no more than %q", f.written, want.writes)
		case want.writes[i] == nil:
			if err := in.checkRequest(p); err != nil {
				return err
			}
		case !bytes.Equal(p, want.writes[i]):
			return fmt.Errorf("its write %d is %q, want %q", i+1, p, want.writes[i])
		}
	}
	if len(f.written) < len(want.writes) {
		return fmt.Errorf("it wrote %q and then returned %v, want %d writes", f.written, err, len(want.writes))
	}
	if err == nil {
		defer f.Close()
		switch {
		case ws == nil || response == nil || response.StatusCode != 101:
			return fmt.Errorf("it returned the connection %v, the response %v, and no error", ws != nil, response)
		case want.why != "":
			return fmt.Errorf("it succeeded although %s", want.why)
		case f.isClosed():
			return errors.New("it succeeded and closed the transport")
		case ws.Subprotocol() != want.subprotocol:
			return fmt.Errorf("it agreed on subprotocol %q, want %q", ws.Subprotocol(), want.subprotocol)
		}
		if in.hello && string(want.rest) == "\x81\x05Hello" && in.fault == faultNone {
			msg, err := ws.ReadMessage(context.Background())
			if err != nil || msg.Binary || string(msg.Payload) != "Hello" {
				return fmt.Errorf("behind the answer it read %v, %v, want Hello", msg, err)
			}
		}
		return nil
	}
	var refused *websocket.HandshakeError
	switch {
	case want.why == "" && want.sure:
		return fmt.Errorf("%w, where nothing is wrong", err)
	case !errors.As(err, &refused) || ws != nil:
		return fmt.Errorf("it returned the connection %v, and %w (%T), want a *HandshakeError alone", ws != nil, err, err)
	case want.dialled != "" && in.fault != faultDial && !f.isClosed():
		return fmt.Errorf("it returned %w and left the transport open", err)
	case want.fault != nil && !errors.Is(err, want.fault):
		return fmt.Errorf("it returned %w, want an error that is %v, for %s", err, want.fault, want.why)
	case refused.Error() == "":
		return errors.New("its error says nothing")
	}
	if !want.answered {
		if want.sure && (response != nil || refused.Status != 0) {
			return fmt.Errorf("%w: status %d and a response %v, although no answer came", err, refused.Status, response != nil)
		}
		return nil
	}
	if response == nil || response.StatusCode != want.status || refused.Status != want.status {
		return fmt.Errorf("%w: its status is %d, its response %v, want those of the answer, %d", err, refused.Status, response, want.status)
	}
	body, bodyErr := io.ReadAll(response.Body)
	if bodyErr != nil || !bytes.HasPrefix(want.body, body) || in.fault == faultNone && len(body) < min(len(want.body), 1<<10) || len(body) > 1<<10 {
		return fmt.Errorf("%w: the response has the body %q, %v; want the first KiB of %q", err, body, bodyErr, want.body)
	}
	return nil
}

// checkRequest checks the opening handshake as Dial wrote it.
func (in *dialInput) checkRequest(p []byte) error {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p)))
	if err != nil {
		return fmt.Errorf("it sent %q, which is no request: %w", p, err)
	}
	if why := refusals(r); len(why) > 0 {
		return fmt.Errorf("it sent %q, although %s", p, why[0].why)
	}
	to := dialURLs[in.url]
	lines := strings.Split(strings.TrimSuffix(string(p), "\r\n\r\n"), "\r\n")
	if want := "GET " + to.target + " HTTP/1.1"; lines[0] != want {
		return fmt.Errorf("it sent the line %q, want %q", lines[0], want)
	}
	want := map[string]string{
		"Host": to.authority, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-Websocket-Version": "13",
		"Sec-Websocket-Key": "*", "Sec-Websocket-Protocol": strings.Join(subprotocols, ", "),
	}
	if to.authorization != "" {
		want["Authorization"] = to.authorization
	}
	return (&handshakeInput{}).checkHeader(lines[1:], want)
}

func explainDial(data []byte) string {
	in := newDialInput(data)
	faults := [...]string{"none", "dialling fails", "choosing a proxy fails", "a write fails", "a write is short", "a read fails", "the context ends in a read", "nothing comes behind the answers"}
	proxy := dialProxies[in.proxy].url
	if proxy == "" {
		proxy = "no proxy"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Dial(%q) by %s; bytes come one by one: %t; fault: %s (%d)\n", dialURLs[in.url].url, proxy, in.drip, faults[in.fault], in.at)
	for i, answer := range in.answers {
		fmt.Fprintf(&b, "answer to write %d: %q\n", i+1, answer[:min(len(answer), 200)])
	}
	return b.String()
}

// A farSide is what Dial is connected to: it has an answer to each write.
type farSide struct {
	in      *dialInput
	cancel  context.CancelFunc
	written [][]byte
	ready   []byte // to be read
	read    int    // bytes that were
	accept  string // of the server's answer
	closed  chan struct{}
	once    onceFlag
}

func (f *farSide) Write(p []byte) (int, error) {
	n := len(f.written)
	if f.in.at == n && f.in.fault == faultWrite {
		return 0, errFault
	}
	if f.in.at == n && f.in.fault == faultShort {
		return len(p) / 2, nil
	}
	f.written = append(f.written, bytes.Clone(p))
	if n < len(f.in.answers) {
		answer := f.in.answers[n]
		if r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p))); err == nil && r.Method == http.MethodGet {
			f.accept = transcript.AcceptKey(r.Header.Get("Sec-Websocket-Key"))
			answer = bytes.ReplaceAll(f.in.answers[len(f.in.answers)-1], []byte("ACCEPT"), []byte(f.accept))
		}
		f.ready = append(f.ready, answer...)
	}
	return len(p), nil
}

func (f *farSide) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if f.in.drip {
		p = p[:1]
	}
	if f.in.fault == faultRead || f.in.fault == faultCancel {
		if f.read >= f.in.at {
			if f.in.fault == faultRead {
				return 0, errFault
			}
			f.cancel()
			<-f.closed
			return 0, net.ErrClosed
		}
		p = p[:min(len(p), f.in.at-f.read)]
	}
	if len(f.ready) == 0 {
		if f.in.fault == faultSilence {
			<-f.closed
			return 0, net.ErrClosed
		}
		return 0, io.EOF
	}
	n := copy(p, f.ready)
	f.ready = f.ready[n:]
	f.read += n
	return n, nil
}

func (f *farSide) Close() error {
	if f.once.first() {
		close(f.closed)
	}
	return nil
}

func (f *farSide) isClosed() bool {
	select {
	case <-f.closed:
		return true
	default:
		return false
	}
}

func (f *farSide) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (f *farSide) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (f *farSide) SetDeadline(time.Time) error      { return nil }
func (f *farSide) SetReadDeadline(time.Time) error  { return nil }
func (f *farSide) SetWriteDeadline(time.Time) error { return nil }
