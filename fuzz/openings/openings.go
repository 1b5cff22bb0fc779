// Package openings has the rules for opening handshakes, requests (RFC 6455 section 4.2.1)
// and answers (section 4.1), as plain code over what net/http has parsed: the oracle of
// the targets that give requests to servers and answers to clients.
package openings

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
)

// A Broken rule is a reason to refuse a request.
type Broken struct {
	Rule   string // its name in tables
	Why    string
	Status int    // of HTTP, that suits it
	Word   string // that who reports it cannot leave out
}

// words are those of a rule, by the first of its name.
var words = map[string]string{
	"http": "HTTP/1.1", "method": "GET", "host": "Host", "upgrade": "Upgrade", "connection": "Connection", "body": "body", "version": "Sec-WebSocket-Version", "key": "Sec-WebSocket-Key",
	"accept": "Sec-WebSocket-Accept", "extension": "extension", "subprotocol": "subprotocol",
}

// Check returns the rules that the request breaks.
func Check(r *http.Request) (list []Broken) {
	no := func(broken bool, status int, rule, why string) {
		if broken {
			list = append(list, Broken{rule, why, status, words[strings.SplitN(rule, "-", 2)[0]]})
		}
	}
	key := r.Header["Sec-Websocket-Key"]
	no(r.Proto != "HTTP/1.1", 505, "http-version", "the protocol is not HTTP/1.1")
	no(r.Method != "GET", 405, "method", "the method is not GET")
	no(r.Host == "", 400, "host", "there is no Host")
	no(!Has(Tokens(r.Header["Upgrade"]), "websocket"), 426, "upgrade", "Upgrade does not name websocket")
	no(!Has(Tokens(r.Header["Connection"]), "upgrade"), 400, "connection", "Connection does not name upgrade")
	no(r.ContentLength != 0 || len(r.TransferEncoding) > 0, 400, "body", "there is a body, which would be taken for frames")
	no(!slices.Equal(r.Header["Sec-Websocket-Version"], []string{"13"}), 426, versionRule(r.Header["Sec-Websocket-Version"]), "the version is not 13")
	no(len(key) != 1 || !IsKey(strings.Trim(key[0], " \t")), 400, keyRule(key), "the key is not one, base64 of 16 bytes")
	return list
}

func versionRule(versions []string) string {
	switch {
	case len(versions) == 0:
		return "version-missing"
	case len(versions) > 1:
		return "version-twice"
	}
	return "version"
}

func keyRule(keys []string) string {
	switch {
	case len(keys) == 0 || keys[0] == "":
		return "key-missing"
	case len(keys) > 1:
		return "key-twice"
	}
	return "key-of-16-bytes"
}

// Unusual returns what a request has that is right, and that a strict server may stumble
// over, and of the bytes behind it.
func Unusual(r *http.Request, behind []byte) (list []string) {
	yes := func(is bool, what string) {
		if is {
			list = append(list, what)
		}
	}
	upgrade, connection := r.Header["Upgrade"], r.Header["Connection"]
	yes(Has(Tokens(upgrade), "") || Has(Tokens(connection), ""), "lists-with-empty-elements") // RFC 7230 section 7
	yes(len(upgrade) > 1, "upgrade-in-two-lines")
	yes(len(upgrade) == 1 && Lower(upgrade[0]) != "websocket", "upgrade-in-a-list")
	yes(len(connection) > 1, "connection-in-two-lines")
	yes(len(connection) == 1 && Lower(connection[0]) != "upgrade", "connection-in-a-list")
	yes(len(behind) > 0, "frames-behind-the-request")
	yes(len(r.Header["Sec-Websocket-Protocol"]) > 0, "subprotocols-offered")
	if keys := r.Header["Sec-Websocket-Key"]; len(keys) == 1 {
		yes(!strings.HasSuffix(keys[0], "Q==") && !strings.HasSuffix(keys[0], "g==") && !strings.HasSuffix(keys[0], "w==") && !strings.HasSuffix(keys[0], "A=="), "key-with-loose-bits")
	}
	return list
}

// Wellformed tells whether the lists that matter have tokens alone (RFC 7230 section 3.2.6):
// what has others may be refused.
func Wellformed(r *http.Request) bool {
	for _, token := range append(Tokens(r.Header["Upgrade"]), Tokens(r.Header["Connection"])...) {
		if strings.Trim(token, "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") != "" {
			return false
		}
	}
	return true
}

// IsToken tells whether s is a token (RFC 9110 section 5.6.2).
func IsToken(s string) bool {
	return s != "" && strings.Trim(Lower(s), "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") == ""
}

// IsKey tells whether s is base64 of 16 bytes; what its last character says beyond
// them does not matter.
func IsKey(s string) bool {
	body, padded := strings.CutSuffix(s, "==")
	return padded && len(body) == 22 && strings.Trim(body, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") == ""
}

// Tokens returns the elements of the lists in a header's values, in lower case
// (RFC 7230 section 7).
func Tokens(values []string) []string {
	var list []string
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			list = append(list, Lower(strings.Trim(t, " \t")))
		}
	}
	return list
}

// Lower is s with ASCII letters in lower case.
func Lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Has tells whether the token is one of the list.
func Has(list []string, token string) bool { return slices.Contains(list, token) }

// ReadAnswer parses an answer to a client, behind any interim ones, and returns what
// stands behind it.
func ReadAnswer(answer []byte) (r *http.Response, behind []byte, err error) {
	br := bufio.NewReader(bytes.NewReader(answer))
	for {
		if r, err = http.ReadResponse(br, &http.Request{Method: http.MethodGet}); err != nil {
			return nil, nil, err
		}
		if r.StatusCode/100 != 1 || r.StatusCode == http.StatusSwitchingProtocols {
			behind, err = io.ReadAll(br)
			return r, behind, err
		}
	}
}

// CheckAnswer returns the rules that an answer breaks, where accept belongs to the key and
// the subprotocols were offered; no extension was.
func CheckAnswer(r *http.Response, accept string, subprotocols []string) (list []Broken) {
	no := func(broken bool, rule, why string) {
		if broken {
			list = append(list, Broken{Rule: rule, Why: why, Word: words[strings.SplitN(rule, "-", 2)[0]]})
		}
	}
	accepts, protocol, extensions := r.Header["Sec-Websocket-Accept"], r.Header["Sec-Websocket-Protocol"], r.Header["Sec-Websocket-Extensions"]
	no(r.StatusCode != http.StatusSwitchingProtocols, "status", "its status is not 101")
	no(!Has(Tokens(r.Header["Upgrade"]), "websocket"), "upgrade", "its Upgrade does not name websocket")
	no(!Has(Tokens(r.Header["Connection"]), "upgrade"), "connection", "its Connection does not name upgrade")
	no(len(accepts) == 0, "accept-missing", "there is no Sec-WebSocket-Accept")
	no(len(accepts) > 1, "accept-twice", "there is more than one Sec-WebSocket-Accept")
	no(len(accepts) == 1 && strings.Trim(accepts[0], " \t") != accept, "accept", "its Sec-WebSocket-Accept is not the one for the key")
	no(strings.Join(extensions, "") != "", "extension-not-offered", "it uses an extension that was not offered")
	no(r.Proto != "HTTP/1.1", "http-version", "it is no answer of HTTP/1.1")
	no(len(protocol) > 1, "subprotocol-twice", "it selects more than one subprotocol")
	no(len(protocol) > 0 && !Has(subprotocols, protocol[0]), "subprotocol-not-offered", "it uses a subprotocol that was not offered")
	return list
}

// UnusualAnswer returns what an answer has that is right, and that a strict client may
// stumble over, and of the bytes before and behind it.
func UnusualAnswer(r *http.Response, answer, behind []byte) (list []string) {
	yes := func(is bool, what string) {
		if is {
			list = append(list, what)
		}
	}
	connection := r.Header["Connection"]
	yes(!bytes.HasPrefix(answer, []byte("HTTP/1.1 101")), "interim-answers")
	yes(len(connection) != 1 || Lower(connection[0]) != "upgrade", "connection-in-a-list")
	yes(len(behind) > 0, "frames-behind-the-answer")
	return list
}
