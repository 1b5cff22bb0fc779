package live

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// maxOps is how many ops of an input are done.
const maxOps = 64

// maxFloods is how many floods.
const maxFloods = 8

// racy, in an op's byte, has the next op follow at once; without it all is calm
// in between.
const racy = 0x80

// serveOps are the ops: an op is the low bits of its byte, modulo their number.
var serveOps = [...]struct {
	name string
	do   func(h *serveHarness)
}{
	{"text", func(h *serveHarness) { h.peer(wire.Text, true, h.payload()) }},
	{"binary message", func(h *serveHarness) { h.peer(wire.Binary, true, h.payload()) }},
	{"two fragments with a ping between", (*serveHarness).fragments},
	{"many fragments", (*serveHarness).manyFragments},
	{"burst of messages", (*serveHarness).burst},
	{"flood of messages", (*serveHarness).flood},
	{"ping", func(h *serveHarness) { h.peer(wire.Ping, true, h.control()) }},
	{"pings before a message", func(h *serveHarness) {
		h.peer(wire.Ping, true, h.control())
		h.peer(wire.Ping, true, h.control())
		h.peer(wire.Text, true, h.payload())
	}},
	{"pong", func(h *serveHarness) { h.peer(wire.Pong, true, h.control()) }},
	{"pong for a ping of ours", (*serveHarness).answer1},
	{"a Close of the peer", func(h *serveHarness) { h.peer(wire.Close, true, h.closePayload()) }},
	{"raw bytes", (*serveHarness).raw},
	{"part of a message", (*serveHarness).part},
	{"byte of the rest", func(h *serveHarness) { h.sendRest(1) }},
	{"rest of it", func(h *serveHarness) { h.sendRest(len(h.rest)) }},
	{"end of what the peer sends", func(h *serveHarness) {
		h.loud |= reasonEOF
		h.pipe.set(func() { h.pipe.eof = true })
	}},
	{"fault of reads", func(h *serveHarness) {
		h.loud |= reasonFault
		fault := []error{errFault, errEmpty}[h.src.Next()&1]
		h.pipe.set(func() { h.pipe.readErr = fault })
	}},
	{"fault of writes", func(h *serveHarness) {
		h.loud |= reasonWriteFault
		fault := []error{errFault, errShort}[h.src.Next()&1]
		h.pipe.set(func() { h.pipe.writeErr = fault })
	}},
	{"fault of deadlines", func(h *serveHarness) {
		h.loud |= reasonFault
		h.pipe.set(func() { h.pipe.deadlineErr = errFault })
	}},
	{"a hook will panic", func(h *serveHarness) { h.locked(func() { h.hookPanics = true }) }},
	{"the peer stops reading", func(h *serveHarness) { h.pipe.set(func() { h.pipe.stalled = true }) }},
	{"the peer reads again", func(h *serveHarness) { h.pipe.set(func() { h.pipe.stalled = false }) }},
	{"message by another goroutine", func(h *serveHarness) { h.writeMessage("plain", false, int(h.src.Next())) }},
	{"long message by another goroutine", func(h *serveHarness) {
		n, more := int(h.src.Next()), int(h.src.Next())
		if n >= 0xe0 { // longer than what is written at once
			h.writeMessage("long", false, (n&31)<<14+more)
			return
		}
		h.writeMessage("long", false, (n&3+1)*h.opt.limits.Frame+more-128)
	}},
	{"bounded message by another goroutine", func(h *serveHarness) {
		h.writeWithin("bounded", false, int(h.src.Next()), serveTimes[int(h.src.Next())%len(serveTimes)])
	}},
	{"message that is not UTF-8", func(h *serveHarness) { h.writeMessage("invalid", true, 0) }},
	{"Close by another goroutine", func(h *serveHarness) { h.callClose(0, "") }},
	{"interrupted burst: another goroutine closes within it", (*serveHarness).interruptedBurst},
	{"CloseWithStatus by another goroutine", func(h *serveHarness) {
		code := input.CloseCodes[int(h.src.Next())%len(input.CloseCodes)]
		h.callClose(websocket.StatusCode(code), strings.Repeat("é", int(h.src.Next())/2))
	}},
	{"Ping by another goroutine", (*serveHarness).callPing},
	{"second reader", (*serveHarness).secondReader},
	{"end of the context", func(h *serveHarness) {
		h.loud |= reasonContext
		h.cancel()
	}},
	{"time passes", func(h *serveHarness) { time.Sleep(serveTimes[int(h.src.Next())%len(serveTimes)]) }},
	{"time-out's time passes", func(h *serveHarness) { time.Sleep(serveReadTimeout - time.Duration(h.src.Next()&3)*time.Second) }},
}

// serveTimes are the times that pass in an op.
var serveTimes = [...]time.Duration{
	time.Millisecond, 10 * time.Millisecond, handlerTime + 10*time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second,
	4 * time.Second, 5 * time.Second, 7 * time.Second, 9 * time.Second, 15 * time.Second,
}

// ops does the ops of the input, or sends it as it is.
func (h *serveHarness) ops() error {
	if h.opt.has(bitRaw) {
		return h.rawTranscript()
	}
	for range maxOps {
		if h.src.Len() == 0 {
			break
		}
		op := h.src.Next()
		do := &serveOps[int(op&^racy)%len(serveOps)]
		do.do(h)
		if op&racy != 0 {
			continue
		}
		if err := h.settle(); err != nil {
			return fmt.Errorf("after %s: %w", do.name, err)
		}
		if err := h.answerPings(); err != nil {
			return err
		}
	}
	return nil
}

// rawTranscript sends the rest of the input, in pieces.
func (h *serveHarness) rawTranscript() error {
	sizes := input.ReadSizes[h.src.Next()&7]
	rest := h.src.Rest()
	for turn := 0; len(rest) > 0; turn++ {
		n := len(rest)
		if len(sizes) > 0 && turn < 256 {
			n = min(n, sizes[turn%len(sizes)])
		}
		h.send(rest[:n])
		rest = rest[n:]
		if err := h.settle(); err != nil {
			return fmt.Errorf("after %d bytes: %w", len(h.sent), err)
		}
	}
	return nil
}

// peer has the peer send a frame.
func (h *serveHarness) peer(opcode byte, fin bool, payload []byte) {
	h.flushRest()
	h.send(h.frame(opcode, fin, payload))
}

func (h *serveHarness) frame(opcode byte, fin bool, payload []byte) []byte {
	f := wire.Frame{Fin: fin, Opcode: opcode, Masked: h.opt.role() == model.Server, Key: [4]byte{1, 2, 3, byte(len(payload))}, Payload: payload}
	return f.Append(nil)
}

func (h *serveHarness) send(b []byte) {
	h.pipe.set(func() {
		if h.pipe.eof || h.pipe.readErr != nil {
			return
		}
		h.sent = append(h.sent, b...)
		h.pipe.in = append(h.pipe.in, b...)
	})
}

// sendRest sends n bytes of what is left of a frame.
func (h *serveHarness) sendRest(n int) {
	n = min(n, len(h.rest))
	h.send(h.rest[:n])
	h.rest = h.rest[n:]
}

func (h *serveHarness) flushRest() { h.sendRest(len(h.rest)) }

// part sends a part of a message, or of a ping.
func (h *serveHarness) part() {
	h.flushRest()
	n := int(h.src.Next())
	b := h.frame(wire.Text, true, h.payload())
	if n&1 != 0 {
		b = append(h.frame(wire.Binary, false, []byte("e")), h.frame(wire.Ping, true, []byte("between"))...)
		b = append(b, h.frame(wire.Continuation, true, h.payload())...)
	}
	h.rest = b
	h.sendRest(n / 2 % len(b))
}

// letters are what messages tell the handler: mostly, to echo.
const letters = "eeeNOeSTeMeWeWLeeFeCeBPe"

// payload returns text whose first letter tells the handler what to do.
func (h *serveHarness) payload() []byte {
	letter := letters[int(h.src.Next())%len(letters)]
	n := int(h.src.Next())
	limit := h.opt.limits
	switch {
	case n < 200:
	case n < 210:
		n = limit.Frame + 205 - n
	case n < 220:
		n = limit.Message + 215 - n
	case n < 230:
		n = 5000
	default:
		n = 124 + n&3
	}
	n = max(0, min(n, limit.Frame+1))
	if n == 0 {
		return nil
	}
	return append([]byte{letter}, strings.Repeat("0123456789abcdé", n/16+1)[:n-1]...)[:textEnd(n)]
}

// textEnd keeps a text of payload's from ending inside its é.
func textEnd(n int) int {
	if (n-1)%16 == 15 {
		return n - 1
	}
	return n
}

// control returns the payload of a ping or a pong.
func (h *serveHarness) control() []byte {
	b := byte(h.src.Next())
	if b&1 != 0 {
		return []byte{b}
	}
	p := make([]byte, min(2+int(b>>1), 125))
	p[0], p[1] = b, byte(len(h.sent))
	return p
}

// closePayload returns the payload of a Close.
func (h *serveHarness) closePayload() []byte {
	switch n := int(h.src.Next()); {
	case n < 16:
		return nil
	case n < 32:
		return []byte{3}
	case n < 48:
		return append(binary.BigEndian.AppendUint16(nil, 1000), "\xffreason"...)
	case n < 64:
		return append(binary.BigEndian.AppendUint16(nil, 4000), strings.Repeat("r", 123)...)
	default:
		return append(binary.BigEndian.AppendUint16(nil, input.CloseCodes[n%len(input.CloseCodes)]), "reason"...)
	}
}

func (h *serveHarness) fragments() {
	p := h.payload()
	cut := len(p) / 2
	h.peer(wire.Text, false, p[:cut])
	h.peer(wire.Ping, true, h.control())
	h.peer(wire.Continuation, true, p[cut:])
}

func (h *serveHarness) manyFragments() {
	n := int(h.src.Next() & 31)
	opcode := wire.Binary
	for i := range n {
		h.peer(opcode, i == n-1, []byte(strings.Repeat("e", i)))
		opcode = wire.Continuation
	}
}

// burst sends messages that come together: their replies are gathered.
func (h *serveHarness) burst() {
	for range 2 + h.src.Next()%8 {
		h.peer(wire.Text, true, h.payload())
	}
}

// interruptedBurst has another goroutine close when the handler has returned for the
// first time, while the rest is being answered.
func (h *serveHarness) interruptedBurst() {
	nudge := make(chan struct{})
	h.locked(func() { h.nudge = nudge })
	h.closing = true
	h.loud |= reasonClose
	h.other(&call{what: "Close", close: closePayloadFor(1000, "")}, func() error {
		<-nudge
		return h.ws.Close()
	})
	h.burst()
	time.Sleep(time.Microsecond)
	synctest.Wait()
	h.locked(h.nudged) // there was no message
}

// nudged lets the goroutine of interruptedBurst go on.
func (h *serveHarness) nudged() {
	if h.nudge != nil {
		close(h.nudge)
		h.nudge = nil
	}
}

// flood sends much more than MaxPending may be; so often that it takes time, it
// does not.
func (h *serveHarness) flood() {
	if h.floods++; h.floods > maxFloods {
		return
	}
	n := min(120, h.opt.limits.Frame, h.opt.limits.Message)
	for range 200 {
		h.peer(wire.Text, true, []byte("e"+strings.Repeat("f", n-1)))
	}
}

func (h *serveHarness) raw() {
	raw := make([]byte, h.src.Next()%16)
	for i := range raw {
		raw[i] = byte(h.src.Next())
	}
	h.flushRest()
	h.send(raw)
}

// pings returns the numbers of the pings that Ping sent.
func (h *serveHarness) pings() (numbers []uint64, all int) {
	h.pipe.mu.Lock()
	defer h.pipe.mu.Unlock()
	for _, f := range h.pipe.frames {
		if f.Opcode == wire.Ping {
			if all++; len(f.Payload) == 8 {
				numbers = append(numbers, binary.BigEndian.Uint64(f.Payload))
			}
		}
	}
	return numbers, all
}

// answer1 answers one of the last pings.
func (h *serveHarness) answer1() {
	numbers, _ := h.pings()
	back := int(h.src.Next() & 3)
	if back >= len(numbers) {
		h.peer(wire.Pong, true, nil)
		return
	}
	h.answerPing(numbers[len(numbers)-1-back])
}

func (h *serveHarness) answerPing(number uint64) {
	h.flushRest()
	if spans := input.Split(h.sent); len(spans) == 0 || !spans[len(spans)-1].Cut { // else it is part of a payload
		h.answered = max(h.answered, number)
	}
	h.peer(wire.Pong, true, binary.BigEndian.AppendUint64(nil, number))
}

// answerPings answers those that have come, where the options say so.
func (h *serveHarness) answerPings() error {
	numbers, all := h.pings()
	if !h.opt.has(bitAnswers) || len(h.rest) > 0 || all <= h.pinged {
		return nil
	}
	h.pinged = all
	if len(numbers) > 0 && numbers[len(numbers)-1] > h.answered {
		h.answerPing(numbers[len(numbers)-1])
	} else {
		h.peer(wire.Pong, true, nil)
	}
	return h.settle()
}

func (h *serveHarness) callPing() {
	within := serveTimes[int(h.src.Next())%len(serveTimes)]
	h.other(&call{what: "Ping", ctxed: true, until: time.Now().Add(within)}, func() error {
		ctx, cancel := context.WithTimeout(h.ctx, within)
		defer cancel()
		return h.ws.Ping(ctx)
	})
}

// secondReader reads where somebody does already.
func (h *serveHarness) secondReader() {
	if h.opt.two(bitUser) >= userReads { // it would be one by turns
		return
	}
	c := &call{what: "ReadMessage", bad: true}
	h.other(c, func() error {
		_, err := h.ws.ReadMessage(context.Background())
		return err
	})
}

// explainServe tells the options and the ops of an input. Some bytes are
// parameters of the op before: all are told as ops.
func explainServe(data []byte) string {
	var src input.Source
	src.Reset(data)
	opt := newServeOptions(&src)
	var b strings.Builder
	fmt.Fprintln(&b, opt.String())
	rest := src.Rest()
	switch {
	case opt.has(bitRaw) && opt.has(bitSocket):
		fmt.Fprintf(&b, "an HTTPHandler and its connections, by number; at first one:\n")
		for i, op := range data[min(len(data), serveHead):] {
			fmt.Fprintf(&b, "  %3d: %d, %s\n", i+serveHead, op>>4&7, handlerOps[op&15])
		}
	case opt.has(bitRaw) && len(rest) > 0:
		fmt.Fprintf(&b, "in pieces of %v (none: whole), ", input.ReadSizes[rest[0]&7])
		b.WriteString(input.Annotate(&input.Transcript{Role: opt.role(), Limits: opt.limits, Input: rest[1:]}))
	case opt.has(bitSocket):
		b.WriteString("on a socket, ")
		b.WriteString(input.Annotate(input.NewTranscriptGenerator().Generate(rest)))
	default:
		b.WriteString("the bytes, as ops or parameters:\n")
		for i, op := range rest {
			calm := ""
			if op&racy != 0 {
				calm = ", and at once"
			}
			fmt.Fprintf(&b, "  %3d: %3d %s%s\n", i+serveHead, op, serveOps[int(op&^racy)%len(serveOps)].name, calm)
		}
	}
	return b.String()
}
