package conformance

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
)

var (
	ruleRequest   = Rule{"4.2.1", "If the server, while reading the handshake, finds that the client did not send a handshake that matches the description below […], the server MUST stop processing the client's handshake and return an HTTP response with an appropriate error code (such as 400 Bad Request)."}
	ruleVersion   = Rule{"4.2.2", "If this version does not match a version understood by the server, the server MUST abort the WebSocket handshake described in this section and instead send an appropriate HTTP error code (such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of understanding."}
	ruleKeyOnce   = Rule{"11.3.1", "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request."}
	ruleKeyAsItIs = Rule{"4.2.2", "It is not necessary for the server to base64-decode the |Sec-WebSocket-Key| value."}
	ruleOrder     = Rule{"4.2.1", "Note that as per RFC 2616, the order of the header fields is not important. […] An |Upgrade| header field containing the value \"websocket\", treated as an ASCII case-insensitive value."}
	ruleOffer     = Rule{"9.1", "A server MUST NOT accept any extension together with another extension if the server does not support that extension."}
	ruleNotAgree  = Rule{"4.2.2", "If the server does not agree to any of the client's requested subprotocols, the only acceptable value is null. […] The absence of such a field is equivalent to the null value."}
	ruleAccept    = Rule{"4.1", "If the response lacks a |Sec-WebSocket-Accept| header field or the |Sec-WebSocket-Accept| contains a value other than the base64-encoded SHA-1 of the concatenation […] but ignoring any leading and trailing whitespace, the client MUST _Fail the WebSocket Connection_."}
	ruleStatus    = Rule{"4.1", "If the status code received from the server is not 101, the client handles the response per HTTP [RFC2616] procedures."}
	ruleUpgrade   = Rule{"4.1", "If the response lacks an |Upgrade| header field or the |Upgrade| header field contains a value that is not an ASCII case-insensitive match for the value \"websocket\", the client MUST _Fail the WebSocket Connection_."}
	ruleConnect   = Rule{"4.1", "If the response lacks a |Connection| header field or the |Connection| header field doesn't contain a token that is an ASCII case-insensitive match for the value \"Upgrade\", the client MUST _Fail the WebSocket Connection_."}
	ruleOffered   = Rule{"4.1", "If the response includes a |Sec-WebSocket-Extensions| header field and this header field indicates the use of an extension that was not present in the client's handshake […], the client MUST _Fail the WebSocket Connection_."}
	ruleProtocol  = Rule{"4.1", "If the response includes a |Sec-WebSocket-Protocol| header field and this header field indicates the use of a subprotocol that was not present in the client's handshake […], the client MUST _Fail the WebSocket Connection_."}
)

// An Opening is an opening handshake that is itself the case.
type Opening struct {
	edit   func(h *head)
	chop   bool    // in TCP writes of one octet
	refuse bool    // a right server refuses the request
	taken  Verdict // what accepting it gets then; Failed if empty
	other  Verdict // what accepting and refusing otherwise than that gets
	check  func(*http.Response) (why string)
}

// A head is the head of a request or of a response: its first line, and its fields.
type head struct {
	before string // what goes before it
	line   string
	fields [][2]string
	behind string // what goes behind it, in the same TCP write
}

func (h *head) String() string {
	var b strings.Builder
	b.WriteString(h.before + h.line + "\r\n")
	for _, f := range h.fields {
		b.WriteString(f[0] + ": " + f[1] + "\r\n")
	}
	return b.String() + "\r\n" + h.behind
}

func (h *head) drop(name string) {
	h.fields = slices.DeleteFunc(h.fields, func(f [2]string) bool { return strings.EqualFold(f[0], name) })
}

func (h *head) set(name, value string) {
	for i := range h.fields {
		if strings.EqualFold(h.fields[i][0], name) {
			h.fields[i][1] = value
			return
		}
	}
	h.add(name, value)
}

func (h *head) get(name string) string {
	for _, f := range h.fields {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

func (h *head) add(name, value string) { h.fields = append(h.fields, [2]string{name, value}) }

// write writes the head to conn.
func (o *Opening) write(conn net.Conn, text string) error {
	if !o.chop {
		_, err := io.WriteString(conn, text)
		return err
	}
	for i := range len(text) {
		if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// openingSteps are what is played where the handshake is through: one echo.
func openingSteps(c *Case) *Case {
	c.Steps = []Step{ownText(ownHello), FailAfter{ownWait}}
	c.Want = []Want{ends(OK, ByTester, "", text(ownHello))}
	c.Close = byTester
	return c
}

// brokenRequests is W.8: requests that a server must refuse.
func brokenRequests() []*Case {
	one := func(id, what string, rule Rule, edit func(h *head)) *Case {
		return openingSteps(&Case{
			ID: id, Only: "server", Rule: rule, Description: "An opening handshake " + what + ".",
			Expectation: "The server answers with an HTTP error, not with 101. Closing TCP without an answer, or none within two seconds, is NON-STRICT.",
			Opening:     &Opening{edit: edit, refuse: true},
		})
	}
	drop := func(name string) func(h *head) { return func(h *head) { h.drop(name) } }
	set := func(name, value string) func(h *head) { return func(h *head) { h.set(name, value) } }
	line := func(from, to string) func(h *head) {
		return func(h *head) { h.line = strings.Replace(h.line, from, to, 1) }
	}
	version := one("W.8.1", "with Sec-WebSocket-Version 99, which nobody knows", ruleVersion, set("Sec-WebSocket-Version", "99"))
	version.Expectation = "The server answers with an HTTP error and a Sec-WebSocket-Version that has 13."
	version.Opening.check = func(r *http.Response) string {
		if !opening.HasToken(r.Header.Values("Sec-WebSocket-Version"), "13") {
			return fmt.Sprintf("its %s has no Sec-WebSocket-Version with 13", r.Status)
		}
		return ""
	}
	twice := one("W.8.10", "with two fields Sec-WebSocket-Key", ruleKeyOnce, func(h *head) { h.add("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==") })
	twice.Opening.taken = NonStrict
	twice.Expectation += " Taking one of the two keys is NON-STRICT: the rule binds the client."
	return []*Case{
		version,
		one("W.8.2", "without Sec-WebSocket-Version", ruleRequest, drop("Sec-WebSocket-Version")),
		one("W.8.3", "without Sec-WebSocket-Key", ruleRequest, drop("Sec-WebSocket-Key")),
		one("W.8.4", "without Upgrade", ruleRequest, drop("Upgrade")),
		one("W.8.5", "without Connection", ruleRequest, drop("Connection")),
		one("W.8.6", "whose Connection has no token Upgrade", ruleRequest, set("Connection", "keep-alive")),
		one("W.8.7", "whose Upgrade is not websocket", ruleRequest, set("Upgrade", "websockets")),
		one("W.8.8", "with the method POST", ruleRequest, line("GET ", "POST ")),
		one("W.8.9", "of HTTP/1.0", ruleRequest, line("HTTP/1.1", "HTTP/1.0")),
		twice,
		one("W.8.11", "without Host", ruleRequest, drop("Host")),
	}
}

// rightRequests is W.9: requests that are in order, though few clients send them.
func rightRequests() []*Case {
	one := func(id, what string, rule Rule, other Verdict, edit func(h *head)) *Case {
		expect := "The server answers with 101, and echoes."
		if other == NonStrict {
			expect += " Refusing is NON-STRICT."
		} else if other == OK {
			expect += " Refusing is its choice."
		}
		return openingSteps(&Case{
			ID: id, Only: "server", Rule: rule, Description: "An opening handshake " + what + ".", Expectation: expect,
			Opening: &Opening{edit: edit, other: other},
		})
	}
	lower := func(h *head) {
		for i := range h.fields {
			h.fields[i][0] = strings.ToLower(h.fields[i][0])
		}
	}
	chopped := one("W.9.6", "in TCP writes of one octet", ruleRequest, Failed, func(*head) {})
	chopped.Opening.chop = true
	return []*Case{
		one("W.9.1", "whose field names are in lower case", ruleOrder, Failed, lower),
		one("W.9.2", "with Upgrade: WebSocket and Connection: upgrade", ruleOrder, Failed, func(h *head) { h.set("Upgrade", "WebSocket"); h.set("Connection", "upgrade") }),
		one("W.9.3", "with Connection: keep-alive, Upgrade", ruleRequest, Failed, func(h *head) { h.set("Connection", "keep-alive, Upgrade") }),
		one("W.9.4", "whose fields are in the other order", ruleOrder, Failed, func(h *head) { slices.Reverse(h.fields) }),
		one("W.9.5", "that offers an extension which nobody knows", ruleOffer, Failed, func(h *head) { h.add("Sec-WebSocket-Extensions", "x-wsproof-unknown; a=1") }),
		chopped,
		one("W.9.7", "that offers a subprotocol which nobody knows, and may be agreed to or not", ruleNotAgree, OK, func(h *head) { h.add("Sec-WebSocket-Protocol", "x-wsproof-unknown") }),
		one("W.9.8", "with a field of 4,000 octets that nobody knows", ruleRequest, NonStrict, func(h *head) { h.add("X-Wsproof-Long", strings.Repeat("x", 4000)) }),
		one("W.9.9", "whose Sec-WebSocket-Key has 15 octets", ruleKeyAsItIs, OK, func(h *head) { h.set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA") }),
		one("W.9.10", "whose Sec-WebSocket-Key is no base64", ruleKeyAsItIs, OK, func(h *head) { h.set("Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!!!") }),
	}
}

// brokenResponses is W.10: responses that a client must not take for an open
// connection.
func brokenResponses() []*Case {
	one := func(id, what string, rule Rule, edit func(h *head)) *Case {
		return &Case{
			ID: id, Only: "client", Rule: rule, Description: "The opening handshake is answered " + what + "; a text message follows.",
			Expectation: "The client closes TCP, and does not take the message. Leaving TCP open is NON-STRICT.",
			Opening:     &Opening{edit: edit},
			Steps:       []Step{ownText(ownHello), FailAfter{ownWait}}, Close: CloseRule{Codes: []uint16{1002}},
			Want: []Want{ends(OK, ByPeer, ""), {Verdict: NonStrict, End: ByTester, Dirty: true, Say: "left TCP open for two seconds after a handshake that has failed"}},
		}
	}
	drop := func(name string) func(h *head) { return func(h *head) { h.drop(name) } }
	set := func(name, value string) func(h *head) { return func(h *head) { h.set(name, value) } }
	plain := one("W.10.1", "with 200 instead of 101", ruleStatus, func(h *head) { h.line = "HTTP/1.1 200 OK" })
	plain.Expectation = "The client does not take the message. It is HTTP's whether TCP stays open."
	plain.Want[1] = Want{Verdict: OK, End: ByTester, Dirty: true}
	return []*Case{
		plain,
		one("W.10.2", "with the Sec-WebSocket-Accept of another key", ruleAccept, set("Sec-WebSocket-Accept", opening.AcceptKey("another key"))),
		one("W.10.3", "without Sec-WebSocket-Accept", ruleAccept, drop("Sec-WebSocket-Accept")),
		one("W.10.4", "with a Sec-WebSocket-Accept in the other case of letters", ruleAccept, func(h *head) {
			h.set("Sec-WebSocket-Accept", strings.Map(func(c rune) rune {
				switch {
				case c >= 'a' && c <= 'z':
					return c - 32
				case c >= 'A' && c <= 'Z':
					return c + 32
				}
				return c
			}, h.get("Sec-WebSocket-Accept")))
		}),
		one("W.10.5", "without Upgrade", ruleUpgrade, drop("Upgrade")),
		one("W.10.6", "with an Upgrade that is not websocket", ruleUpgrade, set("Upgrade", "websockets")),
		one("W.10.7", "without Connection", ruleConnect, drop("Connection")),
		one("W.10.8", "with a Connection that has no token Upgrade", ruleConnect, set("Connection", "keep-alive")),
		one("W.10.9", "with an extension that was not offered", ruleOffered, set("Sec-WebSocket-Extensions", "x-wsproof-unknown")),
		one("W.10.10", "with a subprotocol that was not offered", ruleProtocol, set("Sec-WebSocket-Protocol", "x-wsproof-unknown")),
	}
}

// rightResponses is W.11: responses that are in order, though few servers send them.
func rightResponses() []*Case {
	one := func(id, what string, rule Rule, edit func(h *head)) *Case {
		c := openingSteps(&Case{
			ID: id, Only: "client", Rule: rule, Description: "The opening handshake is answered " + what + ".",
			Expectation: "The client takes the connection, and echoes.", Opening: &Opening{edit: edit},
		})
		return c
	}
	chopped := one("W.11.4", "in TCP writes of one octet", ruleUpgrade, func(*head) {})
	chopped.Opening.chop = true
	early := one("W.11.5", "with the first frame behind it in the same TCP write", ruleUnfragmented, func(h *head) { h.behind = "\x81\x05early" })
	early.Want = []Want{ends(OK, ByTester, "", text("early"), text(ownHello))}
	interim := one("W.11.6", "with 103 before the 101", ruleStatus, func(h *head) { h.before = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" })
	interim.Expectation += " Failing is NON-STRICT: RFC 9110 15.2 asks a client of HTTP to take interim responses."
	interim.Want = append(interim.Want, Want{Verdict: NonStrict, End: ByPeer, Dirty: true, Say: "failed at an interim response, which RFC 9110 15.2 has a client take"})
	return []*Case{
		one("W.11.1", "with field names in lower case", ruleUpgrade, func(h *head) {
			for i := range h.fields {
				h.fields[i][0] = strings.ToLower(h.fields[i][0])
			}
		}),
		one("W.11.2", "with Upgrade: WebSocket and Connection: upgrade", ruleConnect, func(h *head) { h.set("Upgrade", "WebSocket"); h.set("Connection", "upgrade") }),
		one("W.11.3", "with Connection: keep-alive, Upgrade", ruleConnect, func(h *head) { h.set("Connection", "keep-alive, Upgrade") }),
		chopped, early, interim,
		one("W.11.7", "with spaces around the value of Sec-WebSocket-Accept", ruleAccept, func(h *head) { h.set("Sec-WebSocket-Accept", "  "+h.get("Sec-WebSocket-Accept")+"  ") }),
		one("W.11.8", "with a 101 that has no reason phrase", ruleStatus, func(h *head) { h.line = "HTTP/1.1 101 " }),
	}
}

// playOpening plays a case whose opening handshake is the case, with a server.
func (t *Tester) playOpening(ctx context.Context, r *Result) {
	defer func() { r.Duration = time.Since(r.Started) }()
	conn, err := t.dial(ctx)
	if err != nil {
		r.Opening = err.Error()
		if ctx.Err() != nil {
			r.Outcome.GaveUp = ctx.Err().Error()
		}
		r.judge()
		return
	}
	c := r.Case
	h := t.head()
	c.Opening.edit(h)
	key := h.get("Sec-WebSocket-Key")
	r.Request = h.String()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(t.within(2 * time.Second)))
	br := bufio.NewReader(conn)
	var response *http.Response
	// A server may refuse, and close, before it has read everything.
	writeErr := c.Opening.write(conn, r.Request)
	response, err = http.ReadResponse(br, &http.Request{Method: http.MethodGet})
	if err == nil {
		r.Response = responseHead(response)
	} else if writeErr != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = writeErr
	}
	if ctx.Err() != nil {
		r.Outcome.GaveUp = ctx.Err().Error()
	}
	if r.judgeOpening(response, err, key) {
		conn.Close()
		return
	}
	if !stop() {
		conn.Close()
		return
	}
	_ = conn.SetDeadline(time.Time{})
	early, _ := br.Peek(br.Buffered())
	r.open(ctx, &opened{conn: conn, early: slices.Clone(early), request: r.Request, response: r.Response}, t.observer(c), t.patience)
}

// judgeOpening judges by the response, if the case ends with it.
func (r *Result) judgeOpening(response *http.Response, err error, key string) (over bool) {
	o := r.Case.Opening
	r.BehaviorClose, r.sure = OK, true
	switch {
	case r.Outcome.GaveUp != "":
		r.Behavior, r.Why = Failed, "The run was stopped: "+r.Outcome.GaveUp+"."
	case err != nil && o.refuse:
		r.sure = false
		r.Behavior, r.Why = NonStrict, "The server sent no HTTP response, which RFC 6455 4.2.1 asks for, but closed TCP: "+err.Error()+"."
		if errors.Is(err, os.ErrDeadlineExceeded) {
			r.Why = "The server left the request without an answer."
		}
	case err != nil:
		r.sure = false
		r.Behavior, r.Why = Failed, "No HTTP response came: "+err.Error()+"."
	case o.refuse && response.StatusCode == http.StatusSwitchingProtocols:
		r.Behavior, r.Why = cmp.Or(o.taken, Failed), "The server accepted it with 101."
	case o.refuse:
		r.Behavior = OK
		if o.check != nil {
			if why := o.check(response); why != "" {
				r.Behavior, r.Why = Failed, sentence("the server refused it, but "+why)
			}
		}
	case response.StatusCode != http.StatusSwitchingProtocols:
		r.Behavior = o.other
		if r.Behavior != OK {
			r.Why = "The server answered with " + response.Status + ", where nothing was wrong."
		}
	default:
		fault := ""
		switch h := response.Header; {
		case !strings.EqualFold(h.Get("Upgrade"), "websocket"), !opening.HasToken(h.Values("Connection"), "upgrade"):
			fault = "has no Upgrade: websocket and Connection: Upgrade"
		case h.Get("Sec-WebSocket-Accept") != opening.AcceptKey(key):
			fault = "has a wrong Sec-WebSocket-Accept"
		case h.Get("Sec-WebSocket-Extensions") != "":
			fault = "has an extension that it cannot know: " + h.Get("Sec-WebSocket-Extensions")
		case h.Get("Sec-WebSocket-Protocol") != "" && !strings.Contains(r.Request, "Sec-WebSocket-Protocol: "+h.Get("Sec-WebSocket-Protocol")+"\r\n"):
			fault = "has a subprotocol that was not offered: " + h.Get("Sec-WebSocket-Protocol")
		}
		if fault == "" {
			r.sure = false
			return false
		}
		r.Behavior, r.Why = Failed, sentence("the server's 101 "+fault)
	}
	return true
}

// head is the request of an opening handshake that is in order.
func (t *Tester) head() *head {
	const key = "d3Nwcm9vZi1hLW5vbmNlIQ=="
	h := &head{line: "GET " + t.client.URL.RequestURI() + " HTTP/1.1"}
	h.add("Host", t.client.URL.Host)
	h.add("Upgrade", "websocket")
	h.add("Connection", "Upgrade")
	h.add("Sec-WebSocket-Key", key)
	h.add("Sec-WebSocket-Version", "13")
	for name, values := range t.client.Header {
		for _, v := range values {
			if strings.EqualFold(name, "Host") {
				h.set(name, v)
				continue
			}
			h.add(name, v)
		}
	}
	return h
}

// openRaw answers a client's opening handshake by the response that the case wants.
func openRaw(conn net.Conn, br *bufio.Reader, r *http.Request, o *Opening) (*opened, error) {
	h := &head{line: "HTTP/1.1 101 Switching Protocols"}
	h.add("Upgrade", "websocket")
	h.add("Connection", "Upgrade")
	h.add("Sec-WebSocket-Accept", opening.AcceptKey(r.Header.Get("Sec-WebSocket-Key")))
	o.edit(h)
	response := h.String()
	// A client may fail before it has read everything; the session sees that.
	_ = o.write(conn, response)
	conn.SetDeadline(time.Time{})
	early, _ := br.Peek(br.Buffered())
	return &opened{conn: conn, early: early, request: requestText(r), response: strings.TrimSuffix(response, h.behind)}, nil
}

func responseHead(r *http.Response) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\r\n", r.Proto, r.Status)
	_ = r.Header.Write(&b)
	return b.String() + "\r\n"
}
