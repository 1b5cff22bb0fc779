package websocket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

// faultTranscript is a conversation with everything in it, what an echo answers,
// and where each message is complete.
func faultTranscript(p *peer) (in, out []byte, complete []int) {
	add := func(frame []byte) { in = append(in, frame...) }
	answer := func(op Opcode, payload string) {
		out = AppendFrame(out, NewFrame(op, true, []byte(payload)), Unmasked)
		if op < OpcodeClose {
			complete = append(complete, len(in))
		}
	}
	add(p.text("hello"))
	answer(OpcodeText, "hello")
	add(p.frame(OpcodeBinary, true, strings.Repeat("b", 130)))
	answer(OpcodeBinary, strings.Repeat("b", 130))
	add(p.frame(OpcodeText, false, "€")[:])
	add(p.ping("ping"))
	answer(OpcodePong, "ping")
	add(p.frame(OpcodeContinuation, false, ""))
	add(p.frame(OpcodeContinuation, true, "uro"))
	answer(OpcodeText, "€uro")
	add(p.text(""))
	answer(OpcodeText, "")
	add(p.close(StatusGoingAway, "bye"))
	answer(OpcodeClose, closePayload(StatusGoingAway, ""))
	return in, out, complete
}

// The stream ends or breaks at every byte offset, with reads of every kind: what
// was complete is delivered and answered, and the error says what happened.
func TestReadingBreaksAtEachByte(t *testing.T) {
	broken := errors.New("broken")
	in, out, complete := faultTranscript(&peer{mode: ServerMode})
	for cut := range len(in) + 1 {
		for _, cause := range []error{io.EOF, broken} {
			for _, how := range []struct{ chunk, empty int }{{0, 0}, {1, 0}, {3, 2}} {
				for _, serve := range []bool{false, true} {
					name := fmt.Sprintf("%v at byte %d, reads of %d, empty each %d, serve %v", cause, cut, how.chunk, how.empty, serve)
					synctest.Test(t, func(t *testing.T) {
						src := newScripted(in[:cut])
						src.err, src.chunk, src.empty = cause, how.chunk, how.empty
						opts, end := closeHook(Options{})
						var readErr error
						opts.Hooks.OnReadError = func(_ ClientKey, err error) { readErr = err }
						ws := New(src, "", ServerMode, opts)
						n := 0
						for n < len(complete) && complete[n] <= cut {
							n++
						}
						if serve {
							calls := 0
							ws.Serve(t.Context(), func(_ context.Context, msg *Message) (*Message, error) {
								calls++
								return msg, nil
							})
							if calls != n {
								t.Errorf("%s: the handler was called %d times, want %d", name, calls, n)
							}
						} else {
							msgs, err := readAll(t.Context(), ws)
							if len(msgs) != n {
								t.Errorf("%s: %d messages, want %d", name, len(msgs), n)
							}
							if cut == len(in) {
								wantCloseError(t, err, StatusGoingAway, "bye")
							} else if codeOf(err) != StatusAbnormalClose || err != readErr || !strings.HasPrefix(err.Error(), "error reading ") {
								t.Errorf("%s: ReadMessage: %v, OnReadError: %v", name, err, readErr)
							}
						}
						synctest.Wait()
						if cut == len(in) {
							end.want(t, StatusGoingAway, nil)
							if serve && !bytes.Equal(src.written(), out) {
								t.Errorf("%s: wrote %q", name, src.written())
							}
							return
						}
						if cause == io.EOF && errors.Is(readErr, io.ErrUnexpectedEOF) {
							end.want(t, StatusAbnormalClose, io.ErrUnexpectedEOF)
						} else {
							end.want(t, StatusAbnormalClose, cause)
						}
						if got := src.written(); serve && (!bytes.HasPrefix(out, got) || cause == io.EOF && countFrames(t, got) < n) {
							t.Errorf("%s: wrote %q, want the answers to %d messages", name, got, n)
						}
						if src.closes != 1 {
							t.Errorf("%s: the transport was closed %d times", name, src.closes)
						}
					})
				}
			}
		}
	}
}

func countFrames(t *testing.T, wire []byte) int {
	n := 0
	for r := bytes.NewReader(wire); r.Len() > 0; n++ {
		if _, err := ReadFrame(r, ClientMode, 1000); err != nil {
			t.Errorf("%q: %v", wire, err)
			break
		}
	}
	return n
}

// Writing fails at every byte offset, with an error or by a short write: Serve
// ends, the hooks are told, and what was written is the beginning of the answers.
func TestWritingBreaksAtEachByte(t *testing.T) {
	broken := errors.New("broken")
	in, out, _ := faultTranscript(&peer{mode: ServerMode})
	for at := range len(out) {
		for _, short := range []bool{false, true} {
			for _, chunk := range []int{0, 1} {
				synctest.Test(t, func(t *testing.T) {
					name := fmt.Sprintf("at byte %d, short %v, reads of %d", at, short, chunk)
					src := newScripted(in)
					src.failAt, src.writeErr, src.short, src.chunk = at+1, broken, short, chunk
					cause := broken
					if short {
						cause = io.ErrShortWrite
					}
					opts, end := closeHook(Options{})
					var writeErr error
					opts.Hooks.OnWriteError = func(_ ClientKey, err error) { writeErr = err }
					ws := New(src, "", ServerMode, opts)
					ws.Serve(t.Context(), EchoHandler)
					synctest.Wait()
					if !errors.Is(writeErr, cause) {
						t.Errorf("%s: OnWriteError: %v", name, writeErr)
					}
					if end.calls != 1 || !(end.code == StatusAbnormalClose && errors.Is(end.err, cause) || end.code == StatusGoingAway && end.err == nil) {
						t.Errorf("%s: OnClose: %+v", name, *end)
					}
					if got := src.written(); len(got) != at || !bytes.HasPrefix(out, got) {
						t.Errorf("%s: wrote %q", name, got)
					}
				})
			}
		}
	}
}

// A stuckReader has some bytes, each behind 99 reads of nothing, and then nothing
// and no error, for ever. It panics where one asks on and on.
type stuckReader struct {
	data  string
	empty int
}

func (r *stuckReader) Read(p []byte) (int, error) {
	if r.empty++; r.empty < 100 || r.data == "" {
		if r.empty > 1000 {
			panic("reading without an end")
		}
		return 0, nil
	}
	r.empty = 0
	n := copy(p, r.data[:1])
	r.data = r.data[n:]
	return n, nil
}

// A reader that returns nothing and no error 100 times is broken, whichever part
// of a frame is missing; one that does it 99 times is not.
func TestNoProgressInCodec(t *testing.T) {
	short := string(MarshalFrame(NewFrame(OpcodeBinary, true, make([]byte, 5)), testKey))
	long := string(MarshalFrame(NewFrame(OpcodeBinary, true, make([]byte, 8<<10)), testKey))
	for _, c := range []struct{ name, data, text string }{
		{"header", "", "error reading frame header: "},
		{"second byte", short[:1], "error reading frame header: "},
		{"key", short[:3], "error reading mask key: "},
		{"2-byte length", long[:2], "error reading 2-byte extended payload length: "},
		{"payload", short[:6], "error reading 5 byte payload: "},
		{"payload begun", short[:8], "error reading 5 byte payload: "},
		{"large payload", long[:20], "error reading 8192 byte payload: "},
		{"nothing", short, ""},
	} {
		check := func(way string, f *Frame, err error) {
			t.Helper()
			if c.text == "" {
				if err != nil || len(f.Payload) != 5 {
					t.Errorf("%s: %s: %v, %v", c.name, way, f, err)
				}
			} else if !errors.Is(err, io.ErrNoProgress) || codeOf(err) != StatusAbnormalClose || !strings.HasPrefix(err.Error(), c.text) {
				t.Errorf("%s: %s: error %v, want %s%v", c.name, way, err, c.text, io.ErrNoProgress)
			}
		}
		f, err := ReadFrame(&stuckReader{data: c.data}, ServerMode, 1<<20)
		check("ReadFrame", f, err)
		r := NewFrameReader(&stuckReader{data: c.data}, ServerMode, 1<<20)
		f, err = r.Next()
		check("Next", f, err)
		if c.text == "" {
			if _, err := r.Next(); !errors.Is(err, io.ErrNoProgress) {
				t.Errorf("Next behind the frame: %v", err)
			}
		}
	}
}

// A transport that returns nothing and no error, for ever, is broken.
func TestNoProgress(t *testing.T) {
	src := newScripted()
	src.empty = 1
	if _, err := New(src, "", ServerMode, Options{}).ReadMessage(t.Context()); !errors.Is(err, io.ErrNoProgress) || codeOf(err) != StatusAbnormalClose {
		t.Errorf("ReadMessage: %v", err)
	}
}

// Bytes together with the error are read first.
func TestDataWithError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{mode: ServerMode}
		src := &dataAndError{scripted: newScripted(), data: append(p.text("hello"), p.text("again")...)}
		got, err := readAll(t.Context(), New(src, "", ServerMode, Options{}))
		if len(got) != 2 || !errors.Is(err, io.EOF) {
			t.Errorf("messages %v, %v", got, err)
		}
	})
}

type dataAndError struct {
	*scripted
	data []byte
}

func (d *dataAndError) Read(p []byte) (int, error) {
	n := copy(p, d.data)
	d.data = d.data[n:]
	return n, io.EOF
}
