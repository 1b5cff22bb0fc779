package live

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/fuzz/openings"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/websocket"
)

// dial has Dial answered.
func (in *handshakeInput) dial() error {
	var request, answer []byte
	dialled, accept := false, ""
	c := transcript.NewConn(&transcript.Transcript{Role: model.Client, Chunks: in.sizes})
	c.Answer(func(r []byte) []byte {
		request = bytes.Clone(r)
		key := ""
		if parsed, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(r))); err == nil {
			key = parsed.Header.Get("Sec-Websocket-Key")
		}
		accept = transcript.AcceptKey(key)
		answer = bytes.ReplaceAll(in.raw, []byte("ACCEPT"), []byte(accept))
		return answer
	})
	opts := websocket.DialOptions{
		Options: websocket.Options{Subprotocols: in.spoken, CloseTimeout: transcript.Bound},
		NetDial: func(context.Context, string, string) (net.Conn, error) {
			dialled = true
			return c, nil
		},
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	}
	opts.Compression = compressions[in.more&moreDeflate>>deflateShift]
	if in.env&envNoProtocols != 0 {
		opts.Subprotocols = nil
	}
	if in.preset != "" {
		opts.Header = in.presetHeader()
	}
	own := (in.preset == "" || in.kept()) && mayOffer(opts.Subprotocols)
	ws, response, err := websocket.Dial(context.Background(), "ws://peer.example/path?query", opts)
	if request != nil {
		if err := in.checkRequest(request, &opts); err != nil {
			return err
		}
	} else if in.plain() && own {
		return fmt.Errorf("websocket.Dial wrote no whole request: %v", err)
	}
	got := judge(answer, accept, opts.Subprotocols, offersOf(request))
	why := got.why
	if !own && (dialled || err == nil) {
		return fmt.Errorf("websocket.Dial took the header %s of the application's, and the subprotocols %q", in.name, opts.Subprotocols)
	}
	if err != nil {
		var refused *websocket.HandshakeError
		if !errors.As(err, &refused) {
			return fmt.Errorf("websocket.Dial: %v (%T), want a *HandshakeError", err, err)
		}
		if err := checkWords(refused); err != nil {
			return fmt.Errorf("websocket.Dial: %w", err)
		}
		if response == nil && refused.Status != 0 || response != nil && refused.Status != response.StatusCode {
			return fmt.Errorf("websocket.Dial: %w, with status %d and the response %v", err, refused.Status, response)
		}
		if why != "" && !tellsOne(err, got.words) {
			return fmt.Errorf("websocket.Dial: %w, want it to tell of one of %q: %s", err, got.words, why)
		}
		if (bytes.HasPrefix(in.raw, []byte(plainAnswer)) || why == "" && plainEnough(answer, opts.Compression != nil)) && in.plain() && own {
			return fmt.Errorf("websocket.Dial refused an answer that is right: %w", err)
		}
		if dialled && !c.Closed() {
			return fmt.Errorf("websocket.Dial refused (%w) and left the transport open", err)
		}
		return nil
	}
	if protocol := ws.Subprotocol(); why == "" && protocol != headerOf(answer, "Sec-Websocket-Protocol") {
		return fmt.Errorf("websocket.Dial agreed on subprotocol %q, the answer is %q", protocol, answer)
	}
	if why != "" {
		return fmt.Errorf("websocket.Dial took an answer although %s", why)
	}
	if got.deflation != nil {
		if err := writes(ws, c, opts.Compression, got.deflation.ClientNoContextTakeover || opts.Compression.ClientNoContextTakeover); err != nil {
			return err
		}
	}
	return checkFrames(ws, c, model.Client, got.deflation, got.rest)
}

// plainAnswer is an answer that must be taken.
const plainAnswer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n"

// A judgement is what section 4.1 makes of an answer.
type judgement struct {
	why       string   // it is refused; "" if it is not
	words     []string // of all that is wrong: the error tells one of them at least; none: it may tell any
	rest      []byte   // what comes behind it
	deflation *model.Deflate
}

// judge judges an answer to a request with these subprotocols, and offers of extensions.
func judge(answer []byte, accept string, subprotocols, offers []string) judgement {
	r, rest, err := openings.ReadAnswer(answer)
	if err != nil {
		return judgement{why: "it is no HTTP response: " + err.Error()}
	}
	j := judgement{rest: rest}
	for _, b := range openings.CheckAnswer(r, accept, subprotocols) {
		if len(offers) == 0 || b.Rule != "extension-not-offered" {
			j.why = cmp.Or(j.why, b.Why)
			j.words = append(j.words, b.Word)
		}
	}
	if len(offers) > 0 {
		deflation, wrong := model.ReadAnswer(offers, r.Header["Sec-Websocket-Extensions"])
		if wrong != nil {
			j.why = cmp.Or(j.why, "what it says of extensions is wrong: "+wrong.Error())
			j.words = append(j.words, "Sec-WebSocket-Extensions")
		}
		if j.why == "" {
			j.deflation = deflation
		}
	}
	// What is right and unusual may be refused (plainEnough), and so be told first.
	if upgrade := r.Header["Upgrade"]; len(upgrade) != 1 || openings.Lower(upgrade[0]) != "websocket" {
		j.words = append(j.words, "Upgrade")
	}
	return j
}

// tellsOne reports whether an error tells one of the words; none: it does.
func tellsOne(err error, words []string) bool {
	text := openings.Lower(err.Error())
	return len(words) == 0 || slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, openings.Lower(word)) })
}

// offersOf returns the offers of extensions in a request.
func offersOf(request []byte) []string {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		return nil
	}
	return r.Header["Sec-Websocket-Extensions"]
}

// checkRequest checks the request of Dial.
func (in *handshakeInput) checkRequest(request []byte, opts *websocket.DialOptions) error {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(request)))
	if err != nil {
		return fmt.Errorf("websocket.Dial sent %q, which is no request: %w", request, err)
	}
	if why := refusals(r); len(why) > 0 {
		return fmt.Errorf("websocket.Dial sent %q, although %s", request, why[0].why)
	}
	lines := strings.Split(strings.TrimSuffix(string(request), "\r\n\r\n"), "\r\n")
	if lines[0] != "GET /path?query HTTP/1.1" {
		return fmt.Errorf("websocket.Dial sent the line %q", lines[0])
	}
	want := map[string]string{
		"Host": "peer.example", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": "*",
	}
	if len(opts.Subprotocols) > 0 {
		want["Sec-Websocket-Protocol"] = strings.Join(opts.Subprotocols, ", ")
	}
	if opts.Compression != nil {
		want["Sec-Websocket-Extensions"] = "*"
		if _, _, wrong := model.Offers(offersOf(request)); wrong != nil {
			return fmt.Errorf("websocket.Dial offers %q: %w", offersOf(request), wrong)
		}
	}
	return in.checkHeader(lines[1:], want)
}

// plainEnough tells whether each header of the answer's that matters is there
// once, and nothing is written in an unusual way: then it must be taken.
func plainEnough(answer []byte, compression bool) bool {
	head, _, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	r, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append(bytes.Clone(head), "\r\n\r\n"...))), &http.Request{Method: "GET"})
	if err != nil || r.StatusCode != 101 || r.Proto != "HTTP/1.1" || bytes.ContainsAny(head, "\x00\"") {
		return false
	}
	for _, name := range []string{"Upgrade", "Sec-Websocket-Accept"} {
		if len(r.Header[name]) != 1 {
			return false
		}
	}
	return openings.Lower(r.Header.Get("Upgrade")) == "websocket" && (compression || len(r.Header["Sec-Websocket-Extensions"]) == 0)
}

// headerOf returns a header's value in an answer, behind any interim ones.
func headerOf(answer []byte, name string) string {
	r, _, err := openings.ReadAnswer(answer)
	if err != nil {
		return ""
	}
	return r.Header.Get(name)
}
