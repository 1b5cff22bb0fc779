package websocket

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"testing"
	"unsafe"

	"github.com/wsproof/wsproof/websocket/protocol"
)

// Resident memory grows by twice the bytes that are live, since the garbage collector
// lets the heap double, so a connection of a NewHandler fits a small size class.
func TestServedSize(t *testing.T) {
	if size := unsafe.Sizeof(served{}); size > 208 {
		t.Errorf("a connection has %d bytes, want at most 208: the next size class has 224", size)
	}
}

// TestIdleStack holds connections that have each echoed a message and now wait:
// their goroutines must not have outgrown the smallest stack, and little of that is in
// use, by which the garbage collector lets the heap grow, too.
func TestIdleStack(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes stacks larger")
	}
	// A runtime whose goroutines are mostly deep, as a test's are, begins new ones
	// with more. That can only be turned off from outside.
	if inside := "WSPROOF_IDLE_STACK"; os.Getenv(inside) == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestIdleStack$")
		child.Env = append(os.Environ(), inside+"=1", "GODEBUG=adaptivestackstart=0")
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
	const conns = 500
	handler := NewHandler(EchoHandler, Options{ReuseBuffers: true})
	server := httptest.NewServer(handler)
	defer server.Close()
	goroutines := runtime.NumGoroutine()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	usedBefore := usedStack()
	for range conns {
		// A goroutine that finds the pools empty allocates, which takes more stack.
		// Clients that share them make that frequent.
		for range 4 {
			protocol.TakeBuffer(16 << 10).Free()
			protocol.TakeBuffer(1 << 10).Free()
		}
		ws, _, err := Dial(t.Context(), server.URL, DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		wantEcho(t, ws, "hello")
	}
	for runtime.NumGoroutine() > goroutines+conns { // net/http's own are about to go
		runtime.Gosched()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := (after.StackInuse - before.StackInuse) / conns; got > 3<<10 {
		t.Errorf("an idle connection has a stack of %d bytes, want 2 KiB", got)
	}
	if got := (usedStack() - usedBefore) / conns; got > 592 {
		t.Errorf("an idle connection uses %d bytes of its stack, want at most 592", got)
	}
}

// usedStack returns how many bytes of stack the last collection has scanned.
func usedStack() uint64 {
	sample := []metrics.Sample{{Name: "/gc/scan/stack:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
