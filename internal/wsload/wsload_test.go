package wsload

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/perf/benchfmt"

	"github.com/wsproof/wsproof/bench/echo"
	"github.com/wsproof/wsproof/bench/load"
	"github.com/wsproof/wsproof/internal/cli"
)

// listen serves the engine and returns its address.
func listen(t *testing.T, engine string) string {
	t.Helper()
	e, err := echo.Find(engine)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = e.Serve(l) }()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// TestKeep: the files that -o and -junit ask for.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	junit := filepath.Join(dir, "junit.xml")
	args := []string{"-url", "ws://" + listen(t, "core/best"), "-conns", "2", "-messages", "20", "-o", filepath.Join(dir, "new"), "-junit", junit}
	if err := Run(context.Background(), "wsload", args, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "new", "load.json"))
	var result struct{ Schema string }
	if err == nil {
		err = json.Unmarshal(b, &result)
	}
	if err != nil || result.Schema == "" {
		t.Errorf("load.json: %v\n%s", err, b)
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if b, err = os.ReadFile(junit); err == nil {
		err = xml.Unmarshal(b, &suite)
	}
	if err != nil || suite.Tests != 1 || suite.Failures != 0 {
		t.Errorf("JUnit: %v\n%s", err, b)
	}
	var out bytes.Buffer
	r := &load.Result{Config: load.Config{URL: "ws://h/", Mode: load.Echo}, Elapsed: time.Second, Latency: hdrhistogram.New(1, 10, 1)}
	if err := writeJUnit(&out, r, errors.New("a lost message")); err != nil || !strings.Contains(out.String(), `failures="1"`) || !strings.Contains(out.String(), "a lost message") {
		t.Errorf("a load that failed: %v\n%s", err, out.String())
	}
}

func TestTableAndBench(t *testing.T) {
	addr := listen(t, "core/best")
	var out, errs bytes.Buffer
	args := []string{"-url", "ws://" + addr, "-mode", "plain", "-conns", "2", "-messages", "20"}
	if err := Run(context.Background(), "wsload", args, &out, &errs); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"closed loop with 1 in flight", "messages", "40 in", "p99.9", "lost messages 0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := Run(context.Background(), "wsload", append(args, "-format", "bench"), &out, &errs); err != nil {
		t.Fatal(err)
	}
	r := benchfmt.NewReader(&out, "out")
	if !r.Scan() {
		t.Fatalf("no result: %v", r.Err())
	}
	res, ok := r.Result().(*benchfmt.Result)
	if !ok || res.Iters != 40 || res.Name.String() != "Load/mode=plain/conns=2/inflight=1" || !strings.Contains(res.GetConfig("loop"), "closed loop") {
		t.Errorf("the benchmark line reads %+v", r.Result())
	}
}

// TestJSON: one object, of a form that has a name.
func TestJSON(t *testing.T) {
	addr := listen(t, "core/best")
	var out, errs bytes.Buffer
	if err := Run(t.Context(), "wsload", []string{"ws://" + addr, "-conns", "2", "-messages", "20", "-json"}, &out, &errs); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema   string
		Messages int
		Latency  map[string]int64 `json:"latencyNanoseconds"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Schema != "wsproof/load/1" || got.Messages != 40 || got.Latency["p50"] < 1 {
		t.Errorf("%v: %s", err, out.String())
	}
}

// TestExitsOnFailure: plain TCP that sends back the request is no handshake,
// and a server that echoes is none that counts.
func TestExitsOnFailure(t *testing.T) {
	plain, echoes := listen(t, "tcp/plain"), listen(t, "core/best")
	for _, args := range [][]string{
		{"-url", "ws://" + plain, "-conns", "1", "-patience", "200ms"},
		{"-url", "ws://" + echoes, "-mode", "json", "-conns", "1", "-messages", "5"},
		{"-url", "ws://127.0.0.1:1", "-conns", "1"},
	} {
		var out, errs bytes.Buffer
		if err := Run(context.Background(), "wsload", args, &out, &errs); err == nil {
			t.Errorf("run(%q) returned no error:\n%s", args, out.String())
		}
	}
}

// TestRefusesArguments: each mistake gets one line, and exit status 2.
func TestRefusesArguments(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-url", "ws://x", "stray"},
		{"ws://x", "stray"},
		{"ws://x", "-url", "ws://x", "stray"},
		{"ws://x", "-insecure", "-cacert", "x"},
		{"-url", "ws://x", "-format", "xml"},
		{"-url", "ws://x", "-mode", "sing"},
		{"-url", "x"},
		{"-url", "ws://x", "-conns", "0"},
		{"-url", "ws://x", "-async", "-warmup", "1s"},
		{"ws://x", "-json", "-format", "bench"},
		{"ws://x", "-conns", "2000000000"},
		{"-nosuch"},
	} {
		var out, errs bytes.Buffer
		err := Run(context.Background(), "wsload", args, &out, &errs)
		if !cli.IsUsage(err) && !errors.Is(err, load.ErrConfig) || strings.Contains(err.Error(), "\n") || out.Len()+errs.Len() > 0 {
			t.Errorf("run(%q) returned %v and printed %q, %q", args, err, out.String(), errs.String())
		}
	}
}

func TestHelp(t *testing.T) {
	var out, errs bytes.Buffer
	if err := Run(context.Background(), "wsload", []string{"-h"}, &out, &errs); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "-inflight") || errs.Len() > 0 {
		t.Errorf("-h returned %v and said %q, %q", err, out.String(), errs.String())
	}
}
