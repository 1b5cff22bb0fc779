package bench

import (
	"runtime"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/core"
	"github.com/wsproof/wsproof/internal/engine/task"
)

// TestCoreAllocations holds the core to the allocations an operation that it
// promises. Unlike times they are the same on every machine.
func TestCoreAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	read, message, write := byAPI(t, core.Engine.Tasks.Reads), byAPI(t, core.Engine.Tasks.Messages), byAPI(t, core.Engine.Tasks.Writes)
	small, large := task.NewTask(false, "", 1, 125), task.NewTask(false, "", 1, 256<<10)
	empty := task.NewTask(false, "", 1, 0)
	fragmented := task.NewTask(false, "", 64, 16<<10)
	client := task.NewTask(true, "", 1, 1<<10)
	for _, c := range []struct {
		id   string
		v    task.Variant
		task *task.Task
		want float64
	}{
		{"FrameReader.Next", read("best"), small, 0},
		{"FrameReader.Next of 256 KiB", read("best"), large, 0},
		{"ReadFrame", read("readme"), small, 1},
		{"ReadFrame of 256 KiB", read("readme"), large, 1},
		{"ReadFrame of an empty payload", read("readme"), empty, 0},
		{"Serve with ReuseBuffers", message("best"), small, 0},
		{"Serve with ReuseBuffers, 64 fragments", message("best"), fragmented, 0},
		{"ReadMessage", message("readme"), small, 2},
		{"AppendFrame", write("best"), small, 0},
		{"AppendFrame masked", write("best"), client, 0},
		{"WriteFrame", write("readme"), small, 0},
		{"MarshalFrame", write("marshal"), small, 1},
		{"MarshalFrame masked", write("marshal"), client, 1},
		{"WriteMessage", write("conn"), small, 0},
	} {
		t.Run(c.id, func(t *testing.T) {
			o, err := c.v.Open(c.task)
			if err != nil {
				t.Fatal(err)
			}
			got := allocations(t, o)
			if got > c.want {
				t.Errorf("%.2f allocations, want at most %v", got, c.want)
			}
		})
	}
}

// byAPI finds a variant by the way that it names.
func byAPI(t *testing.T, variants []task.Variant) func(api string) task.Variant {
	return func(api string) task.Variant {
		i := slices.IndexFunc(variants, func(v task.Variant) bool { return v.API == api })
		if i < 0 {
			t.Fatalf("the core has no variant %q", api)
		}
		return variants[i]
	}
}

// allocations counts an operation's allocations, after some to warm up.
func allocations(t *testing.T, o *task.Op) float64 {
	t.Helper()
	// A collection empties pools, and with many processors the runtime allocates
	// for it.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GC()
	const warm, runs = 100, 500
	var began, ended float64
	i := 0
	err := o.Loop(func() bool {
		switch i {
		case warm:
			began = mallocs()
		case warm + runs:
			ended = mallocs()
			return false
		}
		i++
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	// What other goroutines of the test binary allocate meanwhile is far below
	// one an operation.
	return float64(int((ended-began)/runs*10+0.5)) / 10
}

func mallocs() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Mallocs)
}
