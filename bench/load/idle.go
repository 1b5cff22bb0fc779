package load

import (
	"context"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// An Idler has connections that are open and idle.
type Idler struct{ conns []*conn }

// Idle opens the connections, echoes one message on each as soon as it is open,
// and leaves them open and idle until they are closed.
func Idle(ctx context.Context, c Config) (*Idler, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	c.InFlight = 1
	r := newRunner(ctx, c)
	conns, err := r.dialAll(ctx, true)
	idler := &Idler{conns}
	if err == nil && r.failures.Total() > 0 {
		err = fmt.Errorf("%w: %s", ErrFailures, r.failures.String())
	}
	if err != nil {
		idler.Close()
		return nil, err
	}
	return idler, nil
}

// Close closes the connections.
func (i *Idler) Close() {
	for _, c := range i.conns {
		c.Conn.Close()
	}
}

// Answers echoes one more message on each connection, on one after the other, and
// returns how many nanoseconds each took.
func (i *Idler) Answers() (*hdrhistogram.Histogram, error) {
	latency := newHistogram()
	for _, c := range i.conns {
		begin := time.Now()
		if err := c.echoOne(); err != nil {
			return nil, err
		}
		if err := latency.RecordValue(max(int64(time.Since(begin)), 1)); err != nil {
			return nil, err
		}
	}
	return latency, nil
}

func (c *conn) echoOne() error {
	_ = c.SetDeadline(time.Now().Add(c.r.Patience))
	defer func() { _ = c.SetDeadline(time.Time{}) }()
	if _, err := c.Write(c.r.script.window(c.answers.next, 1)); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	for got := 0; got == 0; {
		n, err := c.Read(buf)
		if err != nil {
			return err
		}
		if got, err = c.answers.take(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}
