package websocket

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var parkStress = flag.Duration("parkstress", 0, "how long TestParkStress goes on, with 2,000 connections at a time")

// A stressed connection, as both sides see it.
type stressed struct {
	ws   *Websocket // the server's
	mu   sync.Mutex // of who pushes
	sent int        // pushes that were written
	done bool       // no more are

	opened chan struct{}
	ends   atomic.Int32 // calls of OnEnd
	ended  chan struct{}
}

// push writes the next message from the server's side, of its own accord.
func (s *stressed) push() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return
	}
	if s.ws.WriteMessage(context.Background(), &Message{Payload: fmt.Appendf(nil, "push %d", s.sent)}) == nil {
		s.sent++
	}
}

// stop ends pushing, and returns how many were written.
func (s *stressed) stop() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	return s.sent
}

// Connections go idle, are woken, pushed to, pinged and closed by either side in all
// ways, many at a time. Each message comes once and in its order, also those that were
// pushed behind the last answer; each connection ends once; nothing is left.
func TestParkStress(t *testing.T) {
	before := runtime.NumGoroutine()
	conns, until := 100, time.Now()
	if *parkStress > 0 {
		conns, until = 2000, time.Now().Add(*parkStress)
	}
	var all sync.Map // id → *stressed, and *Websocket → *stressed
	opts := Options{ParkAfter: 8 * time.Millisecond, ReuseBuffers: true, CloseTimeout: time.Minute}
	opts.OnOpen = func(ws *Websocket, r *http.Request) {
		v, _ := all.Load(r.URL.Query().Get("id"))
		s := v.(*stressed)
		s.ws = ws
		all.Store(ws, s)
		close(s.opened)
	}
	opts.OnEnd = func(_ context.Context, ws *Websocket) {
		v, _ := all.LoadAndDelete(ws)
		s := v.(*stressed)
		if s.ends.Add(1) == 1 {
			close(s.ended)
		}
	}
	h := NewHandler(func(_ context.Context, msg *Message) (*Message, error) {
		if string(msg.Payload) == "close" {
			return nil, &CloseError{Code: 4000, Reason: "asked for"}
		}
		return msg, nil
	}, opts)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	var next, parks atomic.Int64
	var clients sync.WaitGroup
	for range conns {
		clients.Go(func() {
			for first := true; first || time.Now().Before(until); first = false {
				id := next.Add(1)
				s := &stressed{opened: make(chan struct{}), ended: make(chan struct{})}
				key := strconv.FormatInt(id, 10)
				all.Store(key, s)
				if err := stressOne(s, h, rand.New(rand.NewPCG(uint64(id), 0)), "http://"+l.Addr().String()+"/?"+url.Values{"id": {key}}.Encode()); err != nil {
					t.Errorf("connection %d: %v", id, err)
					return
				}
				all.Delete(key)
				parks.Add(int64(h.Parked()))
			}
		})
	}
	clients.Wait()
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	server.Close()
	if n := h.Parked(); n != 0 {
		t.Errorf("%d are parked at the end", n)
	}
	if parks.Load() == 0 {
		t.Error("nothing was ever parked: this test is for nothing")
	}
	t.Logf("%d connections", next.Load())
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// stressOne is a connection from its beginning to its end.
func stressOne(s *stressed, h *HTTPHandler, random *rand.Rand, addr string) error {
	ctx := context.Background()
	ws, _, err := Dial(ctx, addr, DialOptions{Options: Options{CloseTimeout: time.Minute}})
	if err != nil {
		return err
	}
	conn := ws.transport.src.(*net.TCPConn)
	defer ws.abort(io.EOF)
	<-s.opened
	pushed, pinged := 0, false
	read := func() (string, error) {
		for {
			msg, err := ws.ReadMessage(ctx)
			if err != nil {
				return "", err
			}
			text := string(msg.Payload)
			if !strings.HasPrefix(text, "push ") {
				return text, nil
			}
			if want := fmt.Sprintf("push %d", pushed); text != want {
				return "", fmt.Errorf("%q came, want %q", text, want)
			}
			pushed++
		}
	}
	for range random.IntN(15) {
		switch random.IntN(6) {
		case 0, 1: // go idle, more or less
			time.Sleep(time.Duration(random.IntN(10)) * time.Millisecond)
		case 2:
			s.push()
		case 3:
			go s.push()
		case 4:
			pinged = true
			go func() { _ = s.ws.Ping(ctx) }()
		default:
			want := strings.Repeat("x", 1+random.IntN(1+random.IntN(20000)))
			if err := ws.WriteMessage(ctx, &Message{Payload: []byte(want)}); err != nil {
				return err
			}
			if got, err := read(); got != want {
				return fmt.Errorf("%d bytes came back, %w, want %d", len(got), err, len(want))
			}
		}
	}
	if random.IntN(2) == 0 {
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
	}
	var code StatusCode // the server's Close, if it is the first
	all := true         // that was pushed must have come
	switch random.IntN(7) {
	case 0:
		code = 4000
		err = ws.WriteMessage(ctx, &Message{Payload: []byte("close")})
	case 1:
		code = 4001
		err = s.ws.CloseWithStatus(code, "")
	case 2:
		go s.push()
		code = 4002
		go func() { _ = s.ws.CloseWithStatus(code, "") }()
	case 3:
		err, all = conn.CloseWrite(), !pinged // a pong could not be written
	case 4:
		go s.push()
		err, all = ws.CloseWithStatus(4003, ""), false
	case 5:
		_ = conn.SetLinger(0)
		err, all = conn.Close(), false
	default:
		s.ws.abort(io.EOF)
		all = false
	}
	if err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	text, err := read()
	if text != "" {
		return fmt.Errorf("%q came at the end", text)
	}
	var closed *CloseError
	if errors.As(err, &closed) != (code != 0) && all || closed != nil && all && closed.Code != code {
		return fmt.Errorf("the end: %v, want %d", err, code)
	}
	ws.abort(io.EOF)
	<-s.ended
	if sent := s.stop(); all && sent != pushed {
		return fmt.Errorf("%d of %d pushes came (Close %d)", pushed, sent, code)
	}
	if n := s.ends.Load(); n != 1 {
		return fmt.Errorf("OnEnd was called %d times", n)
	}
	if s.ws.Err() == nil {
		return errors.New("the connection has ended, its Err is nil")
	}
	return nil
}
