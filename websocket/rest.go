package websocket

import (
	"sync"
	"time"
	"weak"
)

// restAfter is how long a connection compresses nothing before it gives back what its
// next message can make again; it may take twice as long. That a connection is parked is
// no reason: it is after a fraction of a second, and to make a window of 12 bits anew takes
// 6 µs, one of 15 bits 60.
const restAfter = 10 * time.Second

// A sweep puts connections to rest that were quiet, without a timer for each: it looks at
// all that have compressed a message since they last rested. It does not keep them.
type sweep struct {
	mu    sync.Mutex
	awake map[weak.Pointer[outbound]]struct{}
	next  time.Time // when tick is called
}

// sweeping is the one of the process.
var sweeping sweep

// add has the sweep look at o.
func (s *sweep) add(o *outbound) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awake == nil {
		s.awake = make(map[weak.Pointer[outbound]]struct{})
	}
	s.awake[weak.Make(o)] = struct{}{}
	s.arm()
}

// arm has tick called, unless it is to be called anyway. It needs s.mu. A timer can be
// lost: one that began in a synctest bubble ends with that.
func (s *sweep) arm() {
	now := time.Now()
	if wait := s.next.Sub(now); wait > -restAfter && wait <= restAfter {
		return
	}
	s.next = now.Add(restAfter)
	time.AfterFunc(restAfter, s.tick)
}

// tick looks at each. What is not at rest comes back to the sweep.
func (s *sweep) tick() {
	s.mu.Lock()
	awake := s.awake
	s.awake, s.next = nil, time.Time{}
	s.mu.Unlock()
	for o := range awake {
		if o := o.Value(); o != nil && !o.doze() {
			s.add(o)
		}
	}
}
