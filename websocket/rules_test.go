package websocket

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wsproof/wsproof/websocket/protocol"

	"github.com/wsproof/wsproof/internal/wire"
)

// A broken rule: each with the error that ReadMessage returns, the Close on the
// wire (the error's code, its text as the reason), and the messages before it.
func TestEachRule(t *testing.T) {
	masked := [4]byte{1, 2, 3, 4}
	long := strings.Repeat("x", 126)
	limits := Options{MaxFrameSize: 1000, MaxMessageSize: 1500}
	for _, c := range []struct {
		name  string
		mode  Mode
		frame wire.Frame
		inner bool // inside a message of which a fragment came
		want  *Error
	}{
		{"unmasked to a server", ServerMode, wire.Frame{Fin: true, Opcode: 1}, false, ErrClientFrameUnmasked},
		{"masked to a client", ClientMode, wire.Frame{Fin: true, Opcode: 1, Masked: true, Key: masked}, false, ErrServerFrameMasked},
		{"masked with a zero key to a client", ClientMode, wire.Frame{Fin: true, Opcode: 1, Masked: true}, false, ErrServerFrameMasked},
		{"RSV1", ServerMode, wire.Frame{Fin: true, Opcode: 1, RSV: 4, Masked: true}, false, ErrRSVBitsUnsupported},
		{"RSV2 in a Close", ClientMode, wire.Frame{Fin: true, Opcode: 8, RSV: 2}, false, ErrRSVBitsUnsupported},
		{"RSV3 in a continuation", ServerMode, wire.Frame{Fin: true, Opcode: 0, RSV: 1, Masked: true}, true, ErrRSVBitsUnsupported},
		{"opcode 3", ServerMode, wire.Frame{Fin: true, Opcode: 3, Masked: true}, false, ErrOpcodeUnknown},
		{"opcode 7", ClientMode, wire.Frame{Fin: true, Opcode: 7}, false, ErrOpcodeUnknown},
		{"opcode 11", ClientMode, wire.Frame{Fin: true, Opcode: 11}, true, ErrOpcodeUnknown},
		{"opcode 15", ServerMode, wire.Frame{Fin: true, Opcode: 15, Masked: true}, false, ErrOpcodeUnknown},
		{"a Ping of 126 bytes", ServerMode, wire.Frame{Fin: true, Opcode: 9, Masked: true, Payload: []byte(long)}, false, ErrControlFrameTooLarge},
		{"a Close that claims 2^40 bytes", ClientMode, wire.Frame{Fin: true, Opcode: 8, Length: 1 << 40}, true, ErrControlFrameTooLarge},
		{"a fragmented Pong", ClientMode, wire.Frame{Opcode: 10}, false, ErrControlFrameFragmented},
		{"a fragmented Close", ServerMode, wire.Frame{Opcode: 8, Masked: true}, true, ErrControlFrameFragmented},
		{"125 bytes in 16 bits", ServerMode, wire.Frame{Fin: true, Opcode: 2, Masked: true, Form: wire.Form16, Length: 125}, false, ErrLengthNotMinimal},
		{"65535 bytes in 64 bits", ClientMode, wire.Frame{Fin: true, Opcode: 2, Form: wire.Form64, Length: 65535}, false, ErrLengthNotMinimal},
		{"1001 bytes", ServerMode, wire.Frame{Fin: true, Opcode: 2, Masked: true, Length: 1001}, false, ErrFrameTooLarge},
		{"2^63 bytes", ClientMode, wire.Frame{Fin: true, Opcode: 2, Length: 1 << 63}, false, ErrFrameTooLarge},
		{"1001 bytes in a continuation", ClientMode, wire.Frame{Opcode: 0, Length: 1001}, true, ErrFrameTooLarge},
		{"a continuation of nothing", ServerMode, wire.Frame{Fin: true, Masked: true}, false, ErrContinuationUnexpected},
		{"text inside a message", ServerMode, wire.Frame{Fin: true, Opcode: 1, Masked: true}, true, ErrContinuationExpected},
		{"binary inside a message", ClientMode, wire.Frame{Opcode: 2}, true, ErrContinuationExpected},
		{"a message one byte too large", ClientMode, wire.Frame{Fin: true, Length: 1000}, true, ErrMessageTooLarge},
		{"a Close of one byte", ServerMode, wire.Frame{Fin: true, Opcode: 8, Masked: true, Payload: []byte("x")}, false, ErrClosePayloadInvalid},
		{"a Close with 999", ClientMode, wire.Frame{Fin: true, Opcode: 8, Payload: []byte("\x03\xe7")}, false, ErrCloseStatusInvalid},
		{"a Close with 1005", ServerMode, wire.Frame{Fin: true, Opcode: 8, Masked: true, Payload: []byte("\x03\xed")}, true, ErrCloseStatusReserved},
		{"a Close with a reason that is no UTF-8", ClientMode, wire.Frame{Fin: true, Opcode: 8, Payload: []byte("\x03\xe8\xc0")}, false, ErrInvalidFramePayload},
		{"a Close with a reason that ends in a character", ServerMode, wire.Frame{Fin: true, Opcode: 8, Masked: true, Payload: []byte("\x03\xe8\xe2\x82")}, false, ErrInvalidFramePayload},
		{"text that is no UTF-8", ServerMode, wire.Frame{Fin: true, Opcode: 1, Masked: true, Payload: []byte("\xff")}, false, ErrInvalidFramePayload},
		{"text that goes on invalid", ClientMode, wire.Frame{Payload: []byte("ok \xed\xa0")}, true, ErrInvalidFramePayload},
		{"text that ends in a character", ServerMode, wire.Frame{Fin: true, Masked: true, Payload: []byte("\xf0\x9f\x98")}, true, ErrInvalidFramePayload},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, chunk := range []int{0, 1, 5} {
					opts, end := closeHook(limits)
					var frames []Opcode
					var readErrors []error
					opts.Hooks.OnReadFrame = func(_ ClientKey, f *Frame) { frames = append(frames, f.Opcode()) }
					opts.Hooks.OnReadError = func(_ ClientKey, err error) { readErrors = append(readErrors, err) }
					p := &peer{t: t, mode: c.mode}
					in := [][]byte{p.text("before"), p.frame(OpcodeBinary, true, "\xff")}
					if c.inner {
						in = append(in, p.frame(OpcodeText, false, strings.Repeat("y", 501)))
					}
					n := len(in)
					src := newScripted(append(in, c.frame.Append(nil))...)
					src.chunk = chunk
					ws := New(src, "", c.mode, opts)
					got, err := readAll(t.Context(), ws)
					if err != error(c.want) {
						t.Errorf("in chunks of %d: error %v, want %v", chunk, err, c.want)
					}
					if len(got) != 2 || got[0].String() != `Text len=6 "before"` || got[1].String() != "Binary len=1 ff" {
						t.Errorf("in chunks of %d: messages %v", chunk, got)
					}
					if _, again := ws.ReadMessage(t.Context()); again != err {
						t.Errorf("in chunks of %d: the next ReadMessage: %v", chunk, again)
					}
					synctest.Wait()
					p.in = src.written()
					p.conn = nopConn{}
					p.wantClose(c.want.Code(), c.want.Error())
					p.wantEnd()
					if len(frames) != n {
						t.Errorf("in chunks of %d: OnReadFrame saw %v, want only the %d frames that passed", chunk, frames, n)
					}
					if len(readErrors) != 1 || readErrors[0] != err {
						t.Errorf("in chunks of %d: OnReadError: %v", chunk, readErrors)
					}
					src.Close() // the peer goes
					synctest.Wait()
					end.want(t, c.want.Code(), c.want)
				}
			})
		})
	}
}

// nopConn is at its end.
type nopConn struct{ discardConn }

// Text fails with the byte that makes it invalid: a byte at a time, the Close
// comes before the next one is sent, however much the fragment still lacks.
func TestTextFailsAtTheFirstWrongByte(t *testing.T) {
	for _, c := range []struct{ good, bad string }{
		{"", "\x80"},
		{"", "\xc0"},
		{"", "\xc1"},
		{"", "\xf5"},
		{"", "\xff"},
		{"a", "\xfe"},
		{"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed", "\xa0"},
		{"\xe0", "\x9f"},
		{"\xf0", "\x8f"},
		{"\xf4", "\x90"},
		{"\xe2\x82", "a"},
		{"\xf0\x9f\x98", "\xc0"},
		{strings.Repeat("x", 3000) + "\xc2", "\x20"},
	} {
		for _, fragmented := range []bool{false, true} {
			for _, mode := range []Mode{ServerMode, ClientMode} {
				synctest.Test(t, func(t *testing.T) {
					ws, p := newPeer(t, mode, Options{})
					result := reading(t.Context(), ws)
					text := c.good + c.bad + strings.Repeat("never sent", 400)
					wires := p.frame(OpcodeText, true, text)
					unsent := 4000
					if fragmented {
						k := len(c.good)
						wires = append(p.frame(OpcodeText, false, text[:k]), p.frame(OpcodeContinuation, false, text[k:])...)
					}
					wires = wires[:len(wires)-unsent]
					p.send(wires[:len(wires)-1])
					synctest.Wait()
					select {
					case got := <-result:
						t.Errorf("%q, fragmented %v: failed with %v before the wrong byte", c.good, fragmented, got.err)
					default:
					}
					p.send(wires[len(wires)-1:])
					p.wantClose(StatusInvalidFramePayload, ErrInvalidFramePayload.Error())
					if got := <-result; got.err != ErrInvalidFramePayload || len(got.msgs) != 0 {
						t.Errorf("%q %q, fragmented %v: %v, %v", c.good, c.bad, fragmented, got.msgs, got.err)
					}
				})
			}
		}
	}
}

// Every close code, as the peer sends it: accepted, or refused with the error
// and the code on the wire that the table of the contract says (RFC 6455 §7.4).
func TestCloseCodes(t *testing.T) {
	for code := range 1 << 16 {
		var want *Error
		switch {
		case code < 1000, code >= 5000:
			want = ErrCloseStatusInvalid
		case code >= 1004 && code <= 1006, code >= 1015 && code <= 2999:
			want = ErrCloseStatusReserved
		}
		closed, err := protocol.ParseClose([]byte{byte(code >> 8), byte(code)})
		if want == nil && (err != nil || closed.Code != StatusCode(code)) || want != nil && err != error(want) {
			t.Fatalf("a Close with %d: %v, %v; want %v", code, closed, err, want)
		}
		switch code {
		default:
			continue
		case 0, 1, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1013, 1014, 1015, 1016, 2000, 2999, 3000, 3999, 4000, 4999, 5000, 65535:
		}
		for _, mode := range []Mode{ServerMode, ClientMode} {
			synctest.Test(t, func(t *testing.T) {
				ws, p := newPeer(t, mode, Options{})
				result := reading(t.Context(), ws)
				p.send(p.close(StatusCode(code), "why"))
				if want != nil {
					p.wantClose(StatusProtocolError, want.Error())
					if got := <-result; got.err != error(want) {
						t.Errorf("a Close with %d: %v, want %v", code, got.err, want)
					}
					return
				}
				p.wantClose(StatusCode(code), "") // the echo
				if mode == ServerMode {
					p.wantEnd() // the server closes first
				}
				p.conn.Close()
				wantCloseError(t, (<-result).err, StatusCode(code), "why")
			})
		}
	}
}

func TestEmptyCloseIsAnsweredWith1000(t *testing.T) {
	for _, mode := range []Mode{ServerMode, ClientMode} {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{})
			ws, p := newPeer(t, mode, opts)
			result := reading(t.Context(), ws)
			p.send(p.frame(OpcodeClose, true, ""))
			p.wantClose(StatusNormalClosure, "")
			p.conn.Close()
			wantCloseError(t, (<-result).err, StatusNoStatusRcvd, "")
			synctest.Wait()
			end.want(t, StatusNoStatusRcvd, nil)
		})
	}
}

// Nothing behind the peer's Close is delivered, nor is it judged.
func TestNothingBehindTheClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		result := reading(t.Context(), ws)
		go p.conn.Write(append(append(p.close(StatusGoingAway, ""), p.text("late")...), 0xff, 0xff))
		p.wantClose(StatusGoingAway, "")
		p.conn.Close()
		got := <-result
		wantCloseError(t, got.err, StatusGoingAway, "")
		if len(got.msgs) > 0 {
			t.Errorf("delivered %v from behind the Close", got.msgs)
		}
	})
}

// Fragments, empty ones too, with control frames between them, make one message.
func TestFragmentsMakeOneMessage(t *testing.T) {
	for _, mode := range []Mode{ServerMode, ClientMode} {
		synctest.Test(t, func(t *testing.T) {
			ws, p := newPeer(t, mode, Options{MaxMessageSize: 70000, MaxFrameSize: 70000})
			result := reading(t.Context(), ws)
			big := strings.Repeat("0123456789", 6500)
			go p.send(
				p.frame(OpcodeText, false, ""), p.ping("1"), p.frame(OpcodeContinuation, false, "\xe2"), p.frame(OpcodePong, true, "unasked"),
				p.frame(OpcodeContinuation, false, ""), p.frame(OpcodeContinuation, false, "\x82\xac"), p.ping("2"), p.frame(OpcodeContinuation, true, ""),
				p.frame(OpcodeBinary, false, big[:1]), p.frame(OpcodeContinuation, false, big[1:65000]), p.ping("3"), p.frame(OpcodeContinuation, true, ""),
				p.frame(OpcodeText, true, ""),
			)
			for i := range 3 {
				p.want(OpcodePong, true, fmt.Sprint(i+1))
			}
			synctest.Wait()
			p.conn.Close()
			got := <-result
			if len(got.msgs) != 3 || got.msgs[0].Binary || string(got.msgs[0].Payload) != "€" || !got.msgs[1].Binary || string(got.msgs[1].Payload) != big || len(got.msgs[2].Payload) != 0 {
				t.Errorf("messages %v", got.msgs)
			}
		})
	}
}

// The limits allow what they say, for a frame and for a message of any frames.
func TestLimitsAreExact(t *testing.T) {
	p := &peer{t: t, mode: ServerMode}
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name   string
		frames [][]byte
		want   error
	}{
		{"a frame at the limit", [][]byte{p.text(x(100))}, nil},
		{"a frame past it", [][]byte{p.text(x(101))}, ErrFrameTooLarge},
		{"a control frame past it", [][]byte{p.ping(x(101))}, ErrFrameTooLarge},
		{"a message at the limit", [][]byte{p.frame(OpcodeText, false, x(100)), p.frame(OpcodeContinuation, true, x(50))}, nil},
		{"a message at the limit and an empty frame", [][]byte{p.frame(OpcodeText, false, x(100)), p.frame(OpcodeContinuation, false, x(50)), p.frame(OpcodeContinuation, true, "")}, nil},
		{"a message past it", [][]byte{p.frame(OpcodeText, false, x(100)), p.frame(OpcodeContinuation, true, x(51))}, ErrMessageTooLarge},
		{"pings do not count", [][]byte{p.frame(OpcodeText, false, x(100)), p.ping(x(100)), p.frame(OpcodeContinuation, true, x(50))}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			src := newScripted(c.frames...)
			src.err = io.EOF
			ws := New(src, "", ServerMode, Options{MaxFrameSize: 100, MaxMessageSize: 150})
			_, err := ws.ReadMessage(context.Background())
			if err != c.want {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			src.Close()
		})
	}
	// A message of one frame, too.
	src := newScripted(p.text(x(51)))
	src.err = io.EOF
	if _, err := New(src, "", ServerMode, Options{MaxFrameSize: 100, MaxMessageSize: 50}).ReadMessage(t.Context()); err != ErrMessageTooLarge {
		t.Errorf("one frame past MaxMessageSize: %v", err)
	}
}
