package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

type middlewareKey struct{}

// A context that has ended stays so, also where nobody had asked before, and those that
// shared their state with it are as before.
func TestHandlerContextStaysEnded(t *testing.T) {
	for _, state := range []*contextState{{Context: context.Background()}, shared(context.Background())} {
		begin := func() *handlerContext {
			ctx := new(handlerContext)
			ctx.init(state)
			ctx.ws.init(newScripted(), ServerMode, new(Options).shared(), nil, opened{})
			return ctx
		}
		ctx, other := begin(), begin()
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
		if err := other.Err(); err != nil {
			t.Errorf("another one's Err: %v", err)
		}
		select {
		case <-other.Done():
			t.Error("another one's Done: closed")
		default:
		}
	}
}

// Whoever prints the context prints a name, and not the connection.
func TestHandlerContextPrints(t *testing.T) {
	ctx := context.Context(new(handlerContext))
	for _, got := range []string{fmt.Sprint(ctx), fmt.Sprintf("%+v", ctx), fmt.Sprintf("%#v", ctx)} {
		if got != "websocket.handlerContext" {
			t.Errorf("printed: %s", got)
		}
	}
	if got := fmt.Sprint(context.WithoutCancel(ctx)); got != "websocket.handlerContext.WithoutCancel" {
		t.Errorf("a derived one printed: %s", got)
	}
}

// The handler's context has the connection and the values of the server, and of a request
// what Options.Context takes of it, but not its end.
func TestHandlerContextValues(t *testing.T) {
	for _, c := range []struct {
		name    string
		context func(*http.Request) context.Context
		value   any // behind middlewareKey
		server  bool
	}{
		{"net/http alone", nil, nil, true},
		{"the request's", func(r *http.Request) context.Context { return r.Context() }, "v", true},
		{"one's own", func(r *http.Request) context.Context {
			ctx, cancel := context.WithCancel(context.WithValue(context.Background(), middlewareKey{}, r.URL.Path))
			cancel()
			return ctx
		}, "/", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			contexts := make(chan context.Context, 1)
			h := NewHandler(func(ctx context.Context, _ *Message) (*Message, error) {
				contexts <- ctx
				return nil, nil
			}, Options{Context: c.context})
			server := httptest.NewUnstartedServer(h)
			server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
				return context.WithValue(ctx, middlewareKey{}, "v")
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
					t.Errorf("the value is %v, want %v", got, c.value)
				}
				if got := ctx.Value(http.ServerContextKey); (got == server.Config) != c.server {
					t.Errorf("the server is %v", got)
				}
				if got, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr); !ok || got.String() != server.Listener.Addr().String() {
					t.Errorf("the local address is %v, want %v", got, server.Listener.Addr())
				}
				if got, ok := ctx.Value(ContextKey).(*Websocket); !ok || got.ClientKey() != ws.ClientKey() {
					t.Errorf("the connection is %v", got)
				}
				if err := ctx.Err(); err != nil {
					t.Errorf("the context has ended: %v", err)
				}
				ctx.Done()
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

// OnOpen is given each connection before anything is read, and may keep it and write.
func TestOnOpen(t *testing.T) {
	opened := make(chan *Websocket, 1)
	h := NewHandler(EchoHandler, Options{OnOpen: func(ws *Websocket, r *http.Request) {
		if err := ws.WriteMessage(r.Context(), &Message{Payload: []byte("hello, " + r.URL.Query().Get("name"))}); err != nil {
			t.Error(err)
		}
		opened <- ws
	}})
	server := httptest.NewServer(h)
	defer server.Close()
	ws, _, err := Dial(t.Context(), server.URL+"?name=x", DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pushed := <-opened
	if err := pushed.Err(); err != nil {
		t.Errorf("Err of an open connection: %v", err)
	}
	if err := pushed.WriteMessage(t.Context(), &Message{Payload: []byte("pushed")}); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"hello, x", "pushed"} {
		if msg, err := ws.ReadMessage(t.Context()); err != nil || string(msg.Payload) != want {
			t.Fatalf("%v, %v; want %q", msg, err, want)
		}
	}
	if err := ws.CloseWithStatus(StatusGoingAway, "bye"); err != nil {
		t.Error(err)
	}
	if err := ws.Err(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Err after Close: %v, want net.ErrClosed", err)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	wantCloseError(t, pushed.Err(), StatusGoingAway, "bye")
}

// OnEnd is told of each end, after all hooks, with the handler's context, and Shutdown
// waits for it.
func TestOnEnd(t *testing.T) {
	type stateKey struct{}
	var mu sync.Mutex
	var order []string
	say := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	release := make(chan struct{})
	h := NewHandler(EchoHandler, Options{
		Hooks:   Hooks{OnClose: func(ClientKey, StatusCode, error) { say("OnClose") }},
		Context: func(r *http.Request) context.Context { return context.WithValue(r.Context(), stateKey{}, r.URL.Path) },
		OnOpen:  func(*Websocket, *http.Request) { say("OnOpen") },
		OnEnd: func(ctx context.Context, ws *Websocket) {
			<-release
			if ctx.Err() == nil || ctx.Value(ContextKey) != ws || ws.Err() == nil {
				t.Errorf("OnEnd with a context that has ended with %v, connection %v, of which Err is %v", ctx.Err(), ctx.Value(ContextKey), ws.Err())
			}
			say("OnEnd " + ctx.Value(stateKey{}).(string))
		},
	})
	server := httptest.NewServer(h)
	defer server.Close()
	conn, _, err := Dial(t.Context(), server.URL+"/state", DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	done := make(chan error)
	go func() { done <- h.Shutdown(t.Context()) }()
	select {
	case err := <-done:
		t.Errorf("Shutdown returned %v before OnEnd did", err)
	case release <- struct{}{}:
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got, want := strings.Join(order, ", "), "OnOpen, OnClose, OnEnd /state"; got != want {
		t.Errorf("called: %s; want %s", got, want)
	}
}

// A panic in OnOpen ends the connection, which Shutdown does not wait for.
func TestOnOpenPanics(t *testing.T) {
	h := NewHandler(EchoHandler, Options{OnOpen: func(*Websocket, *http.Request) { panic(http.ErrAbortHandler) }})
	server := httptest.NewServer(h)
	defer server.Close()
	ws, _, err := Dial(t.Context(), server.URL, DialOptions{})
	if err == nil {
		_, err = ws.ReadMessage(t.Context())
		ws.Close()
	}
	if err == nil {
		t.Error("no error")
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// Who keeps a connection that has ended keeps no other one.
func TestEndedConnectionsKeepNoOther(t *testing.T) {
	h := NewHandler(EchoHandler, Options{})
	var all [3]*served
	for i := range all {
		all[i] = &served{owner: h}
		h.begin()
		h.begun(all[i])
	}
	for _, s := range all {
		h.ended(s)
		if s.prev != nil || s.next != nil {
			t.Errorf("prev %p, next %p", s.prev, s.next)
		}
	}
}
