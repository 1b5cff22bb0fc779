package live

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz/openings"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
)

// The surroundings of a request, in bits.
const (
	envHijack       = 3       // can it be taken over?
	envOrigins      = 7 << 2  // which are allowed
	envWriteTimeout = 1 << 5  // is there one?
	envNoProtocols  = 1 << 6  // none are spoken
	envDeadlines    = 1 << 7  // has net/http left some?
	writeTimeout    = 1 << 40 // ns
)

// How a request can be taken over.
const (
	hijackWorks = iota
	hijackMissing
	hijackFails
	hijackBreaks // the transport does, when the answer is written
)

// origins are the ways to allow origins.
var origins = [8]func(o *websocket.Options){
	1: func(o *websocket.Options) { o.OriginPatterns = []string{"other.example"} },
	2: func(o *websocket.Options) { o.OriginPatterns = []string{"*"} },
	3: func(o *websocket.Options) { o.CheckOrigin = func(*http.Request) bool { return true } },
	4: func(o *websocket.Options) { o.CheckOrigin = func(*http.Request) bool { return false } },
	5: func(o *websocket.Options) { o.OriginPatterns = []string{"https://*.example"} },
}

// A refusal is a reason to refuse a request, and the status that suits it.
type refusal struct {
	why    string
	status int
}

// refusals returns why RFC 6455 section 4.2.1 refuses the request.
func refusals(r *http.Request) (list []refusal) {
	for _, b := range openings.Check(r) {
		list = append(list, refusal{b.Why, b.Status})
	}
	return list
}

// allowed tells whether the Origin of a request is allowed for certain, and whether
// it is refused for certain (sections 4.2.2 and 10.2).
func (in *handshakeInput) allowed(r *http.Request) (yes, no bool) {
	how := in.env & envOrigins / (envHijack + 1)
	origin := r.Header["Origin"]
	switch {
	case how == 3:
		return true, false
	case how == 4:
		return false, true
	case len(origin) == 0:
		return true, false
	case len(origin) > 1:
		return false, true
	case how == 2:
		return true, false
	}
	o := origin[0]
	own := o == "http://"+r.Host || o == "https://"+r.Host
	switch o {
	case "http://other.example", "https://other.example":
		if how == 1 || how == 5 && strings.HasPrefix(o, "https:") {
			return true, false
		}
		if how == 5 {
			return own, !own
		}
		return own, !own && !strings.HasPrefix(r.Host, "other.example")
	case "https://a.other.example", "ftp://other.example": // * stops at a dot, a pattern alone is for http and https
		return own, !own
	case "https://peer.example:443": // the default port
		return own || r.Host == "peer.example", false
	case "null", "", "x", "http://", "http://peer.example.other", "http://peer.example:81", "ftp://peer.example":
		return false, !own && r.Host == "peer.example"
	}
	return own, false
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
	opts := websocket.Options{Subprotocols: subprotocols, CloseTimeout: transcript.Bound}
	if in.env&envNoProtocols != 0 {
		opts.Subprotocols = nil
	}
	if in.env&envWriteTimeout != 0 {
		opts.WriteTimeout = writeTimeout
	}
	if allow := origins[in.env&envOrigins/(envHijack+1)]; allow != nil {
		allow(&opts)
	}
	why := refusals(r)
	if err := in.handshake(r, why); err != nil {
		return fmt.Errorf("websocket.Handshake: %w", err)
	}
	yes, no := in.allowed(r)
	if no {
		why = append(why, refusal{"the Origin is another one", 403}, refusal{"", 400})
	}
	switch in.env & envHijack {
	case hijackMissing:
		why = append(why, refusal{"the connection cannot be taken over", 501})
	case hijackFails, hijackBreaks:
		why = append(why, refusal{"taking the connection over, or writing to it, fails", 500})
		w.fault, c.fault = errFault, errFault
	}
	var writer http.ResponseWriter = w
	if in.env&envHijack == hijackMissing {
		writer = httptest.NewRecorder()
	} else if in.env&envHijack == hijackBreaks {
		w.fault = nil
	}
	ws, err := websocket.Accept(writer, r, opts)
	if err != nil {
		if len(c.Sent()) > 0 {
			return fmt.Errorf("websocket.Accept refused (%w) and wrote %q", err, c.Sent())
		}
		if w.taken && !c.Closed() {
			return fmt.Errorf("websocket.Accept failed (%w) and left the transport open", err)
		}
		return checkRefusal(err, why, yes, w.taken)
	}
	if len(why) > 0 {
		return fmt.Errorf("websocket.Accept took a request although %s", why[0].why)
	}
	if err := c.check(opts.WriteTimeout); err != nil {
		return err
	}
	if err := in.checkAnswer(r, bytes.Clone(c.Sent()), ws.Subprotocol(), opts.Subprotocols); err != nil {
		return err
	}
	if want := strings.Trim(r.Header.Get("Sec-Websocket-Key"), " \t"); string(ws.ClientKey()) != want {
		return fmt.Errorf("the connection's key is %q, want %q", ws.ClientKey(), want)
	}
	c.Frames()
	limits := model.Limits{Frame: websocket.DefaultMaxFrameSize, Message: websocket.DefaultMaxMessageSize}
	return checkFrames(ws, c.Conn, model.Server, limits, rest)
}

// checkRefusal checks why a request was refused, and how it would be answered. It
// is not sure where it is open whether its Origin is allowed. Where the connection
// was taken over, nothing is left to answer.
func checkRefusal(err error, why []refusal, sure, taken bool) error {
	var refused *websocket.HandshakeError
	if !errors.As(err, &refused) {
		return fmt.Errorf("websocket.Accept: %v (%T), want a *HandshakeError", err, err)
	}
	if len(why) == 0 {
		if sure {
			return fmt.Errorf("a request that is right was refused: %w", err)
		}
		return nil
	}
	origin := !sure && (refused.Status == 403 || refused.Status == 400)
	if !origin && !slices.ContainsFunc(why, func(r refusal) bool { return r.status == refused.Status }) {
		return fmt.Errorf("%w with status %d, want that of one of %v", err, refused.Status, why)
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
	case w.Code == 426 && (h.Get("Sec-WebSocket-Version") != "13" || h.Get("Upgrade") != "websocket"), w.Code == 405 && h.Get("Allow") != "GET":
		return fmt.Errorf("%w: answered with the headers %v", err, h)
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
		spoken = subprotocols
		w.Header()["Sec-Websocket-Protocol"] = slices.Clone(spoken)
	}
	before := w.Header().Clone()
	key, err := websocket.Handshake(w, r)
	if err != nil {
		if fmt.Sprint(w.Header()) != fmt.Sprint(before) || key != "" {
			return fmt.Errorf("it refused (%w) and set the headers %v, the key %q", err, w.Header(), key)
		}
		return checkRefusal(err, why, true, false)
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
func (in *handshakeInput) checkAnswer(r *http.Request, answer []byte, subprotocol string, spoken []string) error {
	head, behind, found := bytes.Cut(answer, []byte("\r\n\r\n"))
	if !found || len(behind) > 0 {
		return fmt.Errorf("the answer %q is not one head", answer)
	}
	want := map[string]string{
		"Upgrade":              "websocket",
		"Connection":           "Upgrade",
		"Sec-Websocket-Accept": transcript.AcceptKey(strings.Trim(r.Header.Get("Sec-Websocket-Key"), " \t")),
	}
	if best := agreed(r, spoken); subprotocol != best {
		return fmt.Errorf("subprotocol %q was agreed on, want %q: of %q and %q", subprotocol, best, spoken, r.Header["Sec-Websocket-Protocol"])
	}
	if subprotocol != "" {
		want["Sec-Websocket-Protocol"] = subprotocol
	}
	lines := strings.Split(string(head), "\r\n")
	if lines[0] != "HTTP/1.1 101 Switching Protocols" {
		return fmt.Errorf("the answer begins with %q", lines[0])
	}
	return in.checkHeader(lines[1:], want)
}

// agreed returns the first of the subprotocols that the request offers, "" if none.
func agreed(r *http.Request, spoken []string) string {
	best := ""
	for _, name := range slices.Backward(spoken) {
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
	c      *deadlineConn
	most   int
	header http.Header
	fault  error // of Hijack
	taken  bool
}

func (w *hijackable) Header() http.Header         { return w.header }
func (w *hijackable) Write(p []byte) (int, error) { return w.c.Write(p) }
func (w *hijackable) WriteHeader(int)             {}
func (w *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.fault != nil {
		return nil, nil, w.fault
	}
	w.taken = true
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
	if c.during = c.write; c.fault != nil {
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
