package websocket

import (
	"context"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsproof/wsproof/websocket/deflate"
)

// A connection that compresses nothing for a while gives back what it can make again,
// without a timer of its own; the messages behind are still compressed in its context.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forgetAwake()
		ws := New(new(received), "", ServerMode, Options{Compression: &Compression{}})
		peer := deflate.NewDecompressor(12, true)
		send := func() {
			t.Helper()
			text := strings.Repeat("some text that comes again, ", 10)
			if err := ws.WriteMessage(t.Context(), &Message{Payload: []byte(text)}); err != nil {
				t.Fatal(err)
			}
			frame := ws.transport.src.(*received).take()
			got, err := peer.Append(nil, frame[2:], true, 1<<10)
			if err != nil || string(got) != text {
				t.Errorf("the peer inflates %q: %v", got, err)
			}
		}
		awake := func() bool {
			synctest.Wait()
			return awakeNow() > 0
		}
		if awake() {
			t.Error("a connection that has compressed nothing is looked at")
		}
		for range 3 {
			for range 5 {
				send()
				time.Sleep(restAfter / 2)
				if !awake() {
					t.Error("a connection at work was put to rest")
				}
			}
			time.Sleep(2 * restAfter)
			if awake() {
				t.Errorf("a connection that was quiet for %v does not rest", 2*restAfter)
			}
		}
	})
}

// What the sweep looks at does not live longer for that.
func TestRestKeepsNothing(t *testing.T) {
	forgetAwake()
	freed := make(chan struct{})
	ws := New(new(received), "", ServerMode, Options{Compression: &Compression{}})
	if err := ws.WriteMessage(context.Background(), &Message{Payload: []byte(strings.Repeat("text ", 10))}); err != nil {
		t.Fatal(err)
	}
	runtime.AddCleanup(ws, func(freed chan struct{}) { close(freed) }, freed)
	ws = nil
	for done := false; !done; {
		runtime.GC()
		select {
		case <-freed:
			done = true
		default:
			runtime.Gosched()
		}
	}
	sweeping.tick()
	if n := awakeNow(); n > 0 {
		t.Errorf("the sweep looks at %d connections that are gone", n)
	}
}

// forgetAwake forgets what other tests have left awake.
func forgetAwake() {
	sweeping.mu.Lock()
	defer sweeping.mu.Unlock()
	sweeping.awake, sweeping.next = nil, time.Time{}
}

func awakeNow() int {
	sweeping.mu.Lock()
	defer sweeping.mu.Unlock()
	return len(sweeping.awake)
}

// received is a transport that takes everything and has nothing to read.
type received struct{ bytes []byte }

func (r *received) Read([]byte) (int, error)    { return 0, io.EOF }
func (r *received) Write(p []byte) (int, error) { r.bytes = append(r.bytes, p...); return len(p), nil }
func (r *received) Close() error                { return nil }

func (r *received) take() []byte {
	b := r.bytes
	r.bytes = nil
	return b
}
