package fuzz

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// A Target is one fuzz target: its name without the word Fuzz, the check behind
// it, how its inputs are told in words, and its seeds.
type Target struct {
	Name    string
	Check   func(data []byte) error
	Explain func(data []byte) string
	Seeds   func(vectors []vector.Vector) ([][]byte, error)
}

// Targets returns every target.
func Targets() []Target {
	return []Target{
		{"ReadFrame", ReadFrame, explainReadFrame, seedReadFrame},
		{"MarshalFrame", MarshalFrame, explainMarshalFrame, seedMarshalFrame},
		{"Mask", Mask, explainMask, seedMask},
		{"Reassembly", Reassembly, explainTranscript, seedTranscripts},
		{"FrameMessage", FrameMessage, explainFrameMessage, seedFrameMessage},
		{"UTF8", UTF8, explainUTF8, seedUTF8},
		{"Handshake", Handshake, explainHandshake, seedHandshake},
		{"Serve", Serve, explainServe, seedServe},
		{"Peers", Peers, explainTranscript, seedTranscripts},
		{"Target", Remote, explainTranscript, seedRemote},
	}
}

// Seeds returns the seeds of a target: every fourth of the shared vectors, in one
// role by turns, and the table of its unit. The others, the beginnings of cut
// transcripts and long transcripts are left to the test that replays every vector
// ([AllSeeds]): the engine needs 5 to 40 ms for a seed before it begins. That there
// are none is an error.
func Seeds(target string) ([][]byte, error) {
	if os.Getenv(SeedsEnv) == "none" {
		return structuredSeeds(), nil
	}
	if known, ok := knownSeeds.Load(target); ok {
		return known.([][]byte), nil
	}
	list, err := seeds(target, func(i int, v *vector.Vector) bool {
		return len(v.Input) <= 4096 && !strings.HasSuffix(v.ID, "-bytes") && i/2%4 == 0 && i&1 == i/8&1
	})
	if err == nil {
		knownSeeds.Store(target, list)
	}
	return list, err
}

// knownSeeds keeps what Seeds has returned: libFuzzer calls the whole target for
// each input, seeds included.
var knownSeeds sync.Map

// structuredSeeds are inputs of pseudo-random bytes for targets that generate a
// transcript of them: vectors become seeds that are transcripts as they are, and
// would leave the generator aside.
func structuredSeeds() [][]byte {
	var seeds [][]byte
	for n := range uint64(32) {
		seeds = append(seeds, randomInput(nil, 11, n))
	}
	return seeds
}

// SeedsEnv is the environment variable that, set to none, leaves the vectors away
// as seeds: to see what a generator reaches by itself.
const SeedsEnv = "WSPROOF_SEEDS"

// AllSeeds is Seeds with every vector.
func AllSeeds(target string) ([][]byte, error) {
	return seeds(target, func(int, *vector.Vector) bool { return true })
}

func seeds(target string, keep func(i int, v *vector.Vector) bool) ([][]byte, error) {
	t, ok := find(target)
	if !ok {
		return nil, fmt.Errorf("there is no target %q", target)
	}
	all, err := vector.Load()
	if err != nil {
		return nil, err
	}
	var vectors []vector.Vector
	for i := range all {
		if keep(i, &all[i]) {
			vectors = append(vectors, all[i])
		}
	}
	seeds, err := t.Seeds(vectors)
	if err == nil && len(seeds) == 0 {
		err = fmt.Errorf("target %s has no seeds", target)
	}
	return seeds, err
}

func seedReadFrame(vectors []vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range vectors {
		v := &vectors[i]
		limit := max(0, slices.Index(frameLimits[:], v.Limits.Frame))
		first := byte(limit<<1 | i<<4)
		if v.Role == model.Client {
			first |= 1
		}
		seeds = append(seeds, append([]byte{first}, v.Input...))
	}
	// At each limit: no payload, one as long, one byte more, and what no slice holds.
	for i, limit := range frameLimits {
		for _, n := range []uint64{0, uint64(max(limit, 1)), uint64(max(limit, 0)) + 1, 1 << 63} {
			f := wire.Frame{Opcode: wire.Binary, Masked: true, Key: [4]byte{0x37, 0xfa, 0x21, 0x3d}, Length: n, Payload: padding[:min(n, 200)]}
			for _, split := range []byte{0, 3} {
				seeds = append(seeds, f.Append([]byte{byte(i<<1) | split<<4}))
			}
		}
	}
	return seeds, nil
}

func seedTranscripts(vectors []vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range vectors {
		v := &vectors[i]
		seed, err := rawInput(v.Role, v.Limits, v.Input)
		if err != nil {
			return nil, fmt.Errorf("%s: vector %s: %w", v.Where(), v.ID, err)
		}
		seeds = append(seeds, seed)
	}
	return append(seeds, structuredSeeds()...), nil
}

// seedRemote takes the vectors for servers.
func seedRemote(vectors []vector.Vector) ([][]byte, error) {
	return seedTranscripts(slices.DeleteFunc(slices.Clone(vectors), func(v vector.Vector) bool { return v.Role == model.Client }))
}

// seedMarshalFrame makes a frame with each head, a masking key or none, and each
// of the boundary lengths.
func seedMarshalFrame([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range boundaries {
		// The head, the shape of the key, the key, then prefix, room, alignment,
		// and the choice of a boundary length.
		seeds = append(seeds,
			[]byte{byte(i * 17), 0, byte(i), 0, 0, 0, byte(i), 'x'},
			[]byte{byte(0x80 | i), 7, 0x37, 0xfa, 0x21, 0x3d, byte(i), byte(i), byte(i), 0, byte(i), 'x', 'y'})
	}
	// Reasons of a Close that are cut inside each kind of character.
	for _, char := range []string{"a", "\u00e9", "\u20ac", "\U0001f600"} {
		for n := range 4 {
			head := []byte{0x88, 7, 3, 0xe8, 0x21, 0x3d, 0, 3, byte(n), 8}
			seeds = append(seeds, append(head, strings.Repeat("a", n)+strings.Repeat(char, 126/len(char))...))
		}
	}
	return seeds, nil
}

// seedMask takes each length up to 130 at changing alignments, and the boundary
// lengths.
func seedMask([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	seed := func(i, n int) {
		s := []byte{0x37, 0xfa, 0x21, 0x3d, byte(i), byte(3*i | i<<7), byte(i & 127), byte(7 * i)}
		for k := range n {
			s = append(s, byte(k*5+1))
		}
		seeds = append(seeds, s)
	}
	for n := range 130 {
		seed(n, n)
	}
	for i, n := range boundaries {
		seed(i, n)
	}
	return seeds, nil
}

// seedFrameMessage takes a text and a binary message of each shape of length and
// of frame size.
func seedFrameMessage([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for size := range 16 {
		for shape := range 6 {
			for binary := range 2 {
				seeds = append(seeds, append([]byte{byte(binary), byte(size * shape), 1, byte(size), byte(shape), 16, 3}, "Hello, w\xf0rld: \xc3\xa9"...))
			}
		}
	}
	return seeds, nil
}

// seedUTF8 takes each piece of text, alone and between other text.
func seedUTF8([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i, piece := range pieces {
		seeds = append(seeds,
			append([]byte{0, 0, 0, byte(i)}, piece...),
			append([]byte{byte(i * 5), 0, byte(i % 4), byte(i)}, pieces[i%14]+piece...),
			append([]byte{31, 32, byte(64 + i), byte(i)}, piece+pieces[i%14]...))
	}
	// One wrong byte at each place of a short text, and at the seams of a long one.
	for n := 7; n <= 72; n++ {
		for at := range n {
			if n <= 18 || n%8 <= 3 && (at%8 == 0 || at%8 == 7 || at == n-1) && n%5 == at%5 {
				text := bytes.Clone(padding[:n])
				text[at] = 0xff
				seeds = append(seeds, append([]byte{0, 0, 0, byte(at & 1)}, text...))
			}
		}
	}
	// A long fragment that ends inside a character, of each kind of first byte.
	for i, whole := range []string{"\u0080", "\u0800", "\u1000", "\ud7ff", "\uffff", "\U00010000", "\U00040000", "\U0010ffff"} {
		for cut := 1; cut < len(whole); cut++ {
			seeds = append(seeds, append([]byte{64, 40, byte(64 + cut), byte(i & 1)}, whole...))
		}
	}
	for i, whole := range []string{"\u00e9", "\u20ac", "\U0001f600"} {
		for cut := 1; cut < len(whole); cut++ {
			// Cut into fragments that end inside the character, short and long, in
			// whole reads and others.
			for _, front := range []int{0, 5, 31, 64, 100} {
				for _, reads := range []int{0, 1, 12, 15} {
					seeds = append(seeds, append([]byte{byte(front), 40, byte(front + cut), byte(reads)}, whole...))
				}
			}
			// Torn apart by ASCII of every length that is skipped at once, at the end
			// of a block of 16 and of a fragment.
			for _, gap := range []int{1, 4, 7, 8, 9, 15, 16, 17, 24, 32, 33, 64} {
				torn := whole[:cut] + string(padding[:gap]) + whole[cut:]
				seeds = append(seeds,
					append([]byte{byte(16 - cut), byte(gap & 3), 0, byte(i & 1)}, torn...),
					append([]byte{byte(40 - cut), byte(gap & 3), 40, byte(i & 1)}, torn...))
			}
		}
	}
	return seeds, nil
}

// seedHandshake takes a right request and answer, each line of them left out,
// twice, or with another value, and frames behind.
func seedHandshake([]vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	hello := "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
	request := []string{
		"GET /chat HTTP/1.1", "Host: peer.example", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "Origin: http://peer.example",
		"Sec-WebSocket-Protocol: chat, superchat", "Sec-WebSocket-Extensions: permessage-deflate",
	}
	answer := []string{
		"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ACCEPT",
		"Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: permessage-deflate",
	}
	env := byte(0)
	add := func(side byte, preset string, lines []string, behind string) {
		name := byte(len(seeds)) << 6
		seed := append([]byte{side | byte(len(seeds)<<1), byte(len(preset)) | name, env}, preset...)
		seeds = append(seeds, append(seed, strings.Join(lines, "\r\n")+"\r\n\r\n"+behind...))
	}
	for side, lines := range [][]string{request, answer} {
		behind := hello
		plain := lines[:6]
		if side == 1 {
			behind, plain = "\x81\x05Hello\x88\x00", lines[:4]
		}
		for range 8 {
			add(byte(side), "", plain, behind)
		}
		add(byte(side), "", lines, behind)
		for _, value := range []string{"value\r\nX-Injected: 1\x00", "one, two"} {
			for range 4 { // under each name
				add(byte(side), value, plain, behind)
			}
		}
		for bits := range 256 / 3 {
			env = byte(bits * 3)
			add(byte(side), "", slices.Concat(plain, []string{[]string{"Origin: http://other.example", "Sec-WebSocket-Protocol: superchat, chat", "Origin: https://peer.example:443", "X-Other: 1"}[bits&3]}), behind)
		}
		for how := range origins {
			env = byte(how << 2)
			for _, origin := range []string{"https://a.other.example", "ftp://other.example", "https://peer.example:443", "ftp://peer.example"} {
				add(byte(side), "", slices.Concat(plain, []string{"Origin: " + origin}), behind)
			}
		}
		env = 0
		for i, line := range lines {
			add(byte(side), "", slices.Concat(plain, lines[i:i+1]), behind)
			add(byte(side), "", slices.Concat(lines[:i], lines[i+1:]), behind)
			name, _, _ := strings.Cut(line, ":")
			for _, value := range []string{"", "x", "keep-alive, Upgrade", "WEBSOCKET", "8", "13, 8", "null", "http://other.example", "none", "\tchat ,", "websocket2, upgrade2", "keep-alive,\tUPGRADE , x", "upgrad", "http://peer.example:81", "dGhlIHNhbXBsZSBub25jZSAx", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZ-==", "dGhlIHNhbXBsZSBub25jZQA=", "superchat"} {
				add(byte(side), "", slices.Concat(lines[:i], []string{name + ": " + value}, plain[min(i+1, len(plain)):]), behind)
			}
		}
		// More behind it than a connection's buffer holds.
		seeds = append(seeds, append([]byte{byte(side) | 0xF0, 0, 0}, strings.Join(plain, "\r\n")+"\r\n\r\n"+strings.Repeat(behind, 800)...))
		for _, more := range []string{"Origin: http://peer.example\r\nOrigin: http://peer.example", "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat", "Content-Length: 5", "Transfer-Encoding: chunked", "Upgrade: other", "Connection: x", "Origin: http://a.example", "X-Folded: a\r\n b"} {
			add(byte(side), "", slices.Concat(plain, []string{more}), behind)
		}
		for _, first := range []string{"POST /chat HTTP/1.1", "GET /chat HTTP/1.0", "GET * HTTP/1.1", "GET http://peer.example/ HTTP/1.1", "HTTP/1.1 200 OK", "HTTP/1.0 101 Switching Protocols", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols"} {
			add(byte(side), "", slices.Concat([]string{first}, plain[1:]), behind)
		}
	}
	return seeds, nil
}

func find(name string) (Target, bool) {
	name = strings.TrimPrefix(name, "Fuzz")
	for _, t := range Targets() {
		if t.Name == name {
			return t, true
		}
	}
	return Target{}, false
}

func explainTranscript(data []byte) string {
	return Annotate(newTranscriptGenerator().generate(data))
}

func explainReadFrame(data []byte) string {
	var first byte
	if len(data) > 0 {
		first, data = data[0], data[1:]
	}
	limit := frameLimits[first>>1&7]
	t := &Transcript{Role: model.Role(first&1 != 0), Limits: model.Limits{Frame: limit, Message: 1 << 62}, Input: data}
	return fmt.Sprintf("ReadFrame with limit %d; as a conversation (the decoder judges masking, minimal length and the limit alone):\n%s", limit, Annotate(t))
}

func explainMarshalFrame(data []byte) string {
	h := marshalHarnesses.New().(*marshalHarness)
	h.gen.fill(data, &h.spec)
	s := &h.spec
	f := websocket.NewFrame(websocket.Opcode(s.Head&15), s.Head&0x80 != 0, s.Payload)
	return fmt.Sprintf("%v with first byte %#02x, key %x, payload %x, appended behind %d bytes\n", f, s.Head, s.Key, clip(s.Payload), s.Prefix)
}

func explainMask(data []byte) string {
	var head [8]byte
	payload := data[copy(head[:], data):]
	return fmt.Sprintf("key %x, source at %d, destination at %d, reads of %d and %d bytes, payload of %d bytes %x\n",
		head[:4], head[4]&63+1, head[5]&63, int(head[6]&127)+1, int(head[7])+1, len(payload), clip(payload))
}

func explainFrameMessage(data []byte) string {
	h := messageHarnesses.New().(*messageHarness)
	h.gen.fill(data, &h.spec)
	s := &h.spec
	return fmt.Sprintf("%v in frames of %d bytes, a ping before frame %d, key %d\n", websocket.Message{Binary: s.Binary, Payload: s.Payload}, s.Size, s.Ping+1, s.Key)
}

func explainUTF8(data []byte) string {
	var head [4]byte
	text := data[copy(head[:], data):]
	return fmt.Sprintf("%d bytes of ASCII, then %q (%x), then %d bytes of ASCII, in fragments of %d bytes (0: whole), to a %v in reads of %v\n",
		head[0], text, text, head[1]&63, head[2], model.Role(head[3]&1 != 0), transcriptSizes[head[3]>>1&7])
}
