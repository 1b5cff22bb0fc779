package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// Serve checks a connection under everything that can come at once, by the oracles of
// connHarness. Behind the options, the bytes of the input are ops: what the
// peer sends, whole, fragmented, in pieces or broken; faults of the transport; a
// peer that does not read; time that passes; messages, pings and closes from
// other goroutines; the end of the context. A handler echoes, changes, says
// nothing, takes its time, fails or panics as the message tells it. Then
// everything is drained.
func Serve(data []byte) error { return runConn(data, nil, (*connHarness).ops) }

// maxOps is how many ops of an input are done.
const maxOps = 64

// racy, in an op's byte, has the next op follow at once; without it all is calm
// in between.
const racy = 0x80

// serveOps are the ops: an op is the low bits of its byte, modulo their number.
var serveOps = [...]struct {
	name string
	do   func(h *connHarness)
}{
	{"text", func(h *connHarness) { h.peer(wire.Text, h.payload()) }},
	{"binary message", func(h *connHarness) { h.peer(wire.Binary, h.payload()) }},
	{"two fragments with a ping between", (*connHarness).fragments},
	{"many fragments", (*connHarness).manyFragments},
	{"burst of messages", (*connHarness).burst},
	{"flood of messages", (*connHarness).flood},
	{"ping", func(h *connHarness) { h.peer(wire.Ping, h.control()) }},
	{"pings before a message", func(h *connHarness) {
		h.peer(wire.Ping, h.control())
		h.peer(wire.Ping, h.control())
		h.peer(wire.Text, h.payload())
	}},
	{"pong", func(h *connHarness) { h.peer(wire.Pong, h.control()) }},
	{"pong for a ping of ours", (*connHarness).answer1},
	{"a Close of the peer", func(h *connHarness) { h.peer(wire.Close, h.closePayload()) }},
	{"raw bytes", (*connHarness).raw},
	{"part of a message", (*connHarness).part},
	{"byte of the rest", func(h *connHarness) { h.sendRest(1) }},
	{"rest of it", func(h *connHarness) { h.sendRest(len(h.rest)) }},
	{"end of what the peer sends", func(h *connHarness) {
		h.loud |= reasonEOF
		h.pipe.set(func() { h.pipe.eof = true })
	}},
	{"fault of reads", func(h *connHarness) {
		h.loud |= reasonFault
		fault := []error{errFault, errEmpty}[h.src.Next()&1]
		h.pipe.set(func() { h.pipe.readErr = fault })
	}},
	{"fault of writes", func(h *connHarness) {
		h.loud |= reasonWriteFault
		h.hindered = true
		fault := []error{errFault, errShort}[h.src.Next()&1]
		h.pipe.set(func() { h.pipe.writeErr = fault })
	}},
	{"fault of deadlines", func(h *connHarness) {
		h.loud |= reasonFault
		h.pipe.set(func() { h.pipe.deadlineErr = errFault })
	}},
	{"a hook will panic", func(h *connHarness) { h.locked(func() { h.panics = onReadFrame }) }},
	{"the peer stops reading", func(h *connHarness) {
		h.locked(func() { h.hindered, h.stalls = true, true })
		h.pipe.set(func() { h.pipe.stalled = true })
	}},
	{"the peer reads again", func(h *connHarness) {
		h.pipe.set(func() { h.pipe.stalled = false })
		h.full = false
		h.locked(h.upset)
	}},
	{"message by another goroutine", func(h *connHarness) { h.writeMessage("plain", false, int(h.src.Next())) }},
	{"long message by another goroutine", func(h *connHarness) {
		n, more := int(h.src.Next()), int(h.src.Next())
		if n >= 0xe0 { // longer than what is written at once
			h.writeMessage("long", false, (n&31)<<14+more)
			return
		}
		h.writeMessage("long", false, (n&3+1)*h.opt.limits.Frame+more-128)
	}},
	{"bounded message by another goroutine", func(h *connHarness) {
		h.writeWithin("bounded", false, int(h.src.Next()), h.within())
	}},
	{"message that is not UTF-8", func(h *connHarness) { h.writeMessage("invalid", true, 0) }},
	{"Close by another goroutine", func(h *connHarness) { h.callClose(0, "") }},
	{"interrupted burst: another goroutine closes within it", (*connHarness).interruptedBurst},
	{"CloseWithStatus by another goroutine", func(h *connHarness) {
		n, reason := int(h.src.Next()), strings.Repeat("é", int(h.src.Next())/2)
		code := input.CloseCodes[n%len(input.CloseCodes)]
		if n == 255 { // none; it then sends no reason, either
			code, reason = 0, "none"
		}
		h.callClose(websocket.StatusCode(code), reason)
	}},
	{"Ping by another goroutine", (*connHarness).callPing},
	{"second reader", (*connHarness).secondReader},
	{"end of the context", func(h *connHarness) {
		h.loud |= reasonContext
		h.cancel()
	}},
	{"time passes", func(h *connHarness) { time.Sleep(connTimes[int(h.src.Next())%len(connTimes)]) }},
	{"one of the hooks will panic", func(h *connHarness) {
		hook := 1 + int(h.src.Next())%onWriteMessage
		h.locked(func() { h.panics = hook })
	}},
	{"time-out's time passes", func(h *connHarness) { time.Sleep(connReadTimeout - time.Duration(h.src.Next()&3)*time.Second) }},
	{"very long and bounded message by another goroutine", func(h *connHarness) {
		h.writeWithin("bounded", false, int(h.src.Next())<<12, h.within())
	}},
	{"overtaken message", (*connHarness).overtaken},
	{"vain read", (*connHarness).vainRead},
}

// ops does the ops of the input.
func (h *connHarness) ops() error {
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

// explainServe tells the options and the ops of an input. Some bytes are
// parameters of the op before: all are told as ops.
func explainServe(data []byte) string {
	var src input.Source
	src.Reset(data)
	opt := newConnOptions(&src)
	var b strings.Builder
	fmt.Fprintf(&b, "%v\nthe bytes, as ops or parameters:\n", &opt)
	for i, op := range src.Rest() {
		calm := ""
		if op&racy != 0 {
			calm = ", and at once"
		}
		fmt.Fprintf(&b, "  %3d: %3d %s%s\n", i+connHead, op, serveOps[int(op&^racy)%len(serveOps)].name, calm)
	}
	return b.String()
}

// seedServe takes the scenarios with options by turns (or "plainly" with hardly any,
// where the core takes its short ways), and pseudo-random ops.
func seedServe([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i, s := range scenarios {
		s, plainly := strings.CutPrefix(s, "plainly: ")
		bits := 0
		for name, b := range scenarioBits {
			if rest, found := strings.CutPrefix(s, name); found {
				s, bits = rest, b
			}
		}
		ops, err := parseScenario(s)
		if err != nil {
			return nil, err
		}
		for turn := range 8 {
			head := connOptionBits(4*i + turn)
			if bits == bitDeflate {
				head[3] |= byte(i+turn) * (bitTerms >> 24)
			}
			head[3] &^= bitSocket >> 24
			switch {
			case turn > 4: // on a socket, by turns by Serve and by ReadMessage with few options, and with many
				head[3] |= bitSocket >> 24
				if turn > 5 {
					head[0] = head[0]&^(3*bitUser) | byte((turn-6)*userReads*bitUser)
					head[1] &= bitLimits >> 8 * 3
					head[2] &= bitFewHooks >> 16
				}
			case turn == 4: // one option alone, and no hook
				alone := [...]int{bitReuse, bitSmallPending, bitReadTimeout, bitMessageTimeout, bitWriteTimeout, bitPings | bitAnswers, bitCloseTimeout, bitLinger, bitLimits, bitLimits * 3}[i%10]
				for b := range head {
					head[b] = byte((alone | bitFewHooks | bitUser*userServeToo) >> (8 * b))
				}
			case plainly: // by Serve, with nothing else to do
				head = []byte{byte(turn & 1 * bitReuse), byte(turn >> 1 * bitLimits >> 8), bitFewHooks >> 16, 0}
			case turn&1 == 0: // by Serve, and by ReadMessage, with few options
				head[0] = head[0]&(bitClient|bitReuse) | byte(turn*bitUser)
				head[2] &= bitFewHooks >> 16
			}
			for i := range head {
				head[i] |= byte(bits >> (8 * i))
			}
			seeds = append(seeds, append(head, ops...))
		}
	}
	for n := range uint64(48) {
		head := connOptionBits(int(n))
		seeds = append(seeds, input.RandomInput(head, 13, n))
		head[3] |= bitDeflate>>24 | byte(n)*(bitTerms>>24)
		seeds = append(seeds, input.RandomInput(head, 14, n))
	}
	return seeds, nil
}

// scenarioBits are the options that a scenario needs and names in front.
var scenarioBits = map[string]int{"MaxPending: ": bitSmallPending, "ReadTimeout: ": bitReadTimeout, "MessageTimeout: ": bitMessageTimeout, "PingInterval: ": bitPings | bitAnswers, "MaxPending and PingInterval: ": bitSmallPending | bitPings | bitAnswers, "bare: ": bitBare, "deflate: ": bitDeflate}

// parseScenario returns the ops of a scenario.
func parseScenario(text string) ([]byte, error) {
	var ops []byte
	last := -1
	for part := range strings.SplitSeq(text, ", ") {
		if part == "at once" {
			ops[last] |= racy
			continue
		}
		words := strings.Fields(part)
		name := slices.IndexFunc(words, func(w string) bool { return len(w) == 1 && strings.Contains(letters, w) || w[0] >= '0' && w[0] <= '9' })
		params := []string{}
		if name >= 0 {
			words, params = words[:name], words[name:]
		}
		op, word := -1, strings.Join(words, " ")
		for _, is := range []func(name, word string) bool{func(name, word string) bool { return name == word }, strings.HasPrefix, strings.Contains} {
			for i, o := range serveOps {
				if op < 0 && is(o.name, word) {
					op = i
				}
			}
		}
		if op < 0 {
			return nil, fmt.Errorf("scenario %q: there is no op %q", text, word)
		}
		last = len(ops)
		ops = append(ops, byte(op))
		for _, p := range params {
			if i := strings.Index(letters, p); i >= 0 {
				ops = append(ops, byte(i))
				continue
			}
			var n byte
			if _, err := fmt.Sscan(p, &n); err != nil {
				return nil, fmt.Errorf("scenario %q: %q: %w", text, p, err)
			}
			ops = append(ops, n)
		}
	}
	return ops, nil
}

// scenarios are conversations in which something may go wrong: the names of ops,
// each followed by its parameters; a letter with a size stands for a message, and
// "at once" has the next op follow at once.
var scenarios = []string{
	// Replies that are gathered.
	"burst 2 e 9 e 125 W 9 e 126, time passes 1, text e 5, time passes 2",
	"burst 6 e 0 O 7 L 100 M 30 S 30 N 4 e 125 W 3, time passes 0, time passes 2, ping 9",
	"text W 20, at once, ping 9, text e 9, time passes 2, text S 220, text M 199, text O 229, text L 229, text e 225",
	"pings 9 12 W 30, time passes 1, pings 3 250 e 20, pong 5, pong 8, text W 126, time passes 3",
	"pings 11 13 e 9, at once, burst 2 e 9 e 9 e 9 W 5, message by 40, time passes 2",
	"binary e 225, binary S 99, binary T 9, binary e 0, fragments W 99 7, fragments e 1 9, fragments O 0 9, time passes 2",
	"fragments e 199 250, many fragments 31, many fragments 2, many fragments 1, text e 224, many fragments 30",
	"plainly: burst 4 e 9 e 0 e 125 W 9 e 20 L 17, time passes 0, time passes 1, time passes 2, text e 5", "plainly: burst 5 e 9 W 5 e 9 O 9 M 90 e 124 W 9, time passes 1, time passes 2, ping 9",
	"plainly: text e 9, burst 3 e 9 S 20 W 17 e 9 W 8, time passes 1, message by 9, time passes 2", "plainly: burst 3 e 9 e 9 F 9 e 9 W 9, a Close 90", "plainly: burst 2 e 9 W 12 P 9 e 9, time passes 3, a Close 90",
	"burst 7 Q 9 Q 9 Q 9 Q 9 Q 9 Q 9 Q 9 Q 9 Q 9, time passes 1, text e 9, burst 7 e 9 Q 9 N 5 Q 9 O 9 Q 9 e 5 Q 9 Q 9, ping 9",
	"plainly: burst 7 Q 9 Q 9 Q 9 Q 9 Q 9 Q 9 Q 9 Q 9 Q 9, time passes 1, burst 7 Q 9 e 9 Q 9 e 9 Q 9 e 9 Q 9 e 9 W 9, time passes 1", "plainly: burst 7 e 199 e 99 e 99 e 99 e 99 e 99 e 99 e 99 e 99, ping 9, burst 7 e 9 e 9 O 9 e 9 M 9 e 9 e 9 e 9 e 9",
	"plainly: flood, ping 9, flood, flood, text e 9",
	// A peer that does not read.
	"stops reading, flood, message by 30, ping 9, reads again, text e 9",
	"stops reading, text e 9, flood, time passes 6, reads again",
	"stops reading, message by 30, bounded 30 0, time passes 1, message by 20, reads again, text e 5",
	"stops reading, bounded 30 0, message by 30, time passes 1, reads again",
	"stops reading, very long 200 1, time passes 2, reads again, text e 9", "very long 200 1, at once, text e 9, stops reading, very long 90 0, time passes 1", "stops reading, very long 255 255, very long 255 3, at once, message by 9, time passes 4, reads again, very long 100 3",
	"overtaken 9, overtaken 200, at once, text e 9", "stops reading, overtaken 9, at once, reads again, message by 9, overtaken 99, at once, overtaken 20, text e 9",
	"vain read, text e 9", "Close by, vain read, time passes 3", "Close by, at once, vain read, a Close 90", "text e 9, CloseWithStatus 0 9, vain read, vain read", "vain read, Close by, a Close 90",
	"stops reading, long message 40 9, at once, bounded 200 3, time passes 6, time passes 6, reads again, text e 9",
	"stops reading, message by 9, end of the context, reads again",
	"stops reading, text e 30, Close, time passes 5, time passes 7",
	"stops reading, text F 30, time passes 5, reads again",
	"stops reading, text e 30, a Close 90, time passes 4, reads again",
	"stops reading, Close by, message by 9, ping 9, time passes 4, reads again, time passes 7",
	"stops reading, message by 9, message by 9, text e 9, Ping 3, Close by, reads again, a Close 10",
	"MaxPending: stops reading, text e 146, text e 146, text e 9, ping 9, text e 9, reads again, text e 5", "MaxPending: stops reading, text e 142, text e 142, text e 9, ping 9, text e 9, reads again, text e 5",
	"MaxPending: stops reading, text e 146, text e 147, ping 9, text e 9, reads again, text e 5", "MaxPending: stops reading, text e 199, text e 93, ping 9, text e 9, reads again",
	"MaxPending: stops reading, burst 2 e 50 e 60 e 30 e 40, ping 90, ping 60, ping 30, text e 9, ping 9, reads again, stops reading, ping 250, ping 250, ping 248, ping 2, ping 9, text e 9, reads again",
	"stops reading, message by 9, message by 20, message by 30, text e 9, message by 40, at once, message by 50, reads again, text e 9",
	"stops reading, message by 9, message by 20, bounded 30 0, message by 40, time passes 1, bounded 9 0, Ping 3, text e 9, time passes 1, message by 7, reads again, text e 9",
	// Messages of other goroutines.
	"long message 31 1, long message 17 128, text e 9, message by 0, message by 125",
	"message by 125, at once, message by 126, at once, long message 3 100, at once, burst 3 e 9 e 9 e 9 e 9 e 9, not UTF-8, message by 7",
	"text W 30, at once, message by 9, at once, ping 9, time passes 2, message by 3",
	"long message 31 200, at once, fault of writes 0, time passes 1", "long message 31 200, text e 9, long message 31 9, at once, end of the context",
	"message by 9, fault of writes 0, message by 9, text e 9, message by 9",
	"fault of writes 1, message by 90, message by 9",
	"fault of writes 0, text e 9, text e 9", "fault of writes 1, ping 9, text e 9",
	"fault of writes 0, CloseWithStatus 0 9, time passes 7",
	"text e 9, fault of reads 0, text e 9", "text e 9, fault of reads 1, text e 9", "part 2 e 99, fault of reads 0",
	"fault of deadlines, text e 9, part 6 e 99, rest of it",
	"not UTF-8, text e 9, not UTF-8",
	"long message 255 9, long message 240 200, text e 9", "stops reading, long message 255 9, reads again, text e 9",
	"interrupted burst 6 e 9 e 9 e 9 e 9 e 9 e 9 e 9 e 9, a Close 90", "interrupted burst 5 e 9 O 9 e 100 e 9 e 9 M 9 e 9, time passes 7",
	"interrupted burst 4 e 200 e 9 e 9 e 9 e 9 e 9, a Close 9", "interrupted burst 7 e 1 e 1 e 1 e 1 e 1 e 1 e 1 e 1 e 1, a Close 9", "interrupted burst 2 N 9 W 9 e 9 e 9, a Close 90",
	// Ends.
	"Close by, text e 9, ping 9, message by 9, a Close 90", "Close by, time passes 4, time passes 7", "Close by, Close by, a Close 9",
	"CloseWithStatus 0 200, a Close 90", "CloseWithStatus 17 9, text e 9, CloseWithStatus 6 3, CloseWithStatus 24 123, time passes 5, time passes 7",
	"CloseWithStatus 5 9, time passes 7", "CloseWithStatus 31 9, CloseWithStatus 13 0, CloseWithStatus 14 2, CloseWithStatus 27 130, a Close 100",
	"CloseWithStatus 1 61, at once, text e 9, at once, message by 40, a Close 70",
	"text U 9, text e 9, ping 9, a Close 90", "CloseWithStatus 255 9, text e 9, a Close 90", "CloseWithStatus 255 9, end of what",
	"text A 9, text A 9, text e 9, burst 4 A 5 e 9 V 9 A 20 e 5, text V 9", "binary V 9, binary A 9, burst 3 O 9 L 9 e 9 O 20 L 30, text e 9",
	"text F 9, text e 9, ping 9, a Close 90", "text C 9, text e 9, time passes 7", "text B 9, at once, text e 9, a Close 70",
	"text T 9, ping 9, text e 9, time passes 7", "text P 9, text e 9, ping 9, a Close 90", "text P 9, time passes 4, time passes 7",
	"burst 3 e 9 F 9 e 9 e 9 e 9, time passes 7", "burst 3 e 9 e 9 P 9 e 9 e 9, a Close 90", "burst 2 e 9 O 9 T 9 e 9, a Close 90",
	"pings 3 5 F 9, message by 9, a Close 90", "text W 9, at once, Close by, time passes 2, text e 9, a Close 90",
	"a Close 9, text e 9", "a Close 90, at once, text e 9", "a Close 64, at once, flood, time passes 7", "a Close 96, time passes 7",
	"text e 9, at once, ping 9, at once, a Close 112", "a Close 20, text e 9, time passes 7", "a Close 40, flood, time passes 7", "a Close 50, text e 9",
	"fragments e 9 9, a Close 70, end of what", "text e 211, text e 9, time passes 5, time passes 7", "text e 203, flood, time passes 5",
	"raw 2 193 128, text e 9, flood, time passes 7", "raw 2 131 128, message by 9, ping 9, time passes 5", "raw 1 137, end of what", "raw 3 129 254 0, end of what",
	"text e 30, ping 9, end of what", "ping 9, at once, end of what", "part 9 e 199, end of what", "part 3 e 199, end of what", "part 99 e 99, end of what",
	"text W 9, at once, end of what, time passes 2", "text e 9, end of the context, text e 9", "text W 9, at once, end of the context, time passes 2",
	"part 6 e 99, end of the context", "raw 2 193 128, end of the context", "Close by, end of the context",
	"second reader, text e 9, second reader, end of what, second reader",
	"hook will panic, text e 9, text e 9, a Close 90", "hook will panic, ping 9, message by 9, time passes 7", "text e 9, hook will panic, fragments e 9 9, end of what",
	"text F 9, hook will panic, text e 9",
	"one of the hooks 0, text e 9, a Close 90, time passes 7", "one of the hooks 0, raw 2 131 128, text e 9, time passes 7", "one of the hooks 0, text e 9, end of what", "one of the hooks 0, Close by, a Close 90",
	"one of the hooks 1, text e 9, raw 2 131 128, time passes 7", "one of the hooks 1, text e 9, end of what, time passes 7", "one of the hooks 1, part 2 e 99, time-out 0, time-out 0",
	"one of the hooks 2, burst 2 e 9 e 9 e 9, a Close 90, time passes 7", "one of the hooks 2, a Close 90, time passes 7", "one of the hooks 2, Close by, a Close 90, time passes 7",
	"one of the hooks 3, burst 2 e 9 e 9 e 9, ping 9, time passes 7", "one of the hooks 3, fragments e 9 9, message by 9, time passes 7",
	"one of the hooks 4, message by 9, fault of writes 0, message by 9, text e 9", "one of the hooks 4, text e 9, fault of writes 1, text e 9, time passes 7",
	"one of the hooks 5, text e 9, text e 9, message by 9, time passes 7", "one of the hooks 5, message by 9, text e 9, long message 31 9, a Close 90", "one of the hooks 5, a Close 90, time passes 7", "one of the hooks 5, ping 9, message by 9, time passes 7",
	"one of the hooks 5, Close by, text e 9, a Close 90", "one of the hooks 5, CloseWithStatus 0 9, time passes 7", "one of the hooks 5, text F 9, a Close 90, time passes 7", "one of the hooks 5, raw 2 131 128, time passes 7", "one of the hooks 5, Ping 3, text e 9, time passes 7",
	"one of the hooks 6, text e 9, message by 9, text e 9, time passes 7", "one of the hooks 6, message by 9, message by 9, text e 9, a Close 90",
	// Time.
	"part 2 e 99, time passes 9, byte, time passes 3, byte, time passes 3, text e 9", "part 2 e 99, time-out 0, text e 9", "time passes 9, text e 9, time passes 9, text e 9, time-out 0, time passes 5",
	"part 4 e 99, time-out 3, byte, time-out 1, rest of it, text e 9, time passes 9, text e 9", "part 0 e 99, byte, time passes 9, byte, time passes 9, byte, time passes 9",
	"part 15 e 99, time passes 9, byte, time passes 4, byte, time passes 9, rest of it", "part 31 e 99, time passes 9, rest of it, time passes 9, text e 9, time passes 9",
	"part 31 e 99, time passes 4, rest of it, part 31 e 99, time passes 9, rest of it, time passes 9, text e 9", "part 19 e 99, time passes 7, byte, time passes 8, byte, time passes 4, byte",
	"text W 20, at once, part 31 e 9, time passes 9, rest of it, time-out 0", "raw 1 1, time passes 9, time passes 9", "raw 1 137, time passes 9, time passes 9",
	"time passes 8, time passes 8, text e 9, time passes 8, time passes 8, time passes 8, time passes 8", "time passes 8, ping 9, time passes 9, pong 4, time passes 8, time passes 8",
	"part 6 e 99, time passes 8, byte, time passes 8, byte, time passes 8, byte, time passes 10",
	"stops reading, time passes 8, time passes 8, reads again, time passes 8, time passes 8",
	"ReadTimeout: time passes 9, raw 2 129 5, time passes 4, time passes 4", "ReadTimeout: time passes 9, raw 2 129 133, time passes 4, time passes 4",
	"MessageTimeout: many fragments 31, time passes 9, time passes 9, text e 9, fragments e 9 9, time passes 9, time passes 9, fragments e 9 9",
	"PingInterval: time passes 5, text e 9, time passes 7, time passes 5, text e 9, time passes 6, text e 9, time passes 7, time passes 8, time passes 8, time passes 8",
	"PingInterval: time passes 8, time passes 8, time passes 8, text e 9, time passes 8, time passes 8, time passes 8, time passes 8", "PingInterval: time passes 7, time passes 6, time passes 8, time passes 8, Ping 8, time passes 8",
	"time passes 9, raw 2 131 5, time passes 3, time passes 4",
	"time passes 9, raw 2 131 133, time passes 3, time passes 4", "time passes 9, a Close 70, time passes 3, time passes 4",
	"stops reading, a Close 90, fault of writes 0", "stops reading, a Close 90, time passes 1, end of the context, end of what", "stops reading, raw 2 131 128, fault of writes 0",
	"stops reading, text F 9, fault of writes 0", "a Close 90, fault of reads 0", "raw 2 131 128, end of the context",
	"MaxPending and PingInterval: stops reading, text e 199, text e 199, ping 90, time passes 8, time passes 8, time passes 8, reads again, text e 9, time passes 8", "MaxPending and PingInterval: stops reading, flood, time passes 8, time passes 8, time passes 8, time passes 8",
	"bare: raw 10 136 130 0 0 0 0 3 232 129 1, time passes 3, end of what", "bare: a Close 90, time passes 7", "bare: raw 10 136 130 0 0 0 0 3 232 129 1, time passes 7", "bare: raw 4 136 0 129 1, time passes 3, end of what", "bare: text e 9, end of what, text e 9",
	// Contexts that have ended before.
	"bounded 30 255, message by 9, text e 9, Ping 255, bounded 200 255, text e 9", "stops reading, message by 9, bounded 30 255, Ping 255, reads again, text e 9", "stops reading, long message 31 200, bounded 9 255, at once, message by 9, Ping 255, reads again",
	// Pings of ours.
	"Ping 8, pong for 0, Ping 8, Ping 8, pong for 1, pong for 0, Ping 3, time passes 4, pong for 0", "Ping 3, Ping 3, Ping 3, pong for 1, time passes 5, Ping 8, end of what",
	"Ping 8, a Close 90", "Ping 8, Close by, a Close 90", "Ping 8, pong 12, Ping 8, pong for 0, time passes 1, a Close 9",
	"Ping 8, at once, Ping 8, at once, Ping 0, pong for 2, time passes 1, Close by, Ping 8, a Close 70", "Ping 8, raw 2 193 128, time passes 7",
	// Compressed messages. Behind what a message says: 0, or 1, how it is compressed (input.Window) and of what blocks.
	// Behind what any other frame says: 31 for RSV1.
	"deflate: text e 50 1 0 0, binary message e 50 1 0 1, text e 50 0, text e 150 1 0 2, text e 150 1 0 4 9 5 9 6 9 0, ping 9 0, text O 50 1 0 0, text L 50 1 0 0, text V 99 1 0 0, a Close 90 0",
	"deflate: fragments e 99 9 1 0 0 0 0, many fragments 31 1 0 0, fragments e 99 9 1 0 4 50 0 0 0, fragments e 99 9 0 0 0, part 9 e 99 1 0 0 0, byte, byte, rest of it, part 30 e 150 1 0 1, rest of it",
	"deflate: fragments e 99 9 1 0 0 31 0", "deflate: text e 50 1 0 0, ping 9 31", "deflate: text e 50 1 0 0, a Close 90 31", "deflate: fragments e 99 9 1 0 0 0 31", "deflate: fragments e 99 9 0 31 0",
	"deflate: text e 150 1 0 0, text e 150 1 24 0, text e 9 1 0 0", "deflate: text e 50 1 25 0, text e 9 1 0 0", "deflate: text e 99 1 26 0 3, text e 9 1 0 0", "deflate: text e 99 1 27 0, text e 9 1 0 0", "deflate: text e 99 1 28 0 9, text e 9 1 0 0",
	"deflate: text e 99 1 29 0 9 3, text e 9 1 0 0", "deflate: text e 99 1 30 0, text e 9 1 0 0", "deflate: text e 99 1 31 0, text e 99 1 31 1, text e 99 1 7 4 9 4 9 0, text e 99 1 0 0",
	"deflate: text e 215 1 0 0, text e 214 1 0 0, text e 9 1 0 0", "deflate: text e 215 1 0 1, ping 9 0, text e 213 1 0 2, text e 9 1 0 0", "deflate: part 60 e 214 1 0 0, byte, byte, rest of it, ping 9 0",
	"deflate: burst 4 e 99 1 0 0 e 99 1 0 0 N 9 0 e 99 1 0 1 O 9 1 0 0 e 99 1 0 0, ping 9 0, message by 99, long message 3 9, text e 99 1 0 0, Close by, text e 99 1 0 0",
	"deflate: text W 99 1 0 0, at once, message by 99, at once, long message 3 9, at once, text e 99 1 0 0, at once, ping 9 0, time passes 2, bounded message 99 3",
	"deflate: stops reading, text e 150 1 0 0, text e 150 1 0 0, message by 99, long message 227 9, flood, ping 9 0, time passes 2, reads again, text e 50 1 0 0",
	"deflate: text e 99 1 0 0, message by 99, time passes 10, time passes 10, text e 99 1 0 0, message by 99, time passes 9, text e 99 1 0 0, time passes 10, time passes 10, text O 99 1 0 0",
	"deflate: text e 99 1 0 0, fault of writes 0, text e 99 1 0 0, message by 99", "deflate: part 9 e 99 1 0 0 0, end of what", "deflate: text F 99 1 0 0", "deflate: text P 99 1 0 0, text e 9 1 0 0", "deflate: part 31 e 99 1 0 0 0, time passes 9, rest of it, time passes 9, time passes 9",
	"deflate: one of the hooks 2, burst 2 e 9 1 0 0 e 99 1 0 0 e 9 1 0 0, a Close 90 0", "deflate: one of the hooks 5, text e 99 1 0 0, text e 99 1 0 0, message by 99, time passes 7",
}
