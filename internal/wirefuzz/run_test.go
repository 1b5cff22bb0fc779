package wirefuzz

import (
	"bytes"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/leak"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

func TestMain(m *testing.M) {
	if planted() {
		return
	}
	leak.Main(m)
}

// TestCore: the core breaks nothing.
func TestCore(t *testing.T) {
	handler := websocket.NewHandler(websocket.EchoHandler, websocket.Options{})
	findings, notes, report := keys(t, handler, Config{Executions: 2000, Handshake: true})
	if len(findings) > 0 {
		t.Errorf("findings: %v", slices.Collect(maps.Keys(findings)))
		for key, g := range findings {
			t.Errorf("%s: %s: %.60x", key, g.Why, g.Input)
		}
	}
	for key, g := range notes {
		if key != "length-not-minimal: stricter" && !strings.HasPrefix(key, "message-too-large: limit") {
			t.Errorf("note %s: %s: %.60x", key, g.Why, g.Input)
		}
	}
	if report.Executions != 2000 || !report.Seeded || report.Answers < 100 || report.Stopped != "" {
		t.Errorf("report %+v", report)
	}
}

// TestModel: a server by the model breaks nothing, be it late with text or not, and
// whether it takes long forms of a length or not.
func TestModel(t *testing.T) {
	for name, g := range map[string]*rogue{
		"strict":  {},
		"late":    {off: []model.Rule{model.TextNotUTF8FailFast}},
		"lengths": {off: []model.Rule{model.LengthNotMinimal}},
		"drops": {closing: func(conn net.Conn, want model.Outcome) {
			if want.End == model.Closed {
				_, _ = conn.Write([]byte{0x88, 0})
			}
		}},
		"last pong": {pong: func(list [][]byte) [][]byte { return list[max(0, len(list)-1):] }},
		"1011": {closing: func(conn net.Conn, want model.Outcome) {
			_, _ = conn.Write([]byte{0x88, 2, 3, 0xf3})
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
		}},
	} {
		findings, _, _ := keys(t, g, Config{Executions: 900})
		for key, f := range findings {
			t.Errorf("%s: %s: %s: %.60x", name, key, f.Why, f.Input)
		}
	}
}

// TestRogues: each is found, and nothing else is.
func TestRogues(t *testing.T) {
	t.Parallel()
	off := func(rules ...model.Rule) *rogue { return &rogue{off: rules} }
	sends := func(opcode byte, change func(f *wire.Frame)) *rogue {
		return &rogue{frame: func(f *wire.Frame) {
			if f.Opcode == opcode {
				change(f)
			}
		}}
	}
	for _, c := range []struct {
		g    *rogue
		want string // a finding, or a note, and the beginning of others that come with it
		also string
	}{
		{off(model.ClientFrameUnmasked), "client-frame-unmasked: accepts", ""},
		{off(model.RSVBitsUnsupported), "rsv-bits-unsupported: accepts", ""},
		{off(model.OpcodeUnknown), "opcode-unknown: accepts", ""},
		{off(model.ControlFrameTooLarge), "control-frame-too-large: accepts", "control-frame-too-large: sends"},
		{off(model.ControlFrameFragmented), "control-frame-fragmented: accepts", ""},
		{off(model.ContinuationUnexpected), "note continuation-unexpected: passes over", "continuation-unexpected: accepts"},
		{off(model.ContinuationExpected), "continuation-expected: accepts", ""},
		{off(model.TextNotUTF8), "text-not-utf8: accepts", ""},
		{off(model.CloseStatusReserved), "close-status-reserved: sends", ""},
		{off(model.CloseStatusInvalid), "close-status-invalid: sends", ""},
		{off(model.PingAnswered), "ping-answered: loses a ping", "ping-answered: loses"},
		{&rogue{message: func(m *model.Message) bool {
			if len(m.Payload) > 3 && !bytes.Contains(m.Payload, []byte("echo server")) {
				m.Payload[3]++
			}
			return true
		}}, "message-received: alters the payload", ""},
		{off(model.FragmentsJoined), "fragments-joined: invents", "message-received: alters the payload"},
		{off(model.ControlBetween), "message-received: refuses a message in fragments", "continuation-expected: accepts"},
		{&rogue{pong: func(list [][]byte) [][]byte { return list[:min(1, len(list))] }}, "ping-answered: loses the last of several pings", ""},
		{&rogue{message: func(m *model.Message) bool { return len(m.Payload) > 0 }}, "message-received: loses an empty message", "message-received: loses"},
		{&rogue{message: func(m *model.Message) bool {
			m.Binary = m.Binary != bytes.HasPrefix(m.Payload, []byte("H"))
			return true
		}}, "message-received: alters the opcode", ""},
		{sends(wire.Text, func(f *wire.Frame) { f.Masked = true }), "server-frame-masked: sends", ""},
		{sends(wire.Pong, func(f *wire.Frame) { f.RSV = 4 }), "rsv-bits-unsupported: sends", ""},
		{sends(wire.Text, func(f *wire.Frame) { f.Form = wire.Form64 }), "length-not-minimal: sends", ""},
		{sends(wire.Pong, func(f *wire.Frame) { f.Fin = false }), "control-frame-fragmented: sends", ""},
		{sends(wire.Close, func(f *wire.Frame) { f.Payload = []byte{3, 237} }), "close-status-reserved: sends", ""},
		{&rogue{closing: func(conn net.Conn, want model.Outcome) {}}, "close-answered: unanswered", ""},
		{&rogue{closing: func(conn net.Conn, want model.Outcome) {
			_, _ = conn.Write([]byte{0x88, 0, 0x81, 1, 'x'})
		}}, "nothing-behind-close: sends", ""},
		{&rogue{closing: func(conn net.Conn, want model.Outcome) {
			_, _ = conn.Write([]byte{0x88, 0, 0x88, 0})
		}}, "note nothing-behind-close: sends", ""},
		{&rogue{closing: func(conn net.Conn, want model.Outcome) {
			_, _ = conn.Write([]byte{0x88, 0})
			_, _ = io.Copy(io.Discard, conn)
		}}, "tcp-closed: leaves open", ""},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Parallel()
			findings, notes, _ := keys(t, c.g, Config{Executions: 700, Jobs: 8, Patience: 0.3})
			note, ok := strings.CutPrefix(c.want, "note ")
			missed := func() bool { return findings[c.want] == nil && (!ok || notes[note] == nil) }
			for seed := uint64(1); seed <= 3 && missed(); seed++ { // by chance: other inputs
				findings, notes, _ = keys(t, c.g, Config{Executions: 1500, Jobs: 8, Patience: 0.3, Seed: seed})
			}
			if missed() {
				t.Errorf("not found: %v, notes %v", slices.Sorted(maps.Keys(findings)), slices.Sorted(maps.Keys(notes)))
			}
			for key, g := range findings {
				if key != c.want && (c.also == "" || !strings.HasPrefix(key, c.also)) {
					t.Errorf("%s as well: %s: %.60x", key, g.Why, g.Input)
				}
			}
		})
	}
}
