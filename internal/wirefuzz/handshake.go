package wirefuzz

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/opening"
)

// handshakeKey is the Sec-WebSocket-Key of all requests that are not about it.
const handshakeKey = "d3Nwcm9vZi1hLW5vbmNlIQ=="

// requests are requests of opening handshakes: the right one, and what is made of it.
type requests struct {
	base []string // the lines of the right one
}

func newRequests(c *opening.Client) *requests {
	return &requests{strings.Split(strings.TrimSuffix(c.Request(handshakeKey, ""), "\r\n\r\n"), "\r\n")}
}

// values are what fields of the handshake are given, right and wrong.
var values = []string{
	"", "x", "websocket", "WebSocket", "WEBSOCKET", "websockets", "websocket, x", "h2c, websocket",
	"Upgrade", "upgrade", "keep-alive", "keep-alive, Upgrade", "keep-alive,\tUPGRADE , x", "upgrades", "close",
	"13", " 13 ", "8", "0", "-13", "013", "99", "13, 8", "8, 13",
	handshakeKey, "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZQA=", "AAAAAAAAAAAAAAAAAAAA", "!!!!!!!!!!!!!!!!!!!!!!!!",
	"null", "http://other.example", "chat, superchat", "chat chat", "permessage-deflate; client_max_window_bits=99", "x-unknown; a=\"b", "\x01", "\xff", strings.Repeat("x", 3000),
}

var fields = []string{
	"Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
	"Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Length", "Transfer-Encoding", "Expect", "X-Wsproof",
}

var firstLines = []string{"POST %s HTTP/1.1", "get %s HTTP/1.1", "GET %s HTTP/1.0", "GET %s HTTP/2.0", "GET %s HTTP/1.2", "GET %s HTTP/0.9", "GET * HTTP/1.1", "GET  %s  HTTP/1.1", "GET %s", "", "CONNECT %s HTTP/1.1", "HEAD %s HTTP/1.1"}

func text(lines []string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

func (q *requests) path() string {
	words := strings.Fields(q.base[0])
	return words[1]
}

func (q *requests) host() string {
	for _, line := range q.base {
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Host") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// all are the requests with one thing changed.
func (q *requests) all() []string {
	list := []string{text(q.base)}
	for i := 1; i < len(q.base); i++ {
		list = append(list, text(slices.Delete(slices.Clone(q.base), i, i+1)), text(slices.Insert(slices.Clone(q.base), i, q.base[i])))
	}
	for _, first := range firstLines {
		lines := slices.Clone(q.base)
		lines[0] = strings.Replace(first, "%s", q.path(), 1)
		list = append(list, text(lines))
	}
	for _, name := range fields[:5] {
		for _, value := range values {
			list = append(list, text(q.set(q.base, name, value)))
		}
	}
	return list
}

// set returns the lines with a field set.
func (q *requests) set(lines []string, name, value string) []string {
	lines = slices.Clone(lines)
	for i := range lines {
		if had, _, ok := strings.Cut(lines[i], ":"); ok && i > 0 && strings.EqualFold(had, name) {
			lines[i] = had + ": " + value
			return lines
		}
	}
	return append(lines, name+": "+value)
}

// variant changes some things at random.
func (q *requests) variant(random *rand.Rand) string {
	lines := slices.Clone(q.base)
	for range 1 + random.IntN(3) {
		at := 0
		if len(lines) > 1 {
			at = 1 + random.IntN(len(lines)-1)
		}
		name := fields[random.IntN(len(fields))]
		value := values[random.IntN(len(values))]
		switch random.IntN(8) {
		case 0:
			lines[0] = strings.Replace(firstLines[random.IntN(len(firstLines))], "%s", q.path(), 1)
		case 1, 2:
			lines = q.set(lines, name, value)
		case 3:
			lines = append(lines, name+": "+value)
		case 4:
			if len(lines) > 1 {
				lines = slices.Delete(lines, at, at+1)
			}
		case 5:
			slices.Reverse(lines[1:])
		case 6:
			lines[at] = strings.ToLower(lines[at])
		case 7:
			lines[at] = strings.Replace(lines[at], ":", []string{" :", ":\t", "", ":\r\n ", ": \x00"}[random.IntN(5)], 1)
		}
	}
	s := text(lines)
	if random.IntN(16) == 0 {
		b := []byte(s)
		b[random.IntN(len(b))] = byte(random.Uint32())
		s = string(b)
	}
	return s
}

// A verdict says what a server has to do with a request.
type verdict int

const (
	either  verdict = iota // RFC 6455 leaves it open, or HTTP does
	refused                // it must not answer with 101
	taken                  // it must
)

// read says what has to come of a request, by which rule, and why.
func (q *requests) read(request []byte) (v verdict, rule model.Rule, why string) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil || !cleanLines(request) {
		return either, "", "" // what HTTP makes of it is HTTP's
	}
	h := r.Header
	key := h.Values("Sec-Websocket-Key")
	version := h.Values("Sec-Websocket-Version")
	switch {
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0 || h.Get("Expect") != "":
		return either, "", "" // it may wait for a body
	case r.Method != http.MethodGet:
		return refused, RequestRefused, "the method is " + r.Method
	case r.ProtoMajor == 1 && r.ProtoMinor == 0:
		return refused, RequestRefused, "the version of HTTP is 1.0"
	case r.ProtoMajor != 1 || r.ProtoMinor != 1:
		return either, "", ""
	case r.Host == "" && !hasField(request, "host"):
		return refused, RequestRefused, "there is no Host"
	case len(h.Values("Upgrade")) == 0:
		return refused, RequestRefused, "there is no Upgrade"
	case !opening.HasToken(h.Values("Upgrade"), "websocket"):
		return refused, RequestRefused, fmt.Sprintf("the Upgrade is %q", h.Values("Upgrade"))
	case !opening.HasToken(h.Values("Connection"), "upgrade"):
		return refused, RequestRefused, fmt.Sprintf("the Connection is %q", h.Values("Connection"))
	case len(key) == 0:
		return refused, RequestRefused, "there is no Sec-WebSocket-Key"
	case len(version) == 0:
		return refused, RequestRefused, "there is no Sec-WebSocket-Version"
	case r.RequestURI != q.path() || r.Host != q.host() || len(request) > 2048:
		return either, "", "" // another resource
	}
	if len(version) == 1 && plainNumber(version[0]) && version[0] != "13" {
		// It may be refused for another reason, where there is one.
		lines := q.set(strings.Split(strings.TrimSuffix(string(request), "\r\n\r\n"), "\r\n"), "Sec-WebSocket-Version", "13")
		if other, _, _ := q.read([]byte(text(lines))); other != taken {
			return either, "", ""
		}
		return refused, VersionRefused, fmt.Sprintf("the Sec-WebSocket-Version is %q", version[0])
	}
	if len(key) != 1 || len(version) != 1 || version[0] != "13" || !strings.EqualFold(h.Get("Upgrade"), "websocket") || len(h.Values("Connection")) != 1 || opening.HasToken(h.Values("Connection"), "close") {
		return either, "", ""
	}
	if b, err := base64.StdEncoding.DecodeString(key[0]); err != nil || len(b) != 16 {
		return either, "", ""
	}
	known := map[string]bool{"Upgrade": true, "Connection": true, "Sec-Websocket-Key": true, "Sec-Websocket-Version": true, "X-Wsproof": true}
	for _, line := range q.base[1:] {
		name, _, _ := strings.Cut(line, ":")
		known[http.CanonicalHeaderKey(name)] = true
	}
	for name, list := range h {
		if !known[name] || len(list) > 1 {
			return either, "", "" // what it means to the server is the server's
		}
	}
	return taken, RequestTaken, "nothing is wrong with it"
}

// plainNumber says whether s is digits without a leading zero: other forms are no
// version.
func plainNumber(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && s[0] != '0' && strings.Trim(s, "0123456789") == "" && len(s) < 4
}

func hasField(request []byte, name string) bool {
	return bytes.Contains(bytes.ToLower(request), []byte("\r\n"+name+":"))
}

// cleanLines says whether the lines of a request are such that all read them alike:
// printable, without folding, a name before a colon and one blank behind it.
func cleanLines(request []byte) bool {
	head, rest, ok := bytes.Cut(request, []byte("\r\n\r\n"))
	if !ok || len(rest) > 0 {
		return false
	}
	for i, line := range bytes.Split(head, []byte("\r\n")) {
		for _, c := range line {
			if c < ' ' || c > '~' {
				return false
			}
		}
		name, _, colon := strings.Cut(string(line), ":")
		if i == 0 && (strings.Count(string(line), " ") != 2) || i > 0 && (!colon || name == "" || strings.ContainsAny(name, " \t\"(),/;<=>?@[\\]{}")) {
			return false
		}
	}
	return true
}

// shake plays the request of an opening handshake. kind is the kind of its answer.
func (r *run) shake(ctx context.Context, request []byte, wait time.Duration) (list []sighting, kind string, err error) {
	q := r.source.shakes
	if q == nil {
		q = newRequests(r.Client)
	}
	open, cancel := context.WithTimeout(ctx, r.patient().open)
	defer cancel()
	conn, err := r.Client.Connect(open)
	if err != nil {
		return nil, "", &openError{err, true}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	v, rule, why := q.read(request)
	if v == either {
		wait /= 50 // a request that is none may have no end for the server
	}
	_ = conn.SetDeadline(time.Now().Add(wait))
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	_, _ = io.Copy(conn, bytes.NewReader(request)) // it may refuse before it has read all
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodGet})
	switch {
	case ctx.Err() != nil:
		return nil, "", ctx.Err()
	case err != nil && v == either:
		return nil, "no response", nil
	case err != nil:
		late := errors.Is(err, os.ErrDeadlineExceeded)
		s := sighting{Level: Note, Rule: rule, Kind: Stays, Why: "the server left the request without an answer; " + why, timed: true}
		if !late {
			s.Kind, s.Why = Refuses, "the server sent no HTTP response, but closed TCP; "+why
		}
		if v == taken {
			s.Level = Finding
		}
		return []sighting{s}, fmt.Sprint("no response", late, v), nil
	}
	defer response.Body.Close()
	kind = fmt.Sprint(response.StatusCode, v, rule)
	key := ""
	if parsed, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request))); err == nil {
		key = parsed.Header.Get("Sec-Websocket-Key")
	}
	switch accepted := response.StatusCode == http.StatusSwitchingProtocols; {
	case accepted && v == refused:
		what := why
		if i := strings.Index(why, " is \""); i > 0 {
			what = why[:i] + " is another"
		}
		return []sighting{{Level: Finding, Rule: rule, Kind: Accepts, What: "although " + what, Why: "the server answered with 101, although " + why}}, kind, nil
	case !accepted && v == taken:
		return []sighting{{Level: Finding, Rule: rule, Kind: Refuses, Why: "the server answered with " + response.Status + ", where nothing was wrong", timed: true}}, kind, nil
	case !accepted && v == refused && rule == VersionRefused && !opening.HasToken(response.Header.Values("Sec-Websocket-Version"), "13"):
		return []sighting{{Level: Finding, Rule: rule, Kind: Answers, What: "without its version", Why: fmt.Sprintf("the server refused with %s, which has no Sec-WebSocket-Version with 13; %s", response.Status, why)}}, kind, nil
	case accepted && v != either:
		if fault := faultOf101(response, key, string(request)); fault != "" {
			return []sighting{{Level: Finding, Rule: ResponseRight, Kind: Answers, Why: "the 101 " + fault}}, kind, nil
		}
	}
	return nil, kind, nil
}

// faultOf101 says what is wrong with a 101.
func faultOf101(response *http.Response, key, request string) string {
	h := response.Header
	switch {
	case !strings.EqualFold(h.Get("Upgrade"), "websocket"), !opening.HasToken(h.Values("Connection"), "upgrade"):
		return "has no Upgrade: websocket and Connection: Upgrade"
	case h.Get("Sec-Websocket-Accept") != opening.AcceptKey(key):
		return fmt.Sprintf("has the Sec-WebSocket-Accept %q, not %q", h.Get("Sec-Websocket-Accept"), opening.AcceptKey(key))
	case h.Get("Sec-Websocket-Extensions") != "" && !strings.Contains(strings.ToLower(request), "sec-websocket-extensions"):
		return "has an extension that was not offered: " + h.Get("Sec-Websocket-Extensions")
	case h.Get("Sec-Websocket-Protocol") != "" && !strings.Contains(request, h.Get("Sec-Websocket-Protocol")):
		return "has a subprotocol that was not offered: " + h.Get("Sec-Websocket-Protocol")
	}
	return ""
}
