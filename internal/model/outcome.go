// Package model is RFC 6455 as an executable reading: a role, limits and a
// whole byte slice in, an Outcome out. It is slow and plain, one rule an if, and
// it never imports package websocket: it is what the fuzzers hold the core and
// the other libraries against.
//
// [Read] reads a transcript as a connection does, [Decode] its first frame as a
// frame decoder does. [Check] compares what was seen with what was expected and
// says the difference in words. [Rules] lists the rules with their sentences of
// the RFC.
package model

import (
	"fmt"
	"strings"
)

// A Role is the side that reads the transcript.
type Role bool

// The roles (RFC 6455 §5.1): a server reads masked frames, a client unmasked ones.
const (
	Server Role = false
	Client Role = true
)

// String returns server or client.
func (r Role) String() string {
	if r == Client {
		return "client"
	}
	return "server"
}

// Limits are the sizes past which the reader refuses, in bytes. A negative one
// counts as 0.
type Limits struct {
	Frame   int // of a frame's payload
	Message int // of a message
}

// A Message is a complete message.
type Message struct {
	Binary  bool
	Payload []byte
}

// String returns the kind, the size and the beginning of the payload.
func (m Message) String() string {
	if m.Binary {
		return fmt.Sprintf("binary of %d bytes %x", len(m.Payload), cut(m.Payload))
	}
	return fmt.Sprintf("text of %d bytes %q", len(m.Payload), cut(m.Payload))
}

func cut(b []byte) []byte { return b[:min(len(b), 32)] }

// An End is the way a transcript ends for its reader.
type End uint8

// The ends.
const (
	// Open: the transcript ended before the connection did.
	Open End = iota
	// Closed: the peer's Close arrived and was valid.
	Closed
	// Failed: a rule was broken.
	Failed
)

// String returns open, closed or failed.
func (e End) String() string {
	switch e {
	case Open:
		return "open"
	case Closed:
		return "closed"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("End(%d)", uint8(e))
}

// An Outcome is what a reader makes of a transcript: what the model expects, and
// what an adapter saw a library do.
type Outcome struct {
	// Messages are those delivered, in order, also those before a failure.
	Messages []Message
	// Pongs are the payloads of the pongs: owed, in the model's Outcome (one a
	// ping, in order); sent, in an adapter's. Any subsequence of those owed that
	// keeps the latest is allowed (RFC 6455 §5.5.3).
	Pongs [][]byte
	// End tells how the transcript ended.
	End End

	// Code and Reason are those of the peer's Close (1005 for an empty one), if
	// End is Closed.
	Code   uint16
	Reason string

	// Rule is the rule that was broken, if End is Failed: the first one in the
	// order in which the model checks. An adapter leaves it empty where its
	// library does not tell. If End is Open, a Rule says that the bytes of the
	// unfinished frame break it already: a reader may fail at once with one of
	// Codes, or wait for more.
	Rule Rule
	// Codes are the close codes that the reader may send, if End is Failed or
	// Closed; the first is that of Rule, or the peer's own, others are there
	// because the same frame breaks another rule too or because the RFC leaves
	// the choice. An empty Close counts as 1005. In an adapter's Outcome: the
	// one it sent, none if it sent no Close.
	Codes []uint16
	// Offset is the number of bytes after which a failure must be noticed at the
	// latest, if End is Failed; the bytes taken in whole frames, if it is Open; the
	// bytes up to the end of the Close, if it is Closed. In an adapter's Outcome
	// that Failed: the bytes that the library had been given by then, 0 if that is
	// not known.
	Offset int

	// AfterClose counts the frames that the reader sent after its own Close, and
	// the messages delivered from behind the peer's Close: none are allowed
	// (RFC 6455 §5.5.1). Adapters only.
	AfterClose int
}

// String describes the outcome on one line.
func (o Outcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at byte %d", o.End, o.Offset)
	if o.End == Closed {
		fmt.Fprintf(&b, " by the peer with %d %q", o.Code, o.Reason)
	}
	if o.Rule != "" {
		fmt.Fprintf(&b, " by rule %s", o.Rule)
	}
	if len(o.Codes) > 0 {
		fmt.Fprintf(&b, ", close code %s", codes(o.Codes))
	}
	for i, m := range o.Messages {
		fmt.Fprintf(&b, "; message %d: %v", i+1, m)
	}
	for i, p := range o.Pongs {
		fmt.Fprintf(&b, "; pong %d: %x", i+1, cut(p))
	}
	if o.AfterClose != 0 {
		fmt.Fprintf(&b, "; %d frames or messages after the Close", o.AfterClose)
	}
	return b.String()
}

func codes(list []uint16) string {
	if len(list) == 0 {
		return "none"
	}
	words := make([]string, len(list))
	for i, c := range list {
		words[i] = fmt.Sprint(c)
	}
	return strings.Join(words, " or ")
}
