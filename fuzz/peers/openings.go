package peers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/fuzz/openings"
	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/vector"
)

// Openings gives a request, the bytes of the input, to each library's server, as net/http
// does. Oracle: the plain code of package openings tells which requests RFC 6455 section
// 4.2.1 refuses; what it does not is accepted, with the right Sec-WebSocket-Accept; nothing
// panics. The table OpeningDivergences has what is known.
func Openings(data []byte) error {
	defer input.Guard()()
	for _, e := range openingEngines() {
		for _, f := range openingFindings(e, data) {
			if !slices.ContainsFunc(OpeningDivergences, f.is) {
				return fmt.Errorf("%s: %w", e.Name, f)
			}
		}
	}
	return nil
}

// openingEngines are the libraries but for the core, which target Handshake has.
func openingEngines() []*engine.Engine {
	var all []*engine.Engine
	for _, name := range engines.Names() {
		if e, err := engines.Find(name); err == nil && name != "core" {
			all = append(all, e)
		}
	}
	return all
}

// An openingFinding is a way in which a library treats a request otherwise than the rules.
type openingFinding struct {
	library string
	kind    Kind
	rule    string
	text    string
}

func (f *openingFinding) Error() string {
	return fmt.Sprintf("it %s: %s (%s)", f.kind, f.rule, f.text)
}

// is tells whether the row is about that.
func (f *openingFinding) is(row Divergence) bool {
	return row.Library == f.library && row.Kind == f.kind && row.Rule == f.rule
}

// openingFindings plays a request. Of a request that breaks several rules, and is taken
// all the same, each is a finding.
func openingFindings(e *engine.Engine, data []byte) []*openingFinding {
	return findingsOf(e.Name, data, func(r *http.Request, rest []byte) (answer []byte, took bool, panicked string) {
		answer, panicked = openingAnswer(e, r, rest)
		return answer, bytes.HasPrefix(answer, []byte("HTTP/1.1 101")), panicked
	})
}

// findingsOf has a library asked, by a function that returns what it answers and whether
// it takes the request.
func findingsOf(library string, data []byte, ask func(r *http.Request, rest []byte) (answer []byte, took bool, panicked string)) (list []*openingFinding) {
	found := func(kind Kind, rule, format string, args ...any) {
		list = append(list, &openingFinding{library, kind, rule, fmt.Sprintf(format, args...)})
	}
	r, rest := openingRequest(data)
	if r == nil {
		return nil // net/http answers such a request by itself
	}
	broken, key := openings.Check(r), strings.Trim(r.Header.Get("Sec-Websocket-Key"), " \t")
	// What a request without HTTP's own rules is to a server is net/http's to say.
	broken = slices.DeleteFunc(broken, func(b openings.Broken) bool { return b.Rule == "body" })
	unusual := openings.Unusual(r, rest)
	known := slices.DeleteFunc(slices.Clone(unusual), func(u string) bool {
		return !slices.ContainsFunc(OpeningDivergences, (&openingFinding{library, Refuses, u, ""}).is)
	})
	if len(known) > 0 {
		unusual = known // one of those is reason enough
	}
	answer, took, panicked := ask(r, rest)
	switch {
	case panicked != "":
		found(Crashes, "opening-handshake", "%s", panicked)
	case took && len(broken) > 0:
		for _, b := range broken {
			found(Accepts, b.Rule, "%s", b.Why)
		}
	case !took && !openings.Wellformed(r):
	case !took && len(broken) == 0 && len(unusual) == 0:
		found(Refuses, "plain-request", "%q", data)
	case !took && len(broken) == 0:
		for _, u := range unusual {
			found(Refuses, u, "section 4.2.1 allows it")
		}
	case took && answer != nil:
		response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), r)
		if err != nil {
			found(Sends, "an-answer-that-is-no-HTTP", "%v in %q", err, answer)
		} else if got := response.Header["Sec-Websocket-Accept"]; !slices.Equal(got, []string{transcript.AcceptKey(key)}) {
			found(Sends, "another-accept", "%q", got)
		}
	}
	return list
}

// openingRequest returns the request as net/http parses it, and what stands behind it. An
// Origin is not given on: what is allowed differs, and is the application's.
func openingRequest(data []byte) (*http.Request, []byte) {
	br := bufio.NewReader(bytes.NewReader(data))
	r, err := http.ReadRequest(br)
	if err != nil || !plainHost.MatchString(r.Host) || !strings.HasPrefix(r.RequestURI, "/") || r.ProtoAtLeast(1, 2) {
		// What net/http makes of others is not the library's; a later version of HTTP RFC 6455
		// section 4.1 allows ("at least 1.1"), and a server may not have it.
		return nil, nil
	}
	rest, _ := io.ReadAll(br)
	r.Header.Del("Origin")
	r.RemoteAddr = "192.0.2.1:1234"
	return r, rest
}

var plainHost = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?$`)

// openingAnswer returns what the library wrote to the client.
func openingAnswer(e *engine.Engine, r *http.Request, rest []byte) (answer []byte, panicked string) {
	s := &task.Stream{Pre: bytes.Clone(rest), Keep: true}
	w := task.NewResponse(s)
	_, _ = w.Reader().Peek(len(rest)) // as net/http has
	defer func() {
		if p := recover(); p != nil {
			panicked = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
		answer = s.Kept
	}()
	_ = e.Tasks.Upgrades[0].Prepare()(w, r, s)
	return
}

func explainOpening(data []byte) string { return fmt.Sprintf("%q\n", data) }

// seedOpenings takes a right request with each line left out, twice, or changed.
func seedOpenings([]vector.Vector) ([][]byte, error) {
	lines := []string{
		"GET /chat HTTP/1.1", "Host: peer.example", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
	}
	var seeds [][]byte
	add := func(lines ...string) { seeds = append(seeds, []byte(strings.Join(lines, "\r\n")+"\r\n\r\n")) }
	add(lines...)
	others := [][]string{
		{"POST /chat HTTP/1.1", "GET /chat HTTP/1.0", "PUT /chat HTTP/1.1", "get /chat HTTP/1.1"},
		{"Host:", "Host: other.example:80"},
		{"Upgrade: WebSocket", "Upgrade: h2c, websocket", "Upgrade: websocket2", "Upgrade: h2c\r\nUpgrade: websocket", "Upgrade:", "Upgrade: xwebsocket"},
		{"Connection: upgrade", "Connection: keep-alive, Upgrade", "Connection: keep-alive", "Connection: keep-alive\r\nConnection: Upgrade", "Connection: upgraded", "Connection: keep-alive,Upgrade ,x", "Connection: keep-alive Upgrade", "Connection: ,Upgrade", "Connection: Upgrade, ,x"},
		{
			"Sec-WebSocket-Key:", "Sec-WebSocket-Key: x", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSAx",
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ-==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, x",
		},
		{"Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13, 8", "Sec-WebSocket-Version: 14", "Sec-WebSocket-Version:", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8", "Sec-WebSocket-Version: 013"},
	}
	for i := range lines {
		if i > 0 {
			add(slices.Delete(slices.Clone(lines), i, i+1)...)
		}
		for _, other := range others[i] {
			changed := slices.Clone(lines)
			changed[i] = other
			add(changed...)
		}
	}
	add(append(slices.Clone(lines), "Content-Length: 5")...)
	add(append(slices.Clone(lines), "Transfer-Encoding: chunked")...)
	add(append(slices.Clone(lines), "Origin: http://other.example")...)
	add(append(slices.Clone(lines), "Sec-WebSocket-Protocol: chat, superchat")...)
	add(append(slices.Clone(lines), "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")...)
	seeds = append(seeds, []byte(strings.Join(lines, "\r\n")+"\r\n\r\n\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"))
	return seeds, nil
}

// OpeningDivergences are the known ones of opening handshakes, as in Divergences.
var OpeningDivergences = []Divergence{
	{Library: "coder", Version: "v1.8.15", Kind: Accepts, Rule: "version-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "connection", Reason: "the elements of the list may be parted by a blank alone"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "key-of-16-bytes", Reason: "a key is not looked at but for its 24 bytes"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "key-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Accepts, Rule: "version-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Refuses, Rule: "connection-in-two-lines", Reason: "of a header that stands in two lines the first one counts"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Refuses, Rule: "upgrade-in-two-lines", Reason: "of a header that stands in two lines the first one counts"},
	{Library: "gobwas", Version: "v1.5.0", Kind: Refuses, Rule: "upgrade-in-a-list", Reason: "Upgrade has to be the one word"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Refuses, Rule: "lists-with-empty-elements", Reason: "a list ends for it at an empty element"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "http-version", Reason: "the version of HTTP is not looked at"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "key-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "version", Reason: "13 may stand in a list of versions"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Accepts, Rule: "version-twice", Reason: "13 may stand in a list of versions"},
	{Library: "gorilla", Version: "v1.5.3", Kind: Refuses, Rule: "frames-behind-the-request", Reason: "a client that does not wait for the answer is refused"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "connection", Reason: "Connection has to contain the word, be it within another one"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "http-version", Reason: "the version of HTTP is not looked at"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "key-of-16-bytes", Reason: "a key has only to be there"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "key-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gws", Version: "v1.9.1", Kind: Accepts, Rule: "version-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "gws", Version: "v1.9.1", Kind: Refuses, Rule: "connection-in-two-lines", Reason: "of a header that stands in two lines the first one counts"},
	{Library: "gws", Version: "v1.9.1", Kind: Refuses, Rule: "upgrade-in-two-lines", Reason: "of a header that stands in two lines the first one counts"},
	{Library: "gws", Version: "v1.9.1", Kind: Refuses, Rule: "upgrade-in-a-list", Reason: "Upgrade has to be the one word"},
	{Library: "nbio", Version: "v1.6.8", Kind: Refuses, Rule: "lists-with-empty-elements", Reason: "a list ends for it at an empty element"},
	{Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "http-version", Reason: "the version of HTTP is not looked at"},
	{Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "key-of-16-bytes", Reason: "a key has only to be there"},
	{Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "key-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "version", Reason: "13 may stand in a list of versions"},
	{Library: "nbio", Version: "v1.6.8", Kind: Accepts, Rule: "version-twice", Reason: "13 may stand in a list of versions"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "connection", Reason: "Connection has to contain the word, be it within another one"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "http-version", Reason: "the version of HTTP is not looked at"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "key-of-16-bytes", Reason: "a key has only to be there"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "key-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "xnet", Version: "v0.62.0", Kind: Accepts, Rule: "version-twice", Reason: "the first value of a header counts, whatever follows"},
	{Library: "xnet", Version: "v0.62.0", Kind: Refuses, Rule: "connection-in-two-lines", Reason: "of a header that stands in two lines the first one counts"},
	{Library: "xnet", Version: "v0.62.0", Kind: Refuses, Rule: "upgrade-in-two-lines", Reason: "of a header that stands in two lines the first one counts"},
	{Library: "xnet", Version: "v0.62.0", Kind: Refuses, Rule: "upgrade-in-a-list", Reason: "Upgrade has to be the one word"},
	{Library: "xnet", Version: "v0.62.0", Kind: Refuses, Rule: "subprotocols-offered", Reason: "a server that has not chosen one of several subprotocols refuses the request, where it could go without"},
}
