package live

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// maxFloods is how many floods.
const maxFloods = 8

// connTimes are the times that pass in an op.
var connTimes = [...]time.Duration{
	time.Millisecond, 10 * time.Millisecond, handlerTime + 10*time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second,
	4 * time.Second, 5 * time.Second, 7 * time.Second, 9 * time.Second, 15 * time.Second,
}

// peer has the peer send a control frame, or a message in such fragments.
func (h *connHarness) peer(opcode byte, fragments ...[]byte) {
	h.flushRest()
	for _, f := range h.frames(opcode, fragments...) {
		h.send(f)
	}
}

func (h *connHarness) frame(opcode, rsv byte, fin bool, payload []byte) []byte {
	f := wire.Frame{Fin: fin, RSV: rsv, Opcode: opcode, Masked: h.opt.role() == model.Server, Key: [4]byte{1, 2, 3, byte(len(payload))}, Payload: payload}
	return f.Append(nil)
}

func (h *connHarness) send(b []byte) {
	h.pipe.set(func() {
		if h.pipe.eof || h.pipe.readErr != nil {
			return
		}
		h.sent = append(h.sent, b...)
		h.pipe.in = append(h.pipe.in, b...)
	})
}

// sendRest sends n bytes of what is left of a frame.
func (h *connHarness) sendRest(n int) {
	n = min(n, len(h.rest))
	h.send(h.rest[:n])
	h.rest = h.rest[n:]
}

func (h *connHarness) flushRest() { h.sendRest(len(h.rest)) }

// part sends a part of a message, or of a ping.
func (h *connHarness) part() {
	h.flushRest()
	n := int(h.src.Next())
	p := h.payload()
	b := h.frames(wire.Text, p)
	if n&1 != 0 {
		b = h.frames(wire.Binary, []byte("e"), p)
		b = slices.Insert(b, 1, h.frame(wire.Ping, 0, true, []byte("between")))
	}
	h.rest = slices.Concat(b...)
	h.sendRest(n / 2 % len(h.rest))
}

// letters are what messages tell the handler: mostly, to echo.
const letters = "eeeNOeSTeMeWeWLeeFeCeBPeAVeUQQ"

// payload returns text whose first letter tells the handler what to do.
func (h *connHarness) payload() []byte {
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
	most := limit.Frame
	if h.opt.deflate() != nil {
		most = limit.Message
	}
	n = max(0, min(n, most+1))
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
func (h *connHarness) control() []byte {
	b := byte(h.src.Next())
	if b&1 != 0 {
		return []byte{b}
	}
	p := make([]byte, min(2+int(b>>1), 125))
	p[0], p[1] = b, byte(len(h.sent))
	return p
}

// closePayload returns the payload of a Close.
func (h *connHarness) closePayload() []byte {
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

func (h *connHarness) fragments() {
	p := h.payload()
	cut := len(p) / 2
	ping := h.control()
	f := h.frames(wire.Text, p[:cut], p[cut:])
	h.flushRest()
	h.send(f[0])
	h.peer(wire.Ping, ping)
	h.send(f[1])
}

func (h *connHarness) manyFragments() {
	n := int(h.src.Next() & 31)
	var fragments [][]byte
	for i := range n {
		fragments = append(fragments, []byte(strings.Repeat("e", i)))
	}
	h.peer(wire.Binary, fragments...)
}

// burst sends messages that come together: their replies are gathered.
func (h *connHarness) burst() {
	for range 2 + h.src.Next()%8 {
		h.peer(wire.Text, h.payload())
	}
}

// interruptedBurst has another goroutine close when the handler has returned for the
// first time, while the rest is being answered.
func (h *connHarness) interruptedBurst() {
	nudge := make(chan struct{})
	h.locked(func() { h.nudge = nudge })
	h.closing = true
	h.closes.Store(true)
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
func (h *connHarness) nudged() {
	if h.nudge != nil {
		close(h.nudge)
		h.nudge = nil
	}
}

// flood sends much more than MaxPending may be; so often that it takes time, it
// does not.
func (h *connHarness) flood() {
	if h.floods++; h.floods > maxFloods {
		return
	}
	n := min(120, h.opt.limits.Frame, h.opt.limits.Message)
	f := h.frame(wire.Text, 0, true, []byte("e"+strings.Repeat("f", n-1)))
	h.flushRest()
	for range 200 {
		h.send(f)
	}
}

func (h *connHarness) raw() {
	raw := make([]byte, h.src.Next()%16)
	for i := range raw {
		raw[i] = byte(h.src.Next())
	}
	h.flushRest()
	h.send(raw)
}

// pings returns the numbers of the pings that Ping sent.
func (h *connHarness) pings() (numbers []uint64, all int) {
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
func (h *connHarness) answer1() {
	numbers, _ := h.pings()
	back := int(h.src.Next() & 3)
	if back >= len(numbers) {
		h.peer(wire.Pong, nil)
		return
	}
	h.answerPing(numbers[len(numbers)-1-back])
}

func (h *connHarness) answerPing(number uint64) {
	h.flushRest()
	if spans := input.Split(h.sent); len(spans) == 0 || !spans[len(spans)-1].Cut { // else it is part of a payload
		h.answered = max(h.answered, number)
	}
	h.peer(wire.Pong, binary.BigEndian.AppendUint64(nil, number))
}

// answerPings answers those that have come, where the options say so.
func (h *connHarness) answerPings() error {
	numbers, all := h.pings()
	if !h.opt.has(bitAnswers) || len(h.rest) > 0 || all <= h.pinged {
		return nil
	}
	h.pinged = all
	if len(numbers) > 0 && numbers[len(numbers)-1] > h.answered {
		h.answerPing(numbers[len(numbers)-1])
	} else {
		h.peer(wire.Pong, nil)
	}
	return h.settle()
}

// ended is how long a context lasts that has ended before.
const ended = time.Nanosecond - time.Second

// within returns how long a context lasts.
func (h *connHarness) within() time.Duration {
	n := int(h.src.Next())
	if n == 255 {
		return ended
	}
	return connTimes[n%len(connTimes)]
}

func (h *connHarness) callPing() {
	within := h.within()
	h.other(&call{what: "Ping", ctxed: true, until: time.Now().Add(within)}, func() error {
		ctx, cancel := context.WithTimeout(h.ctx, within)
		defer cancel()
		return h.ws.Ping(ctx)
	})
}

// secondReader reads where somebody does already.
func (h *connHarness) secondReader() {
	if h.opt.two(bitUser) >= userReads { // it would be one by turns
		return
	}
	c := &call{what: "ReadMessage", bad: true}
	h.other(c, func() error {
		_, err := h.ws.ReadMessage(context.Background())
		return err
	})
}
