package live

import (
	"fmt"
	"math/rand"
	"slices"
	"time"

	gofuzz "github.com/google/gofuzz"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

// later lets every other bubble begin an hour later. What looks for quiet compressors is the
// process's, and would take the timer of the bubble before for its own.
func later() {
	if bubbles++; bubbles%2 == 0 {
		time.Sleep(time.Hour)
	}
}

var bubbles int

// meant is what the model makes of what the peer sent.
func (h *connHarness) meant(sent []byte) model.Outcome {
	if d := h.opt.deflate(); d != nil {
		return model.ReadCompressed(h.opt.role(), h.opt.limits, *d, sent)
	}
	return model.Read(h.opt.role(), h.opt.limits, sent)
}

// frames returns a control frame, or the frames of a message in such fragments. Where
// permessage-deflate was agreed on, the message is mostly compressed, and cut into as
// many; now and then RSV1 is where it must not be.
func (h *connHarness) frames(opcode byte, fragments ...[]byte) [][]byte {
	compresses, rsv := h.opt.deflate() != nil, byte(0)
	if compresses && opcode&8 == 0 && len(fragments) > 0 {
		if c := (gofuzz.Continue{Rand: rand.New(&h.src)}); c.Intn(4) != 0 {
			packed := h.window.Compress(c, slices.Concat(fragments...))
			for i, n := 0, len(fragments); i < n; i++ {
				fragments[i] = packed[i*len(packed)/n : (i+1)*len(packed)/n]
			}
			rsv = 4
		}
	}
	var frames [][]byte
	for i, p := range fragments {
		if compresses && opcode != wire.Text && opcode != wire.Binary && h.src.Next()&31 == 31 {
			rsv = 4
		}
		frames = append(frames, h.frame(opcode, rsv, i == len(fragments)-1, p))
		opcode, rsv = wire.Continuation, 0
	}
	return frames
}

// inflated returns what message n on the wire says, which is compressed. It is asked for
// messages in their order, and may be asked for one again.
func (h *connHarness) inflated(n int, payload []byte) ([]byte, error) {
	for len(h.opened) < n {
		h.opened = append(h.opened, nil)
	}
	if h.opened[n-1] == nil {
		m := model.Message{Payload: payload}
		if err := h.inflater.message(&m); err != nil {
			return nil, fmt.Errorf("message %d was sent compressed: %w", n, err)
		}
		if len(m.Payload) <= len(payload) || len(m.Payload) < h.opt.threshold() {
			return nil, fmt.Errorf("message %d of %d bytes was sent as %d, compressed; Threshold is %d", n, len(m.Payload), len(payload), h.opt.threshold())
		}
		h.opened[n-1] = m.Payload
	}
	return h.opened[n-1], nil
}
