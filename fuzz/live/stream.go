package live

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/wsproof/wsproof/fuzz/input"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/websocket"
)

// Stream has the peer of a connection send the bytes of the input as they are, in pieces.
// Behind the options, a byte chooses the limits and one the pieces. The oracles are those
// of connHarness.
func Stream(data []byte) error { return runConn(data, streamLimits, (*connHarness).stream) }

// streamLimits are those of the vectors.
func streamLimits(src *input.Source) model.Limits {
	limits := input.RawLimits[int(src.Next())%len(input.RawLimits)]
	if limits.Frame <= 0 {
		limits.Frame = websocket.DefaultMaxFrameSize
	}
	if limits.Message <= 0 {
		limits.Message = websocket.DefaultMaxMessageSize
	}
	return limits
}

// stream sends the rest of the input, in pieces.
func (h *connHarness) stream() error {
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

func explainStream(data []byte) string {
	var src input.Source
	src.Reset(data)
	opt := newConnOptions(&src)
	opt.limits = streamLimits(&src)
	sizes := input.ReadSizes[src.Next()&7]
	return fmt.Sprintf("%v\nin pieces of %v (none: whole), %s", &opt, sizes, input.Annotate(&input.Transcript{Role: opt.role(), Limits: opt.limits, Deflate: opt.deflate(), Input: src.Rest()}))
}

// seedStream takes the vectors, with options by turns.
func seedStream(vectors []vector.Vector) ([][]byte, error) {
	var seeds [][]byte
	for i := range vectors {
		seed, err := streamSeed(&vectors[i], i)
		if err != nil {
			return nil, err
		}
		if seed != nil {
			seeds = append(seeds, seed)
		}
	}
	return seeds, nil
}

// streamSeed is the input of target Stream whose peer sends a vector; nil if nothing like
// that can be agreed on there.
func streamSeed(v *vector.Vector, i int) ([]byte, error) {
	limits := slices.Index(input.RawLimits[:], v.Limits)
	if limits < 0 {
		return nil, fmt.Errorf("%s: vector %s: limits %+v are not in the table input.RawLimits: add them", v.Where(), v.ID, v.Limits)
	}
	head := connOptionBits(i)
	if d := v.Deflate; d != nil {
		terms := *d
		terms.ServerMaxWindowBits, terms.ClientMaxWindowBits = cmp.Or(d.ServerMaxWindowBits, 15), cmp.Or(d.ClientMaxWindowBits, 15)
		i := slices.Index(connTerms[:], terms)
		if i < 0 { // a window between the largest and the smallest, which target Reassembly has
			return nil, nil
		}
		head[3] |= bitDeflate>>24 | byte(i)*(bitTerms>>24)
	}
	head[0] &^= bitClient
	if v.Role == model.Client {
		head[0] |= bitClient
	}
	return append(append(head, byte(limits), byte(i)), v.Input...), nil
}
