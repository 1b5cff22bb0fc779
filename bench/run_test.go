package bench

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/internal/wire"
)

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
func run(b *testing.B, variants []variant, tasks []*task.Task, describe func(*task.Task) string) {
	for i := range variants {
		v := &variants[i]
		if v.Open == nil {
			b.Run(libName(v.lib), func(b *testing.B) { b.Skip(v.skip) })
			continue
		}
		b.Run(v.name(), func(b *testing.B) {
			for _, t := range tasks {
				b.Run(describe(t), func(b *testing.B) {
					o, err := v.Open(t)
					if err != nil {
						b.Fatal(err)
					}
					measure(b, int64(t.Size), o)
				})
			}
		})
	}
}

// measure runs the operation under b and reports, beside what testing reports,
// the CPU time of the whole process and the calls of Write an operation.
func measure(b *testing.B, bytes int64, o *task.Op) {
	b.SetBytes(bytes)
	b.ReportAllocs()
	writes := 0
	if o.Stream != nil {
		writes = o.Stream.Writes
	}
	before := cpuTime()
	err := o.Loop(b.Loop)
	used := cpuTime() - before
	if err != nil {
		b.Fatal(err)
	}
	if used > 0 {
		b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
	}
	if o.Stream != nil && o.Stream.Writes-writes >= b.N { // not the one Close of some
		b.ReportMetric(float64(o.Stream.Writes-writes)/float64(b.N), "writes/op")
	}
}

// check runs every variant on every task and holds what it delivers against
// the task's payloads.
func check(t *testing.T, variants []variant, tasks []*task.Task, describe func(*task.Task) string) {
	for i := range variants {
		v := &variants[i]
		if v.Open == nil {
			continue // TestEnginesDoAllTasks has the reason
		}
		for _, k := range tasks {
			t.Run(v.name()+"/"+describe(k), func(t *testing.T) {
				if k.Size == 0 && v.noEmpty != "" {
					t.Skip(v.noEmpty)
				}
				o, err := v.Open(k)
				if err != nil {
					t.Fatal(err)
				}
				if o.Last == nil {
					checkWritten(t, k, o)
					return
				}
				done, rounds := 0, 2*len(k.Payloads)+1
				err = o.Loop(func() bool {
					if done > 0 {
						want := k.Payloads[(done-1)%len(k.Payloads)]
						if got := o.Last(); !bytes.Equal(got, want) {
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
func checkWritten(t *testing.T, k *task.Task, o *task.Op) {
	payload := k.Payloads[0]
	before := bytes.Clone(payload)
	o.Stream.Keep = true
	rounds := 0
	if err := o.Loop(func() bool { rounds++; return rounds <= 3 }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(payload, before) {
		t.Fatal("the caller's payload was changed")
	}
	rest, messages := o.Stream.Kept, 0
	var message []byte
	for len(rest) > 0 {
		f, n, err := wire.Split(rest)
		if err != nil {
			t.Fatalf("what was written does not split: %v", err)
		}
		rest = rest[n:]
		if f.Masked != k.Client || f.Masked && f.Key == [4]byte{} {
			t.Fatalf("masked=%v key=%v by the %s", f.Masked, f.Key, k.Role())
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
