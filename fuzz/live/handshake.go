package live

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/fuzz/openings"
	"github.com/wsproof/wsproof/internal/engine/core/transcripts"
	"github.com/wsproof/wsproof/internal/engine/transcript"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/websocket"
)

// Handshake checks both sides of the opening handshake (RFC 6455 section 4). The
// first byte of the input chooses the side and how the bytes are read; a second
// one the name of a header that the application sets and how long its value is; three
// more the surroundings; then come that value and the bytes that arrive: a
// request to Accept and to Handshake, or the answer to Dial, where the word
// ACCEPT stands for the right Sec-WebSocket-Accept.
//
// Oracles: plain code that reads the rules of section 4.2.1, and of 4.1, off what
// net/http parsed: what they refuse is refused, with a status that suits it, and
// what they do not is accepted; an answer, and a request, have exactly the
// headers they should, whatever the peer sent and the application set; nothing is
// written on refusal; the transport is left without deadlines, or closed; the
// bytes behind the handshake are the first frames.
func Handshake(data []byte) error {
	defer input.Guard()()
	in := newHandshakeInput(data)
	if in.client {
		return in.dial()
	}
	return in.accept()
}

// handshakeHead is how many bytes of an input choose how the rest is used.
const handshakeHead = 5

// readAhead is how many bytes behind the request net/http has read; the last is all
// that its buffer holds, which a server of one's own may have chosen larger.
var readAhead = [16]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16 << 10}

type handshakeInput struct {
	client bool
	sizes  []int
	most   int // bytes that are in the buffer of net/http behind the request
	env    int // bits of the surroundings
	more   int // and more of them
	spoken []string
	name   string
	preset string
	raw    []byte
}

// presetNames are headers that the application sets: one of its own, two that the
// handshake sets, and one that is none, or is one if the value begins with the right byte,
// which then stands in it.
var presetNames = [4]string{"X-Preset", "Upgrade", "Sec-Websocket-Accept", "no token"}

func newHandshakeInput(data []byte) *handshakeInput {
	var head [handshakeHead]byte
	rest := data[copy(head[:], data):]
	n := min(len(rest), int(head[1]&63))
	name := presetNames[head[1]>>6]
	if name == presetNames[3] && n > 0 {
		name = "no" + string(rest[0:1]) + "token"
	}
	return &handshakeInput{
		spoken: protocolLists[head[4]&7],
		client: head[0]&1 != 0,
		sizes:  input.ReadSizes[head[0]>>1&7],
		most:   readAhead[head[0]>>4],
		env:    int(head[2]),
		more:   int(head[3]),
		name:   name,
		preset: strings.Map(sendable, string(rest[:n])),
		raw:    rest[n:],
	}
}

// presetHeader is what the application sets.
func (in *handshakeInput) presetHeader() http.Header {
	if in.preset == "" {
		return http.Header{}
	}
	return http.Header{in.name: {in.preset}}
}

// sendable leaves of the control characters only those that could end a line:
// what an application sets beyond that, net/http's parser would refuse.
func sendable(r rune) rune {
	if r < ' ' && r != '\r' && r != '\n' && r != 0 && r != '\t' || r == 0x7f {
		return ' '
	}
	return r
}

// subprotocols are those of our side, mostly.
var subprotocols = []string{"chat", "superchat"}

// protocolLists are lists of them; some are none that a client may offer.
var protocolLists = [8][]string{
	subprotocols, nil, {"no token", "superchat", "chat"}, {"chat", "chat"}, {""}, {"Chat", "a,b", "chat"}, {"!#$%&'*+-.^_`|~09AZaz", "chat"}, {"caf\u00e9", "chat"},
}

// mayOffer tells whether a client may offer these subprotocols (RFC 6455 section 4.1).
func mayOffer(list []string) bool {
	for i, name := range list {
		if !openings.IsToken(name) || slices.Contains(list[:i], name) {
			return false
		}
	}
	return true
}

// checkFrames checks that what ws delivers are the frames of rest.
func checkFrames(ws *websocket.Websocket, c *transcript.Conn, role model.Role, deflation *model.Deflate, rest []byte) error {
	limits := model.Limits{Frame: websocket.DefaultMaxFrameSize, Message: websocket.DefaultMaxMessageSize}
	got, err := transcripts.Frames(ws, c, role)
	if err != nil {
		return err
	}
	if got.Wrong != "" {
		return fmt.Errorf("behind the handshake, the core %s", got.Wrong)
	}
	got.Offset = 0
	want := model.Read(role, limits, rest)
	if deflation != nil {
		want = model.ReadCompressed(role, limits, *deflation, rest)
	}
	if err := model.Check(want, got.Outcome); err != nil {
		return fmt.Errorf("the bytes behind the handshake: %w", err)
	}
	return nil
}

// kept tells whether the header that the application sets is one of its own.
func (in *handshakeInput) kept() bool {
	return in.preset != "" && openings.IsToken(in.name) && in.name != presetNames[1] && in.name != presetNames[2]
}

// plain tells whether what the application sets is a header of its own, and none
// that could end a line.
func (in *handshakeInput) plain() bool {
	return in.preset == "" || in.kept() && !strings.ContainsAny(in.preset, "\r\n\x00")
}

// checkHeader checks that the lines are the wanted headers, the one that the
// application set, what could end a line in it as blanks, and no more.
func (in *handshakeInput) checkHeader(lines []string, want map[string]string) error {
	if in.kept() {
		want[http.CanonicalHeaderKey(in.name)] = strings.Trim(strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(in.preset), " \t")
	}
	seen := map[string]bool{}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		name = http.CanonicalHeaderKey(name)
		if !found || strings.ContainsAny(line, "\r\n\x00") || seen[name] {
			return fmt.Errorf("header line %q", line)
		}
		seen[name] = true
		if name == "User-Agent" {
			continue
		}
		if w, ok := want[name]; !ok || value != w && w != "*" {
			return fmt.Errorf("header line %q, want %q", line, w)
		}
	}
	for name := range want {
		if !seen[name] {
			return fmt.Errorf("header %s is missing in %q", name, lines)
		}
	}
	return nil
}

func explainHandshake(data []byte) string {
	in := newHandshakeInput(data)
	side := "a request to Accept"
	if in.client {
		side = "the answer to Dial"
	}
	return fmt.Sprintf("%s, in reads of %v, %d bytes read ahead, surroundings %08b %08b, header %s: %q\n%q\n", side, in.sizes, in.most, in.env, in.more, in.name, in.preset, in.raw)
}

// compressedHello is Hello as RFC 7692 section 7.2.3.1 compresses it, twice, the second
// time by what came before, and a frame that says that it is compressed and is not: for a
// server, and for a client.
var compressedHello = [2]string{
	"\xc1\x87\x37\xfa\x21\x3d\xc5\xb2\xec\xf4\xfe\xfd\x21" + "\xc1\x85\x37\xfa\x21\x3d\xc5\xfa\x30\x3d\x37" + "\xc1\x81\x37\xfa\x21\x3d\x30",
	"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00" + "\xc1\x05\xf2\x00\x11\x00\x00" + "\xc1\x01\x07",
}

// seedHandshake takes a right request and answer, each line of them left out,
// twice, or with another value, and frames behind.
func seedHandshake([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	hello := "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
	request := []string{
		"GET /chat HTTP/1.1", "Host: peer.example", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "Origin: http://peer.example",
		"Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Extensions: permessage-deflate",
	}
	answer := []string{
		"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ACCEPT",
		"Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: permessage-deflate",
	}
	env, more, list := byte(0), byte(0), byte(0)
	add := func(side byte, preset string, lines []string, behind string) {
		name := byte(len(seeds)) << 6
		seed := append([]byte{side | byte(len(seeds)<<1), byte(len(preset)) | name, env, more, list}, preset...)
		seeds = append(seeds, append(seed, strings.Join(lines, "\r\n")+"\r\n\r\n"+behind...))
	}
	for side, lines := range [][]string{request, answer} {
		behind := hello
		plain := lines[:6]
		if side == 1 {
			behind, plain = "\x81\x05Hello\x88\x00", lines[:4]
		}
		for range 8 {
			add(byte(side), "", plain, behind)
		}
		add(byte(side), "", lines, behind)
		for _, value := range []string{"value\r\nX-Injected: 1\x00", "one, two"} {
			for range 4 { // under each name
				add(byte(side), value, plain, behind)
			}
		}
		for bits := range 256 / 3 {
			env = byte(bits * 3)
			add(byte(side), "", slices.Concat(plain, []string{[]string{"Origin: http://other.example", "Sec-WebSocket-Protocol: superchat, chat", "Origin: https://peer.example:443", "X-Other: 1"}[bits&3]}), behind)
		}
		for how := range originRules {
			env, more = byte(how<<2)&envOrigins, byte(how>>3)
			for i, origin := range []string{
				"https://a.other.example", "ftp://other.example", "https://peer.example:443", "ftp://peer.example", "http://peer.example:80", "http://PEER.example",
				"https://other.example:443", "http://OTHER.example:80", "http://a.example:8080", "http://a.b.example", "http://axxb.example", "http://ab.example", "http://ax.xb.example",
				"null", "://peer.example", "http://", "http:/peer.example", "http://peer.example/", "http://peer.example, http://other.example", "http://[2001:db8::1]:81", "http://[2001:db8::1]",
				"http://a.bc", "http://abc.b", "http://aab.example", "http://aaab", "http://peer.example:81", "http://peer.exampl\u212a", "https://peer.example",
				"*://peer.example", "ht*://peer.example", "http://*", "http://*.example", "http*://peer.example", "http://peer.example.", "http://peer.examplE:80", "http://[eer.example", "@ttp://peer.example", "http://other.example:80", "http://other.example:443", "://other.example", "x://other.example", "*://other.example", "h*p://other.example", "http*://other.example", "http:// ", "http://a b.example", "ftp://", "x",
			} {
				more = more&^moreTLS | byte(i&1)<<1
				add(byte(side), "", slices.Concat(plain, []string{"Origin: " + origin}), behind)
				if strings.HasSuffix(origin, "peer.example") || strings.HasSuffix(origin, "80") {
					more ^= moreTLS
					add(byte(side), "", slices.Concat(plain, []string{"Origin: " + origin}), behind)
				}
			}
		}
		for bits := range 64 { // ways to be taken over, and not
			env, more = byte(bits&3|bits<<4), byte(bits<<2)
			add(byte(side), "", plain, behind)
			add(byte(side), "value", slices.Concat(plain, []string{"Sec-WebSocket-Protocol: chat", "Origin: http://peer.example"}), behind)
		}
		env, more = 0, 0
		for how := range compressions {
			more = byte(how << deflateShift)
			for _, extension := range []string{
				"permessage-deflate", "permessage-deflate; client_max_window_bits", "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10", "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
				"permessage-deflate; server_max_window_bits=15; client_max_window_bits=12; client_no_context_takeover", "permessage-deflate; server_max_window_bits=7, permessage-deflate", "foo", "foo; bar, permessage-deflate; server_max_window_bits=12", ";", "", ",",
			} {
				for _, frames := range []string{behind, compressedHello[side]} {
					add(byte(side), "", slices.Concat(plain, []string{"Sec-WebSocket-Extensions: " + extension}), frames)
				}
			}
		}
		env, more = 0, 0
		for _, odd := range []string{"me@peer.example", "peer.example:", "peer.example:80", "PEER.example:80", "peer.example:443"} { // the request's own origin, to the letter and not
			for _, scheme := range []string{"http://", "https://"} {
				for i := range 2 {
					more = byte(i) << 1
					for _, origin := range []string{odd, strings.ToLower(odd), "peer.example"} {
						add(byte(side), "", slices.Concat([]string{lines[0], "Host: " + odd}, plain[2:], []string{"Origin: " + scheme + origin}), behind)
					}
				}
			}
		}
		more = 0
		for i := range protocolLists {
			list = byte(i)
			for _, offered := range append(slices.Concat(protocolLists[:]...), "CHAT", "chat, no token", "x, a,b", "superchat\r\nSec-WebSocket-Protocol: chat") {
				add(byte(side), "", slices.Concat(plain, []string{"Sec-WebSocket-Protocol: " + offered}), behind)
			}
		}
		list = 0
		for c := range 256 { // each byte in a name, a host, an origin and a key
			b := string([]byte{byte(c)})
			add(byte(side), b+"x", plain, behind)
			seeds[len(seeds)-1][1] |= 3 << 6
			if side == 1 {
				add(1, "", slices.Concat(plain[:3], []string{"Sec-WebSocket-Accept: ACCEPT" + b}), behind)
				continue
			}
			add(0, "", slices.Concat([]string{lines[0], "Host: p" + b + "r.example"}, plain[2:], []string{"Origin: http://p" + openings.Lower(b) + "r.example"}), behind)
			add(0, "", slices.Concat([]string{lines[0], "Host: p" + b + "r.example"}, plain[2:], []string{"Origin: https://P" + b + "R.example:443"}), behind)
			add(0, "", slices.Concat(lines[:4], []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j" + b + "Q=="}, plain[5:]), behind)
		}
		for i, line := range lines {
			add(byte(side), "", slices.Concat(plain, lines[i:i+1]), behind)
			add(byte(side), "", slices.Concat(lines[:i], lines[i+1:]), behind)
			name, right, _ := strings.Cut(line, ": ")
			for _, value := range []string{"x, " + right, right + ", x", "x\r\n" + name + ": " + right, right + "\r\n" + name + ": x", "x, y\r\n" + name + ": z ,\t" + right, ", ,x," + right + ",", "x " + right, right + ";q=1"} {
				add(byte(side), "", slices.Concat(lines[:i], []string{name + ": " + value}, plain[min(i+1, len(plain)):]), behind)
			}
			for _, value := range []string{"", "x", "keep-alive, Upgrade", "WEBSOCKET", "8", "13, 8", "null", "http://other.example", "none", "\tchat ,", "websocket2, upgrade2", "keep-alive,\tUPGRADE , x", "upgrad", "http://peer.example:81", "dGhlIHNhbXBsZSBub25jZSAx", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZ-==", "dGhlIHNhbXBsZSBub25jZQA=", "superchat", "*", "*web*", "up*ade", "*, *"} {
				add(byte(side), "", slices.Concat(lines[:i], []string{name + ": " + value}, plain[min(i+1, len(plain)):]), behind)
			}
		}
		// More behind it than a connection's buffer holds.
		seeds = append(seeds, append([]byte{byte(side) | 0xF0, 0, 0, 0, 0}, strings.Join(plain, "\r\n")+"\r\n\r\n"+strings.Repeat(behind, 800)...))
		for _, more := range []string{"Origin: http://peer.example\r\nOrigin: http://peer.example", "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat", "Content-Length: 5", "Transfer-Encoding: chunked", "Upgrade: other", "Connection: x", "Origin: http://a.example", "X-Folded: a\r\n b"} {
			add(byte(side), "", slices.Concat(plain, []string{more}), behind)
		}
		for _, first := range []string{"POST /chat HTTP/1.1", "GET /chat HTTP/1.0", "GET * HTTP/1.1", "GET http://peer.example/ HTTP/1.1", "HTTP/1.1 200 OK", "HTTP/1.0 101 Switching Protocols", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols"} {
			add(byte(side), "", slices.Concat([]string{first}, plain[1:]), behind)
		}
	}
	return seeds, nil
}

// checkWords checks what the error of a handshake says: something, in characters that can
// stand in a log and a header, of a length that suits those, its cause among it.
func checkWords(e *websocket.HandshakeError) error {
	words := strings.NewReplacer("\u2026", "", "\u00a7", "").Replace(e.Reason) // the words of ours that are no ASCII
	if words == "" || len(words) > 1000 || strings.Trim(words, printable) != "" {
		return fmt.Errorf("the reason of a refusal is %q", e.Reason)
	}
	if e.Err != nil && (!errors.Is(e, e.Err) || !strings.Contains(e.Error(), e.Err.Error())) {
		return fmt.Errorf("the refusal %q hides its cause, %w", e.Error(), e.Err)
	}
	return nil
}

// printable are the characters of ASCII that show.
var printable = func() string {
	var b []byte
	for c := byte(' '); c < 0x7f; c++ {
		b = append(b, c)
	}
	return string(b)
}()
