package websocket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// The connection of a handler that panicked is still closing: Shutdown waits for
// that, and drops it when it gives up.
func TestShutdownAfterAPanic(t *testing.T) {
	for _, giveUp := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			opts, end := closeHook(Options{})
			h := NewHandler(func(context.Context, *Message) (*Message, error) { panic(http.ErrAbortHandler) }, opts)
			client := pipeClient(t, h, nil)
			if err := client.WriteMessage(t.Context(), &Message{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // it has panicked
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if giveUp {
				cancel()
			}
			defer cancel()
			err := h.Shutdown(ctx)
			if giveUp && err != context.Canceled || !giveUp && err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if took := time.Since(start); giveUp != (took == 0) || took > defaultCloseTimeout {
				t.Errorf("Shutdown took %v, the peer was silent for %v", took, defaultCloseTimeout)
			}
			synctest.Wait() // when it gave up, OnClose may still be told
			end.want(t, StatusInternalError, errPanic)
			client.abort(io.EOF)
		})
	}
}

func TestShutdownClosesAll(t *testing.T) {
	h := NewHandler(EchoHandler, Options{})
	var clients []*Websocket
	for range 5 {
		clients = append(clients, pipeClient(t, h, nil))
	}
	// Those that are gone before, first, last and in between, are not waited for.
	wantEcho(t, clients[0], "hello")
	for _, i := range []int{0, 2, 4} {
		if err := clients[i].Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	errs := make(chan error)
	for range 3 {
		go func() { errs <- h.Shutdown(t.Context()) }()
	}
	wantClose(t, clients[1], StatusGoingAway, "")
	wantClose(t, clients[3], StatusGoingAway, "")
	for range 3 {
		if err := <-errs; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
	w := newHijackable("")
	h.ServeHTTP(w, upgradeRequest())
	if got, want := w.Body.String(), "websocket handshake: the server is shutting down\n"; w.Code != 503 || got != want || w.hijacked {
		t.Errorf("after Shutdown: answered %d %q, want 503 %q", w.Code, got, want)
	}
	// Nothing is left, so that even a context that has ended is no error.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		if err := h.Shutdown(ended); err != nil {
			t.Fatalf("Shutdown again: %v", err)
		}
	}
}

// A peer that reads nothing holds up neither the Close of the others nor, past
// its context, Shutdown.
func TestShutdownGivesUp(t *testing.T) {
	contexts := make(chan context.Context, 1)
	h := NewHandler(func(ctx context.Context, msg *Message) (*Message, error) {
		contexts <- ctx
		<-ctx.Done() // which only giving up ends
		return nil, nil
	}, Options{})
	first := pipeClient(t, h, nil)
	stuck := pipeClient(t, h, nil)
	busy := pipeClient(t, h, nil)
	last := pipeClient(t, h, nil)
	if err := busy.WriteMessage(t.Context(), &Message{}); err != nil {
		t.Fatal(err)
	}
	handlerContext := <-contexts
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error)
	go func() { result <- h.Shutdown(ctx) }()
	wantClose(t, first, StatusGoingAway, "")
	wantClose(t, last, StatusGoingAway, "")
	if err := handlerContext.Err(); err != nil {
		t.Errorf("the handler's context ended before Shutdown gave up: %v", err)
	}
	cancel(errors.New("enough"))
	if err := <-result; err != context.Canceled {
		t.Errorf("Shutdown = %v, want context.Canceled", err)
	}
	<-handlerContext.Done()
	// Both ends are dropped without more ado.
	if _, err := stuck.ReadMessage(t.Context()); errorCode(err) != StatusAbnormalClose {
		t.Errorf("the peer that did not read gets %v", err)
	}
	stuck.abort(io.EOF)
	busy.abort(io.EOF)
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown again: %v", err)
	}
}

// Shutdown waits for OnClose also where the handler panics behind the end.
func TestShutdownBehindOnCloseAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts, told := slowOnClose()
		h := NewHandler(func(ctx context.Context, _ *Message) (*Message, error) {
			go ctx.Value(ContextKey).(*Websocket).abort(io.EOF)
			<-ctx.Done()
			panic(http.ErrAbortHandler)
		}, opts)
		client := pipeClient(t, h, nil)
		if err := client.WriteMessage(t.Context(), &Message{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := h.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if !*told {
			t.Error("Shutdown returned before OnClose did")
			time.Sleep(time.Hour)
		}
		client.abort(io.EOF)
	})
}

// When Shutdown gives up, an OnClose that takes its time holds up neither it nor the
// end of the other connections.
func TestShutdownGivesUpBesideOnClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opts Options
		opts.Hooks.OnClose = func(ClientKey, StatusCode, error) { time.Sleep(time.Hour) }
		h := NewHandler(EchoHandler, opts)
		var clients []*Websocket
		for range 3 {
			clients = append(clients, pipeClient(t, h, nil))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if err := h.Shutdown(ctx); err != context.Canceled {
			t.Errorf("Shutdown: %v", err)
		}
		for _, client := range clients {
			_, _ = client.ReadMessage(t.Context())
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("Shutdown and the ends took %v", took)
		}
		if err := h.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown again: %v", err)
		}
		time.Sleep(time.Hour) // OnClose of all
	})
}

// A request that is being accepted while Shutdown is called is waited for, and
// closed as soon as it is a connection.
func TestShutdownWhileAccepting(t *testing.T) {
	for _, giveUp := range []bool{false, true} {
		entered, release := make(chan struct{}), make(chan struct{})
		h := NewHandler(EchoHandler, Options{CheckOrigin: func(*http.Request) bool {
			close(entered)
			<-release
			return true
		}})
		connected := make(chan *Websocket)
		go func() { connected <- pipeClient(t, h, nil) }()
		<-entered
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		result := make(chan error)
		go func() { result <- h.Shutdown(ctx) }()
		if giveUp {
			cancel()
			if err := <-result; err != context.Canceled {
				t.Errorf("Shutdown = %v, want context.Canceled", err)
			}
		} else {
			// Shutdown has begun when a newcomer is refused.
			for code := 0; code != http.StatusServiceUnavailable; {
				w := httptest.NewRecorder()
				r := upgradeRequest()
				r.Method = http.MethodPost
				h.ServeHTTP(w, r)
				code = w.Code
				runtime.Gosched()
			}
		}
		close(release)
		ws := <-connected
		if giveUp {
			if _, err := ws.ReadMessage(t.Context()); errorCode(err) != StatusAbnormalClose {
				t.Errorf("after Shutdown gave up the client gets %v, want no Close", err)
			}
			if err := h.Shutdown(t.Context()); err != nil {
				t.Errorf("Shutdown again: %v", err)
			}
			continue
		}
		wantClose(t, ws, StatusGoingAway, "")
		if err := <-result; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}
}

// Of a connection that Shutdown gave up before it was served nothing is read, and an
// OnClose that panics is no connection that Shutdown waits for.
func TestShutdownGivesUpBeforeServing(t *testing.T) {
	var h *HTTPHandler
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	opts, end := closeHook(Options{CheckOrigin: func(*http.Request) bool {
		if err := h.Shutdown(gone); err != context.Canceled {
			t.Errorf("Shutdown = %v, want context.Canceled", err)
		}
		return true
	}})
	noteEnd := opts.Hooks.OnClose
	opts.Hooks.OnClose = func(key ClientKey, code StatusCode, err error) {
		noteEnd(key, code, err)
		panic("told")
	}
	opts.Hooks.OnReadFrame = func(_ ClientKey, frame *Frame) { t.Errorf("OnReadFrame: %v", frame) }
	opts.Hooks.OnReadError = func(_ ClientKey, err error) { t.Errorf("OnReadError: %v", err) }
	h = NewHandler(EchoHandler, opts)
	var errorLog bytes.Buffer
	r := upgradeRequest()
	r.Header.Set(headerOrigin, "https://elsewhere.example")
	r = r.WithContext(context.WithValue(t.Context(), http.ServerContextKey, &http.Server{ErrorLog: log.New(&errorLog, "", 0)}))
	sent := MarshalFrame(NewFrame(OpcodeText, true, []byte("hello")), NewMaskingKey())
	h.ServeHTTP(newHijackable(string(sent)), r)
	if err := h.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown again: %v", err)
	}
	end.want(t, StatusAbnormalClose, errShutdown)
	if n := bytes.Count(errorLog.Bytes(), []byte("panic serving")); n != 1 || !bytes.Contains(errorLog.Bytes(), []byte("told")) {
		t.Errorf("the panic was logged %d times:\n%s", n, errorLog.Bytes())
	}
}
