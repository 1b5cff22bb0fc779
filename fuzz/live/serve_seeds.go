package live

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
)

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
	// A peer that does not read.
	"stops reading, flood, message by 30, ping 9, reads again, text e 9",
	"stops reading, text e 9, flood, time passes 6, reads again",
	"stops reading, message by 30, bounded 30 0, time passes 1, message by 20, reads again, text e 5",
	"stops reading, bounded 30 0, message by 30, time passes 1, reads again",
	"stops reading, long message 40 9, at once, bounded 200 3, time passes 6, time passes 6, reads again, text e 9",
	"stops reading, message by 9, end of the context, reads again",
	"stops reading, text e 30, Close, time passes 5, time passes 7",
	"stops reading, text F 30, time passes 5, reads again",
	"stops reading, text e 30, a Close 90, time passes 4, reads again",
	"stops reading, Close by, message by 9, ping 9, time passes 4, reads again, time passes 7",
	"stops reading, message by 9, message by 9, text e 9, Ping 3, Close by, reads again, a Close 10",
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
	"PingInterval: time passes 8, time passes 8, time passes 8, text e 9, time passes 8, time passes 8, time passes 8, time passes 8", "PingInterval: time passes 7, time passes 6, time passes 8, time passes 8, Ping 8, time passes 8",
	"time passes 9, raw 2 131 5, time passes 3, time passes 4",
	"time passes 9, raw 2 131 133, time passes 3, time passes 4", "time passes 9, a Close 70, time passes 3, time passes 4",
	"stops reading, a Close 90, fault of writes 0", "stops reading, a Close 90, time passes 1, end of the context, end of what", "stops reading, raw 2 131 128, fault of writes 0",
	"stops reading, text F 9, fault of writes 0", "a Close 90, fault of reads 0", "raw 2 131 128, end of the context",
	// Pings of ours.
	"Ping 8, pong for 0, Ping 8, Ping 8, pong for 1, pong for 0, Ping 3, time passes 4, pong for 0", "Ping 3, Ping 3, Ping 3, pong for 1, time passes 5, Ping 8, end of what",
	"Ping 8, at once, Ping 8, at once, Ping 0, pong for 2, time passes 1, Close by, Ping 8, a Close 70", "Ping 8, raw 2 193 128, time passes 7",
}

// seedServe takes the vectors as they are, the scenarios with options by turns (or
// "plainly" with hardly any, where the core takes its short ways),
// pseudo-random ops, and transcripts on a socket.
func seedServe(vectors []vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range vectors {
		seed, err := rawServe(&vectors[i], i)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, seed)
	}
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
		for turn := range 4 {
			head := serveOptionBits(4*i + turn)
			switch {
			case plainly: // by Serve, with nothing else to do
				head = []byte{byte(turn & 1 * bitReuse), byte(turn >> 1 * bitLimits >> 8), bitFewHooks >> 16}
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
		seeds = append(seeds, input.RandomInput(serveOptionBits(int(n)), 13, n))
	}
	for i := range vectors {
		if i%4 != 0 && len(vectors) < 1000 {
			continue
		}
		raw, err := input.RawInput(vectors[i].Role, vectors[i].Limits, vectors[i].Input)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, append(socketOptionBits(i), raw...))
	}
	for n := range uint64(32) {
		seeds = append(seeds, input.RandomInput(socketOptionBits(int(n)), 17, n))
	}
	for n := range 32 {
		seeds = append(seeds, append(socketOptionBits(n), largeMessages(n)...))
	}
	for n := range 48 {
		ops := input.RandomInput([]byte{0, 0, (bitRaw | bitSocket) >> 16}, 19, uint64(n))
		for i := range ops[serveHead:] {
			if op := &ops[serveHead+i]; i < 4 && *op&12 == 12 {
				*op &^= 8 // at first, some life
			}
		}
		seeds = append(seeds, ops)
	}
	return seeds, nil
}

// scenarioBits are the options that a scenario needs and names in front.
var scenarioBits = map[string]int{"ReadTimeout: ": bitReadTimeout, "MessageTimeout: ": bitMessageTimeout, "PingInterval: ": bitPings | bitAnswers}

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
		op := -1
		for i, o := range serveOps {
			if strings.Contains(o.name, strings.Join(words, " ")) {
				op = i
				break
			}
		}
		if op < 0 {
			return nil, fmt.Errorf("scenario %q: there is no op %q", text, strings.Join(words, " "))
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

// largeMessages are the decisions for a transcript of messages around the size from
// which a socket's replies are sent from where they were read, with small ones and
// pings between. It is for a server but every eighth time.
func largeMessages(n int) []byte {
	limits := n >> 1 & 4 // frames of at most 16 KiB, or of 64 KiB
	in := []byte{byte(limits<<1 | n<<4&0x70)}
	if n%8 == 7 {
		in[0] |= 1
	}
	message := func(i, size int) {
		in = append(in, 0, 1, byte(i&1), 0, byte(slices.Index(input.Boundaries[:], size)), 0, byte(i), byte(37*i))
	}
	for i, size := range []int{4096, 4097, 5, 8193, 4095, 4096, 125, 8192, 8191, 4097, 126, 65535, 65536} {
		if limits == 0 && size > 16<<10 {
			continue
		}
		message(i+n, size)
		if i%4 == n%4 {
			in = append(in, 12, 2, byte(i), byte(n), byte(i)) // a ping
		}
	}
	return in
}

// serveOptionBits are options of which each has its turn, alone and with others.
func serveOptionBits(n int) []byte {
	bits := n*0x9E3779B1>>3&^(bitRaw|bitSocket) | 1<<(n%20)
	if n%3 == 0 {
		bits &= bitClient | bitReuse | bitUser*3 | bitReadTimeout | bitMessageTimeout | bitEnding*3 | bitFewHooks
	}
	return []byte{byte(bits), byte(bits >> 8), byte(bits >> 16)}
}

func socketOptionBits(n int) []byte {
	bits := n&3<<1 | n>>2&1*bitSlow | n>>3&1*bitAnswers | n&2*bitReadTimeout | n>>1&1*bitFewHooks | bitSocket
	return []byte{byte(bits), byte(bits >> 8), byte(bits >> 16)}
}

// rawServe is the input of target Serve whose peer sends a vector.
func rawServe(v *vector.Vector, i int) ([]byte, error) {
	limits := slices.Index(input.RawLimits[:], v.Limits)
	if limits < 0 {
		return nil, fmt.Errorf("%s: vector %s: limits %+v are not in the table input.RawLimits: add them", v.Where(), v.ID, v.Limits)
	}
	head := serveOptionBits(i)
	head[0] &^= bitClient
	if v.Role == model.Client {
		head[0] |= bitClient
	}
	head[2] = head[2]&^(bitSocket>>16) | bitRaw>>16
	return append(append(head, byte(limits), byte(i)), v.Input...), nil
}
