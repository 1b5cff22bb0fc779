package transcript

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/leak"
	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/wire"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A bad library is in this very package, and so is a bad adapter: what differs
// is the module that the Reader claims to come from.
const here = "github.com/wsproof/wsproof/internal/engine/transcript"

var limits = model.Limits{Frame: 1 << 16, Message: 1 << 16}

func TestRunReportsAPanicOfTheLibrary(t *testing.T) {
	l := Reader{Name: "bad", Module: here, Read: func(*Transcript, *Conn, *Result) error {
		var none []byte
		_ = none[len(none)]
		return nil
	}}
	r, err := l.Run(&Transcript{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Crash, "index out of range") || !strings.Contains(r.Crash, "transcript_test.go") {
		t.Errorf("Crash = %q, want the panic and its stack", r.Crash)
	}
}

func TestRunTellsAPanicOfTheAdapterFromOneOfTheLibrary(t *testing.T) {
	l := Reader{Name: "good", Module: "example.com/good", Read: func(*Transcript, *Conn, *Result) error { panic("of the adapter") }}
	if _, err := l.Run(&Transcript{Limits: limits}); !errors.Is(err, ErrHarness) {
		t.Errorf("err = %v, want ErrHarness", err)
	}
	l.Read = func(*Transcript, *Conn, *Result) error { return io.ErrShortBuffer }
	if _, err := l.Run(&Transcript{Limits: limits}); !errors.Is(err, ErrHarness) || !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("err = %v, want ErrHarness and the adapter's error", err)
	}
}

func TestRunBoundsTheTime(t *testing.T) {
	release := make(chan struct{})
	l := Reader{Name: "bad", Module: here, Read: func(*Transcript, *Conn, *Result) error { <-release; return nil }}
	r, err := l.RunFor(&Transcript{Limits: limits}, time.Millisecond)
	if err != nil || !r.Hung {
		t.Errorf("Hung = %v, err = %v, want a hang", r.Hung, err)
	}
	close(release)
}

func TestRunEndsAnEndlessReader(t *testing.T) {
	l := Reader{Name: "bad", Module: here, Read: func(_ *Transcript, c *Conn, _ *Result) error {
		for {
			_, _ = c.Read(make([]byte, 1))
		}
	}}
	if r, err := l.Run(&Transcript{Limits: limits}); err != nil || !r.Hung {
		t.Errorf("got %+v, %v, want a hang", r, err)
	}
}

// TestPanicOwner brings a process down by a panic on another goroutine: nothing
// in the process can catch it, but its last words tell whose it was.
func TestPanicOwner(t *testing.T) {
	if os.Getenv("PEERS_TEST_CRASH") != "" {
		go func() { panic("on a goroutine of its own (example.com/not/this.one)") }()
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPanicOwner$")
	cmd.Env = append(os.Environ(), "PEERS_TEST_CRASH=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("the process survived")
	}
	if owner := PanicOwner(string(out)); !strings.HasPrefix(owner, here+".TestPanicOwner") {
		t.Errorf("PanicOwner = %q of:\n%s", owner, out)
	}
}

func TestResultReadsTheWire(t *testing.T) {
	frame := func(opcode byte, payload string) []byte {
		f := wire.Frame{Fin: true, Opcode: opcode, Payload: []byte(payload)}
		return f.Append(nil)
	}
	l := Reader{Name: "scripted", Module: here, Read: func(tr *Transcript, c *Conn, r *Result) error {
		b, err := io.ReadAll(c)
		if err != nil || string(b) != string(tr.Input) {
			t.Errorf("read %q, %v, want %q", b, err, tr.Input)
		}
		c.Write(frame(wire.Pong, "a"))
		r.Deliver(c, true, []byte("before"))
		c.Write(frame(wire.Close, "\x03\xea"))
		r.Deliver(c, true, []byte("after"))
		c.Write(frame(wire.Pong, "b"))
		r.End, r.Code = model.Closed, 1000
		return nil
	}}
	for _, chunks := range [][]int{nil, {1}, {2, 3}} {
		r, err := l.Run(&Transcript{Limits: limits, Input: []byte("0123456789"), Chunks: chunks})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Pongs) != 1 || string(r.Pongs[0]) != "a" {
			t.Errorf("Pongs = %q, want only the one before the Close", r.Pongs)
		}
		if len(r.Codes) != 1 || r.Codes[0] != 1002 || r.End != model.Failed {
			t.Errorf("Codes = %d, End = %d, want 1002 and a refusal of the Close", r.Codes, r.End)
		}
		if r.AfterClose != 2 {
			t.Errorf("AfterClose = %d, want 2: a message and a frame", r.AfterClose)
		}
	}
}

// TestResultTellsWrongFrames has frames sent that must not be.
func TestResultTellsWrongFrames(t *testing.T) {
	for _, test := range []struct {
		frame wire.Frame
		want  string
	}{
		{wire.Frame{Fin: true, Opcode: wire.Pong}, ""},
		{wire.Frame{Fin: true, Opcode: wire.Close}, ""},
		{wire.Frame{Fin: true, Opcode: wire.Close, Payload: []byte("\x03\xe8bye")}, ""},
		{wire.Frame{Fin: true, Opcode: wire.Text}, "sent a frame with opcode 1 that nobody asked for"},
		{wire.Frame{Fin: true, Opcode: wire.Pong, Masked: true}, "sent a pong with the wrong masking for its role"},
		{wire.Frame{Fin: true, Opcode: wire.Pong, RSV: 4}, "sent a pong with RSV bits"},
		{wire.Frame{Opcode: wire.Pong}, "sent a pong without FIN"},
		{wire.Frame{Fin: true, Opcode: wire.Pong, Payload: make([]byte, 126)}, "sent a pong of over 125 bytes"},
		{wire.Frame{Fin: true, Opcode: wire.Pong, Form: wire.Form16}, "sent a pong whose length is not in the fewest bytes"},
		{wire.Frame{Fin: true, Opcode: wire.Close, Payload: []byte{3}}, "sent a Close with a payload of one byte"},
		{wire.Frame{Fin: true, Opcode: wire.Close, Payload: []byte{0x03, 0xed}}, "sent a Close with the code 1005"},
		{wire.Frame{Fin: true, Opcode: wire.Close, Payload: []byte("\x03\xe8\xff")}, "sent a Close whose reason is not UTF-8"},
	} {
		l := Reader{Name: "scripted", Module: here, Read: func(_ *Transcript, c *Conn, _ *Result) error {
			_, _ = c.Write(test.frame.Append(nil))
			return nil
		}}
		if r, err := l.Run(&Transcript{Limits: limits}); err != nil || r.Wrong != test.want {
			t.Errorf("%+v: %q, %v, want %q", test.frame, r.Wrong, err, test.want)
		}
	}
}

// TestRunHereTakesTheCloseAtItsWord has a Close reported that was refused on the wire.
func TestRunHereTakesTheCloseAtItsWord(t *testing.T) {
	l := Reader{Name: "scripted", Module: here, Read: func(_ *Transcript, c *Conn, r *Result) error {
		_, _ = c.Write((&wire.Frame{Fin: true, Opcode: wire.Close, Payload: []byte{0x03, 0xea}}).Append(nil))
		r.End, r.Code = model.Closed, 1000
		return nil
	}}
	if r, err := l.RunHere(&Transcript{Limits: limits}); err != nil || r.End != model.Closed {
		t.Errorf("RunHere: End = %v, %v, want closed", r.End, err)
	}
}
