package websocket

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A sweep finds idle who has had nothing since the sweep before.
func TestIdleness(t *testing.T) {
	var i idleness
	if i.sweep() {
		t.Error("idle at the first sweep")
	}
	for range 3 {
		i.came()
		if i.sweep() {
			t.Error("idle, although something has come")
		}
	}
	if !i.sweep() {
		t.Error("not idle")
	}
	i.came() // too late
	if i.sweep() || !i.wasInterrupted() {
		t.Error("the reader goes on by itself")
	}
	i.interrupted()
	i.goOn()
	if i.wasInterrupted() || i.sweep() || !i.sweep() {
		t.Error("what follows is not a new time without bytes")
	}
	i.interrupted()
	if !i.stop() || !i.over() {
		t.Error("stopped, with a deadline in the past left")
	}
	i.came()
	i.begin()
	for range 2 {
		if i.sweep() {
			t.Error("swept after its end")
		}
	}
	if i.stop() {
		t.Error("stopped twice, with a deadline left")
	}
}

// The reader goes on, and stops, only behind an interruption that has begun: whatever
// the order, the deadline is the reader's at last.
func TestIdlenessRace(t *testing.T) {
	for range 2000 {
		var i idleness
		var past atomic.Bool // the deadline
		i.begin()
		var both sync.WaitGroup
		both.Go(func() {
			for range 3 {
				if i.sweep() {
					runtime.Gosched()
					past.Store(true)
					i.interrupted()
				}
			}
		})
		both.Go(func() {
			if i.wasInterrupted() {
				i.goOn()
				past.Store(false)
			}
			i.came()
			if i.stop() {
				past.Store(false)
			}
		})
		both.Wait()
		if past.Load() {
			t.Fatal("the reader is left with a deadline in the past")
		}
	}
}

// Who goes on, or stops, in the middle of an interruption waits for the rest of it, and lifts
// its deadline.
func TestIdlenessWaitsForAnInterruption(t *testing.T) {
	for range 20 {
		var i idleness
		i.begin()
		if !i.sweep() {
			t.Fatal("not idle")
		}
		var begun atomic.Bool
		lift := make(chan bool, 1)
		go func() {
			begun.Store(true)
			lift <- i.stop()
		}()
		for n := 0; n < 100; n++ {
			runtime.Gosched()
			if !begun.Load() {
				n = 0
			}
		}
		i.interrupted()
		if !<-lift {
			t.Fatal("stopped before the interruption was over")
		}
	}
}

// A watched transport looks at the state when its deadline is set.
type watchedTransport struct {
	*scripted
	set func()
}

func (w watchedTransport) SetReadDeadline(time.Time) error  { w.set(); return nil }
func (w watchedTransport) SetWriteDeadline(time.Time) error { return nil }

// The interruption is over when the deadline stands: not before, or the reader's own
// could be set ahead of it.
func TestSweepSetsTheDeadlineFirst(t *testing.T) {
	var tr transport
	sets := 0
	tr.src = watchedTransport{newScripted(), func() {
		if sets++; tr.socket.idle.state.Load() != interrupting {
			t.Errorf("the state is %d when the deadline is set, want %d", tr.socket.idle.state.Load(), interrupting)
		}
	}}
	tr.socket.idle.begin()
	if !tr.sweep() || sets != 1 {
		t.Errorf("the deadline was set %d times, want once", sets)
	}
	if !tr.socket.idle.stop() {
		t.Error("there is no deadline to lift")
	}
}
