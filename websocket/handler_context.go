package websocket

import (
	"context"
	"sync"
	"time"
)

// A handlerContext has the values of a request's context, outlives it, and ends
// with the connection. What makes a context cancellable takes memory, so it is
// made when a handler first asks when the context ends.
type handlerContext struct {
	values context.Context // never ends

	mu    sync.Mutex
	ended bool
	asked *askedContext // nil until somebody asked
}

type askedContext struct {
	context.Context
	cancel context.CancelFunc
}

func newHandlerContext(request context.Context) handlerContext {
	return handlerContext{values: context.WithoutCancel(request)}
}

// end ends the context.
func (c *handlerContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.asked != nil {
		c.asked.cancel()
	}
}

// Deadline implements context.Context: there is none.
func (c *handlerContext) Deadline() (deadline time.Time, ok bool) { return }

// Done implements context.Context.
func (c *handlerContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked == nil {
		c.asked = new(askedContext)
		c.asked.Context, c.asked.cancel = context.WithCancel(c.values)
		if c.ended {
			c.asked.cancel()
		}
	}
	return c.asked.Done()
}

// Err implements context.Context.
func (c *handlerContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return context.Canceled
	}
	return nil
}

// Value implements context.Context. A context derived from this one finds the
// cancellable one behind it here, as package context looks for it.
func (c *handlerContext) Value(key any) any {
	c.mu.Lock()
	values := c.values
	if c.asked != nil {
		values = c.asked.Context
	}
	c.mu.Unlock()
	return values.Value(key)
}
