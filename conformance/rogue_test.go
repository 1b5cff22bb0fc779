package conformance

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wire"
)

// A rogue is an echo peer that does everything right but for one fault, which
// it is named by. It is written on raw frames, apart from the tester's code.
type rogue struct {
	fault  string
	client bool
	conn   net.Conn

	in       []byte // not yet parsed
	seen     bool   // the header at the head of in has been checked
	opcode   byte   // of the open message; 0: none
	message  []byte
	parts    [][]byte
	deflate  *rogueDeflate // nil: permessage-deflate was not negotiated
	messages int
	pings    [][]byte
	closing  bool // a Close was sent
	over     bool // the connection is to be closed
}

func (p *rogue) has(faults ...string) bool { return slices.Contains(faults, p.fault) }

func (p *rogue) write(b []byte) {
	if _, err := p.conn.Write(b); err != nil {
		p.over = true
	}
}

func (p *rogue) send(f wire.Frame) {
	f.Masked = p.client
	if p.has("masks as a server, or does not as a client") {
		f.Masked = !f.Masked
	}
	f.Key = [4]byte{7, 11, 13, 17}
	if p.has("writes lengths in too many octets") {
		f.Form = wire.Form64
	}
	p.write(f.Append(nil))
}

// noCode makes a Close without a payload.
const noCode = -1

func (p *rogue) sendClose(code int, reason string) {
	if p.closing {
		return
	}
	p.closing = true
	if p.has("never sends a Close") {
		return
	}
	b := []byte{byte(code >> 8), byte(code)}
	switch {
	case code == noCode:
		b = nil
	case p.has("puts one octet into its Close"):
		b = b[:1]
	case p.has("puts 1005 into its Close"):
		b = []byte{0x03, 0xed}
	case p.has("puts a reason that is no UTF-8 into its Close"):
		b = append(b, 0xff)
	default:
		b = append(b, reason...)
	}
	p.send(wire.Frame{Fin: true, Opcode: wire.Close, Payload: b})
	if p.has("sends its Close twice with data between") {
		p.send(wire.Frame{Fin: true, Opcode: wire.Text, Payload: []byte("late")})
		p.send(wire.Frame{Fin: true, Opcode: wire.Close, Payload: b})
	}
}

// fail fails the connection for a fault of the tester.
func (p *rogue) fail(code int) {
	switch {
	case p.has("fails with 1007 whatever is wrong"):
		code = 1007
	case p.has("fails with 1002 whatever is wrong"):
		code = 1002
	case p.has("fails with 1011 whatever is wrong"):
		code = 1011
	}
	p.sendClose(code, "")
	if !p.has("lives on after it failed the connection") {
		p.over = true
	}
}

// serve runs the peer on a connection whose opening handshake is done.
func (p *rogue) serve(early []byte) {
	defer p.conn.Close()
	if p.has("answers nothing") {
		p.fault = "never echoes"
		for buf := make([]byte, 100); ; {
			if _, err := p.conn.Read(buf); err != nil {
				return
			}
		}
	}
	if p.has("greets with a message") {
		p.send(wire.Frame{Fin: true, Opcode: wire.Text, Payload: []byte("welcome")})
	}
	if p.has("pings first") {
		p.send(wire.Frame{Fin: true, Opcode: wire.Ping})
	}
	if p.has("closes at once") {
		p.sendClose(1000, "")
	}
	p.in = early
	buf := make([]byte, 4<<10)
	for p.parse(); !p.over; p.parse() {
		if p.has("dies") && len(p.pings) > 0 {
			return
		}
		n, err := p.conn.Read(buf)
		if err != nil {
			if p.has("keeps TCP open behind its end") {
				time.Sleep(20 * time.Second)
			}
			return
		}
		p.in = append(p.in, buf[:n]...)
	}
	if p.has("keeps TCP open") {
		for {
			if _, err := p.conn.Read(buf); err != nil {
				return
			}
		}
	}
	if p.client { // waits for the server to close TCP
		p.conn.SetReadDeadline(time.Now().Add(time.Second))
		for {
			if _, err := p.conn.Read(buf); err != nil {
				return
			}
		}
	}
}

// parse takes whole frames off in.
func (p *rogue) parse() {
	for !p.over {
		f, n, err := wire.SplitHeader(p.in)
		if err != nil {
			if len(p.in) > 0 && p.has("takes each read for a frame") {
				p.in = nil
			}
			return
		}
		if !p.seen {
			p.seen = true
			if p.header(&f); p.over {
				return
			}
		}
		length := f.Length
		if p.has("ignores the top bit") {
			length &= 1<<63 - 1
		}
		if p.has("ends a message where the octets end") && length > 1<<40 {
			length = uint64(len(p.in) - n)
		}
		switch {
		case p.has("takes 127 for the 64-bit form only") && f.Form == wire.Form16 && length == 127:
			p.fail(1009)
			return
		case p.has("has no 16-bit length") && length >= 126, p.has("has no 64-bit length") && length > 65535,
			p.has("reads the 16-bit length as signed") && f.Form == wire.Form16 && length > 32767,
			p.has("takes messages up to 1 MiB") && length > 1<<20:
			p.fail(1009)
			return
		}
		if uint64(len(p.in)-n) < length {
			if p.has("takes each read for a frame") {
				p.in, p.seen = nil, false
				return
			}
			p.partial(f, p.in[n:])
			return
		}
		f.Payload = slices.Clone(p.in[n : n+int(length)])
		if f.Masked {
			wire.Mask(f.Payload, f.Key)
		}
		p.in, p.seen = p.in[n+int(length):], false
		p.frame(&f)
	}
}

// partial looks at the part of a text frame that has come.
func (p *rogue) partial(f wire.Frame, part []byte) {
	opcode := f.Opcode
	if opcode == wire.Continuation {
		opcode = p.opcode
	}
	if f.RSV&4 != 0 || p.deflate != nil && p.deflate.open {
		return // what it gives is looked at when it is whole
	}
	if opcode != wire.Text || p.has("checks UTF-8 frame by frame, when whole", "checks UTF-8 only in whole messages", "does not check UTF-8", "waits for lengths with the top bit") {
		return
	}
	part = slices.Clone(part)
	if f.Masked {
		wire.Mask(part, f.Key)
	}
	if !p.textOK(append(slices.Clone(p.message), part...), false) {
		p.fail(1007)
	}
}

// header checks what the header alone tells.
func (p *rogue) header(f *wire.Frame) {
	control := f.Opcode&8 != 0
	switch {
	case f.Masked == p.client && !p.has("takes frames with the wrong mask", "masks as a server, or does not as a client"):
		p.fail(1002)
		return
	case f.Masked && f.Key == [4]byte{} && p.has("refuses a masking key of zeros"),
		p.has("refuses lengths that are not minimal") && (f.Form == wire.Form16 && f.Length < 126 || f.Form == wire.Form64 && f.Length <= 0xffff),
		f.Length>>63 != 0 && !p.has("ignores the top bit", "waits for lengths with the top bit"),
		f.Opcode == wire.Pong && f.Length > 125 && !p.has("passes over long Pongs"):
		p.fail(1002)
		return
	}
	switch {
	case f.RSV == 4 && p.deflate != nil && (f.Opcode == wire.Text || f.Opcode == wire.Binary):
	case f.RSV != 0 && !p.has("ignores reserved bits"):
		if p.has("sees only RSV1") && f.RSV&4 == 0 {
			return
		}
		p.fail(1002)
	case f.Opcode > 2 && f.Opcode < 8 && !p.has("skips reserved non-control opcodes", "echoes reserved opcodes"),
		f.Opcode > 10 && !p.has("skips reserved control opcodes", "echoes reserved opcodes"):
		p.fail(1002)
	case control && f.Length > 125 && f.Opcode == wire.Ping && !p.has("takes long pings"),
		control && f.Length > 125 && f.Opcode == wire.Close && !p.has("takes long Closes"):
		p.fail(1002)
	case control && !f.Fin && !p.has("takes fragmented control frames"):
		p.fail(1002)
	case f.Opcode == wire.Continuation && p.opcode == 0 && !p.has("takes a lone continuation for text", "skips a lone continuation"):
		p.fail(1002)
	case (f.Opcode == wire.Text || f.Opcode == wire.Binary) && p.opcode != 0 && !p.has("lets a new message replace an open one"):
		p.fail(1002)
	case p.has("refuses empty fragments") && p.opcode != 0 && !control && f.Length == 0,
		p.has("refuses empty messages") && f.Opcode < 3 && f.Fin && f.Length == 0 && p.opcode == 0:
		p.fail(1002)
	case p.has("knows no fragments") && (f.Opcode == wire.Continuation || !f.Fin && !control):
		p.fail(1003)
	case p.has("takes at most 50 fragments") && len(p.parts) >= 50:
		p.fail(1009)
	case p.has("takes no control frame inside a message") && control && p.opcode != 0:
		p.fail(1002)
	}
}

// frame handles a whole frame.
func (p *rogue) frame(f *wire.Frame) {
	if p.has("pings all the time") && f.Opcode != wire.Pong {
		p.send(wire.Frame{Fin: true, Opcode: wire.Ping, Payload: []byte("are you there?")})
		p.send(wire.Frame{Fin: true, Opcode: wire.Pong, Payload: []byte("here I am")})
	}
	switch f.Opcode {
	case wire.Close:
		p.peerCloses(f.Payload)
	case wire.Ping:
		p.ping(f)
	case wire.Pong:
		if p.has("answers Pongs with Pongs") {
			p.send(wire.Frame{Fin: true, Opcode: wire.Pong, Payload: f.Payload})
		}
	case wire.Continuation, wire.Text, wire.Binary:
		p.data(f)
	default:
		if p.has("echoes reserved opcodes") {
			p.send(wire.Frame{Fin: true, Opcode: f.Opcode, Payload: f.Payload})
		}
	}
}

func (p *rogue) ping(f *wire.Frame) {
	pong := wire.Frame{Fin: true, Opcode: wire.Pong, Payload: f.Payload}
	p.pings = append(p.pings, f.Payload)
	switch {
	case p.has("drops Pongs"):
	case p.has("sends empty Pongs"):
		pong.Payload = nil
		p.send(pong)
	case p.has("cuts Pongs at 124 octets"):
		pong.Payload = pong.Payload[:min(124, len(pong.Payload))]
		p.send(pong)
	case p.has("takes ping octets for text") && !utf8.Valid(f.Payload):
		p.fail(1007)
	case p.has("answers pings with pings"):
		pong.Opcode = wire.Ping
		p.send(pong)
	case p.has("sends each Pong twice"):
		p.send(pong)
		p.send(pong)
	case p.has("sends Pongs without FIN"):
		pong.Fin = false
		p.send(pong)
	case p.has("answers only the latest of the pings"):
		if len(p.pings)%5 == 0 {
			p.send(pong)
		}
		return
	case p.has("answers only the first of the pings"):
		if len(p.pings) == 1 {
			p.send(pong)
		}
		return
	case p.has("answers pings in pairs, the wrong way round"):
		if n := len(p.pings); n%2 == 0 {
			p.send(pong)
			pong.Payload = p.pings[n-2]
			p.send(pong)
		}
	case p.has("answers pings when the message is complete") && p.opcode != 0:
		p.parts = append(p.parts, nil) // its place
	default:
		p.send(pong)
		return
	}
	if !p.has("answers pings when the message is complete") {
		p.pings = nil
	}
	if p.has("answers pings in pairs, the wrong way round") {
		p.pings = append(p.pings, f.Payload)
	}
}

func (p *rogue) data(f *wire.Frame) {
	switch {
	case f.Opcode == wire.Continuation && p.opcode == 0 && p.has("skips a lone continuation"):
		return
	case f.Opcode == wire.Continuation && p.opcode == 0:
		p.opcode = wire.Text
	case f.Opcode != wire.Continuation:
		p.opcode, p.message, p.parts = f.Opcode, nil, nil
	}
	p.parts = append(p.parts, f.Payload)
	if p.has("puts fragments in the wrong order") {
		p.message = append(slices.Clone(f.Payload), p.message...)
	} else if !p.has("keeps only the last fragment") {
		p.message = append(p.message, f.Payload...)
	} else {
		p.message = f.Payload
	}
	if z := p.deflate; z != nil {
		if f.Opcode != wire.Continuation {
			z.open = f.RSV&4 != 0
		}
		if z.open && !f.Fin {
			return
		}
		if z.open {
			z.open = false
			var err error
			if p.message, err = z.inflate(p.message); err != nil {
				p.fail(1007)
				return
			}
		}
	}
	text := p.opcode == wire.Text
	switch {
	case text && p.has("checks UTF-8 frame by frame, when whole") && !p.textOK(f.Payload, true),
		text && !p.has("does not check UTF-8", "checks UTF-8 only in whole messages", "puts fragments in the wrong order", "keeps only the last fragment") && !p.textOK(p.message, f.Fin),
		text && f.Fin && !p.has("does not check UTF-8") && !p.textOK(p.message, true):
		p.fail(1007)
		return
	}
	if p.has("echoes each fragment as a message") {
		p.echo(p.opcode, f.Payload)
	} else if f.Fin {
		p.echo(p.opcode, p.message)
	}
	if f.Fin {
		p.opcode, p.message, p.parts = 0, nil, nil
		if p.has("answers pings when the message is complete") {
			for _, b := range p.pings {
				p.send(wire.Frame{Fin: true, Opcode: wire.Pong, Payload: b})
			}
			p.pings = nil
		}
	}
}

// echo answers a message.
func (p *rogue) echo(opcode byte, b []byte) {
	p.messages++
	if p.closing && !p.has("lives on after it failed the connection") {
		return
	}
	f := wire.Frame{Fin: true, Opcode: opcode, Payload: b}
	switch {
	case p.has("never echoes"):
		return
	case p.has("takes no text") && opcode == wire.Text:
		p.sendClose(1003, "only binary")
		return
	case p.has("answers text with binary") && opcode == wire.Text, p.has("answers binary with text") && opcode == wire.Binary:
		f.Opcode = 3 - opcode
	case p.has("drops the last octet") && len(b) > 0:
		f.Payload = b[:len(b)-1]
	case p.has("appends an octet"):
		f.Payload = append(slices.Clone(b), '!')
	case p.has("ends text at a NUL") && opcode == wire.Text:
		if s, _, cut := strings.Cut(string(b), "\x00"); cut {
			f.Payload = []byte(s)
		}
	case p.has("spoils the middle of long messages") && len(b) > 60000:
		f.Payload = slices.Clone(b)
		f.Payload[len(b)/2] ^= 1
	case p.has("echoes twice"):
		p.send(f)
	case p.has("loses every 500th message") && p.messages%500 == 0:
		return
	case p.has("takes 30 s to echo"):
		time.Sleep(30 * time.Second)
	case p.has("sets RSV1 in its echo"):
		f.RSV = 4
	case p.has("echoes with a reserved opcode"):
		f.Opcode = 3
	case p.has("begins each fragment anew") && len(b) > 1:
		p.send(wire.Frame{Opcode: opcode, Payload: b[:1]})
		f.Payload = b[1:]
	case p.has("echoes as a continuation of nothing"):
		f.Opcode = wire.Continuation
	case p.has("replaces what is special in text") && opcode == wire.Text:
		f.Payload = []byte(strings.Map(func(r rune) rune {
			if r >= 0xfff0 && r <= 0xffff {
				return '?'
			}
			return r
		}, string(b)))
	case p.has("splits the echo inside a code point, as two messages") && opcode == wire.Text && len(b) > 1:
		f.Payload = b[:1]
		p.send(f)
		f.Payload = b[1:]
	case p.has("closes TCP after the echo"):
		p.over = true
	case p.has("closes after the echo"):
		p.send(f)
		p.sendClose(1000, "")
		return
	}
	if p.deflate != nil {
		p.sendCompressed(f)
		return
	}
	p.send(f)
}

// peerCloses answers a Close.
func (p *rogue) peerCloses(b []byte) {
	if p.closing {
		p.over = true
		return
	}
	if p.has("sends every Close back as it is") {
		p.closing, p.over = true, true
		p.send(wire.Frame{Fin: true, Opcode: wire.Close, Payload: b})
		return
	}
	code := noCode
	if len(b) >= 2 {
		code = int(b[0])<<8 | int(b[1])
	}
	known := code == noCode || code >= 1000 && code <= 1003 || code >= 1007 && code <= 1014 || code >= 3000 && code <= 4999
	switch {
	case p.has("ignores Close"):
		return
	case p.has("closes TCP without a Close"):
		p.over = true
		return
	case p.has("keeps the handshake open for data") && p.messages == 0:
		if p.messages++; p.messages == 1 {
			p.send(wire.Frame{Fin: true, Opcode: wire.Close, Payload: b})
			return // goes on, and answers what is behind the Close
		}
	case len(b) == 1 && p.has("answers a Close of one octet with 1000"):
		code = 1000
	case len(b) == 1,
		p.has("refuses an empty Close") && len(b) == 0,
		p.has("refuses a Close with a reason") && len(b) > 2,
		p.has("knows no codes from 3000 on") && code >= 3000,
		p.has("knows no codes but 1000") && code > 1000,
		!known && !p.has("echoes any code"):
		p.fail(1002)
		return
	case len(b) > 2 && !utf8.Valid(b[2:]) && !p.has("takes any reason"):
		p.fail(1007)
		return
	case p.has("answers a Close with 1011"):
		code = 1011
	case p.has("answers a Close with a text and a Close"):
		p.send(wire.Frame{Fin: true, Opcode: wire.Text, Payload: []byte("bye")})
	case p.has("sends a Pong with its Close"):
		p.send(wire.Frame{Fin: true, Opcode: wire.Pong, Payload: []byte("bye")})
	}
	p.sendClose(code, "")
	p.over = true
}

// textOK checks UTF-8; unless end, a character may be incomplete.
func (p *rogue) textOK(b []byte, end bool) bool {
	for len(b) > 0 {
		n, value := 1, rune(b[0])
		switch {
		case b[0] < 0x80:
		case b[0] < 0xc0:
			return p.has("takes stray continuation octets")
		case b[0] < 0xe0:
			n, value = 2, value&0x1f
		case b[0] < 0xf0:
			n, value = 3, value&0x0f
		case b[0] < 0xf8:
			n, value = 4, value&0x07
		case b[0] < 0xfc:
			n, value = 5, value&0x03
		case b[0] < 0xfe:
			n, value = 6, value&0x01
		default:
			return p.has("takes octets fe and ff")
		}
		for i := 1; i < min(n, len(b)); i++ {
			if b[i]&0xc0 != 0x80 {
				return p.has("takes incomplete sequences")
			}
			value = value<<6 | rune(b[i]&0x3f)
		}
		if len(b) < n {
			if end {
				return p.has("takes incomplete sequences")
			}
			// FullRune is true for what can become no character any more.
			return !utf8.FullRune(b) || p.has("takes code points up to 7FFFFFFF")
		}
		shortest := []rune{0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000}[n]
		switch {
		case value < shortest && !p.has("takes overlong sequences"),
			value >= 0xd800 && value <= 0xdfff && !p.has("takes surrogates"),
			value > 0x10ffff && !p.has("takes code points up to 7FFFFFFF"),
			value&0xfffe == 0xfffe && p.has("refuses noncharacters"),
			value > 0xffff && p.has("refuses what is beyond the first plane"):
			return false
		}
		b = b[n:]
	}
	return true
}

// accept answers the tester's opening handshake and serves.
func (p *rogue) accept() {
	br := bufio.NewReader(p.conn)
	r, err := http.ReadRequest(br)
	if err != nil {
		p.conn.Close()
		return
	}
	key := opening.AcceptKey(r.Header.Get("Sec-WebSocket-Key"))
	status := "101 Switching Protocols"
	h := r.Header
	switch {
	case p.has("takes any request"):
	case r.Method != http.MethodGet, !r.ProtoAtLeast(1, 1), r.Host == "", len(h["Sec-Websocket-Key"]) != 1,
		!opening.HasToken(h["Upgrade"], "websocket"), !opening.HasToken(h["Connection"], "upgrade"), p.has("refuses every request"):
		fmt.Fprint(p.conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		p.conn.Close()
		return
	case h.Get("Sec-WebSocket-Version") != "13":
		versions := "Sec-WebSocket-Version: 13\r\n"
		if p.has("does not say which versions it knows") {
			versions = ""
		}
		fmt.Fprintf(p.conn, "HTTP/1.1 426 Upgrade Required\r\n%sContent-Length: 0\r\n\r\n", versions)
		p.conn.Close()
		return
	}
	extra := ""
	switch {
	case p.has("answers with a wrong key"):
		key = opening.AcceptKey("another")
	case p.has("answers 200"):
		status = "200 OK"
	case p.has("takes an extension that was not offered"):
		extra = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	case p.has("takes any subprotocol") && h.Get("Sec-WebSocket-Protocol") != "":
		extra = "Sec-WebSocket-Protocol: " + h.Get("Sec-WebSocket-Protocol") + "\r\n"
	case p.has("takes a subprotocol that was not offered"):
		extra = "Sec-WebSocket-Protocol: chat\r\n"
	}
	if offer := r.Header.Get("Sec-WebSocket-Extensions"); offer != "" {
		if answer := p.agree(offer); answer != "" {
			extra = "Sec-WebSocket-Extensions: " + answer + "\r\n"
		}
	}
	fmt.Fprintf(p.conn, "HTTP/1.1 %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%sSec-WebSocket-Accept: %s\r\n\r\n", status, extra, key)
	early, _ := br.Peek(br.Buffered())
	p.serve(slices.Clone(early))
}

// connect makes the opening handshake with the fuzzing server and serves.
func (p *rogue) connect(path string) error {
	p.client = true
	key := base64.StdEncoding.EncodeToString(make([]byte, 16))
	offer := ""
	if !p.has("knows no compression") {
		offer = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; client_max_window_bits\r\n"
	}
	if p.has("offers what cannot be read") {
		offer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\r\n"
	}
	fmt.Fprintf(p.conn, "GET %s HTTP/1.1\r\nHost: tester\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%sSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", path, offer, key)
	br := bufio.NewReader(p.conn)
	resp, err := http.ReadResponse(br, nil)
	for err == nil && resp.StatusCode/100 == 1 && resp.StatusCode != http.StatusSwitchingProtocols && !p.has("refuses every response") {
		resp, err = http.ReadResponse(br, nil)
	}
	if err != nil {
		return err
	}
	h := resp.Header
	if !p.has("takes any response") && (resp.StatusCode != http.StatusSwitchingProtocols || h.Get("Sec-WebSocket-Accept") != opening.AcceptKey(key) ||
		!strings.EqualFold(h.Get("Upgrade"), "websocket") || !opening.HasToken(h["Connection"], "upgrade") ||
		strings.HasPrefix(h.Get("Sec-WebSocket-Extensions"), "x-") || h.Get("Sec-WebSocket-Protocol") != "" || p.has("refuses every response")) {
		p.conn.Close()
		return fmt.Errorf("%s", resp.Status)
	}
	if answer := resp.Header.Get("Sec-WebSocket-Extensions"); answer != "" {
		p.deflate = newRogueDeflate(p, strings.Contains(answer, "client_no_context_takeover"), strings.Contains(answer, "server_no_context_takeover"), strings.Contains(answer, "client_max_window_bits=9"))
	}
	early, _ := br.Peek(br.Buffered())
	p.serve(slices.Clone(early))
	return nil
}
