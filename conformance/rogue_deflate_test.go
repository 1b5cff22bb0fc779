package conformance

import (
	"bytes"
	"compress/flate"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/internal/wire"
)

// A rogueDeflate is a rogue's part in a connection that compresses.
type rogueDeflate struct {
	p        *rogue
	fresh    bool // each message that it sends begins with an empty window
	theirs   bool // and each that comes
	w        *flate.Writer
	out      bytes.Buffer
	open     bool // the message that is coming in is compressed
	window   []byte
	messages int
}

func newRogueDeflate(p *rogue, fresh, theirs, narrow bool) *rogueDeflate {
	level := 4
	if narrow && !p.has("refers back farther than was agreed on") {
		level = flate.HuffmanOnly // refers to nothing, which fits into any window
	}
	z := &rogueDeflate{p: p, fresh: fresh, theirs: theirs}
	z.w, _ = flate.NewWriter(&z.out, level)
	return z
}

var askedBits = regexp.MustCompile(`server_max_window_bits=\d+`)

// agree accepts the first offer and returns the answer.
func (p *rogue) agree(offer string) (answer string) {
	if p.has("knows no compression") || !strings.Contains(offer, "permessage-deflate") {
		return ""
	}
	offer, _, _ = strings.Cut(offer, ",")
	answer = "permessage-deflate"
	fresh := strings.Contains(offer, "server_no_context_takeover")
	bits := askedBits.FindString(offer)
	switch {
	case p.has("ignores server_no_context_takeover"):
		fresh = false
	case p.has("ignores the window that it is asked for"):
		bits = ""
	case p.has("answers a larger window than it is asked for"):
		bits = "server_max_window_bits=12"
	case p.has("answers with a parameter that there is not"):
		answer += "; level=9"
	case p.has("answers client_max_window_bits without a value"):
		answer += "; client_max_window_bits"
	case p.has("answers a parameter twice"):
		answer += "; " + bits
	}
	if fresh {
		answer += "; server_no_context_takeover"
	}
	if bits != "" {
		answer += "; " + bits
	}
	p.deflate = newRogueDeflate(p, fresh, false, bits == "server_max_window_bits=9")
	switch {
	case p.has("accepts twice"):
		answer += ", permessage-deflate"
	case p.has("accepts another extension, too"):
		answer += ", x-mux"
	}
	return answer
}

// inflate returns what a compressed message holds.
func (z *rogueDeflate) inflate(b []byte) ([]byte, error) {
	if z.p.has("inflates the first fragment only") {
		b = z.p.parts[0]
	}
	stream := io.MultiReader(bytes.NewReader(b), strings.NewReader("\x00\x00\xff\xff\x01\x00\x00\xff\xff"))
	message, err := io.ReadAll(flate.NewReaderDict(stream, z.window))
	if !z.theirs && !z.p.has("forgets the messages before") {
		z.window = append(z.window, message...)
		z.window = slices.Clone(z.window[max(0, len(z.window)-32768):])
	}
	return message, err
}

// sendCompressed sends a message.
func (p *rogue) sendCompressed(f wire.Frame) {
	z := p.deflate
	z.messages++
	if z.fresh && !p.has("refers to earlier messages all the same") {
		z.w.Reset(&z.out)
	}
	plain := f.Payload
	if p.has("compresses an octet too few") {
		plain = plain[:len(plain)-1]
	}
	z.out.Reset()
	z.w.Write(plain)
	z.w.Flush()
	b := z.out.Bytes()
	if !p.has("keeps 00 00 ff ff at the end") {
		b = b[:len(b)-4]
	}
	if p.has("drops the last octet of what it compressed") {
		b = b[:len(b)-1]
	}
	f.RSV, f.Payload = 4, b
	switch {
	case p.has("refers to plain messages") && z.messages%2 == 1:
		f.RSV, f.Payload = 0, plain // but it is in the window now
	case p.has("sets RSV1 on plain messages"):
		f.Payload = plain
	case p.has("sets RSV1 and RSV2"):
		f.RSV = 6
	case p.has("compresses as binary"):
		f.Opcode = wire.Binary
	case p.has("pings with RSV1"):
		p.send(wire.Frame{Fin: true, RSV: 4, Opcode: wire.Ping})
	case p.has("sets RSV1 on every fragment"):
		p.send(wire.Frame{RSV: 4, Opcode: f.Opcode, Payload: b[:1]})
		f.Opcode, f.Payload = wire.Continuation, b[1:]
	}
	p.send(f)
}
