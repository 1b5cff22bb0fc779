package websocket

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A deadline is told of the deadlines that are set.
type deadline func()

func (d deadline) SetReadDeadline(time.Time) error  { d(); return nil }
func (d deadline) SetWriteDeadline(time.Time) error { return nil }

// noDeadline does nothing.
var noDeadline = deadline(func() {})

// A sweep finds idle who has had nothing since the sweep before.
func TestIdleness(t *testing.T) {
	var p parking
	if p.sweep(noDeadline) {
		t.Error("idle at the first sweep")
	}
	for range 3 {
		p.came()
		if p.sweep(noDeadline) {
			t.Error("idle, although something has come")
		}
	}
	if !p.sweep(noDeadline) || !p.wasInterrupted() {
		t.Error("not idle")
	}
	p.came() // too late
	if p.sweep(noDeadline) || !p.wasInterrupted() {
		t.Error("the reader goes on by itself")
	}
	p.goOn()
	if p.wasInterrupted() || p.sweep(noDeadline) || !p.sweep(noDeadline) {
		t.Error("what follows is not a new time without bytes")
	}
	if !p.stop() {
		t.Error("stopped, with a deadline in the past left")
	}
	p.came()
	p.begin()
	for range 2 {
		if !p.sweep(deadline(func() { t.Error("swept after its end") })) {
			t.Error("to be swept after its end")
		}
	}
	if p.stop() {
		t.Error("stopped twice, with a deadline left")
	}
}

// The reader goes on, and stops, only behind an interruption that has begun: whatever
// the order, the deadline is the reader's at last.
func TestIdlenessRace(t *testing.T) {
	for range 2000 {
		var p parking
		var past atomic.Bool // the deadline
		p.begin()
		var both sync.WaitGroup
		both.Go(func() {
			for range 3 {
				p.sweep(deadline(func() {
					runtime.Gosched()
					past.Store(true)
				}))
			}
		})
		both.Go(func() {
			if p.wasInterrupted() {
				p.goOn()
				past.Store(false)
			}
			p.came()
			if p.stop() {
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
		var p parking
		p.begin()
		var begun atomic.Bool
		lift := make(chan bool, 1)
		p.sweep(deadline(func() {
			go func() {
				begun.Store(true)
				lift <- p.stop()
			}()
			for n := 0; n < 100; n++ {
				runtime.Gosched()
				if !begun.Load() {
					n = 0
				}
			}
		}))
		if !<-lift {
			t.Fatal("stopped before the interruption was over")
		}
	}
}

// The interruption is over when the deadline stands: not before, or the reader's own
// could be set ahead of it.
func TestSweepSetsTheDeadlineFirst(t *testing.T) {
	var p parking
	sets := 0
	p.begin()
	over := p.sweep(deadline(func() {
		if sets++; p.state.Load() != interrupting {
			t.Errorf("the state is %d when the deadline is set, want %d", p.state.Load(), interrupting)
		}
	}))
	if !over || sets != 1 {
		t.Errorf("the deadline was set %d times, want once", sets)
	}
	if !p.stop() {
		t.Error("there is no deadline to lift")
	}
}
