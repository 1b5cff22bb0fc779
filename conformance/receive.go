package conformance

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/wsproof/wsproof/internal/wire"
)

// maxMessage bounds what the tester takes from a peer.
const maxMessage = 64 << 20

// receive takes octets from the peer.
func (s *session) receive(b []byte) {
	for len(b) > 0 && s.state != stateClosed {
		if s.frame == nil {
			s.header = append(s.header, b[0])
			b = b[1:]
			f, n, err := wire.SplitHeader(s.header)
			if err != nil || n > len(s.header) {
				continue
			}
			s.header = s.header[:0]
			s.frame = &f
			s.checkHeader(&f)
			if s.state == stateClosed {
				return
			}
		}
		f := s.frame
		if need := f.Length - uint64(len(f.Payload)); need > 0 {
			n := int(min(need, uint64(len(b))))
			if f.Payload == nil {
				f.Payload = make([]byte, 0, min(f.Length, 1<<20))
			}
			f.Payload = append(f.Payload, b[:n]...)
			b = b[n:]
		}
		if uint64(len(f.Payload)) == f.Length {
			s.frame = nil
			if f.Masked {
				wire.Mask(f.Payload, f.Key)
			}
			s.received(f)
		}
	}
}

// violation fails the connection because of what the peer sent.
func (s *session) violation(code uint16, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.out.Fault == "" && !s.out.FailedByMe {
		s.out.Fault = text
		s.note("refused: %s", text)
	}
	s.fail(code, text)
}

// checkHeader refuses what RFC 6455 does not allow the peer to send, as soon as
// the header is there.
func (s *session) checkHeader(f *wire.Frame) {
	control := f.Opcode&8 != 0
	switch {
	case s.out.FailedByMe:
	case s.deflate != nil && f.RSV == 4 && (f.Opcode == wire.Text || f.Opcode == wire.Binary):
		s.checkRest(f)
	case s.deflate != nil && f.RSV&4 != 0 && f.RSV&3 == 0 && control:
		s.violation(1002, "a control frame with RSV1 came (RFC 7692 6)")
	case s.deflate != nil && f.RSV&4 != 0 && f.RSV&3 == 0:
		s.violation(1002, "a frame with RSV1 came that does not begin a message (RFC 7692 6)")
	case f.RSV != 0 && s.deflate != nil:
		s.violation(1002, "a frame with the reserved bits %03b came, and only RSV1 has a meaning (RFC 6455 5.2)", f.RSV)
	case f.RSV != 0:
		s.violation(1002, "a frame with the reserved bits %03b came, and no extension was negotiated (RFC 6455 5.2)", f.RSV)
	default:
		s.checkRest(f)
	}
}

// checkRest refuses what is wrong with a header apart from its reserved bits.
func (s *session) checkRest(f *wire.Frame) {
	control := f.Opcode&8 != 0
	switch {
	case s.role == ClientRole && f.Masked:
		s.violation(1002, "a masked frame came from a server (RFC 6455 5.1)")
	case s.role == ServerRole && !f.Masked:
		s.violation(1002, "an unmasked frame came from a client (RFC 6455 5.1)")
	case f.Opcode > wire.Binary && f.Opcode < wire.Close, f.Opcode > wire.Pong:
		s.violation(1002, "a frame with the reserved opcode %d came (RFC 6455 5.2)", f.Opcode)
	case control && !f.Fin:
		s.violation(1002, "a control frame without FIN came (RFC 6455 5.5)")
	case control && f.Length > 125:
		s.violation(1002, "a control frame of %d octets came (RFC 6455 5.5)", f.Length)
	case f.Opcode == wire.Close && f.Length == 1:
		s.out.RemoteClosed = true
		s.violation(1002, "a Close frame of one octet came (RFC 6455 5.5.1)")
	case f.Form == wire.Form16 && f.Length < 126, f.Form == wire.Form64 && f.Length <= 0xffff:
		s.violation(1002, "a length of %d came in more octets than it needs (RFC 6455 5.2)", f.Length)
	case f.Length>>63 != 0:
		s.violation(1002, "a length with its most significant bit set came (RFC 6455 5.2)")
	case f.Length > maxMessage-uint64(len(s.message)):
		s.violation(1009, "a message of more than %d MiB came", maxMessage>>20)
	case f.Opcode == wire.Continuation && s.opcode == 0:
		s.violation(1002, "a continuation frame came that continues nothing (RFC 6455 5.4)")
	case !control && f.Opcode != wire.Continuation && s.opcode != 0:
		s.violation(1002, "a new message began inside a fragmented one (RFC 6455 5.4)")
	}
}

// received handles a whole frame.
func (s *session) received(f *wire.Frame) {
	s.log.add(LogEntry{
		Kind: ReceivedFrame, Data: f.Payload, Length: len(f.Payload), Opcode: f.Opcode, Fin: f.Fin, RSV: f.RSV,
		Masked: f.Masked, Key: f.Key,
	})
	if s.out.RemoteClosed && f.Opcode < wire.Close && s.out.AfterClose == "" {
		s.out.AfterClose = frameName(f)
	}
	if s.out.FailedByMe && f.Opcode != wire.Close {
		s.out.Late = s.out.Late || s.out.Fault == ""
		return // after failing, only the end of the closing handshake counts
	}
	switch f.Opcode {
	case wire.Close:
		s.closed(f.Payload)
	case wire.Ping:
		if s.state == stateOpen {
			s.batch = s.put(s.batch, wire.Frame{Fin: true, Opcode: wire.Pong, Payload: f.Payload}, 0, false)
			s.flush()
		}
		s.happened(Event{Kind: PingFrame, Payload: octets(string(f.Payload))})
	case wire.Pong:
		s.happened(Event{Kind: PongFrame, Payload: octets(string(f.Payload))})
	default:
		if f.Opcode != wire.Continuation {
			s.opcode, s.squeezed = f.Opcode, f.RSV&4 != 0
			s.message = nil
		}
		if s.message == nil && f.Fin {
			s.message = f.Payload
		} else {
			s.message = append(s.message, f.Payload...)
		}
		if !f.Fin {
			return
		}
		isBinary, payload := s.opcode == wire.Binary, s.message
		s.opcode, s.message = 0, nil
		if s.squeezed {
			var ok bool
			if payload, ok = s.inflate(payload); !ok {
				return
			}
		}
		if !isBinary && !utf8.Valid(payload) {
			s.violation(1007, "a text message came that is not UTF-8 (RFC 6455 8.1)")
			return
		}
		s.delivered(isBinary, payload)
	}
}

// delivered handles a whole message.
func (s *session) delivered(isBinary bool, payload []byte) {
	if s.deflate != nil {
		s.cameBack(isBinary, payload)
		return
	}
	e := s.c.Echo
	if e == nil {
		kind := TextMessage
		if isBinary {
			kind = BinaryMessage
		}
		s.happened(Event{Kind: kind, Payload: octets(string(payload))})
		return
	}
	if s.state != stateOpen {
		return // too late, or one more than was sent
	}
	if s.out.EchoFault = echoFault(s.out.Echoed+1, e.Binary, isBinary, e.Payload.Len(), len(payload), e.Payload.Equal(payload)); s.out.EchoFault == "" {
		if s.out.Echoed++; s.out.Echoed < e.Trips {
			s.sendFrame(s.echo)
			s.flush()
			return
		}
	}
	s.sendClose(closePayload(s.c.Close.Codes[0], ""), false)
}

// happened records an event, and closes where nothing more is to be waited for.
func (s *session) happened(e Event) {
	s.out.Received = append(s.out.Received, e)
	if s.c.Echo != nil || s.c.Deflate != nil || !s.c.Close.ByTester {
		return
	}
	counted, _ := s.c.counted(s.out.Received)
	if s.c.Own() {
		for _, w := range s.c.Want {
			if w.End == ByTester && (sameEvents(counted, w.Events) || s.c.LatestPong && latestOf(counted, w.Events)) {
				s.sendClose(closePayload(s.c.Close.Codes[0], ""), false)
			}
		}
		return
	}
	for _, w := range s.c.Want {
		if !sameEvents(counted, w.Events) {
			return
		}
	}
	s.sendClose(closePayload(s.c.Close.Codes[0], ""), false)
}

// closed handles the peer's Close frame.
func (s *session) closed(payload []byte) {
	again := s.out.RemoteClosed
	s.out.RemoteClosed = true
	if again {
		return
	}
	if !s.closedAt.IsZero() {
		s.out.CloseTook = time.Since(s.closedAt)
	}
	if len(payload) >= 2 {
		code := binary.BigEndian.Uint16(payload)
		s.out.RemoteCode, s.out.RemoteReason = &code, string(payload[2:])
		if !codeAllowed(code) {
			s.violation(1002, "a Close with the code %d came, which must not be sent (RFC 6455 7.4)", code)
			return
		}
		if !utf8.Valid(payload[2:]) {
			s.violation(1007, "a Close with a reason that is not UTF-8 came (RFC 6455 5.5.1)")
			return
		}
	}
	s.out.WasClean = true
	if s.state == stateOpen {
		s.sendClose(closePayload(1000, ""), true)
	}
	if s.role == ServerRole {
		s.drop(true) // a server closes TCP at once (RFC 6455 7.1.1)
		return
	}
	s.bound(dropTimeout, func() {
		s.out.DropTimeout = true
		s.out.NotClean = fmt.Sprintf("the server did not close the TCP connection within %v", time.Duration(dropTimeout))
		s.drop(false)
	})
}

// codeAllowed says whether a status code may stand in a Close frame.
func codeAllowed(code uint16) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code >= 1000 && code <= 1014:
		return code < 1004 || code > 1006
	}
	return false
}

func sameEvents(a, b []Event) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}
