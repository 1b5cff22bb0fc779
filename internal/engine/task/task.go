// Package task has what the benchmarks give each library to do: frames, messages
// and handshakes in memory, the same for all, and the echo servers that are
// measured over loopback. The benchmarks are in bench; how a library does a task
// stands in its folder, in bench.go and echo.go.
package task

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/wsproof/wsproof/internal/wire"
)

// A Task is what a benchmark does again and again; every library gets the same.
type Task struct {
	Client    bool   // the side that is measured; its frames out are masked, those in are not
	Text      string // the kind of text (see [NewTask]); "": binary
	Size      int    // bytes of a message
	Fragments int    // frames of a message that is read
	Payloads  [][]byte
	ring      []byte // the messages as frames
}

// Role is the side that is measured: server or client.
func (t *Task) Role() string {
	if t.Client {
		return "client"
	}
	return "server"
}

// Most is the limit of frames and messages that every library gets, in bytes.
const Most = 16 << 20

// ReadBuffer is the size of a read buffer where the user chooses it: that of
// the core's FrameReader, which offers no choice.
const ReadBuffer = 8 << 10

// NewTask builds messages that differ from each other, as many as make a ring
// of about 64 KiB, with frames as the other side sends them. Text is the kind
// of text, or empty for binary messages.
func NewTask(client bool, text string, fragments, size int) *Task {
	t := &Task{Client: client, Text: text, Size: size, Fragments: fragments}
	random := rand.New(rand.NewPCG(1, uint64(size)))
	for i := range min(max(64<<10/max(size, 1), 2), 512) {
		payload := Fill(text, size, i)
		t.Payloads = append(t.Payloads, payload)
		opcode := wire.Binary
		if text != "" {
			opcode = wire.Text
		}
		for j := range fragments {
			f := wire.Frame{
				Fin:     j == fragments-1,
				Opcode:  opcode,
				Masked:  !client,
				Payload: payload[j*size/fragments : (j+1)*size/fragments],
			}
			if f.Masked {
				f.Key = [4]byte{byte(random.UintN(255) + 1), byte(random.UintN(256)), byte(random.UintN(256)), byte(random.UintN(256))}
			}
			t.ring = f.Append(t.ring)
			opcode = wire.Continuation
		}
	}
	return t
}

// Fill returns size bytes of the kind of text: ascii, mixed (mostly ASCII with
// Latin letters of two bytes), cjk (three bytes each) or, for "", any bytes.
// The number i makes it different from others.
func Fill(text string, size, i int) []byte {
	stamp := fmt.Sprintf("%d|", i)
	var unit string
	switch text {
	case "":
		random := rand.New(rand.NewPCG(uint64(i), 7))
		b := make([]byte, size)
		for j := range b {
			b[j] = byte(random.Uint32())
		}
		return b
	case "ascii":
		unit = "The quick brown fox jumps over the lazy dog. "
	case "mixed":
		unit = "Zwölf Boxkämpfer jagen Viktor über den Deich. "
	case "cjk":
		unit = "我能吞下玻璃而不伤身体"
	default:
		panic("task: no such text: " + text)
	}
	b := append([]byte(stamp), strings.Repeat(unit, size/len(unit)+1)...)
	for b = b[:size]; ; b = b[:len(b)-1] { // cut at a rune's end, fill with ASCII
		if len(b) == 0 || b[len(b)-1] < 0x80 || completeRune(b) {
			break
		}
	}
	for len(b) < size {
		b = append(b, '.')
	}
	return b
}

func completeRune(b []byte) bool { return bytes.Equal(bytes.ToValidUTF8(b, nil), b) }

// Stream returns a Stream that gives the messages.
func (t *Task) Stream() *Stream { return &Stream{Ring: t.ring} }

// An Op is a library ready to do a task.
type Op struct {
	// Loop does the operation once after each call of next that returns true.
	Loop func(next func() bool) error
	// Last is the payload that the last operation delivered; nil for others.
	Last func() []byte
	// Stream is where the operation reads and writes.
	Stream *Stream
}

// A Variant is one way to do a task with a library.
type Variant struct {
	// API names the way: best, readme, or another name that says something.
	API  string
	Open func(t *Task) (*Op, error)
}

// An Upgrade answers one handshake: of the parsed request r with the
// ResponseWriter w, on the connection s behind it.
type Upgrade struct {
	API     string
	Prepare func() func(w *Response, r *http.Request, s *Stream) error
	Raw     bool // parses the bytes from s by itself
}

// A Masker masks b by the smallest public call that does it, and returns where
// the masked bytes are. Via names the call.
type Masker struct {
	Via  string
	Mask func(b []byte) func() []byte
}

// MaskKey is the key that a Masker masks with.
var MaskKey = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// A Set is all that a library does in the benchmarks.
type Set struct {
	Reads    []Variant // a message of one frame: where the API has frames, as a frame
	Messages []Variant // a message of fragments
	Writes   []Variant // a message in one frame
	Upgrades []Upgrade // a server's handshake
	Maskers  []Masker
	Echo     []Echo // over loopback
	// Broadcasts are its ways to send a message to many.
	Broadcasts []Broadcast
	// Skip says why there is none of a benchmark, by its name without Benchmark.
	Skip map[string]string
	// Assembly says that the tag purego leaves assembly out.
	Assembly bool
}

// ErrUTF8 ends a loop or a server that was sent text that is not UTF-8.
var ErrUTF8 = errors.New("bench: text is not UTF-8")

// ReadInto appends all of r to buf, which grows by doubling.
func ReadInto(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, max(512, 2*cap(buf))), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
