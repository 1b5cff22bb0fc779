package conformance

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wsproof/wsproof/internal/engine/engines"
)

// rogueServer serves rogues with a fault on loopback. about, if set, is asked before
// each connection is served, and may take care of it itself.
func rogueServer(t *testing.T, fault string, about func(n int, conn net.Conn, l net.Listener) (done bool)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	serving.Go(func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			serving.Go(func() {
				if about == nil || !about(n, conn, l) {
					(&rogue{fault: fault, conn: conn}).accept()
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return "ws://" + l.Addr().String() + "/"
}

// TestOneLine: where there is nothing to test, one line says so, and no case is
// played.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ fault, want string }{
		{"answers text with binary", `is no echo server: a text message was sent, and binary message "wsproof asks: does this come back?" came back. The cases need a server that sends each message back`},
		{"drops the last octet", `is no echo server: a text message was sent, and text message "wsproof asks: does this come back" came back`},
		{"takes no text", `is no echo server: a text message was sent, and the server sent a Close 1003 ("only binary"), before`},
		{"never echoes", "is no echo server: a text message was sent, and nothing came back"},
		{"answers nothing", "is no echo server: a text message was sent, and neither the message nor the Close behind it was answered"},
		{"masks as a server, or does not as a client", "what came back breaks a rule: a masked frame came from a server"},
		{"answers 200", "is no WebSocket server: the server answered the opening handshake with 200"},
		{"answers with a wrong key", "is no WebSocket server: the 101 has a wrong Sec-WebSocket-Accept"},
	} {
		t.Run(test.fault, func(t *testing.T) {
			t.Parallel()
			tester := &Tester{URL: rogueServer(t, test.fault, nil), Started: func(c *Case) { t.Errorf("case %s was played", c.ID) }}
			results, err := tester.Run(t.Context(), defaultCases(t))
			want := strings.TrimSuffix(test.want, ", before")
			if err == nil || results != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%d results, %v; want one line with %q", len(results), err, want)
			}
		})
	}
}

// TestGreeting: a server that says something first is an echo server all the same.
func TestGreeting(t *testing.T) {
	t.Parallel()
	cases, _ := Select("3.1")
	tester := &Tester{URL: rogueServer(t, "greets with a message", nil)}
	if results, err := tester.Run(t.Context(), cases); err != nil || len(results) != 1 {
		t.Errorf("%d results, %v", len(results), err)
	}
}

// TestOneAtATime: a server that serves one connection after the other passes: the
// jobs become one.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	var one sync.Mutex
	url := rogueServer(t, "", func(_ int, conn net.Conn, _ net.Listener) bool {
		one.Lock()
		defer one.Unlock()
		(&rogue{conn: conn}).accept()
		return true
	})
	cases, _ := Select("1.1.*,2.*,7.1.1")
	tester := &Tester{URL: url}
	results, err := tester.Run(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.Passed() {
			t.Errorf("%s: %s (%s)", r.Case.ID, r.Verdict(), r.Why)
		}
	}
	if got := tester.gate.now(); got != 1 {
		t.Errorf("%d jobs, want 1", got)
	}
}

// TestDies: a server that dies ends the run, and the error names the case.
func TestDies(t *testing.T) {
	t.Parallel()
	cases, _ := Select("1.1.1,1.1.2,2.1,2.3,5.1")
	url := rogueServer(t, "", func(n int, conn net.Conn, l net.Listener) bool {
		if n != 2+3 { // two of the probe, and the third case
			return false
		}
		l.Close()
		p := &rogue{conn: conn, fault: "dies"}
		p.accept()
		return true
	})
	tester := &Tester{URL: url, Jobs: 1}
	results, err := tester.Run(t.Context(), cases)
	died := new(DiedError)
	if !errors.As(err, &died) || died.Hangs || len(died.Cases) != 1 || died.Cases[0] != "2.1" ||
		!strings.HasSuffix(err.Error(), "has died: nothing listens there any more; it was playing case 2.1") {
		t.Errorf("got %v, want that it died in 2.1", err)
	}
	if len(results) != len(cases) || results[0] == nil || !results[0].Passed() || results[4] != nil {
		t.Errorf("results of what was played are not there: %v", results)
	}
}

// TestResets: a server before which something stands that takes connections and drops
// them, as a proxy does whose server has died, ends the run.
func TestResets(t *testing.T) {
	t.Parallel()
	cases, _ := Select("1.1.*,2.*,5.1")
	url := rogueServer(t, "", func(n int, conn net.Conn, _ net.Listener) bool {
		if n < 2+3 { // two of the probe, and two cases
			return false
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
		return true
	})
	_, err := (&Tester{URL: url, Jobs: 1}).Run(t.Context(), cases)
	died := new(DiedError)
	if !errors.As(err, &died) || !died.Hangs || !strings.Contains(err.Error(), "answers no more") {
		t.Errorf("got %v, want that it answers no more", err)
	}
}

// TestLimit: a server that takes no long messages, and says so, is not failed for
// it; one that takes long ones and refuses shorter ones is.
func TestLimit(t *testing.T) {
	t.Parallel()
	cases, _ := Select("1.1.*,9.1.1,9.1.3,9.1.4")
	tester := &Tester{URL: rogueServer(t, "takes messages up to 1 MiB", nil)}
	results, err := tester.Run(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		want := "OK"
		if r.Case.ID == "9.1.4" {
			want = "UNIMPLEMENTED"
			if why := "The server does not take a message of 4 MiB: the server sent a Close 1009; RFC 6455 10.4 allows such a limit, the original suite says FAILED."; r.Skipped != why || r.Why != why {
				t.Errorf("skipped: %q, want %q", r.Skipped, why)
			}
		}
		if r.Verdict() != want {
			t.Errorf("%s: %s (%s), want %s", r.Case.ID, r.Verdict(), r.Why, want)
		}
	}
	cases, _ = Select("1.1.*")
	tester = &Tester{URL: rogueServer(t, "reads the 16-bit length as signed", nil)}
	if results, err = tester.Run(t.Context(), cases); err != nil || results[5].Passed() || !results[7].Passed() {
		t.Errorf("1.1.6: %s, 1.1.8: %s, %v; want a failure where longer messages are taken", results[5].Verdict(), results[7].Verdict(), err)
	}
	cases, _ = Select("1.1.6,1.1.7")
	tester = &Tester{URL: rogueServer(t, "", nil), MaxMessage: 65535}
	if results, err = tester.Run(t.Context(), cases); err != nil || !results[0].Passed() || results[0].Skipped != "" ||
		results[1].Skipped != "Not played: its message has 65536 octets, and the longest that is to be sent has 65535." {
		t.Errorf("with a limit: %v, %q", err, results[1].Skipped)
	}
}

// TestAgain: a case that fails at first, and passes when it is played again, has
// passed, and what it was before is told. One that fails for certain is played once.
func TestAgain(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	url := rogueServer(t, "", func(n int, conn net.Conn, _ net.Listener) bool {
		connections.Add(1)
		if n == 3 {
			(&rogue{conn: conn, fault: "closes TCP without a Close"}).accept()
			return true
		}
		return false
	})
	cases, _ := Select("7.1.1")
	finished := 0
	tester := &Tester{URL: url, Finished: func(*Result) { finished++ }}
	results, err := tester.Run(t.Context(), cases)
	if err != nil || results[0].Verdict() != "OK" || !strings.HasPrefix(results[0].Earlier, "OK/UNCLEAN: The closing handshake") || finished != 1 {
		t.Errorf("%v; %s, earlier %q, told %d times", err, results[0].Verdict(), results[0].Earlier, finished)
	}
	connections.Store(0)
	url = rogueServer(t, "takes overlong sequences", func(int, net.Conn, net.Listener) bool { connections.Add(1); return false })
	cases, _ = Select("6.17.*")
	if results, err = (&Tester{URL: url}).Run(t.Context(), cases); err != nil || results[0].Passed() || connections.Load() != 2+5 {
		t.Errorf("%v; %s after %d connections, want a failure after 7", err, results[0].Verdict(), connections.Load())
	}
}

// TestInterrupted: what was played to its end is there.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cases, _ := Select("1.1.1,1.1.2,6.4.1")
	tester := &Tester{URL: rogueServer(t, "", nil), Jobs: 1}
	tester.Started = func(c *Case) {
		if c.ID == "6.4.1" {
			cancel()
		}
	}
	results, err := tester.Run(ctx, cases)
	if !errors.Is(err, context.Canceled) || len(results) != 3 || results[0] == nil || results[1] == nil || results[2] != nil {
		t.Errorf("%v, %v", results, err)
	}
}

// TestClients: what TestClient says of clients that are none.
func TestClients(t *testing.T) {
	t.Parallel()
	cases, _ := Select("1.1.1,2.1")
	core, err := engines.Find("core")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		client Client
		want   string
	}{
		"right":     {Client(core.Client), ""},
		"not there": {func(context.Context, string, func(bool, []byte) []byte) error { return errors.New("no such file") }, "the client x does not connect: no such file"},
		"idle":      {func(context.Context, string, func(bool, []byte) []byte) error { return nil }, "the client x does not connect: no WebSocket handshake came"},
		"another reply": {func(ctx context.Context, url string, _ func(bool, []byte) []byte) error {
			return core.Client(ctx, url, func(bool, []byte) []byte { return []byte("hello") })
		}, `the client x is no echo client: a text message was sent, and text message "hello" came back`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fuzzing := &FuzzingServer{Cases: cases}
			results, err := fuzzing.TestClient(t.Context(), test.client, "x", 2)
			switch {
			case test.want == "" && (err != nil || len(results) != 2 || !results[0].Passed() || !results[1].Passed()):
				t.Errorf("%v, %v", results, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
