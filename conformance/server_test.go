package conformance

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wsproof/wsproof/internal/engine/dial"
	"github.com/wsproof/wsproof/internal/engine/gorilla"
)

// TestUnreachable: one clear error, and no case is played.
func TestUnreachable(t *testing.T) {
	const gone = "127.0.0.1:1" // a port that no other test can get
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	cases, _ := Select("")
	for target, want := range map[string]string{
		"ws://" + gone: "cannot be reached",
		"ws" + strings.TrimPrefix(page.URL, "http"): "is no WebSocket server: the server answered the opening handshake with 404",
		"tcp://" + gone: "is no WebSocket URL",
		"ws:///path":    "names no host",
		"ws://%zz":      "cannot be parsed",
	} {
		tester := Tester{URL: target, Finished: func(r *Result) { t.Errorf("%s: case %s was played", target, r.Case.ID) }}
		results, err := tester.Run(t.Context(), cases)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || results != nil {
			t.Errorf("%s: %v, %d results; want one line with %q", target, err, len(results), want)
		}
	}
}

// TestSilentTarget: a server that accepts TCP and says nothing is an error
// after five seconds.
func TestSilentTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tester := Tester{URL: "ws://silent/"}
		var ends []net.Conn
		tester.Dial = func(context.Context) (net.Conn, error) {
			mine, theirs := net.Pipe()
			ends = append(ends, theirs)
			go func() {
				buf := make([]byte, 1024)
				for {
					if _, err := theirs.Read(buf); err != nil {
						return
					}
				}
			}()
			return mine, nil
		}
		cases, _ := Select("1.1.1")
		if _, err := tester.Run(t.Context(), cases); err == nil || !strings.Contains(err.Error(), "is no WebSocket server: no HTTP response") {
			t.Errorf("got %v", err)
		}
		for _, c := range ends {
			c.Close()
		}
	})
}

// TestCancel: a run that is stopped ends at once and says so.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := &Case{ID: "0.1", Steps: []Step{FailAfter{1 << 40}}, Want: exactly(), Close: byTester}
		mine, theirs := net.Pipe()
		go (&rogue{conn: theirs}).serve(nil)
		done := make(chan *Result)
		go func() {
			r := &Result{Case: c, Role: ClientRole}
			r.open(ctx, &opened{conn: mine}, nil, 1)
			done <- r
		}()
		synctest.Wait()
		cancel()
		if r := <-done; r.Passed() || !strings.Contains(r.Why, "the run was stopped") && !strings.Contains(r.Why, "The run was stopped") {
			t.Errorf("%s: %s", r.Verdict(), r.Why)
		}
	})
}

// TestFuzzingServer walks through the paths of the fuzzing server.
func TestFuzzingServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cases, _ := Select("1.1.2,5.1")
	var updated []*Result
	fuzzing := &FuzzingServer{Cases: cases, Update: func(r []*Result) error {
		updated = r
		return errors.New("the disk is full")
	}}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- fuzzing.Serve(ctx, l) }()
	base := "ws://" + l.Addr().String()
	ask := func(path string) (text string, err error) {
		err = gorilla.Engine.Client(ctx, base+path, func(_ bool, b []byte) []byte { text += string(b); return nil })
		return text, err
	}
	if text, err := ask("/getCaseCount"); text != "2" || err != nil {
		t.Errorf("/getCaseCount: %q, %v; want 2", text, err)
	}
	var info map[string]string
	if text, err := ask("/getCaseInfo?case=2"); err != nil || json.Unmarshal([]byte(text), &info) != nil || info["id"] != "5.1" || info["description"] != cases[1].Description {
		t.Errorf("/getCaseInfo: %q, %v", text, err)
	}
	for _, path := range []string{
		"/", "/other", "/runCase", "/runCase?case=0&agent=x", "/runCase?case=3&agent=x", "/runCase?case=1",
		"/runCase?casetuple=9.9.9&agent=x", "/getCaseInfo?case=x", "/getCaseStatus?case=1&agent=nobody", "/getCaseStatus?case=1",
	} {
		if text, err := ask(path); err == nil {
			t.Errorf("%s: a connection, and %q; want a refusal", path, text)
		}
	}
	for _, path := range []string{"/runCase?case=1&agent=a%20b", "/runCase?casetuple=5.1&agent=a%20b"} {
		if err := gorilla.Engine.Client(ctx, base+path, dial.Echo); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	var status map[string]string
	if text, err := ask("/getCaseStatus?case=2&agent=a%20b"); err != nil || json.Unmarshal([]byte(text), &status) != nil || status["behavior"] != "OK" {
		t.Errorf("/getCaseStatus: %q, %v", text, err)
	}
	if _, err := ask("/updateReports?agent=a%20b"); err != nil {
		t.Errorf("/updateReports: %v", err)
	}
	if len(updated) != 2 || updated[0].Agent != "a b" || updated[1].Case.ID != "5.1" || !updated[0].Passed() {
		t.Errorf("updated with %d results", len(updated))
	}
	// A plain HTTP request is told what this is.
	resp, err := http.Get("http://" + l.Addr().String() + "/")
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestPatience: a peer that is slow is passed with patience.
func TestPatience(t *testing.T) {
	cases, _ := Select("6.5.1")
	for patience, want := range map[float64]bool{0: false, 1: false, 100: true} {
		synctest.Test(t, func(t *testing.T) {
			mine, theirs := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				(&rogue{conn: theirs, fault: "takes 30 s to echo"}).serve(nil)
			}()
			r := &Result{Case: cases[0], Role: ClientRole}
			r.open(t.Context(), &opened{conn: mine}, nil, patience)
			<-done
			if r.Passed() != want {
				t.Errorf("patience %v: %s (%s), want passed %v", patience, r.Verdict(), r.Why, want)
			}
		})
	}
}

// TestTLS: a target may be wss. A certificate that nobody has signed is taken
// where that is said.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(originalServers["gobwas"])
	server.EnableHTTP2 = true // which must not be chosen
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	cases, _ := Select("1.1.*,7.1.1")
	tester := Tester{URL: "wss" + strings.TrimPrefix(server.URL, "https")}
	if _, err := tester.Run(t.Context(), cases); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without a word: %v", err)
	}
	tester = Tester{URL: tester.URL, TLS: &tls.Config{InsecureSkipVerify: true}}
	results, err := tester.Run(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.Passed() {
			t.Errorf("%s: %s (%s)", r.Case.ID, r.Verdict(), r.Why)
		}
	}
}
