package conformance

import (
	"runtime"
	"sync"
	"time"
)

// A gate lets so many cases be played at once. Where the peer is slow to open
// connections it lets fewer through, down to one, and more again when it is fast.
type gate struct {
	mu      sync.Mutex
	changed sync.Cond
	most    int // never more than this
	limit   int
	inside  int
	fast    int       // fast openings in a row
	halved  time.Time // when limit was last made smaller
}

func newGate(most int) *gate {
	g := &gate{most: most, limit: most}
	g.changed.L = &g.mu
	return g
}

func (g *gate) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.inside >= g.limit {
		g.changed.Wait()
	}
	g.inside++
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.changed.Broadcast()
}

// slowOpening is when an opening handshake is slow: a quarter of the shortest time
// that a case gives a peer to answer.
const slowOpening = 250 * time.Millisecond

// opened tells the gate how long a connection, begun then, took to open. The
// connections that were begun before the limit was halved say nothing new.
func (g *gate) opened(begun time.Time) {
	took := time.Since(begun)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case took < slowOpening:
		if g.fast++; g.fast >= g.limit && g.limit < g.most {
			g.fast = 0
			g.limit++
			g.changed.Broadcast()
		}
	case begun.After(g.halved):
		g.fast, g.halved = 0, time.Now()
		g.limit = max(1, g.limit/2)
	}
}

// now is how many the gate lets through at present.
func (g *gate) now() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limit
}

// inParallel calls do with the index of each case, as many at once as the gate
// lets through. The cases that move much come after the others, whose bounds are
// short, and are held to the number of processors.
func inParallel(cases []*Case, g *gate, do func(i int)) {
	for _, mass := range []bool{false, true} {
		var wg sync.WaitGroup
		few := newGate(len(cases))
		if mass {
			few = newGate(runtime.GOMAXPROCS(0))
		}
		for i, c := range cases {
			if c.movesMuch() != mass {
				continue
			}
			few.enter()
			g.enter()
			wg.Go(func() {
				defer func() { g.leave(); few.leave() }()
				do(i)
			})
		}
		wg.Wait()
	}
}
