package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// A pipe is a transport in a bubble of virtual time, whose other end is the
// harness: it waits as a socket does, and takes deadlines. It notes what is wrong
// in how it is used: two reads or two writes at the same time, bytes that change
// while they are written, deadlines other than those that are due, anything
// written once the direction was ended.
type pipe struct {
	mu     sync.Mutex
	change sync.Cond

	in       []byte
	eof      bool
	readErr  error // reported when in is empty
	most     int   // bytes a read, 0: as asked for
	consumed int
	heard    time.Time   // when bytes were last consumed
	reads    []time.Time // when they were
	upTo     []int       // and how many there were then

	out      []byte
	wrote    int         // calls that wrote
	scanned  int         // up to here, out is in frames
	answers  bool        // before them, the answer to a request is sent
	frames   []sentFrame // that were sent
	stalled  bool        // the peer does not read: writes wait
	slow     bool        // a write takes a moment, in which all others go on
	writeErr error
	writing  []byte    // a copy of what is being written
	since    time.Time // when that write began

	shut   bool // CloseWrite was called
	closed int  // calls of Close
	ended  time.Time
	broken []byte // what was being written then, or else was written last
	last   []byte // what was written last

	readBy, writeBy deadline
	deadlineErr     error  // what setting one returns
	expired         bool   // a read's deadline passed
	atEnd           bool   // a read was told of the end: what reads on only drains
	cut             bool   // a write's did
	failedRead      reason // a read was told of the end, or of a fault
	failed          reason // a write was told of one

	interrupts bool   // two of three system calls are interrupted, and waits end for nothing
	calls      int    // of the system
	changed    func() // called behind each change; may be nil

	due     func() error  // judges the deadline of a read that begins
	timeout time.Duration // of a write
	reading bool
	breach  error // the first thing that was wrong
}

type sentFrame struct {
	wire.Frame
	at time.Time
}

// errFault is what a broken transport reports; errEmpty makes it return nothing,
// and no error either; errShort makes it take less than all, without an error.
var (
	errFault = errors.New("fault of the transport")
	errEmpty = errors.New("reads return nothing")
	errShort = errors.New("writes are short")
)

func newPipe() *pipe {
	p := &pipe{heard: time.Now()}
	p.change.L = &p.mu
	return p
}

// wrong notes what is wrong. The caller holds mu.
func (p *pipe) wrong(format string, args ...any) {
	if p.breach == nil {
		p.breach = fmt.Errorf(format, args...)
	}
}

// set changes the pipe and wakes who waits.
func (p *pipe) set(change func()) {
	p.mu.Lock()
	change()
	p.mu.Unlock()
	p.change.Broadcast()
	if p.changed != nil {
		p.changed()
	}
}

// endedAt reports whether it was closed at that time.
func (p *pipe) endedAt(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed > 0 && p.ended.Equal(t)
}

func (p *pipe) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed > 0
}

func (p *pipe) isReadable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readable()
}

// readable tells whether a read has not to wait. The caller holds mu, as with what follows.
func (p *pipe) readable() bool { return len(p.in) > 0 || p.readErr != nil || p.eof }

// interrupted tells whether a system call is.
func (p *pipe) interrupted() bool {
	p.calls++
	return p.interrupts && p.calls%3 != 0
}

// SetReadDeadline sets the deadline of reads.
func (p *pipe) SetReadDeadline(t time.Time) error { return p.setDeadline(&p.readBy, t) }

// SetWriteDeadline sets the deadline of writes.
func (p *pipe) SetWriteDeadline(t time.Time) error { return p.setDeadline(&p.writeBy, t) }

func (p *pipe) setDeadline(by *deadline, t time.Time) error {
	var err error
	p.set(func() {
		if err = p.deadlineErr; err != nil {
			return
		}
		by.Time = t
		by.stop()
		if !t.IsZero() {
			by.timer = time.AfterFunc(time.Until(t), p.change.Broadcast)
		}
	})
	return err
}

// A deadline is one of a pipe, with the timer that wakes who waits.
type deadline struct {
	time.Time
	timer *time.Timer
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (d *deadline) past() bool { return !d.IsZero() && !time.Now().Before(d.Time) }

func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.beginRead()()
	for {
		switch {
		case p.closed > 0:
			return 0, net.ErrClosed
		case p.readBy.past():
			p.expired = true
			return 0, os.ErrDeadlineExceeded
		case len(p.in) > 0:
			return p.take(b), nil
		case p.readErr == errEmpty:
			return 0, nil
		case p.readErr != nil:
			p.failedRead |= reasonFault
			return 0, p.readErr
		case p.eof:
			p.atEnd = true
			p.failedRead |= reasonEOF
			return 0, io.EOF
		}
		p.change.Wait()
	}
}

// beginRead judges a read that begins, and returns what is to be called at its end.
func (p *pipe) beginRead() (end func()) {
	if p.reading {
		p.wrong("two reads of the transport at the same time")
	}
	p.reading = true
	if p.due != nil && p.closed == 0 {
		if err := p.due(); err != nil {
			p.wrong("%w", err)
		}
	}
	return func() { p.reading = false }
}

// take reads what there is.
func (p *pipe) take(b []byte) int {
	n := len(p.in)
	if p.most > 0 {
		n = min(n, p.most)
	}
	n = copy(b, p.in[:n])
	p.in = p.in[n:]
	p.consumed += n
	p.heard = time.Now()
	p.reads, p.upTo = append(p.reads, p.heard), append(p.upTo, p.consumed)
	return n
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed > 0:
		return 0, net.ErrClosed
	case p.writing != nil:
		p.wrong("two writes to the transport at the same time")
	case p.shut:
		p.wrong("%d bytes were written behind the end of that direction", len(b))
	}
	p.wrote++
	p.writing, p.since = bytes.Clone(b), time.Now()
	defer func() { p.writing, p.last = nil, p.writing }()
	if want := p.since.Add(p.timeout); p.deadlineErr != nil {
	} else if p.timeout > 0 && !p.writeBy.Equal(want) {
		p.wrong("a write began with the deadline %v, want %v", p.writeBy, want)
	} else if p.timeout == 0 && !p.writeBy.IsZero() {
		p.wrong("a write has a deadline without WriteTimeout")
	}
	if p.slow {
		p.mu.Unlock()
		time.Sleep(time.Nanosecond)
		p.mu.Lock()
	}
	for p.stalled && p.closed == 0 && p.writeErr == nil && !p.writeBy.past() {
		p.change.Wait()
	}
	if !bytes.Equal(b, p.writing) {
		p.wrong("bytes changed while they were being written")
	}
	n := len(b)
	var err error
	switch {
	case p.closed > 0:
		return 0, net.ErrClosed
	case p.writeBy.past():
		p.cut = true
		return 0, os.ErrDeadlineExceeded
	case p.writeErr == errShort:
		n = max(0, n-1)
		p.failed |= reasonWriteFault
	case p.writeErr != nil:
		n, err = n/2, p.writeErr
		p.failed |= reasonWriteFault
	}
	p.sent(p.writing[:n])
	return n, err
}

// sent notes what was written, and the frames in it.
func (p *pipe) sent(b []byte) {
	p.out = append(p.out, b...)
	if p.answers && p.scanned == 0 {
		i := bytes.Index(p.out, []byte("\r\n\r\n"))
		if i < 0 {
			return
		}
		p.scanned = i + 4
	}
	for {
		f, size, short := wire.Split(p.out[p.scanned:])
		if short != nil {
			return
		}
		p.scanned += size
		p.frames = append(p.frames, sentFrame{f, time.Now()})
	}
}

// slowly tells whether a slow write goes on, which ends by itself.
func (p *pipe) slowly() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slow && p.writing != nil && !p.stalled && p.closed == 0
}

// Close ends reads and writes.
func (p *pipe) Close() error {
	p.set(func() {
		if p.closed++; p.closed > 1 {
			p.wrong("the transport was closed twice")
		}
		p.ended, p.broken = time.Now(), p.writing
		if p.writing == nil {
			p.broken = p.last
		}
		p.readBy.stop()
		p.writeBy.stop()
	})
	return nil
}

// CloseWrite ends the direction of writes.
func (p *pipe) CloseWrite() error {
	p.set(func() {
		if p.writing != nil {
			p.wrong("the direction of writes was ended during a write")
		}
		p.shut = true
	})
	return nil
}

// A barePipe is a pipe that can only be read, written and closed.
type barePipe struct{ p *pipe }

func (b barePipe) Read(p []byte) (int, error)  { return b.p.Read(p) }
func (b barePipe) Write(p []byte) (int, error) { return b.p.Write(p) }
func (b barePipe) Close() error                { return b.p.Close() }
