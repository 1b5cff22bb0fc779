package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/gobwas"
	"github.com/wsproof/wsproof/internal/leak"
)

// echoEnv makes the test's binary an echo client of the URL in its arguments.
const echoEnv = "WSPROOF_TEST_ECHO"

func TestMain(m *testing.M) {
	if os.Getenv(echoEnv) == "" {
		leak.Main(m)
		return
	}
	core, err := engines.Find("core")
	if err == nil {
		err = core.Client(context.Background(), os.Args[len(os.Args)-1], func(_ bool, b []byte) []byte { return append([]byte{}, b...) })
	}
	if err != nil {
		os.Exit(1)
	}
}

// command runs the command line.
func command(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	err = Run(t.Context(), args, &out, &errs)
	return out.String(), errs.String(), err
}

func TestUsage(t *testing.T) {
	_, stderr, err := command(t, "-h")
	if err != nil {
		t.Error(err)
	}
	for _, flag := range []string{"-cases", "-engine", "-target", "-role", "-listen", "-report-dir", "-debug", "-json", "-jobs", "-driver", "-list"} {
		if !strings.Contains(stderr, flag+" ") && !strings.Contains(stderr, flag+"\n") {
			t.Errorf("-h does not tell of %s", flag)
		}
	}
}

func TestErrors(t *testing.T) {
	const gone = "ws://127.0.0.1:1/" // a port that no other test can get
	t.Setenv("PATH", t.TempDir())    // no wstest, no docker
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-target", gone}, "cannot be reached"},
		{[]string{"-target", "tcp://x/"}, "is no WebSocket URL"},
		{[]string{"-target", gone, "-role", "client"}, "leave -role and -listen away"},
		{[]string{"-cases", "5.99"}, `no case matches "5.99"`},
		{[]string{"-engine", "core,other"}, `no engine "other"`},
		{[]string{"-role", "both ends"}, "-role"},
		{[]string{"-driver", "other"}, "-driver"},
		{[]string{"-jobs", "0"}, "-jobs 0"},
		{[]string{"-patience", "NaN"}, "-patience NaN"},
		{[]string{"-patience", "1e300"}, "-patience 1e+300"},
		{[]string{"-driver", "wstest"}, "wstest is not on the PATH"},
		{[]string{"-driver", "docker"}, "docker is not on the PATH"},
		{[]string{"-other"}, "wsconform -h lists the flags"},
		{[]string{"more"}, `unknown argument "more"`},
		{[]string{"-listen", "nowhere:port"}, "listen"},
	} {
		stdout, _, err := command(t, test.args...)
		if err == nil || errors.Is(err, ErrFailed) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || strings.Contains(stdout, "passed") {
			t.Errorf("%v: %q, %v; want one line with %q", test.args, stdout, err, test.want)
		}
	}
}

func TestServersAndClients(t *testing.T) {
	dir := t.TempDir()
	stdout, _, err := command(t, "-engine", "core,gorilla", "-role", "both", "-cases", "1.*,5.7", "-report-dir", dir)
	if err != nil {
		t.Error(err)
	}
	for _, line := range []string{
		"passed  core as server: 17 OK of 17 cases", "passed  gorilla as server: 17 OK of 17 cases",
		"passed  core as client: 17 OK of 17 cases", "passed  gorilla as client: 17 OK of 17 cases",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("the summary has no %q:\n%s", line, stdout)
		}
	}
	for _, name := range []string{"servers/index.html", "servers/index.json", "servers/core_case_5_7.json", "clients/gorilla_case_1_1_1.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestFailureAndJSON(t *testing.T) {
	stdout, _, err := command(t, "-engine", "coder", "-cases", "7.5.1,7.3.1", "-json", "-debug")
	if !errors.Is(err, ErrFailed) {
		t.Errorf("got %v, want that cases failed", err)
	}
	var seen []string
	for line := range strings.Lines(stdout) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !slices.Contains(seen, e.Event) {
			seen = append(seen, e.Event)
		}
		if e.Event == "case" && e.ID == "7.5.1" && (e.Passed == nil || *e.Passed || e.Why == "" || e.Behavior != conformance.Failed) {
			t.Errorf("7.5.1: %s", line)
		}
		if e.Event == "end" && (e.Cases != 2 || e.Counts["OK"] != 1 || *e.Passed) {
			t.Errorf("end: %s", line)
		}
	}
	if want := "[start wire case end]"; strings.Join(seen, " ") != strings.Trim(want, "[]") {
		t.Errorf("events %v, want %s", seen, want)
	}
	stdout, _, _ = command(t, "-engine", "coder", "-cases", "7.5.1")
	if !strings.Contains(stdout, "FAILED  coder as server") || !strings.Contains(stdout, "7.5.1") || !strings.Contains(stdout, "not UTF-8") {
		t.Errorf("the summary does not explain the failure:\n%s", stdout)
	}
}

func TestList(t *testing.T) {
	stdout, _, err := command(t, "-list", "-cases", "*")
	if n := strings.Count(stdout, "\n         Expected: "); n != 517 || err != nil {
		t.Errorf("%d cases listed, %v; want 517", n, err)
	}
}

// TestListen plays the fuzzing server of the command against a client, and
// stops it as Ctrl-C does.
func TestListen(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out := &lines{line: make(chan string, 100)}
	dir := t.TempDir()
	done := make(chan error)
	go func() {
		done <- Run(ctx, []string{"-listen", "127.0.0.1:0", "-cases", "1.1.*", "-report-dir", dir, "-json"}, out, out)
	}()
	var first event
	if err := json.Unmarshal([]byte(<-out.line), &first); err != nil {
		t.Fatal(err)
	}
	cases, _ := conformance.Select("1.1.*")
	if err := conformance.Drive(t.Context(), gobwas.Engine.Client, first.URL, "mine", cases, 4); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mine_case_1_1_8.json")); err != nil {
		t.Error(err) // written for /updateReports, before the end
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// lines is a writer that hands out what it gets.
type lines struct{ line chan string }

func (l *lines) Write(b []byte) (int, error) { l.line <- string(b); return len(b), nil }

// TestOriginal runs a wstest of our own in the place of the original suite: it
// checks the configuration that it is given and leaves a report.
func TestOriginal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for wstest is a shell script")
	}
	bin, dir := t.TempDir(), t.TempDir()
	const script = `#!/bin/sh
set -eu
[ "$1 $2 $3" = "-m fuzzingclient -s" ]
grep -q '"5.7"' "$4"
grep -q '"agent": "core"' "$4"
out=$(sed -n 's/.*"outdir": "\(.*\)",/\1/p' "$4")
cat > "$out/index.json" <<JSON
{"core": {"5.7": {"behavior": "OK", "behaviorClose": "OK", "duration": 3, "remoteCloseCode": 1000, "reportfile": "core_case_5_7.json"},
 "6.3.1": {"behavior": "FAILED", "behaviorClose": "FAILED", "duration": 3, "remoteCloseCode": null, "reportfile": "core_case_6_3_1.json"}}}
JSON
`
	if err := os.WriteFile(filepath.Join(bin, "wstest"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	stdout, _, err := command(t, "-driver", "wstest", "-cases", "5.7,6.3.1", "-report-dir", dir)
	if !errors.Is(err, ErrFailed) || !strings.Contains(stdout, "FAILED  core as server, says the original: ") || !strings.Contains(stdout, "6.3.1 FAILED") {
		t.Errorf("%q, %v", stdout, err)
	}
	if err := os.WriteFile(filepath.Join(bin, "wstest"), []byte("#!/bin/sh\necho no python >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := command(t, "-driver", "wstest", "-cases", "5.7"); err == nil || !strings.Contains(err.Error(), "no python") {
		t.Errorf("a wstest that fails: %v", err)
	}
}
