package conformance

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wsproof/wsproof/internal/wire"
)

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
