package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/wsproof/wsproof/internal/wire"
)

// answers checks the bytes that come back on a connection. As long as they are
// those that the script expects, that is one comparison a read; where they are
// not, they are parsed, since a server may split a message into frames, send
// pings, or write JSON with other spaces.
type answers struct {
	script *script
	next   int // the message whose answer is due
	off    int // in script.in

	slow    []byte // what is parsed frame by frame, from a frame's start
	inside  bool   // inside a fragmented message
	opcode  byte
	message []byte
	rsv1    bool // the message is compressed
	inflate inflater

	wrong func(error) // told of each wrong answer
	pong  func(payload []byte)
}

// errClosed says that the server has sent a Close.
type errClosed struct {
	code   int
	reason string
}

func (e errClosed) Error() string {
	if e.reason == "" {
		return fmt.Sprintf("the server closed with status %d", e.code)
	}
	return fmt.Sprintf("the server closed with status %d, %q", e.code, e.reason)
}

func newAnswers(s *script, first int) *answers {
	return &answers{script: s, next: first, off: s.inStart(first)}
}

// begun is what has come of an answer that is not complete.
func (a *answers) begun() []byte {
	if len(a.slow) > 0 || a.inside {
		return bytes.Clone(a.slow)
	}
	return bytes.Clone(a.script.in[min(a.script.inStart(a.next), a.off):a.off])
}

// take checks what was read and returns how many answers are complete with it.
func (a *answers) take(p []byte) (complete int, err error) {
	s := a.script
	if len(a.slow) > 0 || a.inside || s.squeezed != nil {
		return a.parse(p)
	}
	for len(p) > 0 {
		n := min(len(p), len(s.in)-a.off)
		if !bytes.Equal(p[:n], s.in[a.off:a.off+n]) {
			more, err := a.mismatch(p)
			return complete + more, err
		}
		p = p[n:]
		a.off += n
		for a.next < len(s.inEnd) && s.inEnd[a.next] <= a.off {
			a.next++
			complete++
		}
		if a.off == len(s.in) {
			a.off, a.next = 0, 0
		}
	}
	return complete, nil
}

// mismatch parses p, of which some bytes are not as expected, together with
// what had come of the answer before.
func (a *answers) mismatch(p []byte) (int, error) {
	before := a.script.in[a.script.inStart(a.next):a.off]
	if a.script.raw {
		return 0, errors.New("a wrong answer: the bytes are not those that were sent")
	}
	a.slow = append(a.slow[:0], before...)
	return a.parse(p)
}

// parse takes the bytes frame by frame and goes back to comparing when they
// end with a message.
func (a *answers) parse(p []byte) (complete int, err error) {
	a.slow = append(a.slow, p...)
	used := 0
	for used < len(a.slow) {
		f, n, err := wire.Split(a.slow[used:])
		if errors.Is(err, wire.ErrShort) {
			break
		}
		used += n
		done, err := a.frame(&f)
		if err != nil {
			return complete, err
		}
		if done {
			complete++
		}
	}
	a.slow = append(a.slow[:0], a.slow[used:]...)
	if len(a.slow) == 0 && !a.inside {
		a.off = a.script.inStart(a.next)
	}
	return complete, nil
}

// frame takes one frame and reports whether it completes an answer.
func (a *answers) frame(f *wire.Frame) (done bool, err error) {
	rsv1 := a.script.squeezed != nil && f.RSV == 4 && (f.Opcode == wire.Text || f.Opcode == wire.Binary)
	if f.Masked || f.RSV != 0 && !rsv1 {
		return false, fmt.Errorf("a wrong answer: a frame of the server with mask=%v rsv=%d", f.Masked, f.RSV)
	}
	switch f.Opcode {
	case wire.Ping:
		a.pong(f.Payload)
		return false, nil
	case wire.Pong:
		return false, nil
	case wire.Close:
		closed := errClosed{code: 1005}
		if len(f.Payload) >= 2 {
			closed = errClosed{int(binary.BigEndian.Uint16(f.Payload)), string(f.Payload[2:])}
		}
		return false, closed
	case wire.Text, wire.Binary:
		if a.inside {
			return false, errors.New("a wrong answer: a new message inside a fragmented one")
		}
		a.opcode, a.rsv1 = f.Opcode, rsv1
	case wire.Continuation:
		if !a.inside {
			return false, errors.New("a wrong answer: a continuation without a beginning")
		}
	default:
		return false, fmt.Errorf("a wrong answer: opcode %d", f.Opcode)
	}
	a.message = append(a.message, f.Payload...)
	a.inside = !f.Fin
	if a.inside {
		return false, nil
	}
	if err := a.check(); err != nil {
		a.wrong(err)
	}
	a.message = a.message[:0]
	a.next = (a.next + 1) % a.script.messages()
	return true, nil
}
