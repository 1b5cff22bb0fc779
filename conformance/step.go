package conformance

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wsproof/wsproof/internal/wire"
)

// A Step is one thing that the tester does. Frames that stand next to each
// other without Sync or Chop leave in one TCP write.
type Step interface{ step() }

// Frame sends one frame as its bits are given, allowed or not.
type Frame struct {
	Opcode  byte
	Fin     bool
	RSV     byte // 4 is RSV1, 2 is RSV2, 1 is RSV3
	Payload Payload
	Chop    int  // octets a TCP write; 0: no chopping
	Wrong   bool // masked as only the peer's frames must be
	ZeroKey bool // with the masking key 00000000
	Form    wire.Form
	Claim   uint64 // the length that the header has, if it is not the payload's
	Sync    bool   // a TCP write of its own
}

// Message sends a whole message, in frames of Fragment octets (0: one frame).
type Message struct {
	Binary   bool
	Payload  Payload
	Fragment int
}

// BeginFrame sends the header of one unfragmented text frame with this payload,
// and none of the payload.
type BeginFrame struct{ Payload Payload }

// Octets sends the next N octets of the payload of the frame that was begun.
type Octets struct{ N int }

// Wait pauses. What follows happens only if the connection is still open then;
// with a Tag, having got that far is an event.
type Wait struct {
	For time.Duration
	Tag string
}

// SendClose sends a Close frame, valid or not, and with it starts the closing
// handshake. Code is absent where it is NoCode.
type SendClose struct {
	Code   int
	Reason Payload
}

// NoCode leaves the status code out of a Close frame.
const NoCode = -1

// FailAfter makes the tester fail the connection after this time, if it is not
// over by then: with a Close 1001 if none was sent, otherwise by dropping TCP.
type FailAfter struct{ Time time.Duration }

// EndWrite closes TCP on the tester's side, behind what was sent.
type EndWrite struct{}

// CloseAfter makes the tester start the closing handshake after this time, if
// the connection is still open by then.
type CloseAfter struct{ Time time.Duration }

func (Frame) step()      {}
func (Message) step()    {}
func (BeginFrame) step() {}
func (Octets) step()     {}
func (Wait) step()       {}
func (SendClose) step()  {}
func (FailAfter) step()  {}
func (CloseAfter) step() {}
func (EndWrite) step()   {}

// A Payload is Len octets: unit, repeated. It is small however long it is.
type Payload struct {
	unit string
	n    int
}

func octets(s string) Payload             { return Payload{s, len(s)} }
func repeated(unit string, n int) Payload { return Payload{unit, n} }
func concat(parts ...Payload) (all Payload) {
	var b []byte
	for _, p := range parts {
		b = append(b, p.Bytes()...)
	}
	return octets(string(b))
}

// Len is the number of octets.
func (p Payload) Len() int { return p.n }

// Bytes makes the octets, in memory that the caller owns.
func (p Payload) Bytes() []byte {
	if p.n == 0 {
		return []byte{}
	}
	return []byte(strings.Repeat(p.unit, p.n/len(p.unit)+1)[:p.n])
}

// Equal reports whether b are the payload's octets.
func (p Payload) Equal(b []byte) bool {
	if len(b) != p.n {
		return false
	}
	for i := 0; i < len(b); i += len(p.unit) {
		part := b[i:min(i+len(p.unit), len(b))]
		if string(part) != p.unit[:len(part)] {
			return false
		}
	}
	return true
}

// String shows the octets in short: text where it can be read, else hex.
func (p Payload) String() string {
	head := p
	head.n = min(head.n, 256)
	return show(head.Bytes(), p.n)
}

// show prints the first octets of a payload whose whole length is n.
func show(b []byte, n int) string {
	const limit = 48
	cut := ""
	if n > limit {
		b = b[:min(limit, len(b))]
		cut = fmt.Sprintf("… (%d octets)", n)
	}
	readable := utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool { return !strconv.IsPrint(r) }) < 0
	if readable {
		return strconv.Quote(string(b)) + cut
	}
	return "hex " + hex.EncodeToString(b) + cut
}

// An Event is something that happened on the connection and counts for the
// verdict.
type Event struct {
	Kind    EventKind
	Payload Payload // of a message, ping or pong
	Tag     string  // of a wait that passed
}

// EventKind says what an Event is.
type EventKind string

// The kinds of events.
const (
	TextMessage   EventKind = "text message"
	BinaryMessage EventKind = "binary message"
	PingFrame     EventKind = "ping"
	PongFrame     EventKind = "pong"
	WaitPassed    EventKind = "wait passed"
)

// Equal reports whether two events are the same.
func (e Event) Equal(o Event) bool {
	return e.Kind == o.Kind && e.Tag == o.Tag && e.Payload.Equal(o.Payload.Bytes())
}

// String is the event as a phrase.
func (e Event) String() string {
	if e.Kind == WaitPassed {
		return "the connection still open after wait " + e.Tag
	}
	return string(e.Kind) + " " + e.Payload.String()
}
