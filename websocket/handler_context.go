package websocket

import (
	"context"
	"net"
	"net/http"
	"reflect"
	"time"
)

// The handler's context has the values of a request's context, outlives it, and
// ends with the connection. What makes a context cancellable takes memory, so it
// is made when a handler first asks when the context ends.

type askedContext struct {
	context.Context
	cancel context.CancelFunc
}

// neverAsked stands for a context that has ended before anybody asked.
var neverAsked = &askedContext{cancel: func() {}}

// watch ends the context when the connection has ended, which may be while a handler
// is at work.
func (a *askedContext) watch(ws *Websocket) {
	select {
	case <-ws.doneChan():
		a.cancel()
	case <-a.Done():
	}
}

// common is what connections have in common.
type common struct {
	owner  *HTTPHandler
	server *http.Server    // nil where only one connection has it
	values context.Context // of their requests; never ends
}

// commonOf returns what the connection of a request shares with those of the same
// server, or its own where its request's context has values that others lack.
//
// A context that net/http has made holds a third of what an idle connection
// does otherwise (two contexts that end, and a channel), for two values: the
// server and the local address. So where those are all, the connections of a
// server share a context instead, and the address is the connection's.
func (h *HTTPHandler) commonOf(request context.Context) *common {
	server, ok := request.Value(http.ServerContextKey).(*http.Server)
	if !ok || !hasTwoValues(request) || request.Value(http.LocalAddrContextKey) == nil {
		return &common{owner: h, values: context.WithoutCancel(request)}
	}
	last := h.last.Load()
	if last == nil || last.server != server {
		last = &common{h, server, context.WithValue(context.Background(), http.ServerContextKey, server)}
		h.last.Store(last)
	}
	return last
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

// endContext ends the context.
func (s *served) endContext() {
	if !s.asked.CompareAndSwap(nil, neverAsked) {
		s.asked.Load().cancel()
	}
}

// String and GoString name the context. Without them package fmt, and loggers with
// it, would print the connection, while other goroutines change that.
func (s *served) String() string { return "websocket.handlerContext" }

// GoString is String.
func (s *served) GoString() string { return s.String() }

// Deadline implements context.Context: there is none.
func (s *served) Deadline() (deadline time.Time, ok bool) { return }

// Done implements context.Context.
func (s *served) Done() <-chan struct{} {
	for {
		before := s.state()
		if before != nil && before != neverAsked {
			return before.Done()
		}
		asked := new(askedContext)
		asked.Context, asked.cancel = context.WithCancel(s.common.values)
		if before == neverAsked {
			asked.cancel()
		}
		if s.asked.CompareAndSwap(before, asked) {
			if before == nil {
				go asked.watch(&s.ws)
			}
			return asked.Done()
		}
		asked.cancel() // somebody else was faster
	}
}

// Err implements context.Context.
func (s *served) Err() error {
	switch asked := s.state(); asked {
	case nil:
		return nil
	case neverAsked:
		return context.Canceled
	default:
		return asked.Err()
	}
}

// state returns asked, and heeds the end of the connection.
func (s *served) state() *askedContext {
	asked := s.asked.Load()
	if asked == nil && s.ws.hasEnded() {
		s.endContext()
		asked = s.asked.Load()
	}
	return asked
}

// Value implements context.Context. A context derived from this one finds the
// cancellable one behind it here, as package context looks for it.
func (s *served) Value(key any) any {
	values := s.common.values
	if asked := s.asked.Load(); asked != nil && asked != neverAsked {
		values = asked.Context
	}
	value := values.Value(key)
	if value == nil && key == http.LocalAddrContextKey {
		return s.ws.src.(net.Conn).LocalAddr()
	}
	return value
}
