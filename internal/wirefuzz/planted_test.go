package wirefuzz

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/opening"
	"github.com/wsproof/wsproof/internal/wire"
)

// The environment variables that make the test's binary a server with a planted fault.
const (
	plantedEnv = "WSPROOF_PLANTED"
	addressEnv = "WSPROOF_PLANTED_ADDRESS"
	readyEnv   = "WSPROOF_PLANTED_READY" // an address that it connects to when it listens
)

// planted serves with a planted fault, if it is asked to.
func planted() bool {
	var global sync.Mutex
	var kept [][]byte
	g := &rogue{}
	// A frame of that opcode with so many bytes or more in it.
	has := func(b []byte, opcode byte, least int) bool {
		for len(b) > 0 {
			f, n, err := wire.Split(b)
			if err != nil {
				return false
			}
			if f.Opcode == opcode && f.Fin && len(f.Payload) >= least {
				return true
			}
			b = b[n:]
		}
		return false
	}
	switch os.Getenv(plantedEnv) {
	case "":
		return false
	case "crash":
		g.read = func(b []byte) {
			if has(b, wire.Ping, 120) {
				go func() { panic("planted: a ping of 120 bytes") }()
				select {}
			}
		}
	case "hang":
		g.read = func(b []byte) {
			global.Lock()
			if has(b, wire.Pong, 120) {
				select {} // with the lock
			}
			global.Unlock()
		}
	case "leak":
		g.read = func(b []byte) {
			if has(b, wire.Ping, 120) {
				global.Lock()
				kept = append(kept, bytes.Repeat([]byte{1}, 256<<10))
				global.Unlock()
			}
		}
	}
	l, err := net.Listen("tcp", os.Getenv(addressEnv))
	if ready := os.Getenv(readyEnv); err == nil && ready != "" {
		var told net.Conn
		if told, err = net.Dial("tcp", ready); err == nil {
			told.Close()
		}
	}
	if err == nil {
		err = http.Serve(l, g)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
	return true
}

// serverOf returns a command that starts a planted server, and a client of it.
func serverOf(t *testing.T, fault string) (command string, client *opening.Client) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	u, err := opening.ParseURL("ws://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s=%s %s=%s exec '%s' -test.run=^$", plantedEnv, fault, addressEnv, address, exe), &opening.Client{URL: u}
}

// TestPlanted: a server that ends, one that answers no more, and one whose memory
// grows are told apart, each with the input that does it.
func TestPlanted(t *testing.T) {
	t.Parallel() // most of it is waiting, here and in the other tests that say so
	for fault, want := range map[string]struct {
		kind   Kind
		opcode byte
	}{"crash": {Crashes, wire.Ping}, "hang": {Hangs, wire.Pong}, "leak": {Grows, wire.Ping}} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			if fault == "leak" && raceDetector {
				t.Skip("what the race detector keeps of a server has its memory grow as well")
			}
			command, client := serverOf(t, fault)
			began := time.Now()
			var found time.Duration
			c := Config{Client: client, Restart: command, Duration: 5 * time.Minute, Jobs: 8, Patience: 0.3}
			stop := make(chan struct{})
			c.Progress = func(p Progress) {
				if p.Say != "" {
					t.Logf("%v %d: %s", time.Since(began), p.Executions, p.Say)
				}
				if p.New != nil && p.New.Kind == want.kind && found == 0 {
					found = time.Since(began)
					close(stop)
				}
			}
			report, err := runUntil(t, c, stop)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(report.Groups, func(g *Group) bool { return g.Kind == want.kind })
			if i < 0 {
				t.Fatalf("not found: %+v", report)
			}
			g := report.Groups[i]
			f, n, err := wire.Split(g.Input)
			if err != nil || f.Opcode != want.opcode || len(f.Payload) < 120 || !g.Alone || g.Level != Finding {
				t.Errorf("the input is %.60x, of which %d are a frame with opcode %d and %d bytes, %v: %s", g.Input, n, f.Opcode, len(f.Payload), err, g.Why)
			}
			if fault == "crash" && !strings.Contains(g.Why, "planted: a ping") {
				t.Errorf("what the server said is not told: %s", g.Why)
			}
			others := map[string]bool{}
			for _, o := range report.Findings() {
				if o != g {
					others[o.Key()] = true
				}
			}
			if len(others) > 0 {
				t.Errorf("and %v", slices.Collect(maps.Keys(others)))
			}
			t.Logf("%s in %v: %s; %d executions", fault, found, g.Why, report.Executions)
		})
	}
}

// TestGone: a server that ends, and that nobody starts again, ends the run, which
// says what was under way.
func TestGone(t *testing.T) {
	t.Parallel()
	command, client := serverOf(t, "crash")
	ready, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	server, err := launch(readyEnv + "=" + ready.Addr().String() + " " + command)
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	_ = ready.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute)) // it may have failed
	told, err := ready.Accept()
	if err != nil {
		t.Fatalf("%v; the server said %q", err, server.said())
	}
	told.Close()
	report, err := Run(t.Context(), Config{Client: client, Jobs: 4, Duration: 5 * time.Minute, Patience: 0.3})
	if err == nil || report == nil {
		t.Fatalf("%v, %+v", err, report)
	}
	i := slices.IndexFunc(report.Groups, func(g *Group) bool { return g.Kind == Crashes })
	if i < 0 || !strings.Contains(err.Error(), "-restart") || report.Stopped == "" {
		t.Errorf("%v; %+v", err, report)
	} else if g := report.Groups[i]; g.Alone || !strings.Contains(g.Key(), "unknown input") {
		t.Errorf("%+v", g)
	}
}
