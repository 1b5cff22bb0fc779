package websocket

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"sync"
	"time"
)

// A handlerContext has the values of a request's context, outlives it, and ends
// with the connection. What makes a context cancellable takes memory, so it is
// made when a handler first asks when the context ends.
type handlerContext struct {
	ws     *Websocket      // on a net.Conn, whose local address is a value
	values context.Context // never ends

	mu    sync.Mutex
	ended bool
	asked *askedContext // nil until somebody asked
}

type askedContext struct {
	context.Context
	cancel context.CancelFunc
}

// watch ends the context when the connection has ended, which may be while a handler
// is at work.
func (a *askedContext) watch(ws *Websocket) {
	select {
	case <-ws.doneChan():
		a.cancel()
	case <-a.Done():
	}
}

// serverValues is a context with the value that all requests to a server have.
type serverValues struct {
	server *http.Server
	context.Context
}

// contextValues returns a context with the values of a request's that never ends.
//
// A context that net/http has made holds a third of what an idle connection
// does otherwise (two contexts that end, and a channel), for two values: the
// server and the local address. So where those are all, the connections of a
// server share a context instead.
func (h *HTTPHandler) contextValues(request context.Context) context.Context {
	server, ok := request.Value(http.ServerContextKey).(*http.Server)
	if !ok || !hasTwoValues(request) || request.Value(http.LocalAddrContextKey) == nil {
		return context.WithoutCancel(request)
	}
	last := h.values.Load()
	if last == nil || last.server != server {
		last = &serverValues{server, context.WithValue(context.Background(), http.ServerContextKey, server)}
		h.values.Store(last)
	}
	return last.Context
}

// The types of package context that a request's context is made of.
var (
	typeBackground = reflect.TypeOf(context.Background())
	typeValue      = reflect.TypeOf(context.WithValue(context.Background(), typeKey{}, nil))
	typeCancel     = func() reflect.Type {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		return reflect.TypeOf(ctx)
	}()
)

type typeKey struct{}

// hasTwoValues reports whether ctx is made of context.WithCancel, any number of
// times, and of context.WithValue, twice, on context.Background. It is false also
// where package context is not made as it was when this was written.
func hasTwoValues(ctx context.Context) bool {
	values := 0
	for v := reflect.ValueOf(ctx); ; {
		switch v.Type() {
		case typeBackground:
			return values == 2
		case typeValue:
			values++
		case typeCancel:
		default:
			return false
		}
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return false
		}
		parent := v.Elem().FieldByIndex(embedded)
		if parent.Kind() != reflect.Interface || parent.IsNil() {
			return false
		}
		v = parent.Elem()
	}
}

// embedded is where both types have their parent.
var embedded = []int{0}

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
		if c.ended || c.ws.hasEnded() { // as Err may have said
			c.asked.cancel()
		} else {
			go c.asked.watch(c.ws)
		}
	}
	return c.asked.Done()
}

// Err implements context.Context.
func (c *handlerContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.asked != nil:
		return c.asked.Err()
	case c.ended || c.ws.hasEnded():
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
	value := values.Value(key)
	if value == nil && key == http.LocalAddrContextKey {
		return c.ws.src.(net.Conn).LocalAddr()
	}
	return value
}
