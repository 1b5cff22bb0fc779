package input

import (
	"bytes"
	"fmt"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
)

// SeedsEnv is the environment variable that, set to none, leaves the vectors away
// as seeds: to see what a Generator reaches by itself.
const SeedsEnv = "WSPROOF_SEEDS"

// StructuredSeeds are inputs of pseudo-random bytes for targets that generate a
// transcript of them: vectors become seeds that are transcripts as they are, and
// would leave the Generator aside.
func StructuredSeeds() [][]byte {
	var seeds [][]byte
	for n := range uint64(32) {
		seeds = append(seeds, RandomInput(nil, 11, n))
	}
	return seeds
}

func SeedTranscripts(vectors []vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range vectors {
		v := &vectors[i]
		seed, err := RawInput(v.Role, v.Limits, v.Input)
		if err != nil {
			return nil, fmt.Errorf("%s: vector %s: %w", v.Where(), v.ID, err)
		}
		if v.Deflate != nil {
			seed = Compressed(*v.Deflate, seed)
		}
		seeds = append(seeds, seed)
	}
	seeds = append(seeds, StructuredSeeds()...)
	for _, d := range []model.Deflate{{ServerMaxWindowBits: 8, ClientMaxWindowBits: 8}, {}, {ServerNoContextTakeover: true, ClientNoContextTakeover: true}} {
		for _, role := range []model.Role{model.Server, model.Client} {
			for more := range 4 {
				raw, err := RawInput(role, RawLimits[0], conversation(role, more))
				if err != nil {
					return nil, err
				}
				seeds = append(seeds, Compressed(d, raw))
			}
		}
	}
	for n := range uint64(24) {
		seeds = append(seeds, Compressed(agreedBy(byte(n*37)), RandomInput(nil, 13, n)))
	}
	return seeds, nil
}

func ExplainTranscript(data []byte) string {
	return Annotate(NewTranscriptGenerator().Generate(data))
}

// conversation are messages that repeat each other, near and far, of lengths by which
// target Reassembly sends them back in all of its ways; more bytes change those.
func conversation(role model.Role, more int) (b []byte) {
	send := func(opcode byte, payload []byte) {
		b = (&wire.Frame{Fin: true, Opcode: opcode, Masked: role == model.Server, Payload: payload}).Append(b)
	}
	var words []byte
	for i := range 60 {
		words = fmt.Appendf(words, "%d:%x ", i*i, i*7919)
	}
	noise := make([]byte, 70)
	for i := range noise {
		noise[i] = byte(i*i*7 + i*131>>3)
	}
	way := func(k, least int) int { // a length by which message k goes this way
		for (k+least)%8 != [...]int{0, 6, 1, 5, 2, 6, 7, 3}[k%8] {
			least++
		}
		return least
	}
	for k := range 16 {
		text := append(bytes.Clone(words[k*3:k*3+60]), words...)
		if k == 5 || k == 9 {
			send(wire.Binary, noise[:way(k, 40)])
			continue
		}
		send(wire.Text, append(text, words...)[:way(k, 460+more+k%3)])
	}
	for range more {
		send(wire.Ping, nil)
	}
	return b
}
