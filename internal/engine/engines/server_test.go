package engines

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/engine"
	"github.com/wsproof/wsproof/internal/engine/serve"
	"github.com/wsproof/wsproof/internal/engine/serve/servetest"
	"github.com/wsproof/wsproof/internal/leak"
	"github.com/wsproof/wsproof/internal/wire"
)

func TestMain(m *testing.M) { leak.Main(m) }

// wants skips a test of what the engine lacks.
func wants(t *testing.T, e *engine.Engine, lacks ...engine.Lack) {
	t.Helper()
	for _, lack := range lacks {
		if reason := e.Lacks[lack]; reason != "" {
			t.Skipf("%s lacks %s: %s", e.Name, lack, reason)
		}
	}
}

// each runs the test on a server of every engine.
func each(t *testing.T, h serve.Handler, o serve.Options, test func(t *testing.T, e *engine.Engine, s serve.Server, addr string)) {
	for _, e := range All() {
		t.Run("engine="+e.Name, func(t *testing.T) {
			s := e.NewServer(h, o)
			host := httptest.NewServer(s)
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
				defer cancel()
				_ = s.Shutdown(ctx) // what the test left open is dropped
				host.Close()
				wantNone(t, s)
			})
			test(t, &e, s, host.Listener.Addr().String())
		})
	}
}

// wantNone waits for the end of connections that Shutdown has dropped.
func wantNone(t *testing.T, s serve.Server) {
	t.Helper()
	for end := time.Now().Add(servetest.Bound); s.Stats().Connections > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections outlive Shutdown", s.Stats().Connections)
		}
	}
}

// A log keeps what the events told.
type log struct {
	mu      sync.Mutex
	open    int
	in, out int
	refused chan int
	closed  chan ended
}

type ended struct {
	code uint16
	err  error
}

func newLog() (*log, serve.Events) {
	l := &log{closed: make(chan ended, 16), refused: make(chan int, 16)}
	return l, serve.Events{
		Open:    func() { l.mu.Lock(); l.open++; l.mu.Unlock() },
		Message: func(in, out int) { l.mu.Lock(); l.in += in; l.out += out; l.mu.Unlock() },
		Close:   func(code uint16, err error) { l.closed <- ended{code, err} },
		Refused: func(status int, _ error) { l.refused <- status },
	}
}

func (l *log) wait(t *testing.T) ended {
	t.Helper()
	select {
	case e := <-l.closed:
		return e
	case <-time.After(servetest.Bound):
		t.Fatal("no Close event")
		return ended{}
	}
}

func TestEcho(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	cases := []struct {
		name   string
		frames []wire.Frame
		opcode byte
		want   string
		lack   engine.Lack
	}{
		{"text", []wire.Frame{servetest.Text("hello")}, wire.Text, "hello", ""},
		{"binary", []wire.Frame{servetest.Binary("\x00\xff\x80")}, wire.Binary, "\x00\xff\x80", ""},
		{"empty text", []wire.Frame{servetest.Text("")}, wire.Text, "", engine.EmptyMessages},
		{"empty binary", []wire.Frame{servetest.Binary("")}, wire.Binary, "", engine.EmptyMessages},
		{"125 bytes", []wire.Frame{servetest.Text(long[:125])}, wire.Text, long[:125], ""},
		{"126 bytes", []wire.Frame{servetest.Text(long[:126])}, wire.Text, long[:126], ""},
		{"a buffer of bufio", []wire.Frame{servetest.Text(long[:4096])}, wire.Text, long[:4096], ""},
		{"64 KiB", []wire.Frame{servetest.Binary(long[:1<<16])}, wire.Binary, long[:1<<16], ""},
		{"1 MiB", []wire.Frame{servetest.Text(long)}, wire.Text, long, ""},
		{"fragmented", []wire.Frame{servetest.Part(wire.Text, false, "a"), servetest.Part(wire.Continuation, false, ""), servetest.Part(wire.Continuation, true, "bc")}, wire.Text, "abc", engine.Fragments},
		{"code point across fragments", []wire.Frame{servetest.Part(wire.Text, false, "\xe2\x82"), servetest.Part(wire.Continuation, true, "\xac")}, wire.Text, "€", engine.Fragments},
		{"large fragments", []wire.Frame{servetest.Part(wire.Binary, false, long[:70000]), servetest.Part(wire.Continuation, true, long[70000:200000])}, wire.Binary, long[:200000], engine.Fragments},
	}
	each(t, serve.Echo, serve.Options{}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
		c := servetest.Connect(t, addr, "/")
		for _, tc := range cases {
			t.Run(tc.name, func(t *testing.T) {
				wants(t, e, tc.lack)
				c.T = t
				c.Send(tc.frames...)
				c.Want(tc.opcode, tc.want)
			})
		}
	})
}

func TestEchoManyAhead(t *testing.T) {
	const n = 1000
	for _, gather := range []bool{false, true} {
		t.Run("gather="+strconv.FormatBool(gather), func(t *testing.T) {
			each(t, serve.Echo, serve.Options{Gather: gather}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
				c := servetest.Connect(t, addr, "/")
				frames := make([]wire.Frame, n)
				for i := range frames {
					frames[i] = servetest.Text("number: " + strconv.Itoa(i))
				}
				c.Send(frames...)
				for i := range n {
					c.Want(wire.Text, "number: "+strconv.Itoa(i))
				}
			})
		})
	}
}

func TestPing(t *testing.T) {
	each(t, serve.Echo, serve.Options{}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
		c := servetest.Connect(t, addr, "/")
		c.Send(servetest.Part(wire.Ping, true, "p"), servetest.Part(wire.Pong, true, "unasked"))
		c.Want(wire.Pong, "p")
		wants(t, e, engine.Fragments)
		c.Send(servetest.Part(wire.Text, false, "a"), servetest.Part(wire.Ping, true, "inside"), servetest.Part(wire.Continuation, true, "b"))
		c.Want(wire.Pong, "inside")
		c.Want(wire.Text, "ab")
	})
}

func TestCloseByPeer(t *testing.T) {
	l, events := newLog()
	each(t, serve.Echo, serve.Options{Events: events}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
		wants(t, e, engine.PeersClose)
		c := servetest.Connect(t, addr, "/")
		c.Send(servetest.CloseFrame(1000, "done"))
		c.WantClose(1000)
		if e := l.wait(t); e.code != 1000 || e.err != nil {
			t.Errorf("Close event %d, %v; want 1000 and no error", e.code, e.err)
		}
		c = servetest.Connect(t, addr, "/")
		c.Send(servetest.CloseFrame(3456, ""))
		c.WantClose(3456)
		if e := l.wait(t); e.code != 3456 || e.err != nil {
			t.Errorf("Close event %d, %v; want 3456 and no error", e.code, e.err)
		}
		c = servetest.Connect(t, addr, "/")
		c.Send(wire.Frame{Fin: true, Opcode: wire.Close})
		c.WantClose(0, 1000)
		if e := l.wait(t); e.code != 1005 || e.err != nil {
			t.Errorf("Close event %d, %v; want 1005 and no error", e.code, e.err)
		}
		c = servetest.Connect(t, addr, "/")
		c.Conn.Close()
		if e := l.wait(t); e.code != 1006 || e.err == nil {
			t.Errorf("Close event %d, %v; want 1006 and an error", e.code, e.err)
		}
	})
}

func TestCloseByServer(t *testing.T) {
	wrong := &serve.CloseError{Code: 1003, Reason: "no text here"}
	handler := func(_ []byte, binary bool, payload []byte) ([]byte, error) {
		switch {
		case !binary:
			return nil, wrong
		case len(payload) == 1:
			return nil, errors.New("out of order")
		}
		return payload, nil
	}
	cases := []struct {
		name   string
		frames []wire.Frame
		codes  []uint16
		reason string
		lack   engine.Lack
	}{
		{"the handler's code", []wire.Frame{servetest.Text("x")}, []uint16{1003}, "no text here", ""},
		{"another error of the handler", []wire.Frame{servetest.Binary("x")}, []uint16{1011}, "out of order", ""},
		{"too large", []wire.Frame{servetest.Binary(strings.Repeat("x", 2000))}, []uint16{1009}, "", ""},
		{"too large in fragments", []wire.Frame{servetest.Part(wire.Binary, false, strings.Repeat("x", 600)), servetest.Part(wire.Continuation, true, strings.Repeat("x", 600))}, []uint16{1009}, "", engine.Fragments},
		{"invalid UTF-8", []wire.Frame{servetest.Text("\xff")}, []uint16{1007}, "", engine.FailCodes},
		{"UTF-8 that ends inside a code point", []wire.Frame{servetest.Text("\xe2\x82")}, []uint16{1007}, "", engine.FailCodes},
		{"reserved opcode", []wire.Frame{servetest.Part(3, true, "")}, []uint16{1002}, "", engine.FailCodes},
		{"RSV bit", []wire.Frame{{Fin: true, RSV: 4, Opcode: wire.Binary}}, []uint16{1002}, "", engine.FailCodes},
		{"continuation of nothing", []wire.Frame{servetest.Part(wire.Continuation, true, "")}, []uint16{1002}, "", engine.FailCodes},
		{"a message inside another", []wire.Frame{servetest.Part(wire.Text, false, "a"), servetest.Text("b")}, []uint16{1002}, "", engine.FailCodes},
		{"long ping", []wire.Frame{servetest.Part(wire.Ping, true, strings.Repeat("x", 126))}, []uint16{1002}, "", engine.FailCodes},
	}
	l, events := newLog()
	each(t, handler, serve.Options{MaxMessage: 1000, Events: events}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
		for _, tc := range cases {
			t.Run(tc.name, func(t *testing.T) {
				wants(t, e, tc.lack)
				c := servetest.Connect(t, addr, "/")
				c.Send(servetest.Binary("before"))
				c.Want(wire.Binary, "before")
				c.Send(tc.frames...)
				reason := c.WantClose(tc.codes...)
				if tc.reason != "" && reason != tc.reason && e.Lacks[engine.CloseReason] == "" {
					t.Errorf("reason %q, want %q", reason, tc.reason)
				}
				c.Conn.Close()
				if e := l.wait(t); e.code != tc.codes[0] || e.err == nil {
					t.Errorf("Close event %d, %v; want %d and an error", e.code, e.err, tc.codes[0])
				}
			})
		}
		t.Run("unmasked", func(t *testing.T) {
			wants(t, e, engine.FailCodes)
			c := servetest.Connect(t, addr, "/")
			f := servetest.Binary("x")
			if _, err := c.Conn.Write(f.Append(nil)); err != nil {
				t.Fatal(err)
			}
			c.WantClose(1002)
			c.Conn.Close()
			if e := l.wait(t); e.code != 1002 || e.err == nil {
				t.Errorf("Close event %d, %v; want 1002 and an error", e.code, e.err)
			}
		})
	})
}

// TestWrongClose: a Close that breaks a rule is no clean end.
func TestWrongClose(t *testing.T) {
	l, events := newLog()
	each(t, serve.Echo, serve.Options{Events: events}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
		wants(t, e, engine.FailCodes)
		for _, code := range []uint16{999, 1004, 1005, 1006, 1015, 2999} {
			c := servetest.Connect(t, addr, "/")
			c.Send(servetest.CloseFrame(code, ""))
			f, err := c.Next()
			if err != nil || f.Opcode != wire.Close || string(f.Payload[:2]) != "\x03\xea" {
				t.Errorf("Close with %d answered by %s, %v; want a Close with 1002", code, servetest.Describe(f), err)
			}
			c.Conn.Close()
			if e := l.wait(t); e.code != 1002 || e.err == nil {
				t.Errorf("Close with %d: event %d, %v; want 1002 and an error", code, e.code, e.err)
			}
		}
	})
}

func TestSkipUTF8(t *testing.T) {
	each(t, serve.Echo, serve.Options{SkipUTF8: true}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
		c := servetest.Connect(t, addr, "/")
		c.Send(servetest.Text("\xff"))
		switch f, err := c.Next(); {
		case err != nil:
			t.Fatal(err)
		case f.Opcode == wire.Text && string(f.Payload) == "\xff": // left to the application
		case f.Opcode == wire.Close && string(f.Payload[:2]) == "\x03\xef": // the library's own check
		default:
			t.Errorf("got %s", servetest.Describe(f))
		}
	})
}

func TestNoReplyAndScratch(t *testing.T) {
	handler := func(scratch []byte, _ bool, payload []byte) ([]byte, error) {
		if len(payload) == 0 {
			return nil, nil
		}
		return append(append(scratch[:0], payload...), '!'), nil
	}
	l, events := newLog()
	each(t, handler, serve.Options{Stats: true, Events: events}, func(t *testing.T, e *engine.Engine, s serve.Server, addr string) {
		wants(t, e, engine.EmptyMessages)
		l.in, l.out = 0, 0
		c := servetest.Connect(t, addr, "/")
		c.Send(servetest.Text(""), servetest.Text("a"), servetest.Text(""), servetest.Text("bc"))
		c.Want(wire.Text, "a!")
		c.Want(wire.Text, "bc!")
		if n := s.Stats().Connections; n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
		c.Send(servetest.CloseFrame(1000, ""))
		c.WantClose(1000)
		l.wait(t)
		want := serve.Stats{Messages: 4, BytesIn: 3, BytesOut: 5}
		if got := s.Stats(); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
		if l.in != 3 || l.out != 5 {
			t.Errorf("events told %d bytes in, %d out; want 3 and 5", l.in, l.out)
		}
	})
}

func TestRefused(t *testing.T) {
	l, events := newLog()
	each(t, serve.Echo, serve.Options{Events: events}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
		if _, response := servetest.Dial(t, addr, "/", "Origin: http://elsewhere.example"); response.StatusCode != http.StatusForbidden {
			t.Errorf("another origin: answered %s, want 403", response.Status)
		}
		response, err := http.Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode < 400 || response.StatusCode > 499 {
			t.Errorf("plain GET: answered %s, want 4xx", response.Status)
		}
		http.DefaultClient.CloseIdleConnections()
		for _, want := range []int{http.StatusForbidden, response.StatusCode} {
			select {
			case got := <-l.refused:
				if got != want {
					t.Errorf("the event told %d, want %d", got, want)
				}
			case <-time.After(servetest.Bound):
				t.Fatalf("no event for %d", want)
			}
		}
		_, response = servetest.Dial(t, addr, "/", "Origin: http://"+addr)
		if response.StatusCode != http.StatusSwitchingProtocols {
			t.Errorf("same origin: answered %s", response.Status)
		}
	})
}

func TestReadTimeout(t *testing.T) {
	l, events := newLog()
	each(t, serve.Echo, serve.Options{ReadTimeout: 20 * time.Millisecond, Events: events}, func(t *testing.T, e *engine.Engine, _ serve.Server, addr string) {
		c := servetest.Connect(t, addr, "/")
		f := servetest.Text("never complete")
		f.Masked = true
		_, _ = c.Conn.Write(f.Append(nil)[:7]) // on a busy machine the timeout may be over by now
		if e := l.wait(t); e.err == nil {
			t.Errorf("Close event %d without an error", e.code)
		}
	})
}

func TestShutdown(t *testing.T) {
	l, events := newLog()
	each(t, serve.Echo, serve.Options{Events: events}, func(t *testing.T, e *engine.Engine, s serve.Server, addr string) {
		var clients []*servetest.Client
		for range 5 {
			clients = append(clients, servetest.Connect(t, addr, "/"))
		}
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(context.Background()) }()
		for _, c := range clients {
			c.WantClose(1001)
		}
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		for range clients {
			if e := l.wait(t); e.code != 1001 {
				t.Errorf("Close event %d, %v; want 1001", e.code, e.err)
			}
		}
		if _, response := servetest.Dial(t, addr, "/"); response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("after Shutdown: answered %s, want 503", response.Status)
		}
	})
}

// TestShutdownCrossing: a peer sends a message before it has read the Close of
// Shutdown. It breaks no rule with that, and gets no answer behind the Close.
func TestShutdownCrossing(t *testing.T) {
	l, events := newLog()
	each(t, serve.Echo, serve.Options{Events: events}, func(t *testing.T, e *engine.Engine, s serve.Server, addr string) {
		wants(t, e, engine.PingTimes)
		c := servetest.Connect(t, addr, "/")
		c.Send(servetest.Text("a"))
		c.Want(wire.Text, "a")
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(context.Background()) }()
		if f, err := c.Next(); err != nil || f.Opcode != wire.Close {
			t.Fatalf("got %s, %v; want a Close", servetest.Describe(f), err)
		}
		var late []byte
		for _, f := range []wire.Frame{servetest.Part(wire.Ping, true, "p"), servetest.Text("late"), servetest.CloseFrame(1001, "")} {
			f.Masked = true
			late = f.Append(late)
		}
		_, _ = c.Conn.Write(late) // gws has closed TCP already
		if f, err := c.Next(); err == nil {
			t.Errorf("behind the Close: %s", servetest.Describe(f))
		}
		if e := l.wait(t); e.code != 1001 && e.code != 1006 { // coder closes TCP when the message comes
			t.Errorf("Close event %d, %v; want 1001", e.code, e.err)
		}
		if err := <-done; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func TestShutdownDropsTheSilent(t *testing.T) {
	each(t, serve.Echo, serve.Options{}, func(t *testing.T, e *engine.Engine, s serve.Server, addr string) {
		silent := servetest.Connect(t, addr, "/")
		stuck := servetest.Connect(t, addr, "/") // sends and never reads, until the server's writes block
		stuck.Conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		f := servetest.Binary(strings.Repeat("x", 1<<20))
		f.Masked = true
		message := f.Append(nil)
		for range 64 {
			if _, err := stuck.Conn.Write(message); err != nil {
				break
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		_ = s.Shutdown(ctx) // gws ends at once, the others wait for the silent peer
		wantNone(t, s)
		silent.Conn.Close()
	})
}

func TestUnknownEngine(t *testing.T) {
	_, err := Find("nginx")
	const want = `no engine "nginx": want one of core, gorilla, gobwas, coder, gws, nbio, xnet`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
