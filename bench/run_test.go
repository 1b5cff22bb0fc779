package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/internal/wire"
)

// A task is what a benchmark does again and again; every library gets the same.
type task struct {
	client    bool // the side that is measured; its frames out are masked, those in are not
	text      string
	size      int // bytes of a message
	fragments int // frames of a message that is read
	payloads  [][]byte
	ring      []byte // the messages as frames
}

func (t *task) role() string {
	if t.client {
		return "client"
	}
	return "server"
}

// most is the limit of frames and messages that every library gets, in bytes.
const most = 16 << 20

// readBuffer is the size of a read buffer where the user chooses it: that of
// the core's FrameReader, which offers no choice.
const readBuffer = 8 << 10

// newTask builds messages that differ from each other, as many as make a ring
// of about 64 KiB, with frames as the other side sends them. Text is the kind
// of text, or empty for binary messages.
func newTask(client bool, text string, fragments, size int) *task {
	t := &task{client: client, text: text, size: size, fragments: fragments}
	random := rand.New(rand.NewPCG(1, uint64(size)))
	for i := range min(max(64<<10/max(size, 1), 2), 512) {
		payload := fill(text, size, i)
		t.payloads = append(t.payloads, payload)
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

// fill returns size bytes of the kind of text: ascii, mixed (mostly ASCII with
// Latin letters of two bytes), cjk (three bytes each) or, for "", any bytes.
// The number i makes it different from others.
func fill(text string, size, i int) []byte {
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
		panic("bench: no such text: " + text)
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

func (t *task) stream() *stream { return &stream{ring: t.ring} }

// An op is a library ready to do a task.
type op struct {
	// loop does the operation once after each call of next that returns true.
	loop func(next func() bool) error
	// last is the payload that the last operation delivered; nil for others.
	last func() []byte
	// s is where the operation reads and writes.
	s *stream
}

// A variant is one way to do a task with one library.
type variant struct {
	lib, api string
	open     func(t *task) (*op, error)
}

// name begins the names of its benchmarks. Built with the tag purego the
// libraries have another name, so that both builds fit in one table.
func (v *variant) name() string { return "lib=" + v.lib + build + "/api=" + v.api }

// size prints a number of bytes as the benchmarks name it.
func size(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return fmt.Sprintf("%dB", n)
}

// run benchmarks every variant on every task; describe names a task.
func run(b *testing.B, variants []variant, tasks []*task, describe func(*task) string) {
	for i := range variants {
		v := &variants[i]
		b.Run(v.name(), func(b *testing.B) {
			for _, t := range tasks {
				b.Run(describe(t), func(b *testing.B) {
					o, err := v.open(t)
					if err != nil {
						b.Fatal(err)
					}
					measure(b, int64(t.size), o)
				})
			}
		})
	}
}

// measure runs the operation under b and reports, beside what testing reports,
// the CPU time of the whole process and the calls of Write an operation.
func measure(b *testing.B, bytes int64, o *op) {
	b.SetBytes(bytes)
	b.ReportAllocs()
	writes := 0
	if o.s != nil {
		writes = o.s.writes
	}
	before := cpuTime()
	err := o.loop(b.Loop)
	used := cpuTime() - before
	if err != nil {
		b.Fatal(err)
	}
	if used > 0 {
		b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
	}
	if o.s != nil && o.s.writes-writes >= b.N { // not the one Close of some
		b.ReportMetric(float64(o.s.writes-writes)/float64(b.N), "writes/op")
	}
}

// check runs every variant on every task and holds what it delivers against
// the task's payloads.
func check(t *testing.T, variants []variant, tasks []*task, describe func(*task) string) {
	for i := range variants {
		v := &variants[i]
		for _, k := range tasks {
			t.Run(v.name()+"/"+describe(k), func(t *testing.T) {
				o, err := v.open(k)
				if err != nil {
					t.Fatal(err)
				}
				if o.last == nil {
					checkWritten(t, k, o)
					return
				}
				done, rounds := 0, 2*len(k.payloads)+1
				err = o.loop(func() bool {
					if done > 0 {
						want := k.payloads[(done-1)%len(k.payloads)]
						if got := o.last(); !bytes.Equal(got, want) {
							t.Fatalf("message %d: got %d bytes %.40q, want %d bytes %.40q", done-1, len(got), got, len(want), want)
						}
					}
					if done == rounds {
						return false
					}
					done++
					return true
				})
				if err != nil {
					t.Fatal(err)
				}
				if done != rounds {
					t.Fatalf("the loop ended after %d of %d operations", done, rounds)
				}
			})
		}
	}
}

// checkWritten holds what an operation writes against the task's first
// payload, which must stay untouched, and the rules of masking.
func checkWritten(t *testing.T, k *task, o *op) {
	payload := k.payloads[0]
	before := bytes.Clone(payload)
	o.s.keep = true
	rounds := 0
	if err := o.loop(func() bool { rounds++; return rounds <= 3 }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(payload, before) {
		t.Fatal("the caller's payload was changed")
	}
	rest, messages := o.s.kept, 0
	var message []byte
	for len(rest) > 0 {
		f, n, err := wire.Split(rest)
		if err != nil {
			t.Fatalf("what was written does not split: %v", err)
		}
		rest = rest[n:]
		if f.Masked != k.client || f.Masked && f.Key == [4]byte{} {
			t.Fatalf("masked=%v key=%v by the %s", f.Masked, f.Key, k.role())
		}
		message = append(message, f.Payload...)
		if f.Fin {
			if !bytes.Equal(message, payload) {
				t.Fatalf("message %d: got %d bytes, want the payload of %d", messages, len(message), len(payload))
			}
			messages++
			message = message[:0]
		}
	}
	if messages != 3 {
		t.Fatalf("%d messages were written, want 3", messages)
	}
}
