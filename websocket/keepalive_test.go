package websocket

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeepaliveGivesUpADeadPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{PingInterval: time.Minute})
		ws, p := newPeer(t, ServerMode, opts)
		start := time.Now()
		result := reading(t.Context(), ws)
		p.want(OpcodePing, true, numbered(1))
		if at := time.Since(start); at != time.Minute {
			t.Errorf("the first ping came after %v, want a minute", at)
		}
		got := <-result
		if at := time.Since(start); at != 2*time.Minute {
			t.Errorf("the peer was given up after %v, want two minutes", at)
		}
		if !errors.Is(got.err, errDead) || !errors.Is(got.err, os.ErrDeadlineExceeded) || codeOf(got.err) != StatusAbnormalClose {
			t.Errorf("ReadMessage: %v", got.err)
		}
		p.wantEnd()
		synctest.Wait()
		end.want(t, StatusAbnormalClose, errDead)
	})
}

// An idle peer that answers is pinged once an interval, and kept.
func TestKeepaliveKeepsAnIdlePeer(t *testing.T) {
	for _, mode := range []Mode{ServerMode, ClientMode} {
		synctest.Test(t, func(t *testing.T) {
			ws, p := newPeer(t, mode, Options{PingInterval: time.Minute})
			start := time.Now()
			result := reading(t.Context(), ws)
			for i := range 100 {
				p.want(OpcodePing, true, numbered(i+1))
				if at, want := time.Since(start), time.Duration(i+1)*time.Minute; at != want {
					t.Errorf("ping %d came after %v, want %v", i, at, want)
				}
				p.send(p.frame(OpcodePong, true, numbered(i+1)))
			}
			p.conn.Close()
			<-result
		})
	}
}

// A peer that sends is not pinged; nor is one given up while nobody reads.
func TestKeepaliveLeavesABusyPeerAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{PingInterval: time.Minute})
		pings := make(chan int)
		go func() {
			n := 0
			for {
				f, err := p.next()
				if err != nil {
					pings <- n
					return
				}
				if Opcode(f.Opcode) == OpcodePing {
					n++
				}
			}
		}()
		served := serving(t.Context(), ws, func(context.Context, *Message) (*Message, error) { return nil, nil })
		for range 300 {
			time.Sleep(20 * time.Second)
			p.send(p.text("busy"))
		}
		p.conn.Close()
		<-served
		if n := <-pings; n > 1 {
			t.Errorf("a peer that sends every 20 s was pinged %d times in 100 intervals", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{PingInterval: time.Minute})
		go func() {
			for {
				if _, err := p.next(); err != nil {
					return
				}
			}
		}()
		served := serving(t.Context(), ws, func(context.Context, *Message) (*Message, error) {
			time.Sleep(time.Hour) // reads no pong all the while
			return &Message{Payload: []byte("done")}, nil
		})
		p.send(p.text("slow"), p.text("slow"))
		time.Sleep(2*time.Hour + 30*time.Second)
		synctest.Wait()
		select {
		case <-served:
			t.Error("the connection was given up while a handler was at work")
		default:
		}
		p.conn.Close()
		<-served
	})
}

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ClientMode, Options{})
		result := reading(t.Context(), ws)
		pinged := make(chan error)
		go func() { pinged <- ws.Ping(t.Context()) }()
		f, err := p.next()
		if err != nil || Opcode(f.Opcode) != OpcodePing || len(f.Payload) != 8 {
			t.Fatalf("%+v, %v; want a Ping of 8 bytes", f, err)
		}
		p.send(p.frame(OpcodePong, true, "other"), p.frame(OpcodePong, true, "\x00\x00\x00\x00\x00\x00\x00\x00"), p.frame(OpcodePong, true, "\xff\xff\xff\xff\xff\xff\xff\xff"))
		synctest.Wait()
		select {
		case err := <-pinged:
			t.Errorf("Ping returned %v after pongs that answer nothing", err)
		default:
		}
		p.send(p.frame(OpcodePong, true, string(f.Payload)))
		if err := <-pinged; err != nil {
			t.Errorf("Ping: %v", err)
		}

		// A Pong stands for the pings before it, too (RFC 6455 §5.5.3).
		var last string
		for range 3 {
			go func() { pinged <- ws.Ping(t.Context()) }()
			f, _ := p.next()
			last = string(f.Payload)
		}
		p.send(p.frame(OpcodePong, true, last))
		for range 3 {
			if err := <-pinged; err != nil {
				t.Errorf("Ping: %v", err)
			}
		}

		// A context that ends does no harm.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { pinged <- ws.Ping(ctx) }()
		p.next()
		if err := <-pinged; err != context.DeadlineExceeded {
			t.Errorf("Ping: %v", err)
		}
		if err := ws.Ping(ctx); err != context.DeadlineExceeded {
			t.Errorf("Ping with a context that is over: %v", err)
		}
		if n := len(ws.pings.pings.Load().waiting); n != 0 {
			t.Errorf("%d pings are left behind", n)
		}

		// The end of the connection ends it.
		go func() { pinged <- ws.Ping(t.Context()) }()
		p.next()
		p.conn.Close()
		if err := <-pinged; codeOf(err) != StatusAbnormalClose {
			t.Errorf("Ping on a connection that breaks: %v", err)
		}
		<-result
		if err := ws.Ping(t.Context()); codeOf(err) != StatusAbnormalClose {
			t.Errorf("Ping on a broken connection: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		result := reading(t.Context(), ws)
		synctest.Wait()
		ws.Close()
		p.wantClose(StatusNormalClosure, "")
		if err := ws.Ping(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Ping after Close: %v", err)
		}
		p.send(p.close(StatusNormalClosure, ""))
		<-result
		if err := ws.Ping(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Ping after the end: %v", err)
		}
	})
}

// numbered is the payload of the nth ping of a connection.
func numbered(n int) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// A peer may answer only the latest of the pings that came together (RFC 6455 §5.5.3),
// be that one of PingInterval: its pong answers those of Ping before it, too.
func TestPongOfAnIntervalAnswersPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{PingInterval: time.Minute})
		result := reading(t.Context(), ws)
		pinged := make(chan error, 1)
		go func() { pinged <- ws.Ping(t.Context()) }()
		f, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		latest, err := p.next() // that of the interval, a minute later
		if err != nil || Opcode(latest.Opcode) != OpcodePing || string(latest.Payload) == string(f.Payload) {
			t.Fatalf("%v, %v; want another ping", latest, err)
		}
		p.send(p.frame(OpcodePong, true, string(latest.Payload)))
		synctest.Wait()
		select {
		case err := <-pinged:
			if err != nil {
				t.Errorf("Ping: %v", err)
			}
		default:
			t.Error("Ping waits, although a ping behind it was answered")
		}
		// A pong for a ping that was not sent yet answers nothing.
		go func() { pinged <- ws.Ping(t.Context()) }()
		p.want(OpcodePing, true, numbered(3))
		p.send(p.frame(OpcodePong, true, numbered(4)))
		synctest.Wait()
		select {
		case err := <-pinged:
			t.Errorf("Ping: %v, without an answer", err)
		default:
		}
		p.conn.Close()
		<-result
		<-pinged
	})
}
