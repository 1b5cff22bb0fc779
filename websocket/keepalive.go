package websocket

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// A keepalive pings a peer that is silent, and gives up one that stays so
// although a read is under way.
type keepalive struct {
	timer *time.Timer   // nil without pings
	reads atomic.Uint32 // reads begun and ended: odd while one waits
	last  uint32        // reads at the last tick
	ping  bool          // a ping was queued at the last tick
}

var errDead = &Error{code: StatusAbnormalClose, text: "the peer did not answer a ping within the ping interval", cause: errTimeout}

// pinging reports whether there are pings.
func (c *Websocket) pinging() bool { return c.clocks != nil && c.clocks.alive.timer != nil }

// countRead is told when a read begins to wait, and when it no longer does.
func (c *Websocket) countRead() {
	if c.pinging() {
		c.clocks.alive.reads.Add(1)
	}
}

func (c *Websocket) startKeepalive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.clocks == nil {
		c.clocks = new(clocks)
	}
	c.clocks.alive.timer = time.AfterFunc(c.opts.PingInterval, c.keepAlive)
}

// keepAlive runs once an interval.
func (c *Websocket) keepAlive() {
	c.mu.Lock()
	k, ended := &c.clocks.alive, c.ended
	c.mu.Unlock()
	if ended {
		return
	}
	reads := k.reads.Load()
	since := reads - k.last
	k.last = reads
	if since == 0 && k.ping && reads%2 == 1 { // one read has waited all the time
		c.end(StatusAbnormalClose, errDead)
		return
	}
	// Nothing came but the answer to the last ping, if there was one.
	idle := since <= 1 || since == 2 && k.ping
	k.ping = idle && c.queueControl(OpcodePing, nil)
	c.flush()
	k.timer.Reset(c.opts.PingInterval)
}

// pings are the Pings that wait for their pongs. The number of a ping is its
// payload.
type pings struct {
	last    uint64
	waiting map[uint64]chan struct{}
}

// Ping sends a Ping frame and waits for its Pong (RFC 6455 §5.5.2), which only
// arrives while another goroutine reads. It returns ctx's error if that ends
// first, which does no harm, and otherwise what ended the connection.
func (c *Websocket) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := c.doneChan()
	pong := make(chan struct{})
	c.mu.Lock()
	m := c.more()
	if m.pings == nil {
		m.pings = &pings{waiting: make(map[uint64]chan struct{})}
	}
	m.pings.last++
	number := m.pings.last
	m.pings.waiting[number] = pong
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(m.pings.waiting, number)
		c.mu.Unlock()
	}()
	if !c.queueControl(OpcodePing, binary.BigEndian.AppendUint64(nil, number)) {
		return c.endCause(errClosed)
	}
	c.flush()
	select {
	case <-pong:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-done:
		return c.endCause(errClosed)
	}
}

// ponged wakes those whose ping is answered: a Pong stands for all pings before
// it, too (RFC 6455 §5.5.3).
func (c *Websocket) ponged(payload []byte) {
	if len(payload) != 8 {
		return
	}
	number := binary.BigEndian.Uint64(payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seldom == nil || c.seldom.pings == nil {
		return
	}
	for n, pong := range c.seldom.pings.waiting {
		if n <= number && number <= c.seldom.pings.last {
			delete(c.seldom.pings.waiting, n)
			close(pong)
		}
	}
}
