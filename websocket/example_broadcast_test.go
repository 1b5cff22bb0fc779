package websocket_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/wsproof/wsproof/websocket"
)

// A room sends each message to everybody in it, and compresses it once. Each is written to
// by a goroutine of its own, in the order of the messages: one who does not take them
// holds up nobody, misses what comes meanwhile, and is given up after ten seconds.
func ExamplePrepare() {
	server := httptest.NewServer(new(room))
	defer server.Close()

	ctx := context.Background()
	var clients [3]*websocket.Websocket
	for i := range clients {
		ws, _, err := websocket.Dial(ctx, server.URL, websocket.DialOptions{
			Options: websocket.Options{Compression: &websocket.Compression{}},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		_, _ = ws.ReadMessage(ctx) // the welcome: it is in the room
		clients[i] = ws
	}
	text := strings.Repeat("hello, hello, ", 20)
	_ = clients[0].WriteMessage(ctx, &websocket.Message{Payload: []byte(text)})
	for _, ws := range clients {
		fmt.Println(ws.ReadMessage(ctx))
		_ = ws.Close()
	}
	// Output:
	// Text len=280 "hello, hello, hello, hello, hell"… <nil>
	// Text len=280 "hello, hello, hello, hello, hell"… <nil>
	// Text len=280 "hello, hello, hello, hello, hell"… <nil>
}

// A room is those who are connected, each with what it has yet to be sent.
type room struct {
	mu      sync.Mutex
	members map[chan *websocket.Prepared]bool
}

func (r *room) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	ws, err := websocket.Accept(w, request, websocket.Options{Compression: &websocket.Compression{}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	queue := make(chan *websocket.Prepared, 16)
	r.mu.Lock()
	if r.members == nil {
		r.members = make(map[chan *websocket.Prepared]bool)
	}
	r.members[queue] = true
	r.mu.Unlock()
	go func() {
		for p := range queue {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			_ = ws.WritePrepared(ctx, p) // ends the connection if the time is over
			cancel()
		}
	}()
	_ = ws.WriteMessage(request.Context(), &websocket.Message{Payload: []byte("welcome")})
	ws.Serve(context.WithoutCancel(request.Context()), r.say)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, queue)
	close(queue)
}

// say is a Handler.
func (r *room) say(_ context.Context, msg *websocket.Message) (*websocket.Message, error) {
	p, err := websocket.Prepare(msg)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for queue := range r.members {
		select {
		case queue <- p:
		default:
		}
	}
	return nil, nil
}
