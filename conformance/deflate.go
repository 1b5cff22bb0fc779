package conformance

import (
	"bytes"
	"compress/flate"
	"fmt"
	"sync"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// nextCompressed is the step that sends the next message of a Deflate.
type nextCompressed struct{}

func (nextCompressed) step() {}

// A deflater is the tester's part in a connection that compresses. It sends with
// compress/flate, or where the window is smaller with a compressor of its own,
// and reads with the model's inflater, which tells distances and cut messages.
type deflater struct {
	*Deflate
	agreed model.Deflate
	sender model.Role // the peer's: for what it sends
	data   *dataSet
	at     int    // where the next message begins in it
	sent   []byte // the message that is to come back
	out    compressor
	window []byte // of what came
}

func newDeflater(d *Deflate, agreed model.Deflate, tester Role) *deflater {
	me, peer := model.Client, model.Server
	if tester == ServerRole {
		me, peer = peer, me
	}
	z := &deflater{Deflate: d, agreed: agreed, sender: peer, data: dataSetOf(d.Data)}
	if window := agreed.Window(me); window < maxWindow {
		z.out = &smallCompressor{window: window, takeover: agreed.Takeover(me)}
	} else {
		z.out = &flateCompressor{takeover: agreed.Takeover(me)}
	}
	return z
}

// maxWindow is the window of 15 bits.
const maxWindow = 1 << 15

// tail is what a compressed message ends with, and does not have on the wire
// (RFC 7692 7.2.1).
var tail = []byte{0x00, 0x00, 0xff, 0xff}

// A compressor compresses the messages of one connection. The result is valid up
// to the next call.
type compressor interface {
	compress(message []byte) []byte
	release()
}

type flateCompressor struct {
	takeover bool
	w        *flate.Writer
	out      bytes.Buffer
}

// flateWriters are kept, as each has about 1 MiB.
var flateWriters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, 2) // the quickest level that finds short matches in earlier messages
	if err != nil {
		panic(err) // the level is one of those that there are
	}
	return w
}}

func (c *flateCompressor) compress(message []byte) []byte {
	c.out.Reset()
	if c.w == nil {
		c.w = flateWriters.Get().(*flate.Writer)
		c.w.Reset(&c.out)
	} else if !c.takeover {
		c.w.Reset(&c.out)
	}
	c.w.Write(message) // to a bytes.Buffer, which does not fail
	c.w.Flush()
	return bytes.TrimSuffix(c.out.Bytes(), tail)
}

func (c *flateCompressor) release() {
	if c.w != nil {
		flateWriters.Put(c.w)
		c.w = nil
	}
}

// sendCompressed sends the next message of the case.
func (s *session) sendCompressed() {
	z := s.deflate
	z.sent, z.at = z.data.message(z.at, z.Length)
	rest := z.out.compress(z.sent)
	size := z.Fragment
	if size <= 0 {
		size = len(rest)
	}
	f := wire.Frame{Opcode: wire.Text, RSV: 4}
	if z.Binary {
		f.Opcode = wire.Binary
	}
	for !f.Fin {
		n := min(size, len(rest))
		f.Fin, f.Payload = n == len(rest), rest[:n]
		s.batch = s.put(s.batch, f, 0, false)
		rest = rest[n:]
		f.Opcode, f.RSV = wire.Continuation, 0
	}
}

// inflate returns what a compressed message of the peer holds, or fails the
// connection.
func (s *session) inflate(payload []byte) (message []byte, ok bool) {
	z := s.deflate
	got := model.Inflate(z.window, payload, z.agreed.Window(z.sender))
	switch {
	case got.Rule == model.WindowExceeded:
		s.violation(1007, "a compressed message refers back farther than the %d octets that were agreed on (RFC 7692 7.1.2)", z.agreed.Window(z.sender))
	case got.Rule == model.DistanceTooFar:
		s.violation(1007, "a compressed message refers back before %s (RFC 7692 7.2.2)", z.begin())
	case got.Rule == model.MessageCut && len(payload) == 0:
		s.violation(1007, "a compressed message of no octets came (RFC 7692 7.2.1)")
	case got.Rule == model.MessageCut:
		s.violation(1007, "a compressed message came that does not end where a DEFLATE block does, less 00 00 ff ff (RFC 7692 7.2.1)")
	case got.Rule != "":
		s.violation(1007, "a compressed message came that is not DEFLATE from octet %d on (RFC 7692 7.2.2)", got.Octet)
	case len(got.Output) > maxMessage:
		s.violation(1009, "a message of more than %d MiB came", maxMessage>>20)
	default:
		if z.agreed.Takeover(z.sender) {
			z.window = append(z.window, got.Output...)
			z.window = z.window[max(0, len(z.window)-maxWindow):]
		}
		return got.Output, true
	}
	return nil, false
}

func (z *deflater) begin() string {
	if z.agreed.Takeover(z.sender) {
		return "the first of the messages that were compressed"
	}
	return "its own begin, without context takeover"
}

// cameBack judges a message of the peer, and goes on.
func (s *session) cameBack(isBinary bool, payload []byte) {
	z := s.deflate
	if s.state != stateOpen {
		return // too late, or one more than was sent
	}
	if s.out.EchoFault = echoFault(s.out.Echoed+1, z.Binary, isBinary, len(z.sent), len(payload), bytes.Equal(z.sent, payload)); s.out.EchoFault == "" {
		if s.out.Echoed++; s.out.Echoed < z.Count {
			s.sendCompressed()
			s.flush()
			return
		}
	}
	s.sendClose(closePayload(s.c.Close.Codes[0], ""), false)
}

// echoFault says what is wrong with a message that came back, "" if nothing is.
func echoFault(number int, sentBinary, isBinary bool, sent, came int, equal bool) string {
	kinds := map[bool]string{false: "text", true: "binary"}
	switch {
	case isBinary != sentBinary:
		return fmt.Sprintf("message %d came back as %s, not as %s", number, kinds[isBinary], kinds[sentBinary])
	case came != sent:
		return fmt.Sprintf("message %d came back with %d octets, not with %d", number, came, sent)
	case !equal:
		return fmt.Sprintf("message %d came back with other octets", number)
	}
	return ""
}
