package peers

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/fuzz/openings"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
)

// Answers gives an answer, the bytes of the input, to the opening handshake of each
// library's client; the word ACCEPT stands for the right Sec-WebSocket-Accept. The top
// bit of the first byte has it come in single bytes, the others do not matter.
//
// Oracle: the plain code of package openings tells which requests are right, and which
// answers RFC 6455 section 4.1 refuses; what it does not is taken; the message of a frame
// that stands behind the answer is delivered; nothing panics. The table AnswerDivergences
// has what is known.
func Answers(data []byte) error {
	defer input.Guard()()
	for _, l := range answered() {
		for _, f := range answerFindings(l, data) {
			if !slices.ContainsFunc(AnswerDivergences, f.is) {
				return fmt.Errorf("%s: %w", l.Name, f)
			}
		}
	}
	return nil
}

// answered are the libraries with a client whose opening handshake the adapter can play:
// that of nbio is its poller's, on sockets.
func answered() []*transcript.Reader {
	return slices.DeleteFunc(Libraries(), func(l *transcript.Reader) bool { return l.Name == "nbio" })
}

// hello is a message behind an answer.
const hello = "\x81\x05Hello"

// answerFindings plays an answer. Of one that breaks several rules, and is taken all the
// same, each is a finding.
func answerFindings(l *transcript.Reader, data []byte) (list []*openingFinding) {
	found := func(kind Kind, rule, format string, args ...any) {
		list = append(list, &openingFinding{l.Name, kind, rule, fmt.Sprintf(format, args...)})
	}
	if len(data) == 0 {
		return nil
	}
	t := &transcript.Transcript{Role: model.Client, Limits: model.Limits{Frame: 1 << 16, Message: 1 << 16}}
	if data[0]&0x80 != 0 {
		t.Chunks = []int{1}
	}
	c := transcript.NewConn(t)
	var request, answer []byte
	accept := ""
	c.Answer(func(r []byte) []byte {
		request = bytes.Clone(r)
		if parsed, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r))); err == nil {
			accept = transcript.AcceptKey(parsed.Header.Get("Sec-Websocket-Key"))
			for _, b := range openings.Check(parsed) {
				found(Sends, "a-request-with-"+b.Rule, "%s", b.Why)
			}
		} else {
			found(Sends, "a-request-that-is-no-HTTP", "%v: %q", err, r)
		}
		answer = bytes.ReplaceAll(data[1:], []byte("ACCEPT"), []byte(accept))
		return answer
	})
	result, panicked, refused := readAnswered(l, t, c)
	if panicked != "" {
		found(Crashes, "opening-handshake", "%s", panicked)
		return list
	}
	if request == nil {
		found(Sends, "no-request", "%v", refused)
		return list
	}
	r, behind, err := openings.ReadAnswer(answer)
	if err != nil {
		if refused == nil {
			found(Accepts, "an-answer-that-is-no-HTTP", "%v", err)
		}
		return list
	}
	if r.ProtoAtLeast(1, 2) || !plainLines(answer[:len(answer)-len(behind)]) {
		return list // what to make of such an answer RFC 6455 leaves to HTTP, and HTTP to the client
	}
	broken, unusual := openings.CheckAnswer(r, accept, nil), openings.UnusualAnswer(r, answer, behind)
	switch {
	case refused == nil && len(broken) > 0:
		for _, b := range broken {
			found(Accepts, b.Rule, "%s", b.Why)
		}
	case refused != nil && (len(broken) > 0 || !plainAnswer(r)):
	case refused != nil && len(unusual) == 0:
		found(Refuses, "plain-answer", "%v", refused)
	case refused != nil:
		known := slices.DeleteFunc(slices.Clone(unusual), func(u string) bool {
			return !slices.ContainsFunc(AnswerDivergences, (&openingFinding{l.Name, Refuses, u, ""}).is)
		})
		if len(known) > 0 {
			unusual = known // one of those is reason enough
		}
		for _, u := range unusual {
			found(Refuses, u, "section 4.1 allows it: %v", refused)
		}
	case refused == nil && bytes.HasPrefix(behind, []byte(hello)):
		if len(result.Messages) == 0 || result.Messages[0].Binary || string(result.Messages[0].Payload) != "Hello" {
			found(Differs, "frames-behind-the-answer", "delivered %v", result.Messages)
		}
	}
	return list
}

// plainLines tells whether the heads of answers have nothing but what each parser takes alike:
// lines of printable octets that end in CRLF, and none that goes on in the next one (RFC 9112
// sections 2.2, 4 and 5).
func plainLines(heads []byte) bool { return plainHeads.Match(heads) }

var plainHeads = regexp.MustCompile("^(HTTP/[0-9]\\.[0-9] [0-9]{3} [ -~]*\r\n([0-9A-Za-z-]+:[ -~\t]*\r\n)*\r\n)+$")

// plainAnswer tells whether the lists of an answer have tokens alone, and Upgrade the one
// word: others may be refused (section 4.1).
func plainAnswer(r *http.Response) bool {
	upgrade := r.Header["Upgrade"]
	return openings.Wellformed(&http.Request{Header: r.Header}) && len(upgrade) == 1 && openings.Lower(upgrade[0]) == "websocket" &&
		!openings.Has(openings.Tokens(r.Header["Connection"]), "")
}

// readAnswered has the library open a connection, and read to its end.
func readAnswered(l *transcript.Reader, t *transcript.Transcript, c *transcript.Conn) (result *transcript.Result, panicked string, refused error) {
	defer func() {
		if p := recover(); p != nil {
			panicked = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	result, refused = l.RunOn(t, c)
	return
}

func explainAnswer(data []byte) string {
	if len(data) == 0 {
		return "nothing\n"
	}
	return fmt.Sprintf("in single bytes: %t\n%q\n", data[0]&0x80 != 0, data[1:])
}

// seedAnswers takes a right answer with each line left out, twice, or changed.
func seedAnswers([]vector.Vector) ([][]byte, error) {
	lines := []string{"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ACCEPT"}
	others := [][]string{
		{
			"HTTP/1.1 101", "HTTP/1.0 101 Switching Protocols", "HTTP/1.1 200 OK", "HTTP/1.1 302 Found\r\nLocation: ws://peer/", "HTTP/1.1 400 Bad Request", "HTTP/2.0 101 x",
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 x\r\n\r\nHTTP/1.1 101 Switching Protocols", "HTTP/1.1 1010 x", "x",
		},
		{"Upgrade: WebSocket", "Upgrade: h2c, websocket", "Upgrade: h2c\r\nUpgrade: websocket", "Upgrade: websocket\r\nUpgrade: h2c", "Upgrade: websocket2", "Upgrade:", "Upgrade: x"},
		{"Connection: upgrade", "Connection: keep-alive, Upgrade", "Connection: keep-alive\r\nConnection: Upgrade", "Connection: Upgrade\r\nConnection: keep-alive", "Connection: upgraded", "Connection: keep-alive", "Connection:"},
		{"Sec-WebSocket-Accept:", "Sec-WebSocket-Accept: x", "Sec-WebSocket-Accept: ACCEPTx", "Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Accept: ACCEPT", "Sec-WebSocket-Accept: ACCEPT\r\nSec-WebSocket-Accept: x", "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Accept: ACCEPT", "Sec-WebSocket-Accept:\t ACCEPT ", "sec-websocket-accept: ACCEPT"},
	}
	var seeds [][]byte
	add := func(behind string, lines ...string) {
		answer := strings.Join(lines, "\r\n") + "\r\n\r\n" + behind
		seeds = append(seeds, append([]byte{0}, answer...), append([]byte{0x80}, answer...))
	}
	add("", lines...)
	add(hello, lines...)
	add(strings.Repeat(hello, 2000), lines...)
	add("", append(slices.Clone(lines), "Sec-WebSocket-Extensions: permessage-deflate")...)
	add("", append(slices.Clone(lines), "Sec-WebSocket-Extensions: foo")...)
	add("", append(slices.Clone(lines), "Sec-WebSocket-Extensions:")...)
	add("", append(slices.Clone(lines), "Sec-WebSocket-Protocol: chat")...)
	add("", append(slices.Clone(lines), "Sec-WebSocket-Protocol:")...)
	add("", append(slices.Clone(lines), "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: chat")...)
	add("", append(slices.Clone(lines), "Sec-WebSocket-Protocol:", "Sec-WebSocket-Protocol: chat")...)
	add("", append(slices.Clone(lines), "X\xfc: x")...)
	add("", append(slices.Clone(lines), "X Y: x")...)
	add("", append(slices.Clone(lines), "no colon")...)
	add(hello, append(slices.Clone(lines), "Content-Length: 7")...)
	for i := range lines {
		add(hello, slices.Delete(slices.Clone(lines), i, i+1)...)
		for _, other := range others[i] {
			changed := slices.Clone(lines)
			changed[i] = other
			add("", changed...)
			add(hello, changed...)
		}
	}
	whole := strings.Join(lines, "\r\n")
	for n := 0; n < len(whole); n += 9 {
		seeds = append(seeds, append([]byte{0}, whole[:n]...))
	}
	return seeds, nil
}

// AnswerDivergences are the known ones of answers to opening handshakes, as in Divergences.
var AnswerDivergences = []Divergence{
	{Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "accept-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "http-version", Reason: "the version of HTTP is not looked at"},
	{Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "subprotocol-not-offered", Reason: "an empty one counts as none"},
	{Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "subprotocol-twice", Reason: "where the first one is empty, none counts"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "accept-twice", Reason: "a header may stand there twice, if each is right"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "an-answer-that-is-no-HTTP", Reason: "a field's name may have any octets"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Refuses, Rule: "connection-in-a-list", Reason: "Connection has to be the one word"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Refuses, Rule: "interim-answers", Reason: "the first answer counts, be it an interim one"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "accept-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "http-version", Reason: "the version of HTTP is not looked at"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "extension-not-offered", Reason: "extensions that it does not know are not looked at"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "subprotocol-not-offered", Reason: "what the server selects is left to the caller"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "subprotocol-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Refuses, Rule: "interim-answers", Reason: "the first answer counts, be it an interim one"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "accept-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "connection", Reason: "Connection has to contain the word, be it within another one"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "http-version", Reason: "the version of HTTP is not looked at"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "extension-not-offered", Reason: "extensions that were not asked for are not looked at"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "subprotocol-not-offered", Reason: "where none was offered, what the server selects is not looked at"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "subprotocol-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gws", Version: "v1.9.1", Kind: Refuses, Rule: "connection-in-a-list", Reason: "of a header that stands in two lines the first one counts"},
	{Library: "gws", Version: "v1.9.1", Kind: Refuses, Rule: "interim-answers", Reason: "the first answer counts, be it an interim one"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "accept-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "http-version", Reason: "the version of HTTP is not looked at"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "subprotocol-not-offered", Reason: "an empty one counts as none"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "subprotocol-twice", Reason: "where the first one is empty, none counts"},
	{Library: "xnet", Version: "v0.62.0", Kind: Refuses, Rule: "connection-in-a-list", Reason: "Connection has to be the one word"},
	{Library: "xnet", Version: "v0.62.0", Kind: Refuses, Rule: "interim-answers", Reason: "the first answer counts, be it an interim one"},
}
