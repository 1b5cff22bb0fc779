package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// TestMain lets the test binary be the server process, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
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
	results := bench(t, "-engines", "^tcp/|^core/best$", "-memory", "200", "-idle", "1ms")
	if len(results) != 2 {
		t.Fatalf("%d results, want 2: %v", len(results), results)
	}
	most := 100_000.0
	if raceEnabled { // the detector keeps a shadow of all memory
		most *= 10
	}
	for name, r := range results {
		if v, _ := r.Value("rss-B/conn"); v < 100 || v > most {
			t.Errorf("%s: %v bytes a connection", name, v)
		}
	}
}

func TestRefusesArguments(t *testing.T) {
	for _, args := range [][]string{{"-engines", "nosuch"}, {"-engines", "("}, {"-pin=false", "-cases", "nosuch"}, {"stray"}, {"serve", "nosuch"}, {"-count", "0"}, {"-slice", "0s"}, {"-memory", "-1"}, {"-dials", "0"}} {
		var out bytes.Buffer
		if err := run(context.Background(), args, strings.NewReader(""), &out, &out); err == nil {
			t.Errorf("run(%q) returned no error", args)
		}
	}
}
