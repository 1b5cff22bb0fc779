package live

import (
	"bytes"
	"fmt"
	"sync"
	"weak"

	"github.com/wsproof/wsproof/websocket/seamtest"
)

// pools watches the buffers that the core has from its pools. What goes back is filled with
// a pattern, so that who reads it still is seen to, and goes back once.
var pools poolWatch

type poolWatch struct {
	once sync.Once
	mu   sync.Mutex
	back map[weak.Pointer[byte]]bool // those in the pools
	out  int                         // how many are in use
	err  error
}

// poisoned is what stands in memory that nobody may use.
var poisoned = bytes.Repeat([]byte{0xdb}, 4<<10)

// begin begins a time in which the buffers are watched.
func (w *poolWatch) begin() {
	w.once.Do(func() { seamtest.WatchPools(w.taken, w.freed) })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.back, w.out, w.err = map[weak.Pointer[byte]]bool{}, 0, nil
}

func (w *poolWatch) taken(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.back, weak.Make(&p[0]))
	w.out++
}

func (w *poolWatch) freed(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := weak.Make(&p[0])
	if w.back[at] {
		w.err = fmt.Errorf("a buffer of %d bytes went back to its pool twice", len(p))
		return
	}
	w.back[at] = true
	w.out--
	for len(p) > 0 {
		p = p[copy(p, poisoned):]
	}
}

// mostHeld is how many buffers go with a connection that has ended: what its reader had read
// ahead, a message of which a part had come, and what was queued when the transport was dropped.
const mostHeld = 3

// unknown stands for as many where goroutines may still be at their ends.
const unknown = -1

// end returns what was wrong. When all is over, all buffers went back but for those that
// may be held.
func (w *poolWatch) end(held int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && held != unknown && (w.out < 0 || w.out > held) {
		return fmt.Errorf("all is over, and %d buffers did not go back to their pools, want %d at most", w.out, held)
	}
	return w.err
}
