package conformance

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"time"

	"github.com/wsproof/wsproof/internal/wire"
)

// A Role is a side of a connection.
type Role bool

// The roles.
const (
	ClientRole Role = false
	ServerRole Role = true
)

func (r Role) String() string {
	if r == ServerRole {
		return "server"
	}
	return "client"
}

// The bounds of the tester's patience, those of the original suite.
const (
	closeTimeout = time.Second // for the peer's answer to a Close
	dropTimeout  = time.Second // for a server to close TCP after the closing handshake
)

// An Outcome is what came of the connection of a case.
type Outcome struct {
	Received      []Event
	Echoed        int           // messages that came back right, of a case with an Echo
	EchoFault     string        // what was wrong with a message of such a case
	Fault         string        // the rule that the peer's own frames broke
	ClosedByMe    bool          // the tester sent its Close first
	FailedByMe    bool          // the tester failed the connection
	FailedByClose bool          // it did so with its first Close
	DroppedByMe   bool          // the tester closed TCP
	WasClean      bool          // a full closing handshake took place
	NotClean      string        // why not
	CloseTook     time.Duration // from the tester's Close to the peer's, if both came
	CloseTimeout  bool          // the peer did not answer the tester's Close
	DropTimeout   bool          // the server did not close TCP after the closing handshake
	LocalCode     *uint16
	LocalReason   string
	RemoteClosed  bool // a Close frame came
	RemoteCode    *uint16
	RemoteReason  string
	FramesSent    int
	AfterClose    string // the kind of a data frame that came behind the peer's own Close
	Late          bool   // a message or pong came after the tester had failed the connection
	Declined      string // why permessage-deflate was not negotiated: UNIMPLEMENTED
	Lax           string // what the peer ignored that it was asked for: NON-STRICT
	GaveUp        string // the tester's own patience or context was over
}

type connState int

const (
	stateOpen connState = iota
	stateClosing
	stateClosed
)

// A session plays one case on one connection whose opening handshake is done.
// It is a state machine in one goroutine: run.
type session struct {
	c     *Case
	role  Role // the tester's
	log   *wireLog
	out   Outcome
	state connState
	box   *outbox
	keys  *rand.Rand
	batch []byte // frames that leave together

	steps     []Step
	patience  float64 // see Tester.Patience
	advancing bool
	pending   []timer

	closedAt time.Time // when the tester sent its Close

	zeroKey bool

	begun []byte // octets of the begun frame that are still to be sent
	echo  Frame  // the message that an Echo with Trips repeats

	header   []byte // of the frame that is coming in
	frame    *wire.Frame
	opcode   byte // of the message that is coming in; 0: none
	message  []byte
	squeezed bool      // it is compressed
	deflate  *deflater // nil: permessage-deflate was not negotiated
}

// A timer fires once. Those due at the same time fire in the order of their
// making.
type timer struct {
	at   time.Time
	fire func()
}

// play runs the case on conn. early are octets that came with the handshake.
// It closes conn. patience below 1 counts as 1.
func play(ctx context.Context, c *Case, role Role, conn net.Conn, early []byte, log *wireLog, patience float64) Outcome {
	return playDeflated(ctx, c, nil, role, conn, early, log, patience)
}

// playDeflated is play on a connection that compresses.
func playDeflated(ctx context.Context, c *Case, z *deflater, role Role, conn net.Conn, early []byte, log *wireLog, patience float64) Outcome {
	s := &session{c: c, role: role, log: log, steps: c.Steps, box: newOutbox(conn), keys: maskingKeys(c), patience: max(patience, 1), deflate: z}
	s.run(ctx, conn, early)
	if z != nil {
		z.out.release()
	}
	return s.out
}

// maskingKeys are the same whenever the case is played. What a peer makes of
// octets that it should not read any more, such as those of a frame that it has
// refused, depends on them: coder takes them for frames, and now and then waits
// for the end of one.
func maskingKeys(c *Case) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(c.ID))
	return rand.New(rand.NewPCG(h.Sum64(), 0))
}

func (s *session) run(ctx context.Context, conn net.Conn, early []byte) {
	chunks := make(chan []byte, 16)
	quit := make(chan struct{})
	go func() {
		defer close(chunks)
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			if n > 0 {
				select {
				case chunks <- append([]byte(nil), buf[:n]...):
				case <-quit:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()

	s.advance()
	if len(early) > 0 {
		s.receive(early)
	}
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for s.state != stateClosed {
		// What has come counts before a timer that is due at the same time.
		select {
		case chunk, ok := <-chunks:
			s.arrived(chunk, ok)
			continue
		default:
		}
		next := s.nextTimer()
		wait := time.Hour
		if next >= 0 {
			wait = time.Until(s.pending[next].at)
		}
		clock.Reset(wait)
		select {
		case chunk, ok := <-chunks:
			s.arrived(chunk, ok)
		case <-clock.C:
			if next >= 0 {
				fire := s.pending[next].fire
				s.pending = append(s.pending[:next], s.pending[next+1:]...)
				fire()
			}
		case <-ctx.Done():
			s.out.GaveUp = ctx.Err().Error()
			s.drop(false)
		}
	}
	close(quit)
	s.box.end()
	// Whatever is still to be written gets a second, then TCP goes.
	hurry := time.AfterFunc(closeTimeout, func() { conn.Close() })
	<-s.box.done
	hurry.Stop()
	for range chunks {
	}
}

func (s *session) nextTimer() int {
	best := -1
	for i := range s.pending {
		if best < 0 || s.pending[i].at.Before(s.pending[best].at) {
			best = i
		}
	}
	return best
}

func (s *session) after(d time.Duration, fire func()) {
	s.pending = append(s.pending, timer{time.Now().Add(d), fire})
}

// bound is after for what bounds the peer's time.
func (s *session) bound(d time.Duration, fire func()) {
	s.after(time.Duration(float64(d)*s.patience), fire)
}

func (s *session) note(format string, args ...any) {
	s.log.add(LogEntry{Kind: Note, Text: fmt.Sprintf(format, args...)})
}

func (s *session) arrived(chunk []byte, open bool) {
	if open {
		s.log.add(LogEntry{Kind: ReceivedOctets, Data: chunk, Length: len(chunk)})
		s.receive(chunk)
		return
	}
	s.state = stateClosed
	s.note("the peer closed the TCP connection")
	if !s.out.WasClean && s.out.NotClean == "" {
		s.out.NotClean = "the peer closed the TCP connection without a closing handshake"
	}
}

// advance takes the steps up to the next Wait.
func (s *session) advance() {
	s.advancing = true
	defer func() { s.advancing = false }()
	for len(s.steps) > 0 {
		step := s.steps[0]
		s.steps = s.steps[1:]
		switch step := step.(type) {
		case Frame:
			s.echo = step
			s.sendFrame(step)
		case Message:
			s.sendMessage(step)
		case nextCompressed:
			s.sendCompressed()
		case BeginFrame:
			s.begin(step.Payload)
		case Octets:
			s.sendOctets(step.N)
		case SendClose:
			s.sendClose(step.payload(), false)
		case EndWrite:
			s.flush()
			s.box.put(transfer{end: true})
			s.note("the tester ends its side of the TCP connection")
		case FailAfter:
			s.log.add(LogEntry{Kind: FailAfterSet, Delay: step.Time})
			s.bound(step.Time, func() {
				s.log.add(LogEntry{Kind: FailAfterOver})
				s.fail(1001, "the time of the case is over")
			})
		case CloseAfter:
			s.log.add(LogEntry{Kind: CloseAfterSet, Delay: step.Time})
			s.bound(step.Time, func() {
				s.log.add(LogEntry{Kind: CloseAfterOver})
				s.sendClose(nil, false)
			})
		case Wait:
			s.flush()
			s.log.add(LogEntry{Kind: WaitSet, Delay: step.For, Tag: step.Tag})
			s.after(step.For, func() {
				if s.state != stateOpen {
					return
				}
				s.log.add(LogEntry{Kind: WaitOver, Tag: step.Tag})
				if step.Tag != "" {
					s.out.Received = append(s.out.Received, Event{Kind: WaitPassed, Tag: step.Tag})
				}
				s.advance()
			})
			return
		}
	}
	s.flush()
}

// payload is the body of the Close frame.
func (c SendClose) payload() []byte {
	var b []byte
	if c.Code != NoCode {
		b = binary.BigEndian.AppendUint16(b, uint16(c.Code))
	}
	return append(b, c.Reason.Bytes()...)
}

// put makes the frame's octets, masked where the tester is the client, or the other
// way round where f.Masked is set, and logs the frame.
func (s *session) put(dst []byte, f wire.Frame, chop int, sync bool) []byte {
	if f.Masked = f.Masked != (s.role == ClientRole); f.Masked {
		binary.LittleEndian.PutUint32(f.Key[:], s.keys.Uint32())
		if s.zeroKey {
			f.Key = [4]byte{}
		}
	}
	s.out.FramesSent++
	s.log.add(LogEntry{
		Kind: SentFrame, Data: f.Payload, Length: len(f.Payload), Opcode: f.Opcode, Fin: f.Fin, RSV: f.RSV,
		Masked: f.Masked, Key: f.Key, Chop: chop, Sync: sync,
	})
	return f.Append(dst)
}

func (s *session) sendFrame(f Frame) {
	// Masked says here that the mask is to be the other side's: see put.
	w := wire.Frame{Fin: f.Fin, RSV: f.RSV, Opcode: f.Opcode, Payload: f.Payload.Bytes(), Masked: f.Wrong, Form: f.Form, Length: f.Claim}
	s.zeroKey = f.ZeroKey
	defer func() { s.zeroKey = false }()
	if f.Chop == 0 && !f.Sync {
		s.batch = s.put(s.batch, w, 0, false)
		return
	}
	s.flush()
	s.transfer(s.put(nil, w, f.Chop, f.Sync), f.Chop)
}

func (s *session) sendMessage(m Message) {
	rest := m.Payload.Bytes()
	size := m.Fragment
	if size <= 0 {
		size = max(len(rest), 1)
	}
	opcode := wire.Text
	if m.Binary {
		opcode = wire.Binary
	}
	for {
		n := min(size, len(rest))
		s.batch = s.put(s.batch, wire.Frame{Fin: n == len(rest), Opcode: opcode, Payload: rest[:n]}, 0, false)
		rest = rest[n:]
		if len(rest) == 0 {
			return
		}
		opcode = wire.Continuation
	}
}

// begin sends the header of a text frame, and keeps its payload, masked, for
// sendOctets.
func (s *session) begin(p Payload) {
	whole := s.put(nil, wire.Frame{Fin: true, Opcode: wire.Text, Payload: p.Bytes()}, 0, false)
	_, n, _ := wire.SplitHeader(whole)
	s.batch = append(s.batch, whole[:n]...)
	s.begun = whole[n:]
}

func (s *session) sendOctets(n int) {
	s.batch = append(s.batch, s.begun[:n]...)
	s.begun = s.begun[n:]
}

func (s *session) flush() {
	if len(s.batch) > 0 {
		s.transfer(s.batch, 0)
		s.batch = nil
	}
}

func (s *session) transfer(b []byte, chop int) {
	s.log.add(LogEntry{Kind: SentOctets, Data: b, Length: len(b), Chop: chop})
	s.box.put(transfer{data: b, chop: chop})
}

// sendClose sends a Close frame if the connection is open.
func (s *session) sendClose(payload []byte, reply bool) {
	if s.state != stateOpen {
		return
	}
	s.batch = s.put(s.batch, wire.Frame{Fin: true, Opcode: wire.Close, Payload: payload}, 0, false)
	if !s.advancing {
		s.flush() // otherwise it leaves together with the frames of the next steps
	}
	s.state, s.closedAt = stateClosing, time.Now()
	s.out.ClosedByMe = !reply
	if len(payload) >= 2 {
		code := binary.BigEndian.Uint16(payload)
		s.out.LocalCode, s.out.LocalReason = &code, string(payload[2:])
	}
	if reply {
		return
	}
	s.bound(closeTimeout, func() {
		if s.state == stateClosing && !s.out.RemoteClosed {
			s.out.CloseTimeout = true
			s.out.NotClean = fmt.Sprintf("the peer did not answer the Close within %v", closeTimeout)
			s.drop(false)
		}
	})
}

// closePayload is the body of a Close with code and reason.
func closePayload(code uint16, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), reason[:min(len(reason), 123)]...)
}

// fail fails the connection: with a Close where none was sent, otherwise by
// dropping TCP.
func (s *session) fail(code uint16, reason string) {
	switch s.state {
	case stateOpen:
		s.out.FailedByMe, s.out.FailedByClose = true, true
		s.steps = nil
		s.sendClose(closePayload(code, reason), false)
	case stateClosing:
		s.out.FailedByMe = true
		if !s.out.RemoteClosed && s.out.NotClean == "" {
			s.out.NotClean = "the case was over before the peer had answered the Close"
		}
		s.drop(true)
	}
}

// drop closes TCP. What is queued is still written, for a bounded time.
func (s *session) drop(keepClean bool) {
	s.state = stateClosed
	s.out.DroppedByMe = true
	if !keepClean {
		s.out.WasClean = false
	}
	s.note("the tester closes the TCP connection")
}
