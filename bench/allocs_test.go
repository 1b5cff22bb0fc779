package bench

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestCoreAllocations holds the core to the allocations an operation that it
// promises. Unlike times they are the same on every machine.
func TestCoreAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	small, large := newTask(false, "", 1, 125), newTask(false, "", 1, 256<<10)
	empty := newTask(false, "", 1, 0)
	fragmented := newTask(false, "", 64, 16<<10)
	client := newTask(true, "", 1, 1<<10)
	for _, c := range []struct {
		id   string
		v    variant
		task *task
		want float64
	}{
		{"FrameReader.Next", coreReads[0], small, 0},
		{"FrameReader.Next of 256 KiB", coreReads[0], large, 0},
		{"ReadFrame", coreReads[1], small, 2},
		{"ReadFrame of 256 KiB", coreReads[1], large, 2},
		{"ReadFrame of an empty payload", coreReads[1], empty, 1},
		{"Serve with ReuseBuffers", coreMessages[0], small, 0},
		{"Serve with ReuseBuffers, 64 fragments", coreMessages[0], fragmented, 0},
		{"ReadMessage", coreMessages[1], small, 2},
		{"AppendFrame", coreWrites[0], small, 0},
		{"AppendFrame masked", coreWrites[0], client, 0},
		{"WriteFrame", coreWrites[1], small, 0},
		{"MarshalFrame", coreWrites[2], small, 1},
		{"MarshalFrame masked", coreWrites[2], client, 1},
		{"WriteMessage", coreWrites[3], small, 0},
	} {
		t.Run(c.id, func(t *testing.T) {
			o, err := c.v.open(c.task)
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

// allocations counts an operation's allocations, after some to warm up.
func allocations(t *testing.T, o *op) float64 {
	t.Helper()
	// A collection empties pools, and with many processors the runtime allocates
	// for it.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GC()
	const warm, runs = 100, 500
	var began, ended float64
	i := 0
	err := o.loop(func() bool {
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
