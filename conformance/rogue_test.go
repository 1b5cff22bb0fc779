package conformance

import (
	"net"
	"slices"
	"time"

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
