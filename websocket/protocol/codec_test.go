package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// lengths are the boundaries of the three length forms and of the buffers.
var lengths = []int{0, 1, 2, 7, 8, 31, 32, 33, 124, 125, 126, 127, 1000, 4095, 4096, 4097, 8191, 8192, 8193, 16384, 65535, 65536, 65537, 300 << 10, 1 << 20}

var testKey = MaskingKey{0xA1, 0xB2, 0xC3, 0xD4}

func TestFramesSurviveTheWire(t *testing.T) {
	for _, key := range []MaskingKey{Unmasked, testKey, {0, 0, 0, 1}} {
		for _, n := range lengths {
			for _, op := range []Opcode{OpcodeContinuation, OpcodeText, OpcodeBinary, OpcodeClose, 0x3, 0xF} {
				frame := NewFrame(op, n%2 == 0, pattern(n), RSV1, RSV3)
				before := bytes.Clone(frame.Payload)
				wire := MarshalFrame(frame, key)
				if !bytes.Equal(frame.Payload, before) {
					t.Fatalf("MarshalFrame(%v, %v) changed the payload", frame, key)
				}
				mode := ServerMode
				if key == Unmasked {
					mode = ClientMode
				}
				rest := bytes.NewReader(append(bytes.Clone(wire), "next"...))
				got, err := ReadFrame(rest, mode, n)
				if err != nil {
					t.Fatalf("ReadFrame(%v, %v): %v", frame, key, err)
				}
				if !reflect.DeepEqual(got, frame) {
					t.Fatalf("ReadFrame of MarshalFrame(%v, %v) = %v", frame, key, got)
				}
				if rest.Len() != len("next") {
					t.Fatalf("ReadFrame(%v) read %d bytes too many", frame, len("next")-rest.Len())
				}
				appended := AppendFrame([]byte("prefix"), frame, key)
				if want := "prefix" + string(wire); string(appended) != want {
					t.Fatalf("AppendFrame(%v) differs from MarshalFrame or lost its prefix", frame)
				}
				var buf writeCounter
				if err := WriteFrame(&buf, key, frame); err != nil || buf.calls != 1 || !bytes.Equal(buf.Bytes(), wire) {
					t.Fatalf("WriteFrame(%v): %v, %d writes, equal: %v", frame, err, buf.calls, bytes.Equal(buf.Bytes(), wire))
				}
			}
		}
	}
}

type writeCounter struct {
	bytes.Buffer
	calls int
}

func (w *writeCounter) Write(p []byte) (int, error) {
	w.calls++
	return w.Buffer.Write(p)
}

func TestMarshalFrameBytes(t *testing.T) {
	long := string(pattern(126))
	for _, c := range []struct {
		name  string
		frame *Frame
		key   MaskingKey
		want  string
	}{
		{"5.7 a single-frame unmasked text message", NewFrame(OpcodeText, true, []byte("Hello")), Unmasked, "\x81\x05Hello"},
		{"5.7 a single-frame masked text message", NewFrame(OpcodeText, true, []byte("Hello")), MaskingKey{0x37, 0xfa, 0x21, 0x3d}, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
		{"5.7 first fragment", NewFrame(OpcodeText, false, []byte("Hel")), Unmasked, "\x01\x03Hel"},
		{"5.7 last fragment", NewFrame(OpcodeContinuation, true, []byte("lo")), Unmasked, "\x80\x02lo"},
		{"126 bytes take the 16-bit form", NewFrame(OpcodeBinary, true, []byte(long)), Unmasked, "\x82\x7e\x00\x7e" + long},
		{"opcode is cut to 4 bits", NewFrame(0xF1, true, nil), Unmasked, "\x81\x00"},
		{"all RSV bits", NewFrame(OpcodeText, false, nil, RSV1, RSV2, RSV3), Unmasked, "\x71\x00"},
		{"an RSV argument sets no other bits", NewFrame(OpcodeText, false, nil, 0xFF), Unmasked, "\x71\x00"},
	} {
		if got := string(MarshalFrame(c.frame, c.key)); got != c.want {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		n    int
		want string
	}{{125, "\x82\x7d"}, {126, "\x82\x7e\x00\x7e"}, {65535, "\x82\x7e\xff\xff"}, {65536, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"}} {
		got := MarshalFrame(NewFrame(OpcodeBinary, true, make([]byte, c.n)), Unmasked)
		if string(got[:len(c.want)]) != c.want || len(got) != len(c.want)+c.n {
			t.Errorf("header of %d bytes: %x", c.n, got[:14])
		}
	}
}

// readers are the two ways to decode a stream of frames.
var readers = map[string]func(src io.Reader, mode Mode, limit int) func() (*Frame, error){
	"ReadFrame": func(src io.Reader, mode Mode, limit int) func() (*Frame, error) {
		return func() (*Frame, error) { return ReadFrame(src, mode, limit) }
	},
	"FrameReader": func(src io.Reader, mode Mode, limit int) func() (*Frame, error) {
		return NewFrameReader(src, mode, limit).Next
	},
}

// chunkings are ways in which a transport may deliver the same bytes.
var chunkings = map[string]func(io.Reader) io.Reader{
	"whole":     func(r io.Reader) io.Reader { return r },
	"one byte":  iotest.OneByteReader,
	"half":      iotest.HalfReader,
	"data, err": iotest.DataErrReader,
}

func TestDecodersRefuse(t *testing.T) {
	top := strings.Repeat("\xff", 8)
	for _, c := range []struct {
		name  string
		mode  Mode
		limit int
		wire  string
		want  error
	}{
		{"unmasked to a server", ServerMode, 100, "\x81\x05Hello", ErrClientFrameUnmasked},
		{"unmasked comes before a bad length", ServerMode, 0, "\x81\x7e\x00\x01", ErrClientFrameUnmasked},
		{"unmasked is seen after two bytes", ServerMode, 100, "\x81\x7f", ErrClientFrameUnmasked},
		{"125 in 16 bits", ServerMode, 1000, "\x81\xfe\x00\x7d", ErrLengthNotMinimal},
		{"0 in 16 bits", ClientMode, 1000, "\x81\x7e\x00\x00", ErrLengthNotMinimal},
		{"65535 in 64 bits", ServerMode, 1 << 20, "\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff", ErrLengthNotMinimal},
		{"not minimal comes before too large", ServerMode, 10, "\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff", ErrLengthNotMinimal},
		{"one past the limit", ServerMode, 4, "\x81\x85", ErrFrameTooLarge},
		{"one past the limit, 16 bits", ClientMode, 999, "\x81\x7e\x03\xe8", ErrFrameTooLarge},
		{"top bit set", ServerMode, math.MaxInt, "\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00", ErrFrameTooLarge},
		{"all bits set", ClientMode, math.MaxInt - 1, "\x81\x7f" + top, ErrFrameTooLarge},
		{"a negative limit is 0", ClientMode, -1, "\x81\x01", ErrFrameTooLarge},
	} {
		for name, read := range readers {
			for chunking, chunk := range chunkings {
				// The frame must be refused from the bytes given: a read past them fails.
				src := io.MultiReader(strings.NewReader(c.wire), iotest.ErrReader(errors.New("read too much")))
				frame, err := read(chunk(src), c.mode, c.limit)()
				if err != c.want || frame != nil {
					t.Errorf("%s, %s, %s: %v, %v; want %v", c.name, name, chunking, frame, err, c.want)
				}
			}
		}
	}
}

func TestDecodersAccept(t *testing.T) {
	for _, c := range []struct {
		name  string
		mode  Mode
		limit int
		wire  string
		want  *Frame
	}{
		{"at the limit", ClientMode, 5, "\x81\x05Hello", NewFrame(OpcodeText, true, []byte("Hello"))},
		{"a masked frame to a client", ClientMode, 5, "\x81\x85\x00\x00\x00\x00Hello", NewFrame(OpcodeText, true, []byte("Hello"))},
		{"a zero key", ServerMode, 5, "\x82\x82\x00\x00\x00\x00ab", NewFrame(OpcodeBinary, true, []byte("ab"))},
		{"a negative limit and no payload", ClientMode, -5, "\x81\x00", NewFrame(OpcodeText, true, nil)},
		{"a reserved opcode with RSV bits, fragmented", ClientMode, 5, "\x3b\x00", NewFrame(0xB, false, nil, RSV2, RSV3)},
	} {
		for name, read := range readers {
			for chunking, chunk := range chunkings {
				next := read(chunk(strings.NewReader(c.wire)), c.mode, c.limit)
				got, err := next()
				if err != nil || !reflect.DeepEqual(got, c.want) {
					t.Errorf("%s, %s, %s: %v, %v; want %v", c.name, name, chunking, got, err, c.want)
				}
				if _, err := next(); !errors.Is(err, io.EOF) {
					t.Errorf("%s, %s, %s: then %v, want EOF", c.name, name, chunking, err)
				}
			}
		}
	}
}

// TestDecodersCutOff ends or breaks the stream at every offset of a frame.
func TestDecodersCutOff(t *testing.T) {
	broken := errors.New("broken")
	type span struct {
		from int
		text string
	}
	for _, c := range []struct {
		n     int
		spans []span
	}{
		{5, []span{{0, "error reading frame header"}, {2, "error reading mask key"}, {6, "error reading 5 byte payload"}}},
		{300, []span{{0, "error reading frame header"}, {2, "error reading 2-byte extended payload length"}, {4, "error reading mask key"}, {8, "error reading 300 byte payload"}}},
		{70000, []span{{0, "error reading frame header"}, {2, "error reading 8-byte extended payload length"}, {10, "error reading mask key"}, {14, "error reading 70000 byte payload"}}},
	} {
		wire := MarshalFrame(NewFrame(OpcodeBinary, true, pattern(c.n)), testKey)
		for cut := range len(wire) {
			if cut > 400 && cut%4093 != 0 && cut != len(wire)-1 {
				continue
			}
			s := c.spans[0]
			for _, next := range c.spans {
				if cut >= next.from {
					s = next
				}
			}
			for name, read := range readers {
				for chunking, chunk := range chunkings {
					_, err := read(chunk(bytes.NewReader(wire[:cut])), ServerMode, 1<<20)()
					want, is := s.text+": EOF", io.EOF
					if cut > s.from {
						want, is = s.text+": unexpected EOF", io.ErrUnexpectedEOF
					}
					var e *Error
					if err == nil || err.Error() != want || !errors.Is(err, is) || !errors.As(err, &e) || e.Code() != StatusAbnormalClose {
						t.Fatalf("%s, %s: %d byte payload cut at %d: %v, want %s", name, chunking, c.n, cut, err, want)
					}
					for _, fault := range []error{broken, io.ErrUnexpectedEOF} { // TLS without its end reports the latter
						src := io.MultiReader(bytes.NewReader(wire[:cut]), iotest.ErrReader(fault))
						_, err = read(chunk(src), ServerMode, 1<<20)()
						if want := s.text + ": " + fault.Error(); err == nil || err.Error() != want || !errors.Is(err, fault) {
							t.Fatalf("%s, %s: %d byte payload broken at %d: %v, want %s", name, chunking, c.n, cut, err, want)
						}
					}
				}
			}
		}
	}
}

func TestFrameReaderReadsStreams(t *testing.T) {
	var wire []byte
	var want []*Frame
	for i := range 300 {
		n := lengths[i*7%(len(lengths)-2)]
		frame := NewFrame(OpcodeBinary, i%3 == 0, pattern(n))
		want = append(want, frame)
		wire = AppendFrame(wire, frame, MaskingKey{byte(i), 2, 3, 4})
	}
	for chunking, chunk := range chunkings {
		r := NewFrameReader(chunk(bytes.NewReader(wire)), ServerMode, 1<<20)
		for i, frame := range want {
			got, err := r.Next()
			if err != nil || !reflect.DeepEqual(got, frame) {
				t.Fatalf("%s: frame %d: %v, %v; want %v", chunking, i, got, err, frame)
			}
		}
		_, err := r.Next()
		if _, again := r.Next(); !errors.Is(err, io.EOF) || again != err {
			t.Errorf("%s: at the end %v, then %v", chunking, err, again)
		}
	}
}

// TestFrameReaderReset reads from one source after another, with other modes and limits,
// from behind errors and from the middle of what was read ahead.
func TestFrameReaderReset(t *testing.T) {
	masked := AppendFrame(nil, NewFrame(OpcodeText, true, []byte("Hello")), MaskingKey{1, 2, 3, 4})
	plain := AppendFrame(nil, NewFrame(OpcodeBinary, true, pattern(20000)), Unmasked)
	var r FrameReader
	for _, c := range []struct {
		wire  []byte
		mode  Mode
		limit int
		want  error // of the first frame
		again error // of the call behind it
	}{
		{slices.Repeat(masked, 3), ServerMode, 5, nil, nil},
		{masked, ServerMode, 4, ErrFrameTooLarge, ErrFrameTooLarge},
		{plain, ServerMode, 1 << 20, ErrClientFrameUnmasked, ErrClientFrameUnmasked},
		{plain, ClientMode, 20000, nil, io.EOF},
		{plain[:10000], ClientMode, 20000, io.ErrUnexpectedEOF, io.ErrUnexpectedEOF},
		{masked, ServerMode, -1, ErrFrameTooLarge, ErrFrameTooLarge},
		{masked, ServerMode, 5, nil, io.EOF},
	} {
		r.Reset(bytes.NewReader(c.wire), c.mode, c.limit)
		frame, err := r.Next()
		want, wantErr := ReadFrame(bytes.NewReader(c.wire), c.mode, c.limit)
		if !errors.Is(err, c.want) || fmt.Sprint(err) != fmt.Sprint(wantErr) || !reflect.DeepEqual(frame, want) {
			t.Errorf("%d bytes, limit %d: %v, %v; want %v, %v", len(c.wire), c.limit, frame, err, want, wantErr)
		}
		if _, err := r.Next(); !errors.Is(err, c.again) {
			t.Errorf("%d bytes, limit %d: then %v, want %v", len(c.wire), c.limit, err, c.again)
		}
	}
	src := bytes.NewReader(masked)
	if n := testing.AllocsPerRun(100, func() {
		src.Reset(masked)
		r.Reset(src, ServerMode, 5)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("a FrameReader that is used again allocates %v times", n)
	}
}

// askReader remembers the largest read it was asked for, and delivers wire first.
type askReader struct {
	wire []byte
	most int
}

func (r *askReader) Read(p []byte) (int, error) {
	r.most = max(r.most, len(p))
	if len(r.wire) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.wire)
	r.wire = r.wire[n:]
	return n, nil
}

func TestAHeaderAloneCostsLittle(t *testing.T) {
	header := []byte{0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4} // 1 GiB
	for name, read := range readers {
		allocated := allocatedBytes(func() {
			if _, err := read(&askReader{wire: header}, ServerMode, math.MaxInt)(); err == nil {
				t.Fatal("no error")
			}
		})
		if allocated > allocStep+frameBuffer+4<<10 {
			t.Errorf("%s: a header that claims 1 GiB makes it allocate %d bytes", name, allocated)
		}
	}
}

// allocatedBytes is how many bytes a call of f allocates: the least of some calls,
// since others allocate at the same time.
func allocatedBytes(f func()) int {
	least := math.MaxInt
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, int(after.TotalAlloc-before.TotalAlloc))
	}
	return least
}

func TestWriteFrameFails(t *testing.T) {
	broken := errors.New("broken")
	err := WriteFrame(failWriter{broken}, Unmasked, NewFrame(OpcodeText, true, []byte("x")))
	var e *Error
	if !errors.Is(err, broken) || err.Error() != "error writing frame: broken" || !errors.As(err, &e) || e.Code() != StatusAbnormalClose {
		t.Errorf("WriteFrame: %v", err)
	}
	err = WriteFrame(failWriter{}, Unmasked, NewFrame(OpcodeText, true, []byte("x")))
	if !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("WriteFrame to a writer that takes nothing and reports nothing: %v", err)
	}
}

// Frames of every size go out in one Write, also those that no pool has a buffer
// for.
func TestWriteFrameSizes(t *testing.T) {
	for _, n := range []int{0, 1, 1 << 10, 300 << 10, 5 << 20, 17 << 20} {
		w := new(countingWriter)
		payload := make([]byte, n)
		if err := WriteFrame(w, Unmasked, NewFrame(OpcodeBinary, true, payload)); err != nil || w.writes != 1 || w.bytes != n+headerSize(n, Unmasked) {
			t.Errorf("WriteFrame of %d bytes: %d bytes in %d writes, %v", n, w.bytes, w.writes, err)
		}
	}
}

type countingWriter struct{ writes, bytes int }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.writes++
	w.bytes += len(p)
	return len(p), nil
}

type failWriter struct{ err error }

func (w failWriter) Write([]byte) (int, error) { return 0, w.err }

func TestCodecAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, n := range []int{1, 125, 126, 16 << 10, 64 << 10, 256 << 10} {
		frame := NewFrame(OpcodeBinary, true, pattern(n))
		wire := MarshalFrame(frame, testKey)
		src := &loopReader{wire: wire}
		if got := testing.AllocsPerRun(100, func() { ReadFrame(src, ServerMode, n) }); got > 1 {
			t.Errorf("ReadFrame of %d bytes: %v allocations, want 1", n, got)
		}
		r := NewFrameReader(&loopReader{wire: wire}, ServerMode, n)
		if got := testing.AllocsPerRun(100, func() { r.Next() }); got != 0 {
			t.Errorf("FrameReader.Next of %d bytes: %v allocations, want 0", n, got)
		}
		if got := testing.AllocsPerRun(100, func() { MarshalFrame(frame, testKey) }); got > 1 {
			t.Errorf("MarshalFrame of %d bytes: %v allocations, want 1", n, got)
		}
		dst := make([]byte, 0, n+maxHeaderSize)
		if got := testing.AllocsPerRun(100, func() { AppendFrame(dst, frame, testKey) }); got != 0 {
			t.Errorf("AppendFrame of %d bytes: %v allocations, want 0", n, got)
		}
	}
	empty := &loopReader{wire: MarshalFrame(NewFrame(OpcodeBinary, true, nil), testKey)}
	if got := testing.AllocsPerRun(100, func() { ReadFrame(empty, ServerMode, 0) }); got > 0 {
		t.Errorf("ReadFrame of an empty payload: %v allocations, want 0", got)
	}
}

// loopReader delivers wire again and again.
type loopReader struct {
	wire []byte
	at   int
}

func (r *loopReader) Read(p []byte) (int, error) {
	n := copy(p, r.wire[r.at:])
	if r.at += n; r.at == len(r.wire) {
		r.at = 0
	}
	return n, nil
}

func TestNewCloseFrame(t *testing.T) {
	euro := strings.Repeat("€", 50) // 3 bytes each: 123 bytes are 41 of them
	for _, c := range []struct {
		code   StatusCode
		reason string
		want   string
	}{
		{0, "ignored", ""},
		{1000, "", "\x03\xe8"},
		{1005, "x", "\x03\xedx"},
		{65535, "", "\xff\xff"},
		{1000, strings.Repeat("a", 123), "\x03\xe8" + strings.Repeat("a", 123)},
		{1000, strings.Repeat("a", 124), "\x03\xe8" + strings.Repeat("a", 123)},
		{1000, euro, "\x03\xe8" + euro[:123]},
		{1000, "a" + euro, "\x03\xe8a" + euro[:120]},
		{1000, "ab" + euro, "\x03\xe8ab" + euro[:120]},
		{1000, "a" + strings.Repeat("😀", 40), "\x03\xe8a" + strings.Repeat("😀", 30)},
	} {
		frame := NewCloseFrame(c.code, c.reason)
		if got := string(frame.Payload); got != c.want || frame.Opcode() != OpcodeClose || !frame.Fin() {
			t.Errorf("NewCloseFrame(%d, %q) = %v %q, want %q", c.code, c.reason, frame, got, c.want)
		}
	}
}

func TestStrings(t *testing.T) {
	for _, c := range []struct {
		v    fmt.Stringer
		want string
	}{
		{OpcodeContinuation, "Cont"},
		{OpcodeText, "Text"},
		{OpcodeBinary, "Binary"},
		{OpcodeClose, "Close"},
		{OpcodePing, "Ping"},
		{OpcodePong, "Pong"},
		{Opcode(3), "Opcode(0x3)"},
		{Opcode(255), "Opcode(0xff)"},
		{*NewFrame(OpcodeText, true, []byte("Hello"), RSV1, RSV3), "Text fin rsv1 rsv3 len=5"},
		{Message{Payload: []byte("hi")}, `Text len=2 "hi"`},
		{Message{Binary: true, Payload: make([]byte, 40)}, "Binary len=40 " + strings.Repeat("00", 32) + "…"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("%#v prints as %q, want %q", c.v, got, c.want)
		}
	}
	f := NewFrame(OpcodeText, false, nil, RSV2)
	if f.Fin() || f.RSV1() || !f.RSV2() || f.RSV3() || f.Opcode() != OpcodeText {
		t.Errorf("accessors of %v are wrong", f)
	}
}

func TestFrameMessage(t *testing.T) {
	for _, c := range []struct{ n, size, frames int }{
		{0, 10, 1}, {0, 0, 1}, {1, 1, 1}, {10, 10, 1}, {11, 10, 2}, {20, 10, 2}, {21, 10, 3}, {21, 0, 1}, {21, -1, 1},
	} {
		for _, binary := range []bool{false, true} {
			msg := &Message{Binary: binary, Payload: pattern(c.n)}
			frames := FrameMessage(msg, c.size)
			if len(frames) != c.frames {
				t.Fatalf("%d bytes in frames of %d: %d frames, want %d", c.n, c.size, len(frames), c.frames)
			}
			at := 0
			for i, f := range frames {
				op := OpcodeContinuation
				if i == 0 {
					op = msg.opcode()
				}
				if f.Opcode() != op || f.Fin() != (i == len(frames)-1) {
					t.Errorf("%d bytes in frames of %d: frame %d is %v", c.n, c.size, i, f)
				}
				if len(f.Payload) > 0 && &f.Payload[0] != &msg.Payload[at] {
					t.Errorf("%d bytes in frames of %d: frame %d does not alias the message", c.n, c.size, i)
				}
				if c.size > 0 && len(f.Payload) > c.size {
					t.Errorf("%d bytes in frames of %d: frame %d has %d", c.n, c.size, i, len(f.Payload))
				}
				at += len(f.Payload)
			}
			if at != c.n {
				t.Errorf("%d bytes in frames of %d: %d bytes", c.n, c.size, at)
			}
		}
	}
}

func BenchmarkFrameReader(b *testing.B) {
	for _, n := range []int{16, 125, 1 << 10, 16 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("size=%dB", n), func(b *testing.B) {
			r := NewFrameReader(&loopReader{wire: MarshalFrame(NewFrame(OpcodeBinary, true, pattern(n)), testKey)}, ServerMode, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
