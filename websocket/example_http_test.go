package websocket_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/wsproof/wsproof/websocket"
)

// A whole server: NewHandler accepts connections and serves each.
func ExampleNewHandler() {
	shout := func(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
		return &websocket.Message{Payload: []byte(strings.ToUpper(string(msg.Payload)))}, nil
	}
	handler := websocket.NewHandler(shout, websocket.Options{ReadTimeout: time.Minute})
	server := httptest.NewServer(handler) // as well as http.Handle("/shout", handler)
	defer server.Close()

	ctx := context.Background()
	ws, _, err := websocket.Dial(ctx, server.URL, websocket.DialOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = ws.WriteMessage(ctx, &websocket.Message{Payload: []byte("hello")})
	fmt.Println(ws.ReadMessage(ctx))
	_ = ws.Close()

	// http.Server.Shutdown does not wait for these connections; this does.
	fmt.Println(handler.Shutdown(ctx))
	// Output:
	// Text len=5 "HELLO" <nil>
	// <nil>
}

// A handler of its own accepts, and decides what happens before and after.
func ExampleAccept() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Room", "42")
		ws, err := websocket.Accept(w, r, websocket.Options{
			Subprotocols:   []string{"v2.chat", "v1.chat"},
			OriginPatterns: []string{"*.example.com"},
		})
		if err != nil {
			if refusal, ok := err.(*websocket.HandshakeError); ok {
				refusal.Respond(w)
			}
			return
		}
		ws.Serve(context.WithoutCancel(r.Context()), websocket.EchoHandler)
	}))
	defer server.Close()

	ctx := context.Background()
	ws, response, err := websocket.Dial(ctx, server.URL, websocket.DialOptions{
		Options: websocket.Options{Subprotocols: []string{"v1.chat", "v2.chat"}},
		Header:  http.Header{"Origin": {"https://www.example.com"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ws.Close()
	fmt.Println(ws.Subprotocol(), response.Header.Get("X-Room"))

	_, _, err = websocket.Dial(ctx, server.URL, websocket.DialOptions{
		Header: http.Header{"Origin": {"https://evil.example.org"}},
	})
	fmt.Println(err)
	// Output:
	// v2.chat 42
	// websocket handshake: the server answered "403 Forbidden"
}

// The context bounds the whole of Dial. A refusal tells the status and, in the
// response, what the server had to say.
func ExampleDial() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "come back later", http.StatusServiceUnavailable)
	}))
	defer server.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(server.URL, "http"), websocket.DialOptions{})
	if err != nil {
		fmt.Println(err)
		if response != nil {
			fmt.Println("retry after", response.Header.Get("Retry-After"), "seconds")
		}
		return
	}
	defer ws.Close()
	// Output:
	// websocket handshake: the server answered "503 Service Unavailable"
	// retry after 60 seconds
}
