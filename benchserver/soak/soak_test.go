package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// TestSoak runs all checks, small and short.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc: ", err)
	}
	var out bytes.Buffer
	args := []string{"-checks", "kill,endings,mixed", "-duration", "3s", "-workers", "8", "-kill", "8"}
	if err := run(context.Background(), args, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"kill: core", "endings: core, wss", "endings: core, ws,", "mixed: core"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestGrows(t *testing.T) {
	for _, c := range []struct {
		early, late int64
		want        bool
	}{
		{20 << 20, 20 << 20, false},
		{20 << 20, 25 << 20, false},
		{20 << 20, 27 << 20, true},
		{100 << 20, 120 << 20, true},
		{100 << 20, 90 << 20, false},
	} {
		if got := grows(c.early, c.late); got != c.want {
			t.Errorf("from %d to %d bytes: %v, want %v", c.early, c.late, got, c.want)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"-checks idle,nap", `no check "nap"`},
		{"-checks mixed -workers 0", "-workers 0: want at least 1"},
		{"-checks idle -idle -1", "-idle -1: want at least 0"},
	} {
		err := run(context.Background(), strings.Fields(tc.args), new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.args, err, tc.want)
		}
	}
}
