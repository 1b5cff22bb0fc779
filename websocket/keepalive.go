package websocket

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// A pinger has the pings of a connection, those of Ping and those of PingInterval alike:
// a ping's payload is its number, and a pong answers all pings before it, whoever sent
// them (RFC 6455 §5.5.3). It has no memory before the first one.
type pinger struct {
	pings atomic.Pointer[pings]
}

type pings struct {
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan struct{} // for the pong of a ping, by its number

	turn  turn   // in the rota of those with the same interval
	reads uint32 // reads begun and ended: odd while one waits
	seen  uint32 // of them, at the last tick
	asked bool   // a ping was queued at the last tick
}

// lock returns the pings, which are made if there are none; unlock them.
func (p *pinger) lock() *pings {
	all := p.pings.Load()
	if all == nil {
		all = new(pings)
		if !p.pings.CompareAndSwap(nil, all) {
			all = p.pings.Load()
		}
	}
	all.mu.Lock()
	return all
}

// number numbers a ping and returns its payload.
func (p *pinger) number() []byte {
	all := p.lock()
	defer all.mu.Unlock()
	all.last++
	return binary.BigEndian.AppendUint64(nil, all.last)
}

// next is number, and returns what is closed when that ping is answered, and what to
// call when nobody waits for it any more.
func (p *pinger) next() (payload []byte, pong <-chan struct{}, forget func()) {
	all := p.lock()
	defer all.mu.Unlock()
	all.last++
	number, ch := all.last, make(chan struct{})
	if all.waiting == nil {
		all.waiting = make(map[uint64]chan struct{})
	}
	all.waiting[number] = ch
	return binary.BigEndian.AppendUint64(nil, number), ch, func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		delete(all.waiting, number)
	}
}

// answered wakes those whose ping a pong with payload answers. One for a ping that was
// never sent answers nothing (RFC 6455 §5.5.3: it may come unasked).
func (p *pinger) answered(payload []byte) {
	all := p.pings.Load()
	if all == nil || len(payload) != 8 {
		return
	}
	number := binary.BigEndian.Uint64(payload)
	all.mu.Lock()
	defer all.mu.Unlock()
	if number > all.last {
		return
	}
	for n, pong := range all.waiting {
		if n <= number {
			delete(all.waiting, n)
			close(pong)
		}
	}
}

// start has the rota tell who, whose pings these are, when to tick. stop ends that.
func (p *pinger) start(r *rota, who dutiful) { p.ticked(false, r, who) }

func (p *pinger) stop(r *rota) {
	if all := p.pings.Load(); all != nil {
		r.remove(&all.turn)
	}
}

// reading is told whether a read waits.
func (p *pinger) reading(waits bool) {
	all := p.pings.Load()
	if all == nil {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if waits != (all.reads%2 == 1) {
		all.reads++
	}
}

// tick reports whether the peer has been silent since the last tick, which wants a
// ping, and whether it is dead: it was silent before, too, a ping was queued then, and
// one read has waited all the time.
func (p *pinger) tick() (silent, dead bool) {
	all := p.lock()
	defer all.mu.Unlock()
	since := all.reads - all.seen
	all.seen = all.reads
	if since == 0 && all.asked && all.reads%2 == 1 {
		return true, true
	}
	// Nothing came but the answer to the last ping, if there was one.
	return since <= 1 || since == 2 && all.asked, false
}

// ticked says whether a ping was queued at the tick, and has the next one come.
func (p *pinger) ticked(asked bool, r *rota, who dutiful) {
	all := p.lock()
	all.asked = asked
	all.mu.Unlock()
	r.add(&all.turn, who)
}
