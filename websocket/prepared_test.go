package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/wsproof/wsproof/websocket/deflate"
)

// A message that was prepared comes out of every connection, whatever was agreed on, in
// the order of what else is sent, and what is compressed behind it fits the peer's window.
func TestPreparedBroadcast(t *testing.T) {
	none := &Compression{ServerNoContextTakeover: true, ClientNoContextTakeover: true}
	var ends []*Websocket
	var peers []*Websocket
	for i, c := range []*Compression{nil, {}, {ServerWindowBits: 8, ClientWindowBits: 9}, {Level: deflate.Best}, none, {Threshold: 1 << 20}} {
		for _, mode := range []Mode{ServerMode, ClientMode} {
			a, b := net.Pipe()
			opts := Options{Compression: c, MaxFrameSize: []int{0, 100}[i%2]}
			ends = append(ends, New(a, "", mode, opts))
			opts.MaxFrameSize = 0
			peers = append(peers, New(b, "", !mode, opts))
		}
	}
	text := func(i int) []byte {
		return []byte(strings.Repeat(fmt.Sprintf("message %d of some text, ", i), 1+7*i%40))
	}
	const rounds = 20
	var all sync.WaitGroup
	prepared := make([]*Prepared, rounds)
	for i := range prepared {
		msg := &Message{Binary: i%3 == 0, Payload: text(i), Uncompressed: i%7 == 6}
		p, err := Prepare(msg)
		if err != nil {
			t.Fatal(err)
		}
		clear(msg.Payload) // it is the caller's again
		prepared[i] = p
	}
	for k := range ends {
		all.Go(func() { // all at once: each message is made by whoever comes first
			defer ends[k].transport.close()
			for i, p := range prepared {
				if err := ends[k].WritePrepared(t.Context(), p); err != nil {
					t.Error(err)
					return
				}
				if err := ends[k].WriteMessage(t.Context(), &Message{Payload: text(i + 1)}); err != nil {
					t.Error(err)
					return
				}
			}
		})
		all.Go(func() {
			for i := range 2 * rounds {
				want := text(i/2 + i%2)
				msg, err := peers[k].ReadMessage(t.Context())
				if err != nil || !bytes.Equal(msg.Payload, want) || msg.Binary != (i%2 == 0 && i/2%3 == 0) {
					t.Errorf("connection %d, message %d: %v, %v", k, i, msg, err)
					peers[k].transport.close()
					return
				}
			}
		})
	}
	all.Wait()
}

// Hooks see a message that was prepared as any other; behind a Close, or the end of the
// context, it is not sent.
func TestPreparedHooks(t *testing.T) {
	src := new(received)
	var seen []string
	opts := Options{
		Compression:  &Compression{},
		MaxFrameSize: 10,
		Hooks: Hooks{
			OnWriteFrame:   func(_ ClientKey, f *Frame) { seen = append(seen, fmt.Sprint(f.Opcode(), f.RSV1(), f.Fin())) },
			OnWriteMessage: func(_ ClientKey, m *Message) { seen = append(seen, m.String()) },
		},
	}
	ws := New(src, "", ServerMode, opts)
	p, err := Prepare(&Message{Payload: []byte(strings.Repeat("once upon a time ", 3))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ws.WritePrepared(ctx, p); !errors.Is(err, context.Canceled) || len(src.bytes) > 0 {
		t.Errorf("a context that has ended: %v, %d bytes", err, len(src.bytes))
	}
	ws.control(OpcodePong, []byte("first")) // queued
	if err := ws.WritePrepared(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want := []string{"Pong false true", "Text true false", "Cont false false", "Cont false true", p.Message().String()}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("hooks saw %q, want %q", seen, want)
	}
	if !bytes.HasPrefix(src.bytes, []byte("\x8a\x05first\x41")) {
		t.Errorf("sent: % x", src.bytes)
	}
	ws.end.become(messages, context.Background(), nil) // the rest of closing is the reader's
	if err := ws.CloseWithStatus(StatusNormalClosure, ""); err != nil {
		t.Fatal(err)
	}
	if err := ws.WritePrepared(t.Context(), p); !errors.Is(err, net.ErrClosed) {
		t.Errorf("behind a Close: %v", err)
	}
}

// Sending what was prepared allocates nothing, with takeover and without, masked or not.
func TestPreparedAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector pools drop what they are given at random")
	}
	for _, mode := range []Mode{ServerMode, ClientMode} {
		for name, c := range map[string]*Compression{"none": nil, "takeover": {}, "no takeover": {ServerNoContextTakeover: true, ClientNoContextTakeover: true}} {
			for _, size := range []int{10, 1000, 100_000} {
				ws := New(nopConn{}, "", mode, Options{Compression: c, MaxFrameSize: 1 << 20})
				p, err := Prepare(&Message{Payload: []byte(strings.Repeat("0123456789", size/10))})
				if err != nil {
					t.Fatal(err)
				}
				ctx := context.Background()
				got := testing.AllocsPerRun(50, func() {
					if err := ws.WritePrepared(ctx, p); err != nil {
						t.Fatal(err)
					}
				})
				if got >= 1 {
					t.Errorf("mode %v, compression %s, %d bytes: %v allocations", mode, name, size, got)
				}
			}
		}
	}
}
