package bench

import (
	"testing"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/task"
)

// A variant is one way to do a task with one library; without a way it says why.
type variant struct {
	lib string
	task.Variant
	skip    string
	noEmpty string // why it does not read empty messages
}

// name begins the names of its benchmarks. Built with the tag purego the
// libraries have another name, so that both builds fit in one table.
func (v *variant) name() string { return libName(v.lib) + "/api=" + v.API }

func libName(lib string) string { return "lib=" + lib + build }

// variants are the ways of all libraries to do the tasks of a benchmark.
func variants(benchmark string, of func(*task.Set) []task.Variant) []variant {
	var all []variant
	for _, e := range engines.All() {
		ways := of(&e.Tasks)
		for _, w := range ways {
			all = append(all, variant{lib: e.Name, Variant: w, noEmpty: e.Lacks[engine.EmptyMessages]})
		}
		if len(ways) == 0 {
			all = append(all, variant{lib: e.Name, skip: skips(&e.Tasks, benchmark)})
		}
	}
	return all
}

// skips is why a library has none of a benchmark.
func skips(s *task.Set, benchmark string) string {
	if reason := s.Skip[benchmark]; reason != "" {
		return reason
	}
	switch benchmark {
	case "Mask":
		return "the kernel is not exported; BenchmarkWriteFrame/role=client is the smallest public call that masks"
	case "FrameMessage":
		return "no call that splits a message into frames without writing it"
	}
	return ""
}

// TestEnginesDoAllTasks: what a library does not do has its reason.
func TestEnginesDoAllTasks(t *testing.T) {
	for _, e := range engines.All() {
		for benchmark, has := range map[string]int{
			"ReadFrame": len(e.Tasks.Reads), "ReadMessage": len(e.Tasks.Messages), "WriteFrame": len(e.Tasks.Writes),
			"Handshake": len(e.Tasks.Upgrades), "Mask": len(e.Tasks.Maskers), "Echo": len(e.Tasks.Echo),
		} {
			reason := e.Tasks.Skip[benchmark]
			if has == 0 && skips(&e.Tasks, benchmark) == "" {
				t.Errorf("%s does nothing of Benchmark%s, and says no reason", e.Name, benchmark)
			}
			if has > 0 && reason != "" {
				t.Errorf("%s has Benchmark%s, and a reason not to: %s", e.Name, benchmark, reason)
			}
		}
	}
}
