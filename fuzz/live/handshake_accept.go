package live

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
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz/openings"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
	"github.com/wsproof/wsproof/websocket/deflate"
)

// The surroundings of a request, in bits.
const (
	envHijack       = 3       // can it be taken over?
	envOrigins      = 7 << 2  // which are allowed, and a bit more of more
	envWriteTimeout = 1 << 5  // is there one?
	envNoProtocols  = 1 << 6  // none are spoken
	envDeadlines    = 1 << 7  // has net/http left some?
	writeTimeout    = 1 << 40 // ns

	moreOrigins  = 1      // the next ways to allow origins
	moreTLS      = 1 << 1 // the request came by TLS
	moreDeflate  = 3 << 2 // permessage-deflate, and how
	moreBare     = 1 << 4 // what is taken over has no buffers
	moreUnwrap   = 1 << 5 // it is taken over by http.ResponseController
	morePanics   = 1 << 6 // where it cannot be, it panics
	moreShort    = 1 << 7 // the transport breaks by a short write
	deflateShift = 2
)

// compressions are the ways to have permessage-deflate, in the opening handshake.
var compressions = [4]*websocket.Compression{
	1: {}, 2: {ServerNoContextTakeover: true, ClientNoContextTakeover: true, ClientWindowBits: 9, Threshold: -1, Level: deflate.Best},
	3: {ClientNoContextTakeover: true, ServerWindowBits: 15, ClientWindowBits: 15, Threshold: 100, Level: 77},
}

// How a request can be taken over.
const (
	hijackWorks = iota
	hijackMissing
	hijackFails
	hijackBreaks // the transport does, when the answer is written
)

// A refusal is a reason to refuse a request, and the status that suits it.
type refusal struct {
	why    string
	status int
	word   string // that the error cannot leave out
}

// refusals returns why RFC 6455 section 4.2.1 refuses the request.
func refusals(r *http.Request) (list []refusal) {
	for _, b := range openings.Check(r) {
		list = append(list, refusal{b.Why, b.Status, b.Word})
	}
	return list
}

// accept gives a request to Accept, and to Handshake.
func (in *handshakeInput) accept() error {
	br := bufio.NewReader(bytes.NewReader(in.raw))
	r, err := http.ReadRequest(br)
	if err != nil {
		return nil // net/http answers such a request by itself
	}
	rest, _ := io.ReadAll(br)
	c := &deadlineConn{Conn: transcript.NewConn(&transcript.Transcript{Input: rest, Chunks: in.sizes})}
	if in.env&envDeadlines != 0 {
		c.read, c.write = time.Now(), time.Now()
	}
	w := &hijackable{c: c, most: in.most, header: in.presetHeader()}
	opts := websocket.Options{Subprotocols: in.spoken, CloseTimeout: transcript.Bound}
	if in.env&envNoProtocols != 0 {
		opts.Subprotocols = nil
	}
	if in.env&envWriteTimeout != 0 {
		opts.WriteTimeout = writeTimeout
	}
	rule := &originRules[in.env&envOrigins/(envHijack+1)|in.more&moreOrigins<<3]
	opts.OriginPatterns, opts.CheckOrigin = rule.OriginPatterns, rule.CheckOrigin
	opts.Compression = compressions[in.more&moreDeflate>>deflateShift]
	if in.more&moreTLS != 0 {
		r.TLS = new(tls.ConnectionState)
	}
	offers := r.Header["Sec-Websocket-Extensions"]
	why := refusals(r)
	if err := in.handshake(r, why); err != nil {
		return fmt.Errorf("websocket.Handshake: %w", err)
	}
	if !allowed(r, rule) {
		word := "origin"
		if rule.CheckOrigin == nil {
			word = quoted(r.Header["Origin"][0])
		}
		why = append(why, refusal{"the Origin is another one", 403, word})
		if len(r.Header["Origin"]) > 1 {
			why = append(why, refusal{"there is more than one Origin", 400, "Origin"})
		}
	}
	if opts.Compression != nil {
		if _, _, malformed := model.Offers(offers); malformed != nil {
			why = append(why, refusal{malformed.Text, 400, "Sec-WebSocket-Extensions"})
		}
	}
	w.bare, w.panics = in.more&moreBare != 0, in.more&morePanics != 0
	var writer http.ResponseWriter = w
	switch in.env & envHijack {
	case hijackMissing:
		why = append(why, refusal{"the connection cannot be taken over", 501, "net/http"})
		if writer = httptest.NewRecorder(); w.panics {
			writer = w
		}
	case hijackFails:
		why = append(why, refusal{"taking the connection over fails", 500, "net/http"})
		if w.fault, w.panics = errFault, false; in.more&moreShort != 0 {
			w.fault, w.nothing = nil, true
		}
	case hijackBreaks:
		why = append(why, refusal{"writing to the connection fails", 500, "writing"})
		c.fault, c.short = errFault, in.more&moreShort != 0
		w.panics = false
	default:
		w.panics = false
	}
	if in.more&moreUnwrap != 0 {
		writer = unwrappable{writer}
	}
	ws, err := websocket.Accept(writer, r, opts)
	if err != nil {
		if len(c.Sent()) > 0 {
			return fmt.Errorf("websocket.Accept refused (%w) and wrote %q", err, c.Sent())
		}
		if w.taken && !c.Closed() {
			return fmt.Errorf("websocket.Accept failed (%w) and left the transport open", err)
		}
		cause := w.fault
		if c.fault != nil {
			if cause = c.fault; c.short {
				cause = io.ErrShortWrite
			}
		}
		if cause != nil && len(why) == 1 && !errors.Is(err, cause) {
			return fmt.Errorf("websocket.Accept: %w, want an error that is %w", err, cause)
		}
		return checkRefusal(err, why, w.taken)
	}
	if len(why) > 0 {
		return fmt.Errorf("websocket.Accept took a request although %s", why[0].why)
	}
	if err := c.check(opts.WriteTimeout); err != nil {
		return err
	}
	deflation, err := in.checkAnswer(r, bytes.Clone(c.Sent()), ws.Subprotocol(), &opts)
	if err != nil {
		return err
	}
	if want := strings.Trim(r.Header.Get("Sec-Websocket-Key"), " \t"); string(ws.ClientKey()) != want {
		return fmt.Errorf("the connection's key is %q, want %q", ws.ClientKey(), want)
	}
	c.Frames()
	if deflation != nil {
		if err := writes(ws, c.Conn, opts.Compression, deflation.ServerNoContextTakeover); err != nil {
			return err
		}
	}
	return checkFrames(ws, c.Conn, model.Server, deflation, rest)
}

// checkRefusal checks why a request was refused, and how it would be answered. Where the
// connection was taken over, nothing is left to answer.
func checkRefusal(err error, why []refusal, taken bool) error {
	var refused *websocket.HandshakeError
	if !errors.As(err, &refused) {
		return fmt.Errorf("websocket.Accept: %v (%T), want a *HandshakeError", err, err)
	}
	if len(why) == 0 {
		return fmt.Errorf("a request that is right was refused: %w", err)
	}
	if err := checkWords(refused); err != nil {
		return err
	}
	if !slices.ContainsFunc(why, func(r refusal) bool { return r.status == refused.Status && strings.Contains(err.Error(), r.word) }) {
		return fmt.Errorf("%w with status %d, want that of one of %v", err, refused.Status, why)
	}
	if refused.Status >= 500 && refused.Status != 505 && refused.Err == nil {
		return fmt.Errorf("%w with status %d, and no cause", err, refused.Status)
	}
	w := httptest.NewRecorder()
	refused.Respond(w)
	switch h := w.Header(); {
	case taken:
		if w.Body.Len() > 0 || len(h) > 0 {
			return fmt.Errorf("%w: answered %q where the connection is taken over", err, w.Body)
		}
	case w.Code != refused.Status:
		return fmt.Errorf("%w: answered with %d, want %d", err, w.Code, refused.Status)
	case w.Body.String() != "websocket handshake: "+refused.Reason+"\n" || strings.Contains(h.Get("Content-Type"), "html"):
		return fmt.Errorf("%w: answered with the body %q of type %q", err, w.Body, h.Get("Content-Type"))
	case w.Code == 426 && (h.Get("Sec-WebSocket-Version") != "13" || h.Get("Upgrade") != "websocket"), w.Code == 405 && h.Get("Allow") != "GET":
		return fmt.Errorf("%w: answered with the headers %v", err, h)
	}
	for _, status := range []int{0, 101, 399, 400, 599, 600} { // others' errors
		want := status
		if status/100 != 4 && status/100 != 5 {
			want = 500
		}
		w := httptest.NewRecorder()
		(&websocket.HandshakeError{Status: status, Reason: refused.Reason}).Respond(w)
		if w.Code != want && !taken {
			return fmt.Errorf("an error of status %d is answered with %d, want %d", status, w.Code, want)
		}
	}
	return nil
}

// handshake gives the request to Handshake, which leaves Origin and hijacking to
// its caller.
func (in *handshakeInput) handshake(r *http.Request, why []refusal) error {
	w := httptest.NewRecorder()
	for name, values := range in.presetHeader() {
		w.Header()[name] = values
	}
	var spoken []string
	if in.env&envNoProtocols == 0 {
		spoken = in.spoken
		w.Header()["Sec-Websocket-Protocol"] = slices.Clone(spoken)
	}
	before := w.Header().Clone()
	key, err := websocket.Handshake(w, r)
	if err != nil {
		if fmt.Sprint(w.Header()) != fmt.Sprint(before) || key != "" {
			return fmt.Errorf("it refused (%w) and set the headers %v, the key %q", err, w.Header(), key)
		}
		return checkRefusal(err, why, false)
	}
	want := strings.Trim(r.Header.Get("Sec-Websocket-Key"), " \t")
	var protocol, own []string
	if best := agreed(r, spoken); best != "" {
		protocol = []string{best}
	}
	if in.name == presetNames[0] {
		own = before[in.name]
	}
	h := w.Header()
	switch {
	case len(why) > 0:
		return fmt.Errorf("it took a request although %s", why[0].why)
	case string(key) != want || w.Code != http.StatusSwitchingProtocols:
		return fmt.Errorf("key %q, status %d, want %q and 101", key, w.Code, want)
	case !slices.Equal(h["Upgrade"], []string{"websocket"}), !slices.Equal(h["Connection"], []string{"Upgrade"}), !slices.Equal(h["Sec-Websocket-Accept"], []string{transcript.AcceptKey(want)}),
		!slices.Equal(h["Sec-Websocket-Protocol"], protocol), !slices.Equal(h[presetNames[0]], own):
		return fmt.Errorf("the headers %v", h)
	}
	return nil
}

// checkAnswer checks the 101.
func (in *handshakeInput) checkAnswer(r *http.Request, answer []byte, subprotocol string, opts *websocket.Options) (*model.Deflate, error) {
	spoken := opts.Subprotocols
	head, behind, found := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !found || len(behind) > 0 {
		return nil, fmt.Errorf("the answer %q is not one head", answer)
	}
	want := map[string]string{
		"Upgrade":              "websocket",
		"Connection":           "Upgrade",
		"Sec-Websocket-Accept": transcript.AcceptKey(strings.Trim(r.Header.Get("Sec-Websocket-Key"), " \t")),
	}
	if best := agreed(r, spoken); subprotocol != best {
		return nil, fmt.Errorf("subprotocol %q was agreed on, want %q: of %q and %q", subprotocol, best, spoken, r.Header["Sec-Websocket-Protocol"])
	}
	if subprotocol != "" {
		want["Sec-Websocket-Protocol"] = subprotocol
	}
	lines := strings.Split(string(head), "\r\n")
	if lines[0] != "HTTP/1.1 101 Switching Protocols" {
		return nil, fmt.Errorf("the answer begins with %q", lines[0])
	}
	var deflation *model.Deflate
	if opts.Compression != nil {
		offers := r.Header["Sec-Websocket-Extensions"]
		parsed, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), r)
		if err != nil {
			return nil, err
		}
		extensions := parsed.Header["Sec-Websocket-Extensions"]
		if wrong := model.CheckAnswer(offers, extensions); wrong != nil {
			return nil, fmt.Errorf("the offer %q was answered with %q: %w", offers, extensions, wrong)
		}
		if len(extensions) > 0 {
			d, wrong := model.Agreed(extensions[0])
			if wrong != nil {
				return nil, wrong
			}
			want["Sec-Websocket-Extensions"], deflation = extensions[0], &d
		}
	}
	return deflation, in.checkHeader(lines[1:], want)
}

// agreed returns the first of the subprotocols that the request offers, "" if none.
func agreed(r *http.Request, spoken []string) string {
	best := ""
	for _, name := range slices.Backward(spoken) {
		if !openings.IsToken(name) {
			continue
		}
		for _, list := range r.Header["Sec-Websocket-Protocol"] {
			for offered := range strings.SplitSeq(list, ",") {
				if strings.Trim(offered, " \t") == name {
					best = name
				}
			}
		}
	}
	return best
}

// hijackable is net/http's ResponseWriter, with some bytes read ahead.
type hijackable struct {
	c       *deadlineConn
	most    int
	header  http.Header
	fault   error // of Hijack
	bare    bool  // Hijack gives no buffers
	nothing bool  // Hijack gives nothing, and no error
	panics  bool  // as that of a middleware that has none below it
	taken   bool
}

// unwrappable is a middleware's, which gives way to http.ResponseController.
type unwrappable struct{ inner http.ResponseWriter }

func (u unwrappable) Header() http.Header         { return u.inner.Header() }
func (u unwrappable) Write(p []byte) (int, error) { return u.inner.Write(p) }
func (u unwrappable) WriteHeader(status int)      { u.inner.WriteHeader(status) }
func (u unwrappable) Unwrap() http.ResponseWriter { return u.inner }

func (w *hijackable) Header() http.Header         { return w.header }
func (w *hijackable) Write(p []byte) (int, error) { return w.c.Write(p) }
func (w *hijackable) WriteHeader(int)             {}
func (w *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.panics {
		panic("no Hijacker")
	}
	if w.fault != nil {
		return nil, nil, w.fault
	}
	if w.nothing {
		return nil, nil, nil
	}
	w.taken = true
	if w.bare {
		return w.c, nil, nil
	}
	br := bufio.NewReaderSize(w.c, max(w.most, 4096))
	_, _ = br.Peek(w.most)
	return w.c, bufio.NewReadWriter(br, bufio.NewWriter(w.c)), nil
}

// A deadlineConn notes the deadlines that are set.
type deadlineConn struct {
	*transcript.Conn
	read, write time.Time
	during      time.Time // of writes, during the last one
	fault       error     // of writes
	short       bool      // which take a part, and say nothing
}

func (c *deadlineConn) SetDeadline(t time.Time) error {
	c.read, c.write = t, t
	return nil
}

func (c *deadlineConn) SetReadDeadline(t time.Time) error {
	c.read = t
	return nil
}

func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.write = t
	return nil
}

func (c *deadlineConn) Write(p []byte) (int, error) {
	if c.during = c.write; c.short {
		return len(p) - 1, nil
	}
	if c.fault != nil {
		return 0, c.fault
	}
	return c.Conn.Write(p)
}

// check checks the deadlines during and after the answer.
func (c *deadlineConn) check(timeout time.Duration) error {
	if !c.read.IsZero() || !c.write.IsZero() {
		return fmt.Errorf("websocket.Accept left the deadlines %v and %v", c.read, c.write)
	}
	if left := time.Until(c.during); timeout == 0 && !c.during.IsZero() || timeout > 0 && (left > timeout || left < timeout/2) {
		return fmt.Errorf("the answer was written with the deadline %v, want %v from now", c.during, timeout)
	}
	return nil
}

// quoted is how the words of an error have what the peer sent: in quotes, in ASCII, and
// not without bound.
func quoted(s string) string {
	return strings.TrimSuffix(strconv.QuoteToASCII(s[:min(len(s), 60)]), "\"")
}

// writes has messages written where permessage-deflate was agreed on, with context takeover
// of this side or without. Those of the threshold and more that get smaller are
// compressed, and no others.
func writes(ws *websocket.Websocket, c *transcript.Conn, compression *websocket.Compression, alone bool) error {
	least := compression.Threshold
	switch {
	case least <= 0 && alone:
		least = 64
	case least <= 0:
		least = 1
	}
	for _, n := range []int{0, 1, 20, 63, 64, 99, 100, 5000} {
		before := len(c.Sent())
		if err := ws.WriteMessage(context.Background(), &websocket.Message{Payload: bytes.Repeat([]byte("a"), n)}); err != nil {
			return fmt.Errorf("writing a message behind the handshake: %w", err)
		}
		f, size, err := wire.Split(c.Sent()[before:])
		if err != nil || before+size != len(c.Sent()) {
			return fmt.Errorf("a message of %d bytes is not one frame: %x", n, c.Sent()[before:])
		}
		if compressed := f.RSV == 4; n >= 20 && compressed != (n >= least) || n == 0 && compressed {
			return fmt.Errorf("a message of %d bytes was compressed: %t; the least is %d", n, compressed, least)
		}
	}
	c.Frames()
	return nil
}
