package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// good is a summary as k6 1.8 writes it.
const good = `{"root_group": {"checks": {}}, "metrics": {
	"lost": {"count": 0, "rate": 0, "thresholds": {"count==0": false}},
	"wrong": {"count": 0, "rate": 0, "thresholds": {"count==0": false}},
	"answers": {"count": 20000, "rate": 50000, "thresholds": {"count>0": false}},
	"checks": {"passes": 12, "fails": 0, "value": 1, "thresholds": {"rate==1": false}},
	"ws_connecting": {"avg": 2, "min": 1, "med": 1.5, "p(90)": 2.25, "p(99)": 3, "max": 4}}}`

func TestConvert(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "core.connection.16.json")
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{file}, &out); err != nil {
		t.Fatal(err)
	}
	// Read it back as benchstat does.
	reader := benchfmt.NewReader(&out, "k6")
	if !reader.Scan() {
		t.Fatal("no line")
	}
	result, ok := reader.Result().(*benchfmt.Result)
	if !ok {
		t.Fatalf("no benchmark line: %v", reader.Result())
	}
	if got, want := string(result.Name), "K6/test=connection/users=16/engine=core"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	if result.Iters != 20000 {
		t.Errorf("%d iterations, want 20000", result.Iters)
	}
	for unit, want := range map[string]float64{"sec/op": 20e-6, "sessions/s": 50000, "connect-p50-sec": 1.5e-3, "connect-p99-sec": 3e-3} {
		if got, ok := result.Value(unit); !ok || got != want {
			t.Errorf("%s is %v, want %v", unit, got, want)
		}
	}
}

// TestRefuse checks that no failed test becomes a number.
func TestRefuse(t *testing.T) {
	for _, tc := range []struct{ name, file, old, new, want string }{
		{"wrong answers", "core.x.1.json", `"wrong": {"count": 0`, `"wrong": {"count": 2`, "2 wrong answers"},
		{"lost answers", "core.x.1.json", `"lost": {"count": 0`, `"lost": {"count": 3`, "3 lost answers"},
		{"failed checks", "core.x.1.json", `"fails": 0`, `"fails": 4`, "4 failed checks"},
		{"no answers", "core.x.1.json", `"count": 20000`, `"count": 0`, "no answers"},
		{"no metric", "core.x.1.json", `"lost"`, `"found"`, "lost answers"},
		{"no JSON", "core.x.1.json", `{"root`, `root`, "invalid character"},
		{"name", "core.x.json", "", "", "engine.test.users.json"},
		{"users", "core.x.many.json", "", "", "no number of users"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := good
			if tc.old != "" {
				b = strings.Replace(good, tc.old, tc.new, 1)
			}
			line, err := convert(tc.file, []byte(b))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, %v; want an error with %q", line, err, tc.want)
			}
		})
	}
	if err := run(nil, new(bytes.Buffer)); err == nil {
		t.Error("no files: no error")
	}
	if err := run([]string{"/nowhere/core.x.1.json"}, new(bytes.Buffer)); err == nil {
		t.Error("no such file: no error")
	}
}
