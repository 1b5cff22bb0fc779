package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/task"
	"github.com/wsproof/wsproof/websocket"
)

var sizes = []int{16, 125, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 1 << 20}

func tasks(roles []bool, text string, fragments int, sizes ...int) []*task.Task {
	var all []*task.Task
	for _, client := range roles {
		for _, n := range sizes {
			all = append(all, task.NewTask(client, text, fragments, n))
		}
	}
	return all
}

var bothRoles = []bool{false, true}

func roleAndSize(t *task.Task) string { return "role=" + t.Role() + "/size=" + size(t.Size) }

// Reading a frame: what a server reads is masked, what a client reads is not.

func reads() []variant {
	return variants("ReadFrame", func(s *task.Set) []task.Variant { return s.Reads })
}

func BenchmarkReadFrame(b *testing.B) {
	run(b, reads(), tasks(bothRoles, "", 1, sizes...), roleAndSize)
}

func TestReadFrame(t *testing.T) {
	check(t, reads(), tasks(bothRoles, "", 1, 0, 1, 16, 125, 126, 1<<10, 65535, 65536, 1<<20), roleAndSize)
}

// Writing a frame: what a client writes is masked with a new key each time,
// and the caller's payload stays as it is.

func writes() []variant {
	return variants("WriteFrame", func(s *task.Set) []task.Variant { return s.Writes })
}

func BenchmarkWriteFrame(b *testing.B) {
	run(b, writes(), tasks(bothRoles, "", 1, sizes...), roleAndSize)
}

func TestWriteFrame(t *testing.T) {
	check(t, writes(), tasks(bothRoles, "", 1, 0, 1, 16, 125, 126, 1<<10, 65535, 65536, 1<<20), roleAndSize)
}

// Reading a message of fragments.

func messages() []variant {
	return variants("ReadMessage", func(s *task.Set) []task.Variant { return s.Messages })
}

func messageTasks(sizes ...int) []*task.Task {
	var all []*task.Task
	for _, n := range []int{1, 8, 64} {
		all = append(all, tasks([]bool{false}, "", n, sizes...)...)
	}
	return all
}

func fragmentsAndSize(t *task.Task) string {
	return fmt.Sprintf("fragments=%d/size=%s", t.Fragments, size(t.Size))
}

func BenchmarkReadMessage(b *testing.B) {
	run(b, messages(), messageTasks(1<<10, 16<<10, 1<<20), fragmentsAndSize)
}

func TestReadMessage(t *testing.T) {
	check(t, messages(), messageTasks(0, 7, 1<<10, 16<<10, 1<<20), fragmentsAndSize)
}

// Reading text, with the check that it is UTF-8.

func textTasks(sizes ...int) []*task.Task {
	var all []*task.Task
	for _, text := range []string{"ascii", "mixed", "cjk"} {
		all = append(all, tasks([]bool{false}, text, 1, sizes...)...)
	}
	return all
}

func textAndSize(t *task.Task) string { return "text=" + t.Text + "/size=" + size(t.Size) }

func BenchmarkReadText(b *testing.B) {
	run(b, messages(), textTasks(125, 1<<10, 16<<10), textAndSize)
}

func TestReadText(t *testing.T) {
	check(t, messages(), textTasks(16, 125, 1<<10, 16<<10), textAndSize)
}

// Splitting a message into frames. Only the core has a call for it.

func BenchmarkFrameMessage(b *testing.B) {
	payload := make([]byte, 64<<10)
	msg := &websocket.Message{Binary: true, Payload: payload}
	for _, count := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("lib=core%s/api=best/fragments=%d/size=64KiB", build, count), func(b *testing.B) {
			measure(b, int64(len(payload)), &task.Op{Loop: func(next func() bool) error {
				for next() {
					if got := len(websocket.FrameMessage(msg, len(payload)/count)); got != count {
						return fmt.Errorf("%d frames, want %d", got, count)
					}
				}
				return nil
			}})
		})
	}
	for _, e := range engines.Libraries() {
		b.Run(libName(e.Name), func(b *testing.B) { b.Skip(skips(&e.Tasks, "FrameMessage")) })
	}
}

func TestFrameMessage(t *testing.T) {
	payload := task.Fill("", 64<<10, 1)
	for _, count := range []int{1, 8, 64} {
		frames := websocket.FrameMessage(&websocket.Message{Binary: true, Payload: payload}, len(payload)/count)
		var joined []byte
		for i, f := range frames {
			if f.Fin() != (i == count-1) || (f.Opcode() == websocket.OpcodeBinary) != (i == 0) {
				t.Errorf("%d frames: frame %d is %v", count, i, f)
			}
			joined = append(joined, f.Payload...)
		}
		if len(frames) != count || !slices.Equal(joined, payload) {
			t.Errorf("%d frames with %d bytes, want %d with %d", len(frames), len(joined), count, len(payload))
		}
	}
}
