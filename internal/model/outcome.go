// Package model is RFC 6455 as an executable reading: a role, limits and a
// whole byte slice in, an Outcome out. It is slow and plain, one rule an if, and
// it never imports package websocket: it is what the fuzzers hold the core and
// the other libraries against.
package model

// A Role is the side that reads the transcript.
type Role bool

// The roles (RFC 6455 §5.1): a server reads masked frames, a client unmasked ones.
const (
	Server Role = false
	Client Role = true
)

// Limits are the sizes past which the reader refuses, in bytes.
type Limits struct {
	Frame   int // of a frame's payload
	Message int // of a message
}

// A Message is a complete message.
type Message struct {
	Binary  bool
	Payload []byte
}

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

// A Rule is the stable name of a rule of RFC 6455, such as "client-frame-unmasked".
type Rule string

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

	// Rule is the rule that was broken, if End is Failed. An adapter leaves it
	// empty where its library does not tell.
	Rule Rule
	// Codes are the close codes that the reader may send, if End is Failed or
	// Closed; in an adapter's Outcome the one it sent, none if it sent no Close.
	Codes []uint16
	// Offset is the number of bytes after which a failure must be noticed at the
	// latest, if End is Failed; the bytes taken in whole frames, if it is Open; the
	// bytes up to the end of the Close, if it is Closed.
	Offset int

	// AfterClose counts the frames that the reader sent after its own Close, and
	// the messages delivered from behind the peer's Close: none are allowed
	// (RFC 6455 §5.5.1). Adapters only.
	AfterClose int
}
