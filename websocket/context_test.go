package websocket

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A transport without deadlines.
type bareConn struct{ c net.Conn }

func (b bareConn) Read(p []byte) (int, error)  { return b.c.Read(p) }
func (b bareConn) Write(p []byte) (int, error) { return b.c.Write(p) }
func (b bareConn) Close() error                { return b.c.Close() }

// bareOrNot runs test on a transport with deadlines and on one without.
func bareOrNot(t *testing.T, opts Options, test func(t *testing.T, ws *Websocket, p *peer, end *closing)) {
	for _, name := range []string{"with deadlines", "without deadlines"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts, end := closeHook(opts)
				src, other := net.Pipe()
				var ws *Websocket
				var p *peer
				if name == "without deadlines" {
					ws, p = newPeerOn(t, bareConn{src}, other, ServerMode, opts)
				} else {
					ws, p = newPeerOn(t, src, other, ServerMode, opts)
				}
				test(t, ws, p, end)
			})
		})
	}
}

func wantCancelled(t *testing.T, what string, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) || codeOf(err) != StatusAbnormalClose {
		t.Errorf("%s: %v; want an *Error with 1006 that wraps %v", what, err, cause)
	}
}

func TestContextEndsABlockedRead(t *testing.T) {
	bareOrNot(t, Options{}, func(t *testing.T, ws *Websocket, p *peer, end *closing) {
		ctx, cancel := context.WithCancel(t.Context())
		result := reading(ctx, ws)
		p.send(p.text("delivered"), p.frame(OpcodeText, true, "cut")[:7])
		synctest.Wait()
		start := time.Now()
		cancel()
		got := <-result
		wantCancelled(t, "ReadMessage", got.err, context.Canceled)
		if len(got.msgs) != 1 {
			t.Errorf("messages %v", got.msgs)
		}
		p.wantEnd() // no Close, no lingering
		if waited := time.Since(start); waited != 0 {
			t.Errorf("it took %v", waited)
		}
		synctest.Wait()
		end.want(t, StatusAbnormalClose, context.Canceled)
		if _, err := ws.ReadMessage(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("the next ReadMessage: %v", err)
		}
		if err := ws.WriteMessage(t.Context(), new(Message)); !errors.Is(err, context.Canceled) {
			t.Errorf("the next WriteMessage: %v", err)
		}
		if err := ws.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// ReadMessage gives the Close of a failed connection a moment to leave; its
// context ends that, too, while a peer takes nothing.
func TestContextEndsTheWaitBehindAFailure(t *testing.T) {
	bareOrNot(t, Options{}, func(t *testing.T, ws *Websocket, p *peer, end *closing) {
		ctx, cancel := context.WithCancel(t.Context())
		result := reading(ctx, ws)
		start := time.Now()
		p.send([]byte{0x83, 0x80})
		synctest.Wait()
		cancel()
		if err := (<-result).err; err != ErrOpcodeUnknown {
			t.Errorf("ReadMessage: %v", err)
		}
		synctest.Wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v after the context's end", waited)
		}
		p.wantEnd()
		end.want(t, StatusProtocolError, ErrOpcodeUnknown)
	})
}

func TestContextEndsServe(t *testing.T) {
	bareOrNot(t, Options{}, func(t *testing.T, ws *Websocket, p *peer, end *closing) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("cause"))
		defer cancel()
		start := time.Now()
		served := serving(ctx, ws, EchoHandler)
		p.send(p.text("hello"))
		p.wantText("hello")
		<-served
		if took := time.Since(start); took != time.Minute {
			t.Errorf("Serve returned after %v", took)
		}
		p.wantEnd()
		synctest.Wait()
		end.want(t, StatusAbnormalClose, context.DeadlineExceeded)
	})
}

// Once the context has ended no handler is called for what was read before.
func TestNoHandlerAfterTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		served := serving(ctx, ws, func(context.Context, *Message) (*Message, error) {
			calls++
			cancel()
			synctest.Wait()
			return nil, nil
		})
		p.send(p.text("1"), p.text("2"), p.text("3"))
		<-served
		if calls != 1 {
			t.Errorf("the handler was called %d times, want once", calls)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		src := newScripted((&peer{mode: ServerMode}).text("never handled"))
		opts, end := closeHook(Options{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		New(src, "", ServerMode, opts).Serve(ctx, func(context.Context, *Message) (*Message, error) {
			t.Error("the handler was called with a context that had ended")
			return nil, nil
		})
		synctest.Wait()
		end.want(t, StatusAbnormalClose, context.Canceled)
		if src.closes != 1 {
			t.Errorf("the transport was closed %d times", src.closes)
		}
	})
}

func TestContextEndsABlockedWrite(t *testing.T) {
	bareOrNot(t, Options{}, func(t *testing.T, ws *Websocket, p *peer, end *closing) {
		ctx, cancel := context.WithCancel(t.Context())
		written := make(chan error)
		go func() { written <- ws.WriteMessage(ctx, &Message{Payload: []byte("blocked")}) }()
		synctest.Wait()
		cancel()
		wantCancelled(t, "WriteMessage", <-written, context.Canceled)
		p.wantEnd()
		synctest.Wait()
		end.want(t, StatusAbnormalClose, context.Canceled)
		if _, err := ws.ReadMessage(t.Context()); !errors.Is(err, context.Canceled) {
			t.Errorf("ReadMessage: %v", err)
		}
	})
}

// A write that waits for its turn gives up without harm: to the connection, to the
// one that writes, to those that wait behind it.
func TestContextEndsAWriteThatWaits(t *testing.T) {
	bareOrNot(t, Options{}, func(t *testing.T, ws *Websocket, p *peer, end *closing) {
		ctx, cancel := context.WithCancel(t.Context())
		write := func(ctx context.Context, s string) <-chan error {
			done := make(chan error, 1)
			go func() { done <- ws.WriteMessage(ctx, &Message{Payload: []byte(s)}) }()
			synctest.Wait()
			return done
		}
		first := write(t.Context(), "first")
		second := write(ctx, "second")
		third := write(t.Context(), "third")
		cancel()
		if err := <-second; err != context.Canceled {
			t.Errorf("the write that waited: %v", err)
		}
		p.wantText("first")
		p.wantText("third")
		if err := <-first; err != nil {
			t.Errorf("the first write: %v", err)
		}
		if err := <-third; err != nil {
			t.Errorf("the third write: %v", err)
		}
		if err := ws.WriteMessage(ctx, new(Message)); err != context.Canceled {
			t.Errorf("a write with a context that is over: %v", err)
		}
		fourth := write(t.Context(), "fourth")
		p.wantText("fourth")
		if err := <-fourth; err != nil {
			t.Errorf("the fourth write: %v", err)
		}
		if end.calls != 0 {
			t.Error("the connection has ended")
		}
	})
}

// The turn that comes together with the end of the context is passed on.
func TestTurnAndContextAtOnce(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			ws, p := newPeer(t, ServerMode, Options{})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 3)
			go func() { done <- ws.WriteMessage(t.Context(), &Message{Payload: []byte("first")}) }()
			synctest.Wait()
			go func() { done <- ws.WriteMessage(ctx, &Message{Payload: []byte("maybe")}) }()
			synctest.Wait()
			go func() { done <- ws.WriteMessage(t.Context(), &Message{Payload: []byte("last")}) }()
			synctest.Wait()
			go cancel()
			p.wantText("first")
			f, err := p.next()
			if err == nil && string(f.Payload) == "maybe" {
				f, err = p.next()
			}
			if err == nil && string(f.Payload) != "last" || err != nil && len(p.in) == 0 && ctx.Err() == nil {
				t.Errorf("%q, %v; want the last message", f.Payload, err)
			}
			for range 3 {
				<-done
			}
		})
	}
}

// endsWhenAsked is a context that ends while it is asked when it ends.
type endsWhenAsked struct {
	context.Context
	end func()
}

func (c endsWhenAsked) Done() <-chan struct{} { c.end(); return c.Context.Done() }

// A write whose context has ended does not begin, though it has the turn.
func TestTurnBehindTheContext(t *testing.T) {
	for range 50 { // which of both it sees is a matter of chance
		bareOrNot(t, Options{}, func(t *testing.T, ws *Websocket, p *peer, end *closing) {
			first := make(chan error, 1)
			go func() { first <- ws.WriteMessage(t.Context(), &Message{Payload: []byte("first")}) }()
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			err := ws.WriteMessage(endsWhenAsked{ctx, sync.OnceFunc(func() {
				cancel()
				p.wantText("first")
				if err := <-first; err != nil {
					t.Errorf("the first write: %v", err)
				}
			})}, &Message{Payload: []byte("second")})
			if err != context.Canceled {
				t.Errorf("the write that had waited: %v", err)
			}
			synctest.Wait()
			if end.calls != 0 {
				t.Errorf("the connection has ended: %v", end.err)
			}
			go func() { first <- ws.WriteMessage(t.Context(), &Message{Payload: []byte("third")}) }()
			p.wantText("third")
			if err := <-first; err != nil {
				t.Errorf("the third write: %v", err)
			}
		})
	}
}

// A context for each read: its end after the read has succeeded harms nothing.
func TestContextPerRead(t *testing.T) {
	bareOrNot(t, Options{}, func(t *testing.T, ws *Websocket, p *peer, end *closing) {
		go func() {
			for range 100 {
				p.send(p.text("hello"))
			}
		}()
		for i := range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			msg, err := ws.ReadMessage(ctx)
			if err != nil || string(msg.Payload) != "hello" {
				t.Fatalf("read %d: %v, %v", i, msg, err)
			}
			cancel()
			if i%10 == 0 {
				time.Sleep(2 * time.Second)
			}
		}
		synctest.Wait()
		if end.calls != 0 {
			t.Error("the connection has ended")
		}
		// One that is over before the read ends the connection.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := ws.ReadMessage(ctx)
		wantCancelled(t, "ReadMessage", err, context.Canceled)
		synctest.Wait()
		end.want(t, StatusAbnormalClose, context.Canceled)
	})
}

// The same context for many reads is registered once, and let go at the end.
func TestContextIsRegisteredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := &countingContext{Context: t.Context(), done: make(chan struct{})}
		ws, p := newPeer(t, ServerMode, Options{})
		result := reading(ctx, ws)
		for range 50 {
			p.send(p.text("x"))
		}
		synctest.Wait()
		if ctx.registered != 1 || ctx.stopped != 0 {
			t.Errorf("registered %d times, stopped %d times", ctx.registered, ctx.stopped)
		}
		p.conn.Close()
		<-result
		if ctx.stopped != 1 {
			t.Errorf("stopped %d times at the end", ctx.stopped)
		}
	})
}

// A countingContext counts the calls of its AfterFunc, which package context uses.
type countingContext struct {
	context.Context
	done                chan struct{}
	registered, stopped int
}

func (c *countingContext) Done() <-chan struct{} { return c.done }
func (c *countingContext) AfterFunc(func()) func() bool {
	c.registered++
	return func() bool { c.stopped++; return true }
}

// Two readers: the second one is told, the first one is not disturbed.
func TestSecondReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ws, p := newPeer(t, ServerMode, Options{})
		served := serving(t.Context(), ws, func(ctx context.Context, msg *Message) (*Message, error) {
			if _, err := ws.ReadMessage(ctx); err != error(errReader) {
				t.Errorf("ReadMessage in a handler: %v", err)
			}
			return msg, nil
		})
		synctest.Wait()
		if _, err := ws.ReadMessage(t.Context()); err != error(errReader) || codeOf(err) != StatusInternalError {
			t.Errorf("ReadMessage during Serve: %v", err)
		}
		ws.Serve(t.Context(), EchoHandler) // returns
		p.send(p.text("hello"))
		p.wantText("hello")
		p.conn.Close()
		<-served
	})
}

// A read whose context has ended before it begins is the last one, and the hook
// is told.
func TestReadWithAnEndedContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, end := closeHook(Options{})
		var told []error
		opts.Hooks.OnReadError = func(_ ClientKey, err error) { told = append(told, err) }
		ws, _ := newPeer(t, ServerMode, opts)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := ws.ReadMessage(ctx)
		wantCancelled(t, "ReadMessage", err, context.Canceled)
		if len(told) != 1 || told[0] != err {
			t.Errorf("OnReadError was told %v, want once %v", told, err)
		}
		if _, again := ws.ReadMessage(t.Context()); again != err {
			t.Errorf("the next ReadMessage: %v, want %v again", again, err)
		}
		end.want(t, StatusAbnormalClose, context.Canceled)
	})
}
