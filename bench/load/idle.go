package load

import (
	"context"
	"fmt"
	"time"
)

// Idle opens the connections, echoes one message on each as soon as it is open,
// and leaves them open and idle until the returned function closes them.
func Idle(ctx context.Context, c Config) (closeAll func(), err error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	c.InFlight = 1
	r := newRunner(ctx, c)
	conns, err := r.dialAll(ctx, true)
	closeAll = func() {
		for _, c := range conns {
			c.Conn.Close()
		}
	}
	if err == nil && r.failures.Total() > 0 {
		err = fmt.Errorf("%w: %s", ErrFailures, r.failures.String())
	}
	if err != nil {
		closeAll()
		return nil, err
	}
	return closeAll, nil
}

func (c *conn) echoOne() error {
	_ = c.SetDeadline(time.Now().Add(c.r.Patience))
	defer func() { _ = c.SetDeadline(time.Time{}) }()
	if _, err := c.Write(c.r.script.window(c.first, 1)); err != nil {
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
