// Package peers runs transcripts through WebSocket libraries: the bytes that a
// peer would send go in, an Outcome in the words of package model comes out.
// There is one adapter a library, in a package of its own below this one; this
// package has what they share and imports no library.
//
// An adapter uses only the part of its library's API that old versions have
// too, so that the same adapter shows a bug of an old version. What a library
// cannot do is said in its Caps, never made up for by the adapter.
//
// The transport is a [Conn] in memory: no socket, no waiting, the same result
// each time. [Run] bounds the time and tells a crash or a hang of the library
// from a failure of the harness.
package transcript

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// A Transcript is what a reader is given.
type Transcript struct {
	Role   model.Role
	Limits model.Limits
	Input  []byte
	// Deflate is what is agreed on of permessage-deflate (RFC 7692): windows of 15 bits, or
	// others where the library can (Caps), and context takeover in both directions or in
	// none, as far as it can. Nil: nothing.
	Deflate *model.Deflate
	// Pings has the library ping its peer, with the payload "1" where it has a choice,
	// before it reads; those without an API for that leave it.
	Pings bool
	// Sends are what the library sends before it reads: see [Transcript.Send].
	Sends []Sending
	// Chunks are the sizes of the reads, in turn and over again: a read returns
	// at most that many bytes. None: as many as are asked for.
	Chunks []int
}

// A Sending is a message, or a ping, that a library is asked to send.
type Sending struct {
	Opcode  byte // of a text, a binary message or a ping
	Payload []byte
}

// Send has the library send by write, one after the other, what the transcript asks for,
// and notes what it makes of that, apart from what it sends later. What it has no API for,
// write refuses with errors.ErrUnsupported. The payload is write's to change.
func (t *Transcript) Send(c *Conn, r *Result, write func(opcode byte, payload []byte) error) {
	if len(t.Sends) == 0 {
		return
	}
	for _, s := range t.Sends {
		err := write(s.Opcode, bytes.Clone(s.Payload))
		if errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		r.Asked = append(r.Asked, s)
		if r.SendErr = err; err != nil {
			break
		}
	}
	r.Sent = bytes.Clone(c.Sent())
	c.Frames()
}

// UTF8 tells how a library checks text (RFC 6455 §8.1).
type UTF8 uint8

// The ways to check.
const (
	// UTF8None: not at all, it is documented to be left to the caller.
	UTF8None UTF8 = iota
	// UTF8AtEnd: when a message is complete.
	UTF8AtEnd
	// UTF8AsItArrives: at the first byte that makes the message invalid.
	UTF8AsItArrives
)

// Limits tells which limits a library takes.
type Limits uint8

// The limits.
const (
	// LimitsNone: none.
	LimitsNone Limits = iota
	// LimitsMessage: one on the payload of a message; control frames are not subject to it.
	LimitsMessage
	// LimitsOne: one on the payload of messages and of frames of any kind.
	LimitsOne
	// LimitsBoth: one on frames and one on messages.
	LimitsBoth
)

// Deflate tells what of permessage-deflate a library has.
type Deflate uint8

// The kinds.
const (
	// DeflateNone: nothing, or not by the API that the adapter uses.
	DeflateNone Deflate = iota
	// DeflateAlone: each message by itself.
	DeflateAlone
	// DeflateTakeover: context takeover, too.
	DeflateTakeover
)

// Extension is the offer, and the answer, by which d is agreed on.
func Extension(d *model.Deflate) string {
	if d == nil {
		return ""
	}
	text := "permessage-deflate"
	if d.ServerNoContextTakeover {
		text += "; server_no_context_takeover; client_no_context_takeover"
	}
	if bits := d.ServerMaxWindowBits; bits != 0 && bits != 15 {
		text += fmt.Sprintf("; server_max_window_bits=%d", bits)
	}
	if bits := d.ClientMaxWindowBits; bits != 0 && bits != 15 {
		text += fmt.Sprintf("; client_max_window_bits=%d", bits)
	}
	return text
}

// Caps say what a library offers by the API that its adapter uses.
type Caps struct {
	UTF8   UTF8
	Limits Limits
	// Deflate is what it has of permessage-deflate.
	Deflate Deflate
	// Compresses says that it compresses what it sends, each message by itself, although
	// Deflate is none.
	Compresses bool
	// Windows says that the sizes of its windows can be chosen.
	Windows bool
	// SendsClose tells whether it sends a Close frame by itself when a rule is
	// broken; if not, that is its caller's job.
	SendsClose bool
	// Late are the rules about a frame's header that it looks at only when payload
	// is there: by them, a frame that is cut short is still open.
	Late []model.Rule
	// Frames says that each data frame is delivered by itself, as the library's
	// documentation says: the rules of fragmentation (RFC 6455 §5.4) are its
	// caller's, and so is the order of the frames.
	Frames bool
	// Mute says that the library does not tell the peer's Close, a frame that it
	// refuses and the end of the transport apart: it reports all three as Open.
	Mute bool
}

// A Reader reads transcripts with one WebSocket library.
type Reader struct {
	// Name is the short name, such as "gorilla".
	Name string
	// Module is the path of the Go module, as it stands in go.mod.
	Module string
	Caps   Caps
	// Read gives the transcript to a connection of the library until that ends. It
	// fills in what the library told; [Run] adds what stands on the wire.
	Read func(t *Transcript, c *Conn, r *Result) error
}

// A Result is what came of a transcript.
type Result struct {
	model.Outcome
	// Err is the library's last word: why reading ended.
	Err error
	// Class is the close code by which the library's error is classed where it
	// tells one; 0 if it does not.
	Class uint16
	// Wrong says what was broken in the bytes that the library sent, if anything.
	Wrong string
	// Crash is the panic of the library with its stack; "" if there was none.
	Crash string
	// Hung is set if the library neither ended nor waited for input in time.
	Hung bool

	// AfterFailure counts the messages that were delivered, and the frames that were
	// sent, after the library had said that reading failed. It is 0
	// where the library does not let its caller read on.
	AfterFailure int

	// Asked is what of Transcript.Sends the library was asked to send, Sent are the bytes
	// that it made of that, and SendErr is what it said of the last one.
	Asked   []Sending
	Sent    []byte
	SendErr error

	failed bool
	failAt int // the number of bytes sent by then
}

// Fail notes that the library said that reading failed.
func (r *Result) Fail(c *Conn, err error) {
	r.Err, r.failed, r.failAt = err, true, len(c.Sent())
}

// Deliver notes a message that the library delivered, and counts those from behind
// its Close. It copies the payload.
func (r *Result) Deliver(c *Conn, binary bool, payload []byte) {
	if len(r.Messages) == maxDelivered {
		panic(errSpin)
	}
	if r.failed {
		r.AfterFailure++
		return
	}
	if c.SentClose() != 0 {
		r.AfterClose++
		return
	}
	r.Messages = append(r.Messages, model.Message{Binary: binary, Payload: append([]byte{}, payload...)})
}

// Bounds of what one transcript can lead to: more is a library in a loop.
const (
	maxDelivered = 1 << 20
	maxIdleReads = 1 << 16
)

var errSpin = errors.New("reads or delivers without end")

// Bound is the time that a library gets for one transcript. It waits for nothing,
// so the bound is generous for a slow machine, not for the library.
const Bound = 10 * time.Second

// ErrHarness is wrapped by failures of an adapter or of the harness: they say
// nothing about the library.
var ErrHarness = errors.New("harness failure")

var conns = sync.Pool{New: func() any { return new(Conn) }}

// Run reads the transcript with the library on a goroutine of its own, and
// returns what came of it within [Bound]. A panic of the library is reported in
// the Result; one of the adapter is an error that wraps ErrHarness. A panic on
// a goroutine that the library started takes the process down, and only
// [Isolated] can tell whose it was.
func (l *Reader) Run(t *Transcript) (*Result, error) { return l.RunFor(t, Bound) }

// RunFor is Run with another bound.
func (l *Reader) RunFor(t *Transcript, bound time.Duration) (*Result, error) {
	c := conns.Get().(*Conn)
	c.reset(t)
	r := &Result{}
	done := make(chan error, 1)
	go func() { done <- l.guarded(t, c, r) }()
	timer := time.NewTimer(bound)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		if r.Crash != "" || r.Hung {
			return r, nil // its goroutines may still hold the Conn: not reused
		}
		c.Close()
		r.wire(c, t.Role)
		r.refused()
		if !c.shared {
			conns.Put(c)
		}
		return r, nil
	case <-timer.C:
		// The goroutine is left behind with r and c: they are not touched again.
		return &Result{Hung: true, Err: fmt.Errorf("%s: not done after %v", l.Name, bound)}, nil
	}
}

// RunHere is Run on the calling goroutine, without a bound and without catching
// panics: for a library under test that is not to be suffered but debugged. What
// it says of the peer's Close is taken at its word.
func (l *Reader) RunHere(t *Transcript) (*Result, error) {
	c := conns.Get().(*Conn)
	c.reset(t)
	r, err := l.RunOn(t, c)
	if err == nil && !c.shared {
		conns.Put(c)
	}
	return r, err
}

// RunOn is RunHere on a Conn of the caller's.
func (l *Reader) RunOn(t *Transcript, c *Conn) (*Result, error) {
	r := &Result{}
	if err := l.Read(t, c, r); err != nil {
		return nil, fmt.Errorf("%w: adapter of %s: %w", ErrHarness, l.Name, err)
	}
	c.Close()
	r.wire(c, t.Role)
	return r, nil
}

func (l *Reader) guarded(t *Transcript, c *Conn, r *Result) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == any(errSpin) {
			r.Hung, r.Err = true, fmt.Errorf("%s: %w", l.Name, errSpin)
			return
		}
		stack := string(debug.Stack())
		if owner := PanicOwner(stack); strings.HasPrefix(owner, l.Module) {
			r.Crash = fmt.Sprintf("panic: %v\n%s", p, stack)
			return
		}
		err = fmt.Errorf("%w: adapter of %s: panic: %v\n%s", ErrHarness, l.Name, p, stack)
	}()
	if err := l.Read(t, c, r); err != nil {
		return fmt.Errorf("%w: adapter of %s: %w", ErrHarness, l.Name, err)
	}
	return nil
}

// PanicOwner returns the function, with the path of its package, that panicked
// according to a stack trace: the first one below the panic that is not the
// runtime's or the standard library's; "" if there is none.
func PanicOwner(stack string) string {
	if i := strings.Index(stack, "goroutine "); i >= 0 {
		stack = stack[i:]
	}
	if i := strings.Index(stack, "\npanic("); i >= 0 {
		stack = stack[i+1:]
	}
	for line := range strings.SplitSeq(stack, "\n") {
		line = strings.TrimPrefix(line, "created by ")
		path, _, ok := strings.Cut(line, "(")
		if !ok || strings.HasPrefix(line, "\t") {
			continue
		}
		// Only paths of modules have a dot in their first element.
		first, _, found := strings.Cut(path, "/")
		if found && strings.Contains(first, ".") {
			return path
		}
	}
	return ""
}

// wire reads what the library sent.
func (r *Result) wire(c *Conn, role model.Role) {
	b := c.Sent()
	size := len(b)
	closed := false
	for len(b) > 0 {
		late := r.failed && size-len(b) >= r.failAt
		f, n, err := wire.Split(b)
		if err != nil {
			r.Wrong = "sent an incomplete frame"
			return
		}
		b = b[n:]
		if wrong := wrongFrame(&f, role); wrong != "" {
			r.Wrong = "sent a " + wrong
		}
		if closed {
			r.AfterClose++
		} else if late {
			r.AfterFailure++
			continue
		}
		switch f.Opcode {
		case wire.Pong:
			if !closed {
				r.Pongs = append(r.Pongs, f.Payload)
			}
		case wire.Close:
			if closed {
				continue
			}
			closed = true
			code := uint16(1005)
			if len(f.Payload) >= 2 {
				code = uint16(f.Payload[0])<<8 | uint16(f.Payload[1])
			}
			r.Codes = []uint16{code}
		}
	}
}

// wrongFrame says what is wrong with a frame that a reader of the role sent, in
// words that begin with its kind; "" if nothing is. A reader sends no data.
func wrongFrame(f *wire.Frame, role model.Role) string {
	var kind string
	switch f.Opcode {
	case wire.Close:
		kind = "Close"
	case wire.Ping:
		kind = "ping"
	case wire.Pong:
		kind = "pong"
	default:
		return fmt.Sprintf("frame with opcode %d that nobody asked for", f.Opcode)
	}
	switch n := len(f.Payload); {
	case f.Masked != (role == model.Client):
		return kind + " with the wrong masking for its role"
	case f.RSV != 0:
		return kind + " with RSV bits"
	case !f.Fin:
		return kind + " without FIN"
	case n > 125:
		return kind + " of over 125 bytes"
	case f.Form != wire.Form7:
		return kind + " whose length is not in the fewest bytes"
	case f.Opcode == wire.Close && n == 1:
		return "Close with a payload of one byte"
	case f.Opcode == wire.Close && n >= 2:
		switch code := int(f.Payload[0])<<8 | int(f.Payload[1]); code {
		case 1005, 1006, 1015: // RFC 6455 §7.4.1
			return fmt.Sprintf("Close with the code %d", code)
		}
		if !model.ValidUTF8(f.Payload[2:]) {
			return "Close whose reason is not UTF-8"
		}
	}
	return ""
}

// refused tells a library that reports the peer's Close although it refused it:
// what it answered says so.
func (r *Result) refused() {
	if r.End != model.Closed || len(r.Codes) == 0 || r.Codes[0] == r.Code {
		return
	}
	switch r.Codes[0] {
	case 1002, 1003, 1007, 1009, 1011:
		r.End, r.Code, r.Reason = model.Failed, 0, ""
	}
}
