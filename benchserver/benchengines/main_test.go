package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"-engines nginx", `no engine "nginx"`},
		{"-tests soap", `no test "soap"`},
		{"-users 0", `"0" is no number of users`},
		{"-count 0", "-count 0: want at least 1"},
		{"-messages 0", "-messages 0: want at least 1"},
		{"-duration 0s", "-duration 0s: want a time above 0"},
		{"-memory 0", "-memory 0: want at least 1048576"},
		{"-users ,", "nothing to measure"},
	} {
		_, err := parse(strings.Fields(tc.args), new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.args, err, tc.want)
		}
	}
	c, err := parse([]string{"-users", "1 2", "-engines", "core,gobwas_gather"}, new(bytes.Buffer))
	if err != nil || len(c.users) != 2 || len(c.engines) != 2 || len(c.tests) != len(tests) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestParseResult(t *testing.T) {
	r, err := parseResult(strings.NewReader("loop: closed\nBenchmarkLoad/mode=json 500 1000000000 ns/op 500000 msgs/s 900 loadgen-cpu-ns/op 0 failures\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := r.Value("sec/op"); r.Iters != 500 || s != 1 {
		t.Errorf("%d runs of %v s", r.Iters, s)
	}
	for _, tc := range []struct{ in, want string }{
		{"", "printed no result"},
		{"BenchmarkLoad/mode=json 500 2000 ns/op 3 failures\n", "3 failures"},
	} {
		if _, err := parseResult(strings.NewReader(tc.in)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %s", tc.in, err, tc.want)
		}
	}
}

// TestRun measures two engines once, from the build to the table.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs servers")
	}
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skip("CPU time of another process is not known: ", err)
	}
	var stdout, stderr bytes.Buffer
	file := filepath.Join(t.TempDir(), "results", "r.txt")
	args := []string{"-count", "1", "-engines", "core gws", "-tests", "connection,json_async", "-users", "2", "-duration", "50ms", "-messages", "500", "-out", file}
	if err := run(context.Background(), args, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"test=connection/users=2/engine=core ", "test=json_async/users=2/engine=gws "} {
		if !strings.Contains(string(raw), "BenchmarkEngine/"+want) {
			t.Errorf("no %s in\n%s", want, raw)
		}
	}
	for _, want := range []string{"server-cpu-sec/op", "peak-RSS-MiB", "sessions/s", "msgs/s", "json_async 2"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %s in\n%s", want, stdout.String())
		}
	}
}
