package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A batch is some messages that were sent at the same time.
type batch struct {
	at time.Time
	n  int
}

// readSize is the size of the read buffers: large enough to take many small
// answers with one system call.
const readSize = 64 << 10

// soloWindow is how many bytes a connection may have on their way if one
// goroutine sends and reads: more could fill the buffers of both sides while
// the server waits for somebody to read its answers.
const soloWindow = 64 << 10

// closedLoop keeps InFlight messages on their way.
func (r *runner) closedLoop(c *conn) {
	window := len(r.script.window(0, r.InFlight))
	var due atomic.Int64
	write := func(next, n int) error { return lateOr(c.send(r.script.window(next, n))) }
	finish := func() {}
	if window > soloWindow {
		write, finish = c.writer(r.InFlight)
	}
	err := r.exchange(c, write, &due)
	finish()
	if err != nil {
		r.end(c, err, due.Load())
	}
}

// exchange sends and reads until the run is over and every answer is there.
func (r *runner) exchange(c *conn, write func(next, n int) error, due *atomic.Int64) error {
	var (
		batches = make([]batch, 0, r.InFlight+1)
		buf     = make([]byte, min(readSize, max(4096, 4*len(r.script.window(0, min(r.InFlight, 64))))))
		next    = c.first
		ring    = r.script.messages()
		left    = r.Messages
		credit  = r.InFlight
		now     = time.Now()
	)
	for {
		if r.Messages > 0 {
			credit = min(credit, left)
		}
		if credit > 0 && !r.stop.Load() {
			due.Add(int64(credit))
			left -= credit
			batches = append(batches, batch{now, credit})
			if err := write(next, credit); err != nil {
				return err
			}
			next = (next + credit) % ring
			credit = 0
		}
		if due.Load() == 0 {
			c.first = next
			return nil
		}
		n, err := c.Read(buf)
		now = time.Now()
		if n > 0 {
			complete, bad := c.answers.take(buf[:n])
			if bad != nil {
				return bad
			}
			if due.Add(-int64(complete)) < 0 {
				return errTooMany
			}
			credit += complete
			for complete > 0 {
				b := &batches[0]
				k := min(b.n, complete)
				c.shard.record(now.Sub(b.at), int64(k))
				complete -= k
				if b.n -= k; b.n == 0 {
					batches = batches[:copy(batches, batches[1:])]
				}
			}
		}
		if err != nil {
			return lateOr(err)
		}
	}
}

func lateOr(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errLate
	}
	return err
}

// writer sends from a goroutine of its own, so that reading goes on when the
// connection takes no more.
func (c *conn) writer(depth int) (write func(next, n int) error, finish func()) {
	type order struct{ next, n int }
	orders := make(chan order, depth+1)
	var failed atomic.Value
	var wg sync.WaitGroup
	wg.Go(func() {
		for o := range orders {
			if failed.Load() != nil {
				continue
			}
			if err := c.send(c.r.script.window(o.next, o.n)); err != nil {
				failed.Store(err)
			}
		}
	})
	write = func(next, n int) error {
		if err, bad := failed.Load().(error); bad {
			return err
		}
		orders <- order{next, n}
		return nil
	}
	return write, func() {
		close(orders)
		_ = c.SetWriteDeadline(time.Now().Add(c.r.Patience))
		wg.Wait()
	}
}

// end counts what went wrong and closes the connection.
func (r *runner) end(c *conn, err error, due int64) {
	c.ended = true
	if err != nil {
		c.blame(err, due)
		c.drop()
		return
	}
	if err := c.goodbye(); err != nil {
		r.fail(&r.failures.Dropped, 1, err)
	}
}

// rateLoop sends each message when it is due, whatever has come back, and
// counts latencies from then.
func (r *runner) rateLoop(c *conn) {
	interval, start := r.interval(c.index)
	dueAt := func(k int64) time.Time { return start.Add(interval * time.Duration(k)) }

	var sent, got atomic.Int64
	var sendErr error
	sending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		sendErr = r.sendDue(c, dueAt, interval, &sent)
		_ = c.SetReadDeadline(time.Now().Add(r.Patience))
		// In this order: the reader counts what it got and then looks whether this is
		// closed, so that one of both sees that nothing is due.
		close(sending)
		if got.Load() == sent.Load() {
			_ = c.SetReadDeadline(time.Now()) // wake the reader
		}
	}()
	err := func() error {
		buf := make([]byte, readSize)
		for {
			n, err := c.Read(buf)
			now := time.Now()
			complete, bad := c.answers.take(buf[:n])
			if bad != nil {
				return bad
			}
			k := got.Load()
			if k+int64(complete) > sent.Load() {
				return errTooMany
			}
			for range complete {
				c.shard.record(now.Sub(dueAt(k)), 1)
				k++
			}
			got.Store(k)
			done := false
			select {
			case <-sending:
				done = k == sent.Load()
			default:
			}
			if done {
				return nil
			}
			if err != nil {
				return lateOr(err)
			}
		}
	}()
	if err != nil && !errors.Is(err, errLate) { // which the sender brings about when it has ended
		c.Conn.Close() // ends the sender, should it be blocked
	}
	<-ended
	due := sent.Load() - got.Load()
	if errors.Is(err, errLate) && due == 0 {
		err = nil
	}
	if err == nil {
		err = sendErr
	}
	if err != nil {
		r.end(c, err, due)
	}
}

// sendDue sends what is due until the run is over, and what was due before that.
func (r *runner) sendDue(c *conn, dueAt func(int64) time.Time, interval time.Duration, sent *atomic.Int64) error {
	next, ring := c.first, r.script.messages()
	// due is how many messages are due by then from the k-th on.
	due := func(k int64, by time.Time) int64 {
		late := by.Sub(dueAt(k))
		if late < 0 {
			return 0
		}
		n := int64(late/interval) + 1
		if r.Messages > 0 {
			n = min(n, int64(r.Messages)-k)
		}
		return n
	}
	for k := int64(0); r.Messages <= 0 || k < int64(r.Messages); {
		over := r.stop.Load()
		by := time.Now()
		if over && by.After(r.over) {
			by = r.over
		}
		n := int(min(due(k, by), int64(ring)))
		if n == 0 {
			if over {
				break
			}
			time.Sleep(min(time.Until(dueAt(k)), 100*time.Millisecond))
			continue
		}
		sent.Add(int64(n)) // before the write: the answer may be faster than us
		if err := c.send(r.script.window(next, n)); err != nil {
			if r.stop.Load() {
				sent.Add(due(k+int64(n), r.over)) // they were due and are lost
			}
			return err
		}
		next = (next + n) % ring
		k += int64(n)
	}
	c.first = next
	return nil
}

// asyncLoop sends Messages messages before it reads, then reads all answers,
// and begins again on a new connection until the run is over.
func (r *runner) asyncLoop(c *conn) {
	for {
		due, err := r.session(c)
		if r.ctx.Err() != nil { // what is left of the session is nobody's fault
			c.ended = true
			c.drop()
			return
		}
		r.end(c, err, due)
		if err != nil || r.stop.Load() {
			return
		}
		next, err := r.dial(r.ctx, c.index)
		if r.ctx.Err() != nil {
			if err == nil {
				next.drop()
			}
			return
		}
		if err != nil {
			r.fail(&r.failures.Refused, 1, err)
			return
		}
		next.begin(c.index)
		c = next
	}
}

// stall is how long an async session's sending may stand still before it
// begins to read: a server that waits for its answers to be read would
// otherwise stand still for ever.
const stall = time.Second

func (r *runner) session(c *conn) (due int64, err error) {
	defer context.AfterFunc(r.ctx, func() { c.Conn.Close() })()
	sent := make(chan error, 1)
	moved := make(chan struct{}, 1)
	go func() {
		const step = 256
		next, ring := c.first, r.script.messages()
		for left := r.Messages; left > 0; {
			n := min(step, left, ring)
			if err := c.send(r.script.window(next, n)); err != nil {
				sent <- err
				return
			}
			next = (next + n) % ring
			left -= n
			select {
			case moved <- struct{}{}:
			default:
			}
		}
		sent <- nil
	}()
	timer := time.NewTimer(stall)
	defer timer.Stop()
sending:
	for {
		select {
		case err := <-sent:
			if err != nil {
				return int64(r.Messages), fmt.Errorf("sending: %w", err)
			}
			sent <- nil
			break sending
		case <-moved:
			timer.Reset(stall)
		case <-timer.C:
			r.stalls.Add(1)
			break sending
		}
	}
	due = int64(r.Messages)
	buf := make([]byte, readSize)
	for due > 0 {
		_ = c.SetReadDeadline(time.Now().Add(r.Patience))
		n, err := c.Read(buf)
		complete, bad := c.answers.take(buf[:n])
		if bad != nil {
			return due, bad
		}
		due -= int64(complete)
		c.shard.count(int64(complete))
		if err != nil && due > 0 {
			return due, lateOr(err)
		}
	}
	if due < 0 {
		return 0, errTooMany
	}
	return 0, <-sent
}

// tryClosing opens and closes a connection that does not count, to see whether the
// server ends TCP behind its Close: waiting for one that does not would be the
// better part of what is measured.
func (r *runner) tryClosing() error {
	c, err := r.dial(r.ctx, 0)
	if r.ctx.Err() != nil {
		if err == nil {
			c.drop()
		}
		return r.ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("load: no connection opened: %w", err)
	}
	_ = c.goodbye() // what is wrong with it will be told of those that count
	r.leftOpen.Store(0)
	return nil
}

// connect opens and closes connections, one after the other or at a rate.
func (r *runner) connect(i int) {
	interval, due := time.Duration(0), r.start
	if r.Rate > 0 {
		interval, due = r.interval(i)
	}
	for k := 0; r.Messages <= 0 || k < r.Messages; k++ {
		begin := time.Now()
		if interval > 0 {
			for !r.stop.Load() && time.Until(due) > 0 {
				time.Sleep(min(time.Until(due), 100*time.Millisecond))
			}
		}
		if r.stop.Load() {
			if interval == 0 || due.After(r.over) {
				return
			}
			if time.Since(r.over) > r.Patience {
				n := int64(r.over.Sub(due)/interval) + 1
				if r.Messages > 0 {
					n = min(n, int64(r.Messages-k))
				}
				r.fail(&r.failures.Lost, n, fmt.Errorf("lost connections: %d were due and not even tried %v later", n, r.Patience))
				return
			}
		}
		if interval > 0 {
			begin, due = due, due.Add(interval)
		}
		c, err := r.dial(r.ctx, i)
		if r.ctx.Err() != nil {
			if err == nil {
				c.drop()
			}
			return
		}
		if err != nil {
			r.fail(&r.failures.Refused, 1, err)
			if interval == 0 {
				time.Sleep(10 * time.Millisecond) // a server that is gone is no reason to spin
			}
			continue
		}
		latency := time.Since(begin)
		if err := c.goodbye(); err != nil {
			r.fail(&r.failures.Dropped, 1, err)
			continue
		}
		c.shard.record(latency, 1)
	}
}
