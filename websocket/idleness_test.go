package websocket

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
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
