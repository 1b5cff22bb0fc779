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
	ws     Websocket
	values context.Context              // never ends
	asked  atomic.Pointer[askedContext] // nil until then; neverAsked if that was too late
}

type askedContext struct {
	context.Context
	cancel context.CancelFunc
}

// neverAsked stands for a context that has ended before anybody asked.
var neverAsked = &askedContext{cancel: func() {}}

func (c *handlerContext) init(values context.Context) { c.values = values }

// connection returns the connection whose context c is.
func (c *handlerContext) connection() *Websocket { return &c.ws }

// cancel ends the context.
func (c *handlerContext) cancel() {
	if !c.asked.CompareAndSwap(nil, neverAsked) {
		c.asked.Load().cancel()
	}
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
	for {
		before := c.state()
		if before != nil && before != neverAsked {
			return before.Done()
		}
		asked := new(askedContext)
		asked.Context, asked.cancel = context.WithCancel(c.values)
		if before == neverAsked {
			asked.cancel()
		}
		if c.asked.CompareAndSwap(before, asked) {
			if before == nil {
				c.ws.ending().afterwards(asked.cancel)
			}
			return asked.Done()
		}
		asked.cancel() // somebody else was faster
	}
}

// Err implements context.Context.
func (c *handlerContext) Err() error {
	switch asked := c.state(); asked {
	case nil:
		return nil
	case neverAsked:
		return context.Canceled
	default:
		return asked.Err()
	}
}

// state returns asked, and heeds the end of the connection.
func (c *handlerContext) state() *askedContext {
	asked := c.asked.Load()
	if asked == nil && c.ws.ending().has() {
		c.cancel()
		asked = c.asked.Load()
	}
	return asked
}

// Value implements context.Context. A context derived from this one finds the
// cancellable one behind it here, as package context looks for it.
func (c *handlerContext) Value(key any) any {
	if key == ContextKey {
		return &c.ws
	}
	values := c.values
	if asked := c.asked.Load(); asked != nil && asked != neverAsked {
		values = asked.Context
	}
	value := values.Value(key)
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
	values context.Context
}

// of returns the values for the connection of a request.
func (s *serverValues) of(r *http.Request, own func(*http.Request) context.Context) context.Context {
	if own != nil {
		ctx := own(r)
		if ctx.Done() == nil { // it never ends; WithoutCancel would take memory with each look
			return ctx
		}
		return context.WithoutCancel(ctx)
	}
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return context.Background()
	}
	last := s.last.Load()
	if last == nil || last.server != server {
		last = &valuesOf{server, context.WithValue(context.Background(), http.ServerContextKey, server)}
		s.last.Store(last)
	}
	return last.values
}
