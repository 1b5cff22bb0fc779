package live

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/vector"
)

func explainHandler(data []byte) string {
	var b strings.Builder
	var src input.Source
	src.Reset(data)
	fmt.Fprintf(&b, "an HTTPHandler and its connections, by number; at first one; options %08b (from the right: ReuseBuffers, OnOpen, OnClose, contexts asked late, no Context, sockets, timeouts, interrupted calls), %02b (pings, two servers):\n", src.Next(), src.Next())
	for i, op := range src.Rest() {
		fmt.Fprintf(&b, "  %3d: %d, %s\n", i+handlerHead, op>>4&7, handlerOps[op&15])
	}
	return b.String()
}

// seedHandler takes pseudo-random ops.
func seedHandler([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for n := range 128 {
		ops := input.RandomInput(make([]byte, handlerHead), 19, uint64(n))
		ops[0], ops[1] = byte(n)&31|byte(n*37)&^31, byte(n>>1)
		for i := range ops[handlerHead:] {
			if op := &ops[handlerHead+i]; i < 4 && *op&12 == 12 {
				*op &^= 8 // at first, some life
			}
		}
		seeds = append(seeds, ops)
	}
	for i, scenario := range handlerScenarios {
		ops, err := parseHandlerOps(scenario)
		if err != nil {
			return nil, err
		}
		for n, options := range [...]handlerOptions{handlerSocket | handlerServers, handlerSocket | handlerTimes | handlerInterrupts, handlerTimes, handlerSocket | handlerTimes, handlerSocket | handlerInterrupts, handlerSocket | handlerPings, handlerPings | handlerTimes | handlerServers, handlerPings | handlerSocket | handlerTimes} {
			seeds = append(seeds, append([]byte{byte(options) | byte(i+5*n)&31, byte(options >> 8)}, ops...))
		}
	}
	return seeds, nil
}

// handlerScenarios are ops, each a word of handlerOps and the number that chooses, as in
// parseHandlerOps. Each of the pauses, and of the connections, has its turn.
var handlerScenarios = []string{
	// Idle, and woken by messages.
	"time 5, text 0, time 5, time 5, text 0, text 0, time 5, text 0, time 5, time 6", "time 1, text 0, time 1, text 0, time 2, text 0, time 3, text 0, time 4, text 0, time 5, text 0, time 6, text 0, time 7",
	"new 0, new 0, time 5, text 0, text 1, time 5, text 2, time 2, text 2, time 2, text 0, time 5, time 7, text 0, text 1, text 2, time 5", "time 7, time 7, time 7, text 0, time 6, time 6, text 0, time 4, text 0, time 6, time 6",
	"time 6, time 5, time 1, text 0, time 7, time 4, time 2, text 0, time 7, time 7", "time 4, time 4, text 0, time 4, text 0, time 4, text 0, time 4, text 0, time 4, text 0, time 5, time 5",
	"new 0, time 5, text 4, text 5, time 6, text 0, time 6, text 1, time 6", "ends with 0, time 7, new 0, time 5, text 1, time 5, time 7",
	// Busy from the first, then idle.
	"text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, time 2, text 0, time 3, text 0, time 4, text 0, time 5", "time 5, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, text 0, time 0, time 5, text 0, time 0, text 0, time 1, text 0, time 6",
	// Within a message.
	"request 1, time 5, request 2, time 5, text 0, request 1, time 6, time 2, time 5", "time 5, request 1, time 1, request 2, time 5, request 1, time 7, time 5", "new 0, time 7, request 1, time 6, time 3, time 5, text 0, time 5",
	// Faults of epoll.
	"request 4, time 5, text 0, time 5", "request 5, time 5, text 0, time 5, time 6, text 0", "time 5, request 6, text 0, time 5, text 0, time 6", "time 5, request 7, text 0, time 5, request 7, time 6, text 0", "new 0, new 0, request 5, time 1, request 6, time 5, text 0, text 1, text 2, time 6",
	// The ends.
	"new 0, new 0, time 5, a Close 0, time 5, the end 1, time 5, text 2, time 5", "new 0, new 0, time 5, panics 0, aborts 1, time 1, fails 2, time 5", "new 0, time 5, Shutdown for a 0, time 5, time 6", "new 0, new 0, time 5, text 1, Shutdown for long 0, time 5, time 7",
	"time 5, does not read 0, text 0, time 5, text 0, reads again 0, time 5, text 0", "waits 0, time 5, Shutdown for a 0, what waits 0, time 5", "request 3, new 0, request 3, text 0, request 0, Shutdown for a 0, time 5", "waits 0, text 0, what waits 0, text 1, time 5, text 0, text 1, time 6", "new 0, ends with 1, time 5, Shutdown for a 0, time 4, time 5",
	"what waits 4, new 0, time 5, a Close 0, text 1, time 5, what waits 0, time 5, text 0", "does not read 0, text 0, text 0, time 7, time 5, reads again 0, time 5", "new 0, does not read 0, time 5, Shutdown for long 0, time 7, time 7", "time 5, aborts 0, new 0, time 5, ends with 1, the end 1, time 5",
}

// parseHandlerOps returns the ops of a scenario.
func parseHandlerOps(text string) ([]byte, error) {
	var ops []byte
	for part := range strings.SplitSeq(text, ", ") {
		cut := strings.LastIndexByte(part, ' ')
		op := slices.IndexFunc(handlerOps[:], func(name string) bool { return strings.Contains(name, part[:max(cut, 0)]) })
		n, err := strconv.Atoi(part[cut+1:])
		if op < 0 || err != nil || n > 7 {
			return nil, fmt.Errorf("scenario %q: there is no op %q", text, part)
		}
		ops = append(ops, byte(op|n<<4))
	}
	return ops, nil
}
