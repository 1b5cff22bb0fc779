package model

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestInflateExamples reads the examples of RFC 7692 §7.2.3.
func TestInflateExamples(t *testing.T) {
	hello := []byte("Hello")
	for _, c := range []struct {
		id, payload string
		history     []byte
		want        string
		blocks      []Block
		distance    int
	}{
		{"7.2.3.1", "f248cdc9c90700", nil, "Hello", []Block{{false, 1, 0, 5}, {false, 0, 50, 0}}, 0},
		{"7.2.3.2", "f200110000", hello, "Hello", []Block{{false, 1, 0, 5}, {false, 0, 31, 0}}, 5},
		{"7.2.3.3", "000500faff48656c6c6f00", nil, "Hello", []Block{{false, 0, 0, 5}, {false, 0, 80, 0}}, 0},
		{"7.2.3.4", "f348cdc9c9070000", nil, "Hello", []Block{{true, 1, 0, 5}, {false, 0, 56, 0}}, 0},
		{"7.2.3.5", "f248050000" + "00ffffcac9c90700", nil, "Hello", []Block{{false, 1, 0, 2}, {false, 0, 26, 0}, {false, 1, 64, 3}, {false, 0, 98, 0}}, 0},
		{"7.2.3.6", "00", nil, "", []Block{{false, 0, 0, 0}}, 0},
	} {
		payload, err := hex.DecodeString(c.payload)
		if err != nil {
			t.Fatal(err)
		}
		got := Inflate(c.history, payload, 1<<15)
		if got.Rule != "" || string(got.Output) != c.want || got.Distance != c.distance || got.Padding || got.Bits != 8*len(payload)+32 {
			t.Errorf("%s: %+v, want %q, distance %d", c.id, got, c.want, c.distance)
		}
		if !slices.Equal(got.Blocks, c.blocks) {
			t.Errorf("%s: blocks %v, want %v", c.id, got.Blocks, c.blocks)
		}
	}
}

// sample is text that repeats itself, with some that does not.
func sample(random *rand.Rand, n int) []byte {
	words := []string{"the ", "window ", "of ", "a ", "message ", "slides ", "\n"}
	var b []byte
	for len(b) < n {
		switch random.IntN(8) {
		case 0:
			b = append(b, byte(random.IntN(256)))
		case 1:
			if len(b) > 4 {
				from := random.IntN(len(b))
				b = append(b, b[from:min(len(b), from+random.IntN(300))]...)
			}
		default:
			b = append(b, words[random.IntN(len(words))]...)
		}
	}
	return b[:n]
}

// writers are kept: each has about 1 MiB.
var writers = map[int]*flate.Writer{}

// compressed returns messages as a sender with context takeover sends them.
func compressed(t *testing.T, level int, messages [][]byte) [][]byte {
	t.Helper()
	var out bytes.Buffer
	w := writers[level]
	if w == nil {
		var err error
		if w, err = flate.NewWriter(nil, level); err != nil {
			t.Fatal(err)
		}
		writers[level] = w
	}
	w.Reset(&out)
	var payloads [][]byte
	for _, m := range messages {
		out.Reset()
		if _, err := w.Write(m); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, bytes.Clone(bytes.TrimSuffix(out.Bytes(), tail)))
	}
	return payloads
}

// library inflates with compress/flate, block behind final block. err is nil if
// the stream stops where more could follow.
func library(history, payload []byte) (output []byte, err error) {
	in := bytes.NewReader(slices.Concat(payload, tail))
	window := bytes.Clone(history)
	for in.Len() > 0 {
		part, err := io.ReadAll(flate.NewReaderDict(in, window[max(0, len(window)-1<<15):]))
		output, window = append(output, part...), append(window, part...)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return output, nil
		}
		if err != nil {
			return output, err
		}
	}
	return output, nil
}

// TestInflateLikeTheLibrary holds the inflater against compress/flate: messages
// of each level in turn, with their windows.
func TestInflateLikeTheLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		var messages [][]byte
		for _, n := range []int{0, 1, 5, 100, 3000, 40000, 70000, 10} {
			messages = append(messages, sample(random, n))
		}
		var history []byte
		for i, payload := range compressed(t, level, messages) {
			got := Inflate(history, payload, 1<<15)
			if got.Rule != "" || !bytes.Equal(got.Output, messages[i]) || got.Distance > 1<<15 || got.Padding {
				t.Fatalf("level %d, message %d of %d bytes: rule %q at byte %d of %d, %d bytes, distance %d", level, i, len(messages[i]), got.Rule, got.Octet, len(payload), len(got.Output), got.Distance)
			}
			octets := 0
			for _, b := range got.Blocks {
				octets += b.Octets
			}
			if octets != len(messages[i]) {
				t.Fatalf("level %d, message %d: the blocks have %d bytes of %d", level, i, octets, len(messages[i]))
			}
			if got.Distance > 1 {
				if short := Inflate(history, payload, got.Distance-1); short.Rule != WindowExceeded {
					t.Fatalf("level %d, message %d: rule %q with a window one short of %d", level, i, short.Rule, got.Distance)
				}
			}
			history = append(history, messages[i]...)
		}
	}
}

// TestInflateSpoilt changes bits of streams: what the model takes the library
// takes too, with the same output, and what the library refuses the model does.
func TestInflateSpoilt(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	refused := map[Rule]int{}
	for i := range 4000 {
		history := sample(random, random.IntN(50))
		message := sample(random, 1+random.IntN(200))
		payload := compressed(t, []int{-2, 0, 1, 6, 9}[i%5], [][]byte{message})[0]
		for range 1 + random.IntN(2) {
			payload[random.IntN(min(len(payload), 40))] ^= 1 << random.IntN(8)
		}
		if i%7 == 0 {
			payload = payload[:random.IntN(len(payload))]
		}
		got := Inflate(history, payload, 1<<15)
		output, err := library(history, payload)
		refused[got.Rule]++
		switch {
		case got.Rule == "" && (err != nil || !bytes.Equal(output, got.Output)):
			t.Fatalf("%x with history %q: the model gives %q, compress/flate %q, %v", payload, history, got.Output, output, err)
		case got.Rule == "" || got.Rule == MessageCut:
			// compress/flate does not tell a cut message from one that ends.
		case got.Rule == BlockInvalid && err == nil:
			// It takes codes without a symbol for the end of the block.
			if !bytes.HasPrefix(output, got.Output) {
				t.Fatalf("%x with history %q: the model stops with %s behind %q, compress/flate gave %q", payload, history, got.Rule, got.Output, output)
			}
		case err == nil:
			t.Fatalf("%x with history %q: %s at byte %d, but compress/flate takes it", payload, history, got.Rule, got.Octet)
		}
	}
	for _, rule := range []Rule{"", BlockInvalid, DistanceTooFar, MessageCut} {
		if refused[rule] < 50 {
			t.Errorf("%d of the streams have the verdict %q: too few to prove anything (%v)", refused[rule], rule, refused)
		}
	}
}

// TestInflateCut wants every beginning of a message refused as cut, but for those
// that end where a message may.
func TestInflateCut(t *testing.T) {
	message := []byte(strings.Repeat("to be cut, ", 20) + "once")
	payload := compressed(t, 6, [][]byte{message})[0]
	for n := range len(payload) {
		got := Inflate(nil, payload[:n], 1<<15)
		if got.Rule == "" && !bytes.Equal(got.Output, message) {
			t.Errorf("cut to %d of %d bytes: taken as %q", n, len(payload), got.Output)
		}
		if got.Rule == MessageCut && got.Octet != n {
			t.Errorf("cut to %d bytes: noticed after %d", n, got.Octet)
		}
	}
}

// TestInflateResumes reads each message in parts: the same outcome at the same octet.
func TestInflateResumes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	for i := range 600 {
		payload := compressed(t, []int{0, 1, 6}[i%3], [][]byte{sample(random, random.IntN(300))})[0]
		if i%2 == 0 {
			payload[random.IntN(len(payload))] ^= 1 << random.IntN(8)
		}
		want := Inflate(nil, payload, 1<<15)
		f := newInflater(nil, 1<<15)
		rule, octet := Rule(""), len(payload)
		for n := 0; n < len(payload) && rule == ""; {
			size := min(1+random.IntN(7), len(payload)-n)
			f.in = append(f.in, payload[n:n+size]...)
			n += size
			if rule = f.steps(nil); rule != "" {
				octet = (f.bit + 7) / 8
			}
		}
		if rule == "" {
			rule = f.end(nil)
		}
		got := fmt.Sprintf("%q at %d: %x", rule, octet, f.out)
		if want := fmt.Sprintf("%q at %d: %x", want.Rule, want.Octet, want.Output); want != got {
			t.Fatalf("%x in parts: %s, want %s", payload, got, want)
		}
	}
}

func BenchmarkInflate(b *testing.B) {
	message := sample(rand.New(rand.NewPCG(4, 4)), 64<<10)
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, 1)
	_, _ = w.Write(message)
	_ = w.Flush()
	payload := bytes.TrimSuffix(out.Bytes(), tail)
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		if got := Inflate(nil, payload, 1<<15); len(got.Output) != len(message) {
			b.Fatal(got.Rule)
		}
	}
}
