package websocket

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

type contextKey string

// ContextKey is the key by which a handler of [NewHandler] finds its connection, a
// *[Websocket], among the values of its context.
var ContextKey any = contextKey("websocket")

// A handlerContext is the context of the calls of a handler. It has the values of
// another context, outlives that, and ends with the connection, which it holds. What makes a context
// cancellable takes memory, so it is made when somebody first asks when the context ends.
type handlerContext struct {
	ws    Websocket
	state atomic.Pointer[contextState]
}

// A contextState is the state of a handlerContext. Many share one, as long as nobody asks.
type contextState struct {
	context.Context                    // has the values; never ends, unless it was asked for
	cancel          context.CancelFunc // nil until it was
	over            *contextState      // what follows if nobody asks before the end; may be nil
}

// shared returns a state with these values, which never end, for many.
func shared(values context.Context) *contextState {
	s := &contextState{Context: values}
	s.over = s.ask()
	s.over.cancel()
	return s
}

// ask returns a state for who asks when the context ends.
func (s *contextState) ask() *contextState {
	asked := new(contextState)
	asked.Context, asked.cancel = context.WithCancel(s.Context)
	return asked
}

func (c *handlerContext) init(values *contextState) { c.state.Store(values) }

// connection returns the connection whose context c is.
func (c *handlerContext) connection() *Websocket { return &c.ws }

// cancel ends the context.
func (c *handlerContext) cancel() {
	s := c.state.Load()
	if s.cancel == nil {
		over := s.over
		if over == nil {
			over = s.ask()
			over.cancel()
		}
		if c.state.CompareAndSwap(s, over) {
			return
		}
		s = c.state.Load()
	}
	s.cancel()
}

// String and GoString name the context. Without them package fmt, and loggers with
// it, would print the connection, while other goroutines change that.
func (c *handlerContext) String() string { return "websocket.handlerContext" }

// GoString is String.
func (c *handlerContext) GoString() string { return c.String() }

// Deadline implements context.Context: there is none.
func (c *handlerContext) Deadline() (deadline time.Time, ok bool) { return }

// Done implements context.Context.
func (c *handlerContext) Done() <-chan struct{} {
	before := c.current()
	if before.cancel != nil {
		return before.Done()
	}
	asked := before.ask()
	if !c.state.CompareAndSwap(before, asked) {
		asked.cancel() // somebody else was faster
		return c.state.Load().Done()
	}
	c.ws.ending().afterwards(asked.cancel)
	return asked.Done()
}

// Err implements context.Context.
func (c *handlerContext) Err() error { return c.current().Err() }

// current returns the state, and heeds the end of the connection.
func (c *handlerContext) current() *contextState {
	s := c.state.Load()
	if s.cancel == nil && c.ws.ending().has() {
		c.cancel()
		s = c.state.Load()
	}
	return s
}

// Value implements context.Context. A context derived from this one finds the
// cancellable one behind it here, as package context looks for it.
func (c *handlerContext) Value(key any) any {
	if key == ContextKey {
		return &c.ws
	}
	value := c.state.Load().Value(key)
	if value == nil && key == http.LocalAddrContextKey {
		return c.ws.under().conn().LocalAddr()
	}
	return value
}

// serverValues are the values that handlers see where Options.Context says nothing: one
// context for all connections of a server, since one each would hold more than an idle
// connection does otherwise.
type serverValues struct {
	last atomic.Pointer[valuesOf] // of the server that called last
}

type valuesOf struct {
	server *http.Server
	values *contextState
}

// noValues are those of a request that has no server.
var noValues = shared(context.Background())

// of returns the values for the connection of a request.
func (s *serverValues) of(r *http.Request, own func(*http.Request) context.Context) *contextState {
	if own != nil {
		ctx := own(r)
		if ctx.Done() != nil { // WithoutCancel would take memory with each look
			ctx = context.WithoutCancel(ctx)
		}
		return &contextState{Context: ctx}
	}
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return noValues
	}
	last := s.last.Load()
	if last == nil || last.server != server {
		last = &valuesOf{server, shared(context.WithValue(context.Background(), http.ServerContextKey, server))}
		s.last.Store(last)
	}
	return last.values
}
