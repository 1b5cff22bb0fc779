package websocket_test

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/internal/model"
	"github.com/wsproof/wsproof/internal/vector"
	"github.com/wsproof/wsproof/internal/wire"
	"github.com/wsproof/wsproof/websocket"
)

// cuts are the ways in which a transcript is cut into reads: the sizes, in turn;
// or, without sizes, at the end of each frame; and whether it is a flood, of which
// all is there at once, its end included.
var cuts = []struct {
	name  string
	sizes []int
	flood bool
}{
	{"whole", []int{1 << 20}, false},
	{"flood", []int{1 << 20}, true},
	{"frames", nil, true},
	{"bytes", []int{1}, false},
	{"pieces", []int{3, 1, 7, 2, 64, 5}, false},
}

// TestVectorsRead gives every vector to a connection and holds what it delivers,
// answers and closes with against what the vector says. A breach must be noticed
// with the bytes up to the vector's offset: no more come until the Close is out,
// but once, where all of them are there from the beginning. Each message is
// written back; payloads must keep their bytes to the end. The hook is told the
// frames as they are.
func TestVectorsRead(t *testing.T) {
	for _, v := range append(loadVectors(t), loadCompressed(t)...) {
		if v.Limits.Frame == 0 || v.Limits.Message == 0 {
			continue // Options have no limit of none: 0 is the default there
		}
		for _, cut := range cuts {
			t.Run(v.ID+"/"+cut.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tr := newTranscript(&v, cut.sizes, cut.flood)
					opts := optionsOf(&v)
					rest := v.Input
					opts.Hooks.OnReadFrame = func(_ websocket.ClientKey, told *websocket.Frame) {
						f, n, err := wire.Split(rest)
						rest = rest[n:]
						if want := websocket.NewFrame(websocket.Opcode(f.Opcode), f.Fin, f.Payload, websocket.RSVBit(f.RSV<<4)); err != nil || !reflect.DeepEqual(told, want) {
							t.Errorf("%s: OnReadFrame was told %v (nil: %t), want %v (nil: %t)", v.Where(), told, told.Payload == nil, want, want.Payload == nil)
						}
					}
					ws := websocket.New(tr, "", modeOf(v.Role), opts)
					var got model.Outcome
					var err error
					for {
						var msg *websocket.Message
						if msg, err = ws.ReadMessage(t.Context()); err != nil {
							break
						}
						got.Messages = append(got.Messages, model.Message{Binary: msg.Binary, Payload: msg.Payload})
						if tr.closeOut() {
							got.AfterClose++
						}
						if err := ws.WriteMessage(t.Context(), msg); err != nil {
							t.Errorf("%s: WriteMessage(%v): %v", v.Where(), msg, err)
						}
					}
					if _, again := ws.ReadMessage(t.Context()); again != err {
						t.Errorf("%s: the next ReadMessage returned %v, want %v again", v.Where(), again, err)
					}
					if err := ws.WriteMessage(t.Context(), &websocket.Message{Binary: true}); err == nil {
						t.Errorf("%s: WriteMessage on the connection that has ended returned no error", v.Where())
					}
					_ = ws.Close() // has ended: nothing to do
					synctest.Wait()
					got.End = endOf(err)
					var peer *websocket.CloseError
					if errors.As(err, &peer) {
						got.Code, got.Reason = uint16(peer.Code), peer.Reason
					}
					tr.check(t, &v, &got)
					if got.End == model.Failed && !errors.Is(err, errorOf(v.Want.Rule)) {
						t.Errorf("%s: got error %v, want %v", v.Where(), err, errorOf(v.Want.Rule))
					}
				})
			})
		}
	}
}

// TestVectorsServe gives every vector to Serve with a handler that echoes: what
// was delivered comes back, in order with the pongs before the Close.
func TestVectorsServe(t *testing.T) {
	for _, v := range append(loadVectors(t), loadCompressed(t)...) {
		if v.Limits.Frame == 0 || v.Limits.Message == 0 {
			continue // as in TestVectorsRead
		}
		for _, cut := range cuts {
			t.Run(v.ID+"/"+cut.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tr := newTranscript(&v, cut.sizes, cut.flood)
					opts := optionsOf(&v)
					var got model.Outcome
					closes := 0
					opts.Hooks.OnClose = func(_ websocket.ClientKey, code websocket.StatusCode, err error) {
						closes++
						got.End = endOf(err)
						if got.End == model.Open && code != websocket.StatusAbnormalClose || v.Want.End == model.Closed {
							got.End = model.Closed
							got.Code, got.Reason = uint16(code), v.Want.Reason
						}
					}
					ws := websocket.New(tr, "", modeOf(v.Role), opts)
					ws.Serve(t.Context(), websocket.EchoHandler)
					synctest.Wait()
					if closes != 1 {
						t.Errorf("%s: OnClose was called %d times, want once", v.Where(), closes)
					}
					got.Messages = tr.echoes(t)
					tr.check(t, &v, &got)
				})
			})
		}
	}
}

func optionsOf(v *vector.Vector) websocket.Options {
	opts := websocket.Options{MaxFrameSize: v.Limits.Frame, MaxMessageSize: v.Limits.Message}
	if d := v.Deflate; d != nil {
		opts.Compression = &websocket.Compression{
			ServerNoContextTakeover: d.ServerNoContextTakeover,
			ClientNoContextTakeover: d.ClientNoContextTakeover,
			ServerWindowBits:        cmp.Or(d.ServerMaxWindowBits, 15),
			ClientWindowBits:        cmp.Or(d.ClientMaxWindowBits, 15),
			Threshold:               1 << 30, // what is written back is read as plain
		}
	}
	return opts
}

// endOf tells the end of a transcript by the error that reading ended with.
func endOf(err error) model.End {
	var peer *websocket.CloseError
	var rule *websocket.Error
	switch {
	case errors.As(err, &peer):
		return model.Closed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err == nil:
		return model.Open
	case errors.As(err, &rule):
		return model.Failed
	}
	return model.Open
}

// A transcript is a transport: it gives out a vector's bytes in pieces and keeps
// what is written. Bytes behind the offset at which the vector must fail are
// held back until a Close frame has been written. A flood holds nothing back, the
// last read brings io.EOF too, and nobody has time to write before that.
type transcript struct {
	role  model.Role
	sizes []int
	flood bool
	hold  int // bytes that may be read before the Close is out

	mu      sync.Mutex
	input   []byte
	given   int
	turn    int
	late    bool   // the reader asked for more than it may
	lavish  int    // the most room for a read, beyond what has come by then
	sent    []byte // what was written
	waited  []byte // what had been written when the reader first waited for bytes that do not come
	ended   bool   // the reader has waited
	altered bool   // bytes changed while they were being written
	closed  int
	closing chan struct{} // closed when a Close frame has been written
}

func newTranscript(v *vector.Vector, sizes []int, flood bool) *transcript {
	tr := &transcript{role: v.Role, sizes: sizes, flood: flood, input: v.Input, hold: len(v.Input), closing: make(chan struct{})}
	if v.Want.End == model.Failed && !flood {
		tr.hold = v.Want.Offset
	}
	return tr
}

func (tr *transcript) Read(p []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.given == tr.hold && tr.given < len(tr.input) {
		tr.mu.Unlock()
		select {
		case <-tr.closing:
			tr.mu.Lock()
		case <-time.After(time.Minute): // no real time passes: nothing else can happen
			tr.mu.Lock()
			tr.late = true
		}
		tr.hold = len(tr.input)
	}
	if tr.given == len(tr.input) {
		if !tr.ended && !tr.flood {
			tr.ended = true
			tr.mu.Unlock()
			time.Sleep(time.Second) // no real time: whoever writes has written
			tr.mu.Lock()
			tr.waited = bytes.Clone(tr.sent)
		}
		return 0, io.EOF
	}
	tr.lavish = max(tr.lavish, cap(p)-tr.given)
	n := min(len(p), tr.size(), tr.hold-tr.given)
	copy(p, tr.input[tr.given:tr.given+n])
	tr.given += n
	if tr.flood && tr.given == len(tr.input) {
		return n, io.EOF
	}
	return n, nil
}

// size is that of the next read.
func (tr *transcript) size() int {
	if tr.sizes == nil {
		if _, n, err := wire.Split(tr.input[tr.given:]); err == nil {
			return n
		}
		return len(tr.input)
	}
	tr.turn++
	return tr.sizes[(tr.turn-1)%len(tr.sizes)]
}

// Write takes a while, in which everybody else goes on as far as they can: the
// bytes must stay as they are.
func (tr *transcript) Write(p []byte) (int, error) {
	before := bytes.Clone(p)
	time.Sleep(time.Nanosecond)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.altered = tr.altered || !bytes.Equal(before, p)
	out := closeIn(tr.sent)
	tr.sent = append(tr.sent, p...)
	if !out && closeIn(tr.sent) {
		close(tr.closing)
	}
	return len(p), nil
}

func (tr *transcript) Close() error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.closed++
	return nil
}

func (tr *transcript) closeOut() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return closeIn(tr.sent)
}

func closeIn(b []byte) bool {
	for {
		f, n, err := wire.Split(b)
		if err != nil {
			return false
		}
		if f.Opcode == wire.Close {
			return true
		}
		b = b[n:]
	}
}

// echoes returns the messages among what was sent.
func (tr *transcript) echoes(t *testing.T) []model.Message {
	t.Helper()
	got := model.Read(!tr.role, model.Limits{Frame: 1 << 20, Message: 1 << 20}, tr.sent)
	if got.End == model.Failed {
		t.Errorf("what was sent breaks the rules: %v", got)
	}
	return got.Messages
}

// check completes got with what stands on the wire and compares it with the vector.
func (tr *transcript) check(t *testing.T, v *vector.Vector, got *model.Outcome) {
	t.Helper()
	if tr.late {
		t.Errorf("%s: %s has the %d bytes that break it and asks for more (%s)", v.Where(), v.Want.Rule, v.Want.Offset, v.About)
	}
	if f, _, err := wire.SplitHeader(v.Input); err == nil && f.Fin && tr.given < 14+int(min(f.Length, 1<<30)) && tr.lavish > 256<<10 {
		// Memory for fragments comes from a pool, and may have been there.
		t.Errorf("%s: %d bytes were set aside for a frame of %d before they came", v.Where(), tr.lavish, f.Length)
	}
	if tr.altered {
		t.Errorf("%s: bytes changed while they were being written", v.Where())
	}
	if tr.closed != 1 {
		t.Errorf("%s: the transport was closed %d times, want once", v.Where(), tr.closed)
	}
	if v.Want.End == model.Open && !tr.flood && !bytes.Equal(tr.waited, tr.sent) {
		t.Errorf("%s: the reader waited for more while %d bytes were not sent", v.Where(), len(tr.sent)-len(tr.waited))
	}
	owed, data := 0, 0 // data frames: as many as MaxFrameSize demands
	for _, m := range got.Messages {
		owed += max(1, (len(m.Payload)+v.Limits.Frame-1)/v.Limits.Frame)
	}
	for b := tr.sent; len(b) > 0; {
		f, n, err := wire.Split(b)
		if err != nil {
			t.Fatalf("%s: half a frame was sent: % x", v.Where(), head(b))
		}
		b = b[n:]
		if f.Opcode < wire.Close {
			data++
		}
		if f.Masked != (v.Role == model.Client) {
			t.Errorf("%s: a %v sent a frame with masking %v", v.Where(), v.Role, f.Masked)
		}
		if f.RSV != 0 || f.Form != shortest(len(f.Payload)) || len(f.Payload) > v.Limits.Frame && f.Opcode < wire.Close {
			t.Errorf("%s: a frame of %d bytes was sent with RSV %03b and length form %d", v.Where(), len(f.Payload), f.RSV, f.Form)
		}
		if len(got.Codes) > 0 {
			got.AfterClose++
		}
		switch f.Opcode {
		case wire.Pong:
			got.Pongs = append(got.Pongs, f.Payload)
		case wire.Close:
			code := uint16(1005)
			if len(f.Payload) >= 2 {
				code = uint16(f.Payload[0])<<8 | uint16(f.Payload[1])
				if code == 1005 || code == 1006 || code == 1015 {
					t.Errorf("%s: a Close was sent with %d, which must not be on the wire (RFC 6455 §7.4.1)", v.Where(), code)
				}
			}
			got.Codes = append(got.Codes, code)
		}
	}
	if data != owed {
		t.Errorf("%s: %d data frames were sent for %d messages, want %d", v.Where(), data, len(got.Messages), owed)
	}
	if echoes := tr.echoes(t); !sameMessages(echoes, got.Messages) {
		t.Errorf("%s: %d messages were sent back that are not the %d delivered: %v, want %v", v.Where(), len(echoes), len(got.Messages), echoes, got.Messages)
	}
	if err := model.Check(v.Want, *got); err != nil {
		t.Errorf("%s: %s (RFC 6455 §%s): %v\ninput % x", v.Where(), v.About, v.RFC, err, head(v.Input))
		return
	}
	if got.End == v.Want.End && len(got.Codes) > 0 && got.Codes[0] != v.Want.Codes[0] {
		t.Errorf("%s: %s: sent a Close with %d, want %d", v.Where(), v.About, got.Codes[0], v.Want.Codes[0])
	}
}

func sameMessages(a, b []model.Message) bool {
	return slices.EqualFunc(a, b, func(x, y model.Message) bool { return x.Binary == y.Binary && bytes.Equal(x.Payload, y.Payload) })
}

func shortest(n int) wire.Form {
	switch {
	case n <= 125:
		return wire.Form7
	case n <= 0xFFFF:
		return wire.Form16
	}
	return wire.Form64
}
