package wirefuzz

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// TestCompressedCore: with permessage-deflate the core breaks nothing either.
func TestCompressedCore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]websocket.Compression{
		"default":     {},
		"small":       {ServerWindowBits: 8, ClientWindowBits: 9},
		"no takeover": {ServerNoContextTakeover: true, ClientNoContextTakeover: true, Threshold: 1},
	} {
		findings, notes, report := keys(t, websocket.NewHandler(websocket.EchoHandler, websocket.Options{Compression: &c}), Config{Executions: 1000, Compression: true})
		for key, g := range findings {
			t.Errorf("%s: %s: %s: %.60x", name, key, g.Why, g.Input)
		}
		for key, g := range notes {
			if key != "length-not-minimal: stricter" && !strings.HasPrefix(key, "message-too-large: limit") {
				t.Errorf("%s: note %s: %s: %.60x", name, key, g.Why, g.Input)
			}
		}
		if !report.Seeded || !strings.HasPrefix(report.Extensions, "permessage-deflate") {
			t.Errorf("%s: report %+v", name, report)
		}
	}
}

// TestCompressedModel: nor does a server by the model, be it late, or lenient where RFC
// 7692 lets it be.
func TestCompressedModel(t *testing.T) {
	t.Parallel()
	for name, off := range map[string][]model.Rule{
		"strict":   nil,
		"late":     {model.DeflateFailFast, model.TextNotUTF8FailFast},
		"window":   {model.WindowExceeded},
		"ends":     {model.FinalMayEnd},
		"too much": {model.CompressedTooLarge},
	} {
		findings, _, _ := keys(t, &rogue{deflate: true, off: off}, Config{Executions: 700, Compression: true})
		for key, f := range findings {
			t.Errorf("%s: %s: %s: %.60x", name, key, f.Why, f.Input)
		}
	}
}

// TestCompressedRogues: each is found.
func TestCompressedRogues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		off  []model.Rule
		want string // a finding, or a note
	}{
		{[]model.Rule{model.CompressedControl}, "compressed-control-frame: accepts"},
		{[]model.Rule{model.CompressedContinuation}, "compressed-continuation: accepts"},
		{[]model.Rule{model.FinalGoesOn, model.BlockInvalid}, "deflate-final-goes-on: alters"},
		{[]model.Rule{model.ContextKept}, "message-received: refuses a message"},
		{[]model.Rule{model.MessageCut}, "note deflate-message-cut: accepts"},
		{[]model.Rule{model.BlockInvalid}, "note deflate-block-invalid: accepts"},
		{nil, "deflate-block-invalid: sends"},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			g := &rogue{deflate: true, off: c.off}
			if c.off == nil {
				g.frame = func(f *wire.Frame) {
					if f.Opcode == wire.Text && len(f.Payload) == 12 {
						f.RSV, f.Payload = 4, []byte{0xff, 0xff}
					}
				}
			}
			for seed := range uint64(3) { // by chance: other inputs
				findings, notes, _ := keys(t, g, Config{Executions: 900, Jobs: 8, Patience: 0.3, Seed: seed, Compression: true})
				note, ok := strings.CutPrefix(c.want, "note ")
				if findings[c.want] != nil || ok && notes[note] != nil {
					return
				}
				if seed == 2 {
					t.Errorf("not found: %v, notes %v", slices.Sorted(maps.Keys(findings)), slices.Sorted(maps.Keys(notes)))
				}
			}
		})
	}
}

// TestDeclined: a server that does not compress is told so.
func TestDeclined(t *testing.T) {
	t.Parallel()
	client := clientOf(t, websocket.NewHandler(websocket.EchoHandler, websocket.Options{}))
	_, err := Run(t.Context(), Config{Client: client, Executions: 1, Compression: true})
	if err == nil || !strings.Contains(err.Error(), "does not agree on permessage-deflate") {
		t.Errorf("Run with a server that declines returned %v", err)
	}
}
