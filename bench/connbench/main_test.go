package main

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"github.com/wsproof/wsproof/bench/echo"
)

// TestMain lets the test binary be the server process, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "idle") {
		if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func bench(t *testing.T, args ...string) map[string]*benchfmt.Result {
	t.Helper()
	var out bytes.Buffer
	if err := run(context.Background(), append(args, "-pin=false"), nil, &out, os.Stderr); err != nil {
		t.Fatal(err)
	}
	results := map[string]*benchfmt.Result{}
	r := benchfmt.NewReader(&out, "out")
	for r.Scan() {
		switch rec := r.Result().(type) {
		case *benchfmt.Result:
			results[rec.Name.String()] = rec.Clone()
		case *benchfmt.SyntaxError:
			t.Fatal(rec)
		}
	}
	return results
}

func TestCases(t *testing.T) {
	results := bench(t, "-engines", "^tcp/|^core/best$", "-slice", "30ms", "-warmup", "5ms",
		"-cases", "^kind=binary/conns=1/inflight=(1|16)/size=125B$|^conns=16$")
	if len(results) != 5 {
		t.Fatalf("%d results, want 2 cases on tcp and core, and core's handshakes: %v", len(results), results)
	}
	for name, r := range results {
		for _, unit := range []string{"cpu-sec/op", "p99.9-sec", "B/op", "allocs/op"} {
			if v, ok := r.Value(unit); !ok || v < 0 {
				t.Errorf("%s: %s is %v, %v among %v", name, unit, v, ok, r.Values)
			}
		}
		if !strings.Contains(name, "Connect") {
			// One in flight takes a segment a message, on whatever server.
			if v, ok := r.Value("segments/op"); ok && strings.Contains(name, "inflight=1/") && (v < 0.999 || v > 1.001) {
				t.Errorf("%s: %v segments a message, want 1", name, v)
			}
		}
	}
}

func TestMemory(t *testing.T) {
	results := bench(t, "-engines", "^tcp/|^core/best$", "-memory", "200", "-idle", "1ms", "-wake")
	if len(results) != 4 {
		t.Fatalf("%d results, want 4: %v", len(results), results)
	}
	most := 100_000.0
	if raceEnabled { // the detector keeps a shadow of all memory
		most *= 10
	}
	for name, r := range results {
		if strings.Contains(name, "Wake") {
			for _, unit := range []string{"sec/op", "p50-sec", "p99-sec"} {
				if v, _ := r.Value(unit); r.Iters != 200 || v <= 0 {
					t.Errorf("%s: %s is %v, of %d answers", name, unit, v, r.Iters)
				}
			}
			continue
		}
		if v, _ := r.Value("rss-B/conn"); v < 100 || v > most {
			t.Errorf("%s: %v bytes a connection", name, v)
		}
	}
}

// More connections than one process may have come from several, each from an address of its own.
func TestIdleClients(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8 on its loopback interface")
	}
	e, err := echo.Find("tcp/plain")
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(e, 1, false, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	before, err := s.stats(false)
	if err != nil {
		t.Fatal(err)
	}
	clients, err := openIdle(s.url(), 10, 1, 4, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer closeIdle(clients)
	after, err := s.stats(false)
	if n := after.Goroutines - before.Goroutines; err != nil || n != 10 || len(clients) != 3 {
		t.Errorf("%d connections of %d clients, %v; want 10 of 3", n, len(clients), err)
	}
	var out bytes.Buffer
	for range 2 {
		out.Reset()
		if err := wake(s, clients, "name", &out); err != nil || !strings.HasPrefix(out.String(), "BenchmarkWake/name 10 ") {
			t.Errorf("%q, %v; want 10 answers", out.String(), err)
		}
	}
	if _, err := openIdle(s.url(), 1<<30, 1, 4, os.Stderr); err == nil {
		t.Error("more connections were opened than there can be")
	}
}

func TestRefusesArguments(t *testing.T) {
	for _, args := range [][]string{{"-engines", "nosuch"}, {"-engines", "("}, {"-pin=false", "-cases", "nosuch"}, {"stray"}, {"serve", "nosuch"}, {"-count", "0"}, {"-slice", "0s"}, {"-memory", "-1"}, {"-dials", "0"}, {"-wake"}, {"idle", "tcp://127.0.0.1:1"}, {"idle", "tcp://127.0.0.1:1", "", "x", "1"}, {"idle", "tcp://127.0.0.1:1", "here", "1", "1"}} {
		var out bytes.Buffer
		if err := run(context.Background(), args, strings.NewReader(""), &out, &out); err == nil {
			t.Errorf("run(%q) returned no error", args)
		}
	}
}
