package live

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/websocket"
)

// Dial has Dial find its way: directly or through a proxy, by CONNECT or SOCKS5, with a
// fault of the transport or a context that ends at any byte, over TLS or without. The first
// five bytes of the input choose the URL, the proxy, how bytes come, the fault, and what
// is shown and trusted by TLS; then come the answers of the proxy, one for each write of Dial's, and that of the server. The word ACCEPT
// stands for the right Sec-WebSocket-Accept, LONG for 80 KiB, FULL for what makes the
// header of the server's answer 64 KiB long, the most that is taken.
//
// Oracle: plain code that plays RFC 6455 section 4.1, RFC 9110 section 9.3.6, RFC 1928
// and RFC 1929 on the same bytes tells what Dial writes, octet by octet, whether it
// succeeds, and which fault or refusal it must return; whom it asks for by TLS, and what
// it trusts. A transport is closed unless it succeeds; a refusal comes with the answer,
// its status and the beginning of its body.
func Dial(data []byte) error {
	defer input.Guard()()
	return inBubble(newDialInput(data).check)
}

// The faults, and what their position counts.
const (
	faultNone    = iota
	faultDial    // NetDial fails, gives nothing, or the context ends while it dials
	faultChoice  // the choice of a proxy fails
	faultWrite   // a write fails: the position is its number
	faultShort   // and one takes half of it without an error
	faultRead    // reading fails: behind so many bytes
	faultCancel  // and the context ends there
	faultSilence // nothing comes behind the answers, not even an end
)

type dialURL struct{ url, addr, authority, target, authorization, says string }

// dialURLs are URLs, and what a request to them says; those that have no address are
// none that Dial takes.
var dialURLs = [16]dialURL{
	{"ws://peer.example/path?query", "peer.example:80", "peer.example", "/path?query", "", ""},
	{"http://10.1.2.3:8080", "10.1.2.3:8080", "10.1.2.3:8080", "/", "", ""},
	{"ws://[2001:db8::1]:9000/x", "[2001:db8::1]:9000", "[2001:db8::1]:9000", "/x", "", ""},
	{"ws://me:pa%20ss@peer.example:/", "peer.example:80", "peer.example", "/", "Basic " + base64.StdEncoding.EncodeToString([]byte("me:pa ss")), ""},
	{"WS://peer.example/a b?c d\"\xe9%41&<>", "peer.example:80", "peer.example", "/a%20b?c%20d%22%E9%41&%3C%3E", "", ""},
	{"ws://" + longest + ":65535/", longest + ":65535", longest + ":65535", "/", "", ""},
	{"ws://x" + longest + "/", "x" + longest + ":80", "x" + longest, "/", "", ""}, // longer than SOCKS can say
	{"ws://peer.example:70000/", "peer.example:70000", "peer.example:70000", "/", "", ""},
	{url: "ftp://peer.example/", says: "\"ftp\""},
	{url: "ws:///path", says: "no host"},
	{url: "ws://peer.example/#fragment", says: "fragment"},
	{url: "ws://peer.example/#", says: "fragment"},
	{url: "ws://p\u00ebr.example/", says: "p\\u00ebr"},
	{url: "ws://peer.example:port/", says: "URL"},
	{url: "//peer.example/", says: "scheme"},
	{url: "ws://:80/", says: "no host"}, // or, without a fault, one with a byte in its host
}

// hostForm is that of a registered name (RFC 3986 section 3.2.2).
var hostForm = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()*+,;=-]+$`)

// longest is a host name of 255 bytes.
var longest = strings.Repeat("abcd.", 50) + "abcde"

// dialHeaders are headers that the application sends along, and what comes of them; those
// with why are refused.
var dialHeaders = [16]struct {
	set  http.Header
	want map[string]string
	why  string
	says string // what an error names

	compression *websocket.Compression
}{
	{},
	{set: http.Header{"Origin": {"http://page.example"}}, want: map[string]string{"Origin": "http://page.example"}},
	{set: http.Header{"Host": {"other.example:8443"}}, want: map[string]string{"Host": "other.example:8443"}},
	{set: http.Header{"Host": {"other.example:"}}, want: map[string]string{"Host": "other.example"}},
	{set: http.Header{"Authorization": {"Bearer x"}}, want: map[string]string{"Authorization": "Bearer x"}},
	{set: http.Header{"x-kept": {"1"}, "User-Agent": {"tester"}}, want: map[string]string{"X-Kept": "1", "Sec-Websocket-Extensions": "*"}, compression: new(websocket.Compression)},
	{set: http.Header{"Host": {"a.example", "b.example"}}, why: "there are two Hosts", says: "Host"},
	{set: http.Header{"Host": {""}}, why: "Host is empty", says: "Host"},
	{set: http.Header{"Host": {"a.example/path"}}, why: "Host is none", says: "Host"},
	{set: http.Header{"Host": {"a.example:port"}}, why: "Host is none", says: "Host"},
	{set: http.Header{"Host": {"\u00eb.example"}}, why: "Host is none", says: "Host"},
	{set: http.Header{"Sec-Websocket-Key": {"x"}}, why: "the handshake sets that itself", says: "Sec-Websocket-Key"},
	{set: http.Header{"X": {"a\r\nY: b"}}, why: "there is a line break", says: "header X"},
	{set: http.Header{"no token": {"x"}}, why: "the name is no token", says: "no token"},
	{set: http.Header{"X": {"a\x00"}}, why: "there is a NUL", says: "header X"},
	{set: http.Header{"Host": {"a.example"}, "host": {"b.example"}}, why: "there are two Hosts", says: "Host"},
}

// errGivenUp is why the context of a Dial ends.
var errGivenUp = errors.New("given up by the application")

var dialProxies = [8]struct{ url, addr string }{
	{},
	{"http://proxy.example:81", "proxy.example:81"},
	{"//you:secret@proxy.example", "proxy.example:80"},
	{"socks5://proxy.example", "proxy.example:1080"},
	{"socks5h://you:secret@proxy.example:1081", "proxy.example:1081"},
	{"socks5://you@proxy.example", "proxy.example:1080"},
	{"socks5://:secret@proxy.example", "proxy.example:1080"}, // no user that RFC 1929 could send
	{"ftp://proxy.example", ""},
}

type dialInput struct {
	url, header int
	proxy       int
	drip        bool // bytes come one by one
	hello       bool // a message stands behind the answer of the server
	together    bool // an end, or a fault of reading, comes with the last bytes
	wss         bool // the server is to be spoken to by TLS
	https       bool // and the proxy, where it is one of HTTP
	serverShows int
	proxyShows  int
	trust       int
	fault       int
	at          int
	answers     [][]byte // to the first write, the second, and so on
}

// longestHeader is how long the header of an answer may be, in bytes.
const longestHeader = 64 << 10

// dialHead is how many bytes of an input choose how the rest is used.
const dialHead = 5

func newDialInput(data []byte) *dialInput {
	var head [dialHead]byte
	rest := data[copy(head[:], data):]
	in := &dialInput{
		url: int(head[0] & 15), header: int(head[0] >> 4),
		proxy: int(head[1] & 7), drip: head[1]&0x08 != 0, hello: head[1]&0x10 != 0, together: head[1]&0x20 != 0,
		wss: head[1]&0x40 != 0, https: head[1]&0x80 != 0,
		fault: int(head[2] & 7), at: int(head[2]>>3) | int(head[3])<<5,
		serverShows: int(head[4] & 7), proxyShows: int(head[4] >> 3 & 7), trust: int(head[4] >> 6),
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
	if size := len(bytes.Replace(last, []byte("ACCEPT"), make([]byte, 28), -1)); bytes.Contains(last, []byte("FULL")) {
		last = bytes.Replace(last, []byte("FULL"), bytes.Repeat([]byte("x"), max(longestHeader-size+4, 0)), 1)
	}
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

// proxySecure tells whether the proxy is spoken to by TLS.
func (in *dialInput) proxySecure() bool { return in.https && (in.proxy == 1 || in.proxy == 2) }

// secure tells whether any TLS is spoken.
func (in *dialInput) secure() bool { return in.wss || in.proxySecure() }

// to is where Dial is to go; over TLS the port is another one.
func (in *dialInput) to() (to dialURL, addr string) {
	to = dialURLs[in.url]
	if b := byte(in.at); in.url == len(dialURLs)-1 && in.fault == faultNone && b > ' ' && b != 0x7f && strings.IndexByte("/?#@:%[]\\\"<>", b) < 0 {
		host := "p" + string([]byte{b}) + "r.example"
		to = dialURL{url: "ws://" + host + "/", says: "host"}
		if hostForm.MatchString(host) {
			to.addr, to.authority, to.target = host+":80", host, "/"
		}
	}
	addr = to.addr
	if in.wss {
		for _, scheme := range []string{"ws", "WS", "http"} {
			if rest, ok := strings.CutPrefix(to.url, scheme+":"); ok {
				to.url = scheme + "s:" + rest
			}
		}
		if host, ok := strings.CutSuffix(addr, ":80"); ok {
			addr = host + ":443"
		}
	}
	return to, addr
}

// by is the proxy.
func (in *dialInput) by() (rawURL, addr string) {
	proxy := dialProxies[in.proxy]
	if in.fault == faultNone && in.at > 0 {
		switch {
		case in.proxy == 7:
			proxy.url = "http://:8080"
		case in.proxy == 6 && in.at&7 > 0:
			user := [8]string{1: "x:" + strings.Repeat("p", 255), 2: strings.Repeat("u", 255) + ":x", 3: strings.Repeat("u", 256) + ":x", 4: "x:" + strings.Repeat("p", 256), 5: "x:", 6: "%20:%ff", 7: longest + ":" + longest}[in.at&7]
			proxy.url = "socks5://" + user + "@proxy.example"
		}
	}
	if !in.proxySecure() {
		return proxy.url, proxy.addr
	}
	_, rest, _ := strings.Cut(proxy.url, "//")
	if host, ok := strings.CutSuffix(proxy.addr, ":80"); ok {
		return "https://" + rest, host + ":443"
	}
	return "https://" + rest, proxy.addr
}

func long(b []byte) []byte {
	return bytes.ReplaceAll(bytes.Clone(b), []byte("LONG"), bytes.Repeat([]byte("x"), 80<<10))
}

// check has Dial play against the far side, and holds what came of it against a play of
// the oracle's own.
func (in *dialInput) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	begin := time.Now()
	f := &farSide{in: in, cancel: giveUp, closed: make(chan struct{})}
	var transport net.Conn = f
	var overTLS *tlsSide
	if in.secure() {
		overTLS = newTLSSide(in, f)
		defer overTLS.end()
		transport = overTLS
	}
	trust := in.trustConfig()
	dialled := ""
	to, _ := in.to()
	ws, response, err := websocket.Dial(ctx, to.url, websocket.DialOptions{
		TLSConfig: trust,
		Header:    dialHeaders[in.header].set.Clone(),
		Options:   websocket.Options{Subprotocols: subprotocols, CloseTimeout: transcript.Bound, Compression: dialHeaders[in.header].compression},
		NetDial: func(_ context.Context, network, addr string) (net.Conn, error) {
			dialled = network + " " + addr
			switch {
			case in.fault != faultDial:
			case in.at&2 != 0:
				giveUp(errGivenUp)
				return nil, net.ErrClosed
			case in.at&1 != 0:
				return nil, nil
			default:
				return nil, errFault
			}
			return transport, nil
		},
		Proxy: func(r *http.Request) (*url.URL, error) {
			scheme := "http"
			if in.wss {
				scheme = "https"
			}
			if r.URL.Scheme != scheme || r.URL.Host != to.authority || r.URL.RequestURI() != to.target {
				return nil, fmt.Errorf("asked for the proxy of %q", r.URL)
			}
			if in.fault == faultChoice {
				return nil, errFault
			}
			if in.proxy == 0 {
				return nil, nil
			}
			proxy, _ := in.by()
			return url.Parse(proxy)
		},
	})
	if in.fault == faultSilence && response != nil && time.Since(begin) > transcript.Bound {
		return fmt.Errorf("websocket.Dial waited %v for the body of a refusal, %v is the most", time.Since(begin), transcript.Bound)
	}
	if trust != nil && in.trust == trustNamed && (trust.ServerName != ownServerName || strings.Join(trust.NextProtos, ",") != "h2") {
		return fmt.Errorf("websocket.Dial has changed the application's configuration of TLS: server's name %q, protocols %q", trust.ServerName, trust.NextProtos)
	}
	if err != nil { // what it has left behind shows in time
		synctest.Wait()
		before := f.closes.Load()
		if time.Sleep(2 * transcript.Bound); f.closes.Load() != before {
			return errors.New("websocket.Dial closed the transport again when it had returned")
		}
	} else if giveUp(errGivenUp); response != nil { // the context does not matter any more
		synctest.Wait()
	}
	if overTLS != nil {
		if err := in.compareTLS(overTLS, dialled, ws, response, err); err != nil {
			return fmt.Errorf("websocket.Dial over TLS: %w", err)
		}
		return nil
	}
	want := &dialPlay{in: in, accept: f.accept, offers: f.offers}
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
	if f.tries > len(want.writes)+1 || f.tries > len(want.writes) && in.fault != faultWrite && in.fault != faultShort {
		return fmt.Errorf("it tried %d writes, want %d", f.tries, len(want.writes))
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
		if body, err := io.ReadAll(response.Body); len(body) > 0 || err != nil {
			return fmt.Errorf("its response has the body %q, %w", body, err)
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
	case want.fault == context.Canceled && !errors.Is(err, errGivenUp):
		return fmt.Errorf("it returned %w, want the cause of the context's end, %v", err, errGivenUp)
	case want.fault != nil && !errors.Is(err, want.fault):
		return fmt.Errorf("it returned %w, want an error that is %v, for %s", err, want.fault, want.why)
	}
	if err := checkWords(refused); err != nil {
		return err
	}
	for _, word := range want.words {
		word, not := strings.CutPrefix(word, "!")
		if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(word)) == not {
			return fmt.Errorf("%w: it should tell of %q: %t, for %s", err, word, !not, want.why)
		}
	}
	if !tellsOne(err, want.oneOf) {
		return fmt.Errorf("%w: it should tell of one of %q, for %s", err, want.oneOf, want.why)
	}
	if !want.answered {
		if want.sure && (response != nil || refused.Status != 0) {
			return fmt.Errorf("%w: status %d and a response %v, although no answer came", err, refused.Status, response != nil)
		}
		return nil
	}
	if err := in.checkAsked(response, want); err != nil {
		return fmt.Errorf("%w: the request of its response %w", refused, err)
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

// checkAsked checks the request that a response says it is for.
func (in *dialInput) checkAsked(response *http.Response, want *dialPlay) error {
	if response == nil || response.Request == nil || response.Request.Header == nil || response.Request.URL == nil {
		return errors.New("is missing, or has no URL or header")
	}
	to, addr := in.to()
	method, host := http.MethodGet, to.authority
	if want.by != "" {
		method, host = http.MethodConnect, addr
	}
	if other := dialHeaders[in.header].want["Host"]; other != "" && method == http.MethodGet {
		host = other
	}
	if r := response.Request; r.Method != method || r.Host != host {
		return fmt.Errorf("is %s of %s, want %s of %s", r.Method, r.Host, method, host)
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
	to, _ := in.to()
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
	maps.Copy(want, dialHeaders[in.header].want)
	return (&handshakeInput{}).checkHeader(lines[1:], want)
}

func explainDial(data []byte) string {
	in := newDialInput(data)
	faults := [...]string{"none", "dialling fails", "choosing a proxy fails", "a write fails", "a write is short", "a read fails", "the context ends in a read", "nothing comes behind the answers"}
	proxy, _ := in.by()
	to, _ := in.to()
	if proxy == "" {
		proxy = "no proxy"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Dial(%q) with the header %v by %s; bytes come one by one: %t; fault: %s (%d)\n", to.url, dialHeaders[in.header].set, proxy, in.drip, faults[in.fault], in.at)
	if in.secure() {
		fmt.Fprintf(&b, "TLS: the server shows %s, the proxy %s; Dial trusts %s\n", tlsShows[in.serverShows], tlsShows[in.proxyShows], [...]string{"the authority", "what the system does", "the authority, under the name " + ownServerName, "all"}[in.trust])
	}
	for i, answer := range in.answers {
		fmt.Fprintf(&b, "answer to write %d: %q\n", i+1, answer[:min(len(answer), 200)])
	}
	return b.String()
}

// A farSide is what Dial is connected to: it has an answer to each write.
type farSide struct {
	in      *dialInput
	cancel  context.CancelCauseFunc
	tries   int // of Write
	written [][]byte
	ready   []byte // to be read
	read    int    // bytes that were
	accept  string // of the server's answer
	offers  string // of the request
	closed  chan struct{}
	closes  atomic.Int32
}

func (f *farSide) Write(p []byte) (int, error) {
	n := len(f.written)
	f.tries++
	if f.in.at == f.tries-1 && f.in.fault == faultWrite {
		return 0, errFault
	}
	if f.in.at == f.tries-1 && f.in.fault == faultShort {
		return len(p) / 2, nil
	}
	f.written = append(f.written, bytes.Clone(p))
	if n < len(f.in.answers) {
		answer := f.in.answers[n]
		if r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p))); err == nil && r.Method == http.MethodGet {
			f.offers = r.Header.Get("Sec-Websocket-Extensions")
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
			f.cancel(errGivenUp)
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
	switch {
	case !f.in.together:
	case f.in.fault == faultRead && f.read == f.in.at:
		return n, errFault
	case f.in.fault == faultNone && len(f.ready) == 0 && f.tries == len(f.in.answers):
		return n, io.EOF
	}
	return n, nil
}

func (f *farSide) Close() error {
	if f.closes.Add(1) == 1 {
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
