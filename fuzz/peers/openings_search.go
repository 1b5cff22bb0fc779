package peers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
)

// SearchOpenings is Search for opening handshakes: requests to a library's server and
// answers to its client, made of right lines and wrong ones at random, are held against
// the rules until done says so. It calls found for each finding that the tables do not
// know, once a kind and rule, with the bytes in words.
func SearchOpenings(l *transcript.Reader, seed uint64, done func(n int) bool, found func(f *Finding, n int, words string)) int {
	rng := rand.New(rand.NewPCG(seed, 1))
	known := map[string]bool{}
	n := 0
	for ; !done(n); n++ {
		data, list, rows, words := []byte(nil), []*openingFinding(nil), OpeningDivergences, "the request "
		if n%2 == 0 {
			data = randomLines(rng, requestLines)
			list = serverFindings(l, data)
		} else if slices.ContainsFunc(answered(), func(a *transcript.Reader) bool { return a.Name == l.Name }) {
			data = append([]byte{byte(n << 6)}, randomLines(rng, answerLines)...)
			list, rows, words = answerFindings(l, data), AnswerDivergences, "the answer "
		}
		for _, f := range list {
			if name := string(f.kind) + " " + f.rule; !known[name] && !slices.ContainsFunc(rows, f.is) {
				known[name] = true
				found(&Finding{f.library, f.kind, f.rule, f.text}, n, words+fmt.Sprintf("%q", data))
			}
		}
	}
	return n
}

// Lines of a request, and of an answer: the first of each row is right, and stands there
// mostly.
var (
	requestLines = [][]string{
		{"GET / HTTP/1.1", "POST / HTTP/1.1", "GET / HTTP/1.0"},
		{"Host: peer.example"},
		{"Upgrade: websocket", "Upgrade: WebSocket", "Upgrade: h2c, websocket", "Upgrade: h2c", "Upgrade: websocket2"},
		{"Connection: Upgrade", "Connection: keep-alive, Upgrade", "Connection: upgraded", "Connection: keep-alive"},
		{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: x", "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBub25jZQ==", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ-==", "Sec-WebSocket-Key:"},
		{"Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13, 8", "Sec-WebSocket-Version:"},
	}
	answerLines = [][]string{
		{"HTTP/1.1 101 Switching Protocols", "HTTP/1.0 101 x", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"},
		{"Upgrade: websocket", "Upgrade: WebSocket", "Upgrade: h2c", "Upgrade: websocket2"},
		{"Connection: Upgrade", "Connection: keep-alive, Upgrade", "Connection: upgraded", "Connection: keep-alive"},
		{"Sec-WebSocket-Accept: ACCEPT", "Sec-WebSocket-Accept: x", "Sec-WebSocket-Accept: ACCEPTx", "Sec-WebSocket-Accept:"},
		{"", "Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Extensions: foo", "Sec-WebSocket-Protocol: chat"},
	}
)

// randomLines makes a head of rows of lines, one of which may be another, be missing, or
// be there twice, and maybe a frame behind.
func randomLines(rng *rand.Rand, rows [][]string) []byte {
	var b strings.Builder
	odd := rng.IntN(len(rows))
	for i, row := range rows {
		line, times := row[0], 1
		if i == odd {
			line = row[rng.IntN(len(row))]
			if i > 0 && rng.IntN(3) == 0 {
				times = 2 * rng.IntN(2)
			}
		}
		for range times {
			if line != "" {
				b.WriteString(line + "\r\n")
			}
		}
	}
	b.WriteString("\r\n")
	if rng.IntN(4) == 0 {
		b.WriteString(hello)
	}
	return []byte(b.String())
}

// serverFindings has a library's server asked by its adapter, which is there for old
// versions as well.
func serverFindings(l *transcript.Reader, data []byte) []*openingFinding {
	return findingsOf(l.Name, data, func(r *http.Request, rest []byte) (_ []byte, took bool, panicked string) {
		defer func() {
			if p := recover(); p != nil {
				panicked = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		t := &transcript.Transcript{Role: model.Server, Limits: model.Limits{Frame: 1 << 16, Message: 1 << 16}, Input: bytes.Clone(rest)}
		c := transcript.NewConn(t)
		c.Ask(r)
		_, err := l.RunOn(t, c)
		return nil, err == nil, ""
	})
}
