package websocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"
)

// Two connections of the core, one for each role, with everything at once: many
// writers, pings, keepalive, a handler that echoes and writes, and a Close in the
// midst of it. Nothing hangs, nothing is lost before the Close, under -race too.
func TestBothRolesUnderLoad(t *testing.T) {
	for name, pair := range transports {
		for _, closer := range []string{"client", "server"} {
			t.Run(name+"/"+closer+" closes", func(t *testing.T) {
				a, b := pair(t)
				guard(t, a)
				guard(t, b)
				// The readers themselves run keepalive's ticks: to a timer, a peer that a
				// busy machine does not run for an interval is dead.
				opts := Options{PingInterval: time.Hour, MaxFrameSize: 700, CloseTimeout: 10 * time.Second}
				server, client := New(a, "", ServerMode, opts), New(b, "", ClientMode, opts)
				served := serving(context.Background(), server, func(ctx context.Context, msg *Message) (*Message, error) {
					server.keepAlive()
					if len(msg.Payload) > 2000 {
						if err := server.Ping(closedContext); !errors.Is(err, context.Canceled) {
							return nil, fmt.Errorf("Ping: %w", err)
						}
					}
					return msg, nil
				})
				const writers, each = 4, 40
				sums := make(map[byte]int)
				done := make(chan error, 1)
				got := make(chan struct{})
				go func() {
					n := 0
					for {
						msg, err := client.ReadMessage(context.Background())
						if err != nil {
							done <- err
							return
						}
						client.keepAlive()
						for _, b := range msg.Payload {
							if b != msg.Payload[0] {
								t.Error("messages are mixed up")
								break
							}
						}
						sums[msg.Payload[0]] += len(msg.Payload)
						if n++; n == writers*each {
							close(got)
						}
					}
				}()
				var wg sync.WaitGroup
				for w := range writers {
					wg.Go(func() {
						for i := range each {
							payload := make([]byte, 1+i*i*3)
							for k := range payload {
								payload[k] = byte('a' + w)
							}
							if err := client.WriteMessage(context.Background(), &Message{Binary: true, Payload: payload}); err != nil {
								t.Errorf("WriteMessage: %v", err)
							}
							if i%10 == 0 {
								if err := client.Ping(context.Background()); err != nil {
									t.Errorf("Ping: %v", err)
								}
							}
						}
					})
				}
				wg.Wait()
				select {
				case <-got:
				case err := <-done:
					t.Fatalf("ReadMessage before the end: %v", err)
				}
				for w := range writers {
					wg.Go(func() { // until the end
						for {
							if err := client.WriteMessage(context.Background(), &Message{Payload: []byte("zzzz")}); err != nil {
								return
							}
						}
					})
					wg.Go(func() {
						ws := client
						if closer == "server" {
							ws = server
						}
						if err := ws.CloseWithStatus(StatusCode(4000+w), ""); err != nil {
							t.Errorf("CloseWithStatus: %v", err)
						}
					})
				}
				var closed *CloseError
				if err := <-done; !errors.As(err, &closed) && !errors.Is(err, io.EOF) {
					t.Errorf("ReadMessage: %v", err)
				}
				<-served
				wg.Wait()
				want := 0
				for i := range each {
					want += 1 + i*i*3
				}
				for w := range writers {
					if n := sums[byte('a'+w)]; n != want {
						t.Errorf("%d bytes of writer %d came back, want %d", n, w, want)
					}
				}
			})
		}
	}
}

// closedContext has ended.
var closedContext = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
