package websocket

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

type middlewareKey struct{}

// A context that has ended stays so, also where nobody had asked before.
func TestHandlerContextStaysEnded(t *testing.T) {
	ctx := &served{common: &common{values: context.Background()}}
	ctx.ws.init(newScripted(), "", ServerMode, new(Options).shared(), nil, "")
	ctx.ws.abort(io.EOF)
	if err := ctx.Err(); err != context.Canceled {
		t.Errorf("Err: %v", err)
	}
	select {
	case <-ctx.Done():
	default:
		t.Error("Done: not closed")
	}
	if err := ctx.Err(); err != context.Canceled {
		t.Errorf("Err after Done: %v", err)
	}
}

// Whoever prints the context prints a name, and not the connection.
func TestHandlerContextPrints(t *testing.T) {
	ctx := context.Context(&served{})
	for _, got := range []string{fmt.Sprint(ctx), fmt.Sprintf("%+v", ctx), fmt.Sprintf("%#v", ctx)} {
		if got != "websocket.handlerContext" {
			t.Errorf("printed: %s", got)
		}
	}
	if got := fmt.Sprint(context.WithoutCancel(ctx)); got != "websocket.handlerContext.WithoutCancel" {
		t.Errorf("a derived one printed: %s", got)
	}
}

// The handler's context has all values of the request's, whoever set them. Only
// where those are net/http's own, connections share a context: if a new version
// of Go makes contexts otherwise, the first case tells.
func TestHandlerContextValues(t *testing.T) {
	type setting func(*http.Server, http.Handler) http.Handler
	within := func(change func(context.Context) (context.Context, context.CancelFunc)) setting {
		return func(_ *http.Server, h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := change(r.Context())
				defer cancel()
				h.ServeHTTP(w, r.WithContext(ctx))
			})
		}
	}
	for _, c := range []struct {
		name   string
		set    setting
		value  any // behind middlewareKey
		shared bool
	}{
		{"net/http alone", nil, nil, true},
		{"middleware that bounds a handler's time by cancelling", within(context.WithCancel), nil, true},
		{"middleware with a deadline", within(func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Hour)
		}), nil, false},
		{"middleware with a value", within(func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithValue(ctx, middlewareKey{}, "v"), func() {}
		}), "v", false},
		{"middleware with a value, cancelling", within(func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithCancel(context.WithValue(ctx, middlewareKey{}, "v"))
		}), "v", false},
		{"ConnContext", func(s *http.Server, h http.Handler) http.Handler {
			s.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
				return context.WithValue(ctx, middlewareKey{}, "v")
			}
			return h
		}, "v", false},
		{"BaseContext", func(s *http.Server, h http.Handler) http.Handler {
			s.BaseContext = func(net.Listener) context.Context {
				return context.WithValue(context.Background(), middlewareKey{}, "v")
			}
			return h
		}, "v", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			contexts := make(chan context.Context, 1)
			h := NewHandler(func(ctx context.Context, _ *Message) (*Message, error) {
				contexts <- ctx
				return nil, nil
			}, Options{})
			server := httptest.NewUnstartedServer(h)
			if c.set != nil {
				server.Config.Handler = c.set(server.Config, h)
			}
			server.Start()
			defer server.Close()
			ws, _, err := Dial(t.Context(), server.URL, DialOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := ws.WriteMessage(t.Context(), &Message{}); err != nil {
				t.Fatal(err)
			}
			ctx := <-contexts
			for range 2 { // as it is, and when somebody has asked when it ends
				if got := ctx.Value(middlewareKey{}); got != c.value {
					t.Errorf("the middleware's value is %v, want %v", got, c.value)
				}
				if got := ctx.Value(http.ServerContextKey); got != server.Config {
					t.Errorf("the server is %v", got)
				}
				if got, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr); !ok || got.String() != server.Listener.Addr().String() {
					t.Errorf("the local address is %v, want %v", got, server.Listener.Addr())
				}
				ctx.Done()
			}
			last := h.last.Load()
			if shared := last != nil && ctx.(*served).common == last; shared != c.shared {
				t.Errorf("shares its values: %v, want %v", shared, c.shared)
			}
			if err := ws.Close(); err != nil {
				t.Error(err)
			}
			if err := h.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
