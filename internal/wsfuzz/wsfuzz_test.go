package wsfuzz

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
	"github.com/wsproof/wsproof/internal/explain"
	"github.com/wsproof/wsproof/internal/known"
	"github.com/wsproof/wsproof/internal/leak"
	"github.com/wsproof/wsproof/internal/wirefuzz"
	"github.com/wsproof/wsproof/websocket"
)

func TestMain(m *testing.M) {
	// explain replays in a process of this file.
	if len(os.Args) > 1 && os.Args[1] == "-child" {
		cli.Main("explain", func(ctx context.Context, args []string, stdout, _ io.Writer) error {
			return explain.Run(ctx, "explain", args, os.Stdin, stdout)
		})
	}
	leak.Main(m)
}

// fuzz runs the command.
func fuzz(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	err = Run(t.Context(), "wsproof fuzz", args, &out, &out)
	return out.String(), err
}

// urlOf serves echoes of the core, changed by change if that is not nil.
func urlOf(t *testing.T, change func(m *websocket.Message)) string {
	t.Helper()
	server := httptest.NewServer(websocket.NewHandler(func(_ context.Context, m *websocket.Message) (*websocket.Message, error) {
		m = &websocket.Message{Binary: m.Binary, Payload: bytes.Clone(m.Payload)}
		if change != nil {
			change(m)
		}
		return m, nil
	}, websocket.Options{}))
	t.Cleanup(server.Close)
	return server.URL
}

// bad has an echo of "Hello" come back as another.
func bad(m *websocket.Message) {
	if string(m.Payload) == "Hello" {
		m.Payload[0] = 'J'
	}
}

const altered = "message-received: alters the payload"

// TestFuzz: the core passes, in words, as events and with reports.
func TestFuzz(t *testing.T) {
	dir := t.TempDir()
	stdout, err := fuzz(t, "-runs", "700", "-o", dir, urlOf(t, nil))
	if err != nil || !strings.Contains(stdout, "passed  ws://") || !strings.Contains(stdout, "0 findings, ") {
		t.Errorf("%v\n%s", err, stdout)
	}
	for _, name := range []string{"index.html", "fuzz.json", "FuzzTarget/note_length-not-minimal_stricter"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	stdout, err = fuzz(t, "-runs", "20", "-json", urlOf(t, nil))
	var last struct {
		Schema, Event string
		Report        *wirefuzz.Report
	}
	for line := range strings.Lines(stdout) {
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	if err != nil || last.Event != "end" || last.Schema == "" || last.Report.Schema != wirefuzz.Schema || last.Report.Executions != 20 {
		t.Errorf("%v, %+v", err, last)
	}
}

// TestFinding: it is told in words, kept for replay and explain, and can be known.
func TestFinding(t *testing.T) {
	dir := t.TempDir()
	list, junit := filepath.Join(dir, "known.tsv"), filepath.Join(dir, "junit.xml")
	url := urlOf(t, bad)
	stdout, err := fuzz(t, url, "-runs", "700", "-seed", "1", "-o", dir, "-write-known", list, "-junit", junit)
	if !cli.IsFinding(err) || !strings.Contains(stdout, "FINDING "+altered) || !strings.Contains(stdout, "RFC 6455 §6.2") || !strings.Contains(stdout, `Text, masked with`) || !strings.Contains(stdout, "FAILED  ws://") {
		t.Errorf("%v\n%s", err, stdout)
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	b, err := os.ReadFile(junit)
	if err == nil {
		err = xml.Unmarshal(b, &suite)
	}
	if err != nil || suite.Failures != 1 || suite.Tests < 15 {
		t.Errorf("JUnit: %v, %+v\n%s", err, suite, b)
	}
	file := filepath.Join(dir, "FuzzTarget", "message-received_alters_the_payload")
	if stdout, err = fuzz(t, "-replay", file, url); !cli.IsFinding(err) || !strings.Contains(stdout, "FINDING "+altered) {
		t.Errorf("-replay: %v\n%s", err, stdout)
	}
	if stdout, err = fuzz(t, url, "-replay", dir); !cli.IsFinding(err) || !strings.Contains(stdout, "note    length-not-minimal") {
		t.Errorf("-replay of the folder: %v\n%s", err, stdout)
	}
	if stdout, err = fuzz(t, "-replay", file, urlOf(t, nil)); err != nil || !strings.Contains(stdout, "passes") {
		t.Errorf("-replay with another server: %v\n%s", err, stdout)
	}
	var out bytes.Buffer
	if err := explain.Run(t.Context(), "explain", []string{file}, nil, &out); err != nil || !strings.Contains(out.String(), "Text, masked with") {
		t.Errorf("explain: %v\n%s", err, out.String())
	}
	if stdout, err = fuzz(t, url, "-runs", "700", "-known", list); err != nil || !strings.Contains(stdout, "known   all 1 finding") {
		t.Errorf("with what is known: %v\n%s", err, stdout)
	}
	if stdout, err = fuzz(t, urlOf(t, nil), "-runs", "700", "-known", list); !cli.IsFinding(err) || !strings.Contains(stdout, "GONE    "+altered) {
		t.Errorf("with a row that is gone: %v\n%s", err, stdout)
	}
	if err := os.WriteFile(list, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if stdout, err = fuzz(t, url, "-runs", "700", "-known", list); !cli.IsFinding(err) || !strings.Contains(stdout, "NEW     "+altered) {
		t.Errorf("with nothing known: %v\n%s", err, stdout)
	}
}

// TestInterruptedWithKnown: findings that are known make no whole run of one that was
// interrupted.
func TestInterruptedWithKnown(t *testing.T) {
	list := filepath.Join(t.TempDir(), "known.tsv")
	if err := os.WriteFile(list, []byte(altered+"\tfinding\tit is so\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	c := &command{known: list, out: &output{w: &out}}
	var err error
	if c.rows, err = known.Read(list); err != nil {
		t.Fatal(err)
	}
	c.Duration = time.Hour
	r := &wirefuzz.Report{Executions: 3, Groups: []*wirefuzz.Group{{Rule: "message-received", Kind: "alters", What: "the payload", Level: wirefuzz.Finding}}}
	if got := r.Groups[0].Key(); got != altered {
		t.Fatalf("the group is %q", got)
	}
	if err := c.judge(ctx, r, nil); err != nil {
		t.Errorf("a whole run: %v", err)
	}
	if err := c.judge(ctx, r, io.EOF); err != io.EOF {
		t.Errorf("a run that could not go on: %v", err)
	}
	cancel()
	if err := c.judge(ctx, r, nil); err == nil || cli.IsFinding(err) {
		t.Errorf("interrupted: %v\n%s", err, out.String())
	}
}

// TestCannot: what cannot be done is one line, and no finding.
func TestCannot(t *testing.T) {
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	silent := httptest.NewServer(websocket.NewHandler(func(context.Context, *websocket.Message) (*websocket.Message, error) {
		return nil, errors.New("no")
	}, websocket.Options{}))
	defer silent.Close()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "the URL of a server is missing"},
		{[]string{"ws://127.0.0.1:1/"}, "cannot be reached"},
		{[]string{page.URL}, "404"},
		{[]string{silent.URL}, `no echo server: a text message was sent, and the server closed with 1011 "no"`},
		{[]string{"tcp://h/"}, "is no WebSocket URL"},
		{[]string{"-jobs", "0", page.URL}, "-jobs 0"},
		{[]string{"-patience", "0.5", page.URL}, "-patience 0.5"},
		{[]string{"-pid", "-3", page.URL}, "-pid"},
		{[]string{"-known", filepath.Join(t.TempDir(), "none"), page.URL}, "none"},
		{[]string{"-replay", t.TempDir(), page.URL}, "no input in"},
	} {
		stdout, err := fuzz(t, c.args...)
		if err == nil || cli.IsFinding(err) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || strings.Contains(stdout, "passed") {
			t.Errorf("%q: %v, want %q\n%s", c.args, err, c.want, stdout)
		}
	}
}

// TestInterrupted: what was done is told; it has passed only where nobody said how long
// the run was to be, and a list of what is known, too, is for a whole run.
func TestInterrupted(t *testing.T) {
	none := filepath.Join(t.TempDir(), "known.tsv")
	if err := os.WriteFile(none, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-time", "1h"}, {"-time", "0"}, {"-time", "1h", "-known", none}, {"-time", "0", "-known", none}} {
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		n := 0
		server := urlOf(t, func(*websocket.Message) {
			if n++; n == 3 {
				cancel()
			}
		})
		err := Run(ctx, "wsproof fuzz", append(args, "-jobs", "1", server), &out, &out)
		cancel()
		wanted, word := args[1] == "0", "so far  ws://"
		if wanted {
			word = "passed  ws://"
		}
		if wanted != (err == nil) || cli.IsFinding(err) || !strings.Contains(out.String(), word) {
			t.Errorf("%q: %v\n%s", args, err, out.String())
		}
	}
}
