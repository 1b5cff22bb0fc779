package wirefuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wire"
)

// The parts of an exchange, in which it can end.
type part int

const (
	calmly    part = iota // while what is in order was played
	reacting              // behind what ends the conversation
	closing               // behind the server's Close
	finishing             // behind the end of this side's TCP
)

// A conclusion is what became of the connection.
type conclusion int

const (
	stillOpen conclusion = iota
	ended                // the server has ended TCP
	reset                // it dropped it, by which what it had sent may be lost
)

// waits are how long a server gets.
type waits struct {
	open  time.Duration // for the opening handshake
	owed  time.Duration // for echoes, pongs, and a Close
	end   time.Duration // for the end of TCP, behind that
	quiet time.Duration // before it is asked whether it goes on
}

// A fault is a frame of the server's that it must not send.
type fault struct {
	rule model.Rule
	what string
}

// An answer is what came of a transcript.
type answer struct {
	messages []model.Message
	pongs    [][]byte
	codes    []uint16 // of its Closes, 1005 for an empty one
	close    []byte   // the payload of the first
	faults   []fault
	behind   int  // data frames behind its own Close
	after    int  // control frames there
	goesOn   bool // it answered the ping that asks whether it goes on
	part     part // in which it ended, or was waited for in vain
	end      conclusion
	err      error // why it ended, if not by EOF
	took     time.Duration
}

// probe is the payload of the ping that asks whether the server goes on. Its other
// frames are masked by this key.
var (
	probe    = []byte("wsproof: do you go on?")
	probeKey = [4]byte{0x77, 0x73, 0x70, 0x66}
)

func own(opcode byte, payload []byte) []byte {
	return (&wire.Frame{Fin: true, Opcode: opcode, Masked: true, Key: probeKey, Payload: payload}).Append(nil)
}

// An exchange is a transcript being played.
type exchange struct {
	answer
	plan *plan
	conn net.Conn
	w    waits
	ctx  context.Context

	in      []byte // read, and not yet split
	room    [4096]byte
	message []byte
	packed  bool // it is compressed
	inflate inflater
	open    bool
	binary  bool
	sent    bool // a Close of ours
}

// play plays a transcript on a connection that is open, and closes it.
func play(ctx context.Context, o *opening.Opened, p *plan, w waits) *answer {
	began := time.Now()
	x := &exchange{plan: p, conn: o.Conn, w: w, ctx: ctx, in: slices.Clone(o.Early), inflate: inflater{deflate: p.deflate}}
	stop := context.AfterFunc(ctx, func() { _ = o.Conn.SetDeadline(time.Unix(1, 0)) })
	x.run()
	stop()
	if tcp, ok := x.conn.(*net.TCPConn); ok && x.end == stillOpen {
		_ = tcp.SetLinger(0) // no port is to be kept for what nobody sends
	}
	x.conn.Close()
	x.took = time.Since(began)
	return &x.answer
}

func (x *exchange) run() {
	p := x.plan
	x.split()
	if x.send(p.b[:p.calm], chunks(p.b)); !x.await(x.w.owed, x.paid) {
		return
	}
	x.part = reacting
	rest := p.b[p.calm:]
	switch {
	case len(rest) == 0:
		x.sent = true
		x.send(own(wire.Close, []byte{3, 232}), nil)
		x.await(x.w.owed, x.closed)
	case p.closes():
		x.sent = true
		x.send(rest, chunks(p.b))
		x.await(x.w.owed, x.closed)
	case p.must:
		x.send(rest, chunks(p.b))
		if !x.await(x.w.quiet, x.reacted) && x.end == stillOpen && !x.late() {
			return
		}
		if x.end == stillOpen && !x.reacted() {
			if !p.closeBroken() && !p.shut {
				x.send(own(wire.Ping, probe), nil)
			}
			if x.await(x.w.owed, x.reacted); x.goesOn {
				x.await(x.w.quiet, x.closed) // it may have answered before it judged
			}
		}
	default:
		x.send(rest, chunks(p.b))
	}
	if x.end != stillOpen || x.ctx.Err() != nil {
		return
	}
	if x.closed() {
		x.part = closing
		if !x.sent {
			x.sent = true
			x.send(own(wire.Close, x.reply()), nil)
		}
		x.await(x.w.end, never)
		return
	}
	if p.must || x.sent {
		return // in vain
	}
	x.part = finishing
	if half, ok := x.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	x.await(x.w.end, never)
}

func never() bool { return false }

// reply is the payload of an answer to the server's Close.
func (x *exchange) reply() []byte {
	if len(x.close) >= 2 {
		return x.close[:2]
	}
	return nil
}

// late says whether nothing but time has ended the wait before.
func (x *exchange) late() bool { return x.ctx.Err() == nil }

// paid says whether all is there that is owed for what was in order.
func (x *exchange) paid() bool {
	want := &x.plan.want
	if len(x.messages) < len(want.Messages) {
		return false
	}
	n := len(want.Pongs)
	return n == 0 || slices.ContainsFunc(x.pongs, func(pong []byte) bool { return bytes.Equal(pong, want.Pongs[n-1]) })
}

func (x *exchange) closed() bool { return len(x.codes) > 0 }

// reacted says whether it shows how the server takes what breaks a rule.
func (x *exchange) reacted() bool {
	return x.closed() || x.goesOn || len(x.messages) > x.plan.most
}

// mostChunks is how many small TCP writes a part of a transcript is sent in.
const mostChunks = 6

// send writes b, the first bytes in chunks of those sizes. A server may have gone, or
// take nothing more before it has sent: what it does shows when it is read.
func (x *exchange) send(b []byte, sizes []int) {
	if len(b) == 0 || x.end != stillOpen {
		return
	}
	_ = x.conn.SetWriteDeadline(time.Now().Add(x.w.owed))
	for i := 0; i < mostChunks && len(sizes) > 0 && len(b) > 0; i++ {
		n := min(sizes[i%len(sizes)], len(b))
		if _, err := x.conn.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
	if len(b) <= 32<<10 {
		_, _ = x.conn.Write(b)
		return
	}
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		_, _ = x.conn.Write(b)
	}()
	for {
		select {
		case <-wrote:
			return
		default:
		}
		if x.await(10*time.Millisecond, func() bool {
			select {
			case <-wrote:
				return true
			default:
				return false
			}
		}); x.end != stillOpen {
			<-wrote
			return
		}
	}
}

// await reads until cond holds, which it returns, or the connection ends, or d is over.
func (x *exchange) await(d time.Duration, cond func() bool) bool {
	if cond() {
		return true
	}
	if x.end != stillOpen || x.ctx.Err() != nil {
		return false
	}
	_ = x.conn.SetReadDeadline(time.Now().Add(d))
	if x.ctx.Err() != nil { // the deadline that it has set is no more
		return false
	}
	for {
		n, err := x.conn.Read(x.room[:])
		x.in = append(x.in, x.room[:n]...)
		x.split()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return cond()
		case err == io.EOF:
			x.end = ended
			if len(x.in) > 0 {
				x.wrong("", fmt.Sprintf("ended TCP inside a frame: %x", input.Clip(x.in)))
			}
		case err != nil:
			x.end, x.err = reset, err
		}
		if cond() {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// split takes the frames that are there as a whole.
func (x *exchange) split() {
	for {
		f, n, err := wire.Split(x.in)
		if err != nil {
			break
		}
		x.take(&f)
		x.in = x.in[n:]
	}
	if len(x.in) == 0 {
		x.in = nil
	}
}

// wrong notes a frame that the server must not send.
func (x *exchange) wrong(rule model.Rule, what string) {
	for _, f := range x.faults {
		if f.rule == rule {
			return
		}
	}
	x.faults = append(x.faults, fault{rule, what})
}

// take takes a frame of the server's.
func (x *exchange) take(f *wire.Frame) {
	closed := len(x.codes) > 0
	switch {
	case closed && f.Opcode < wire.Close:
		x.behind++
	case closed:
		x.after++
	}
	name := opcodeName(f.Opcode)
	if f.Masked {
		x.wrong(model.ServerFrameMasked, "sent a masked "+name)
	}
	first := f.Opcode == wire.Text || f.Opcode == wire.Binary
	if f.RSV != 0 && (f.RSV != 4 || !first || x.plan.deflate == nil) {
		x.wrong(model.RSVBitsUnsupported, fmt.Sprintf("sent a %s with RSV bits %03b", name, f.RSV))
	}
	if f.Form != input.ShortestForm(len(f.Payload)) {
		x.wrong(model.LengthNotMinimal, fmt.Sprintf("sent a %s of %d bytes whose length is not in the shortest form", name, len(f.Payload)))
	}
	if f.Opcode&8 != 0 && len(f.Payload) > 125 {
		x.wrong(model.ControlFrameTooLarge, fmt.Sprintf("sent a %s of %d bytes", name, len(f.Payload)))
	}
	if f.Opcode&8 != 0 && !f.Fin {
		x.wrong(model.ControlFrameFragmented, "sent a "+name+" without FIN")
	}
	if closed || x.inflate.done {
		return
	}
	switch f.Opcode {
	case wire.Text, wire.Binary, wire.Continuation:
		switch {
		case x.open && f.Opcode != wire.Continuation:
			x.wrong(model.ContinuationExpected, "sent a "+name+" inside another message")
		case !x.open && f.Opcode == wire.Continuation:
			x.wrong(model.ContinuationUnexpected, "sent a "+name+" outside a message")
		}
		if f.Opcode != wire.Continuation {
			x.message, x.binary, x.packed = nil, f.Opcode == wire.Binary, f.RSV == 4 && x.plan.deflate != nil
		}
		x.message = append(x.message, f.Payload...)
		if x.open = !f.Fin; !x.open {
			if x.packed {
				var rule model.Rule
				if x.message, rule = x.inflate.message(x.message); rule != "" {
					x.wrong(rule, fmt.Sprintf("sent a compressed message that does not inflate: %x", input.Clip(f.Payload)))
				}
			}
			x.messages = append(x.messages, model.Message{Binary: x.binary, Payload: x.message})
		}
	case wire.Ping:
		if !x.sent && len(x.codes) == 0 {
			_, _ = x.conn.Write(own(wire.Pong, f.Payload[:min(len(f.Payload), 125)]))
		}
	case wire.Pong:
		if bytes.Equal(f.Payload, probe) {
			x.goesOn = true
			return
		}
		x.pongs = append(x.pongs, f.Payload)
	case wire.Close:
		if len(x.codes) == 0 {
			x.close = f.Payload
		}
		x.codes = append(x.codes, input.CloseCode(f.Payload))
		if out := model.Read(model.Client, model.Limits{Frame: noLimit, Message: noLimit}, (&wire.Frame{Fin: true, Opcode: wire.Close, Payload: f.Payload}).Append(nil)); out.End == model.Failed {
			x.wrong(out.Rule, fmt.Sprintf("sent a Close with the code %d and %d bytes", input.CloseCode(f.Payload), len(f.Payload)))
		}
	default:
		x.wrong(model.OpcodeUnknown, fmt.Sprintf("sent a frame with opcode %#x", f.Opcode))
	}
}

// opcodeName names a frame by its opcode.
func opcodeName(opcode byte) string {
	switch opcode {
	case wire.Continuation:
		return "Continuation"
	case wire.Text:
		return "Text"
	case wire.Binary:
		return "Binary"
	case wire.Close:
		return "Close"
	case wire.Ping:
		return "Ping"
	case wire.Pong:
		return "Pong"
	}
	return fmt.Sprintf("frame with opcode %#x", opcode)
}
