package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/conformance"
	"github.com/wsproof/wsproof/internal/engine/engines"
	"github.com/wsproof/wsproof/internal/engine/serve"
)

// wstest runs the command on a spec file. {dir} in it is a folder of the test's.
func wstest(t *testing.T, mode, spec string) (dir, stdout string, err error) {
	t.Helper()
	dir = filepath.ToSlash(t.TempDir())
	file := filepath.Join(dir, "spec.json")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(spec, "{dir}", dir)), 0o666); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = WSTest(t.Context(), "wsproof wstest", []string{"-m", mode, "-s", file}, &out, &out)
	return dir, out.String(), err
}

// echoOf is an engine's echo server; its Server header is the engine's name.
func echoOf(t *testing.T, engine string, start func(*httptest.Server)) *httptest.Server {
	t.Helper()
	e, err := engines.Find(engine)
	if err != nil {
		t.Fatal(err)
	}
	echo := e.NewServer(serve.Echo, serve.Options{CheckOrigin: func(r *http.Request) bool {
		o := r.Header.Get("Origin")
		return o == "" || o == "http://spec.example"
	}})
	s := httptest.NewUnstartedServer(echo)
	start(s)
	t.Cleanup(func() { echo.Shutdown(context.Background()); s.Close() })
	return s
}

type index map[string]map[string]struct {
	Behavior, BehaviorClose string
	Duration                *int64
	RemoteCloseCode         *int
	ReportFile              string
}

func readIndex(t *testing.T, dir string) (index, string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var i index
	if err := json.Unmarshal(b, &i); err != nil {
		t.Fatal(err)
	}
	for agent, cases := range i {
		for id, e := range cases {
			for _, name := range []string{e.ReportFile, strings.Replace(e.ReportFile, ".json", ".html", 1)} {
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
					t.Errorf("%s %s: %v", agent, id, err)
				}
			}
		}
	}
	return i, string(b)
}

// TestSpecServers: a spec file with servers, wildcards, cases left away for all and
// for an agent, and options.
func TestSpecServers(t *testing.T) {
	core, coder := echoOf(t, "core", (*httptest.Server).Start), echoOf(t, "coder", (*httptest.Server).Start)
	ws := func(s *httptest.Server) string { return "ws" + strings.TrimPrefix(s.URL, "http") }
	dir, stdout, err := wstest(t, "fuzzingclient", fmt.Sprintf(`{
   "options": {"failByDrop": false},
   "outdir": "{dir}/reports/servers",
   "servers": [
      {"agent": "Core 1.0/Go", "url": %q, "options": {"version": 18}, "origin": "http://spec.example"},
      {"agent": "coder", "url": %q}
   ],
   "cases": ["1.1.*", "2.1*", "7.5.1"],
   "exclude-cases": ["1.1.8", "9.*"],
   "exclude-agent-cases": {"Core*": ["2.*", "7.5.1"]}
}`, ws(core), ws(coder)))
	if err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	i, text := readIndex(t, filepath.Join(dir, "reports", "servers"))
	var ids []string
	for id := range i["coder"] {
		ids = append(ids, id)
	}
	if got := strings.Join(conformance.SortedIDs(ids), " "); got != "1.1.1 1.1.2 1.1.3 1.1.4 1.1.5 1.1.6 1.1.7 2.1 2.10 2.11 7.5.1" {
		t.Errorf("cases of coder: %s", got)
	}
	if len(i["Core 1.0/Go"]) != 7 || len(i) != 2 {
		t.Errorf("%d agents, %d cases of the first, want 2 and 7", len(i), len(i["Core 1.0/Go"]))
	}
	e := i["Core 1.0/Go"]["1.1.1"]
	if e.Behavior != "OK" || e.BehaviorClose != "OK" || e.ReportFile != "core_1_0_go_case_1_1_1.json" || e.Duration == nil || *e.RemoteCloseCode != 1000 {
		t.Errorf("index.json has %+v", e)
	}
	if e := i["coder"]["7.5.1"]; e.Behavior != "FAILED" || e.BehaviorClose != "WRONG CODE" {
		t.Errorf("7.5.1 of coder: %+v", e)
	}
	// As the original writes it: keys sorted, three spaces, and no others.
	if !regexp.MustCompile(`(?m)^   "coder": \{\n      "1.1.1": \{\n         "behavior": "OK",\n         "behaviorClose": "OK",\n         "duration": \d+,\n         "remoteCloseCode": 1000,\n         "reportfile": "coder_case_1_1_1.json"\n      \},`).MatchString(text) {
		t.Errorf("index.json has another form:\n%.600s", text)
	}
}

// TestSpecTLS: wss with a certificate of its own, no agent, a hostname; and a server
// that is not there does not keep the others from their reports.
func TestSpecTLS(t *testing.T) {
	secure := echoOf(t, "gobwas", (*httptest.Server).StartTLS)
	dir, _, err := wstest(t, "fuzzingclient", fmt.Sprintf(`{"outdir": "{dir}/out", "servers": [
	{"agent": "gone", "url": "ws://127.0.0.1:1"}, {"url": %q, "hostname": "localhost"}], "cases": ["1.2.1"]}`, "wss"+strings.TrimPrefix(secure.URL, "https")))
	if err == nil || !strings.Contains(err.Error(), "the target ws://127.0.0.1:1 cannot be reached") {
		t.Errorf("got %v", err)
	}
	if i, _ := readIndex(t, filepath.Join(dir, "out")); i["UnknownServer"]["1.2.1"].Behavior != "OK" {
		t.Errorf("index.json: %v", i)
	}
}

// TestSpecClients: a spec file for clients. The last client stops the server.
func TestSpecClients(t *testing.T) {
	dir := filepath.ToSlash(t.TempDir())
	file := filepath.Join(dir, "fuzzingserver.json")
	spec := `{"url": "ws://127.0.0.1:0", "outdir": "` + dir + `/clients", "webport": 8080, "cases": ["1.1.1", "5.7", "2.*"],
	"exclude-cases": ["2.5"], "exclude-agent-cases": {"gobwas*": ["5.*"]}}`
	if err := os.WriteFile(file, []byte(spec), 0o666); err != nil {
		t.Fatal(err)
	}
	out := &lines{line: make(chan string, 100)}
	done := make(chan error)
	go func() {
		done <- WSTest(t.Context(), "wstest", []string{"--mode", "fuzzingserver", "--spec", file, "-interface", "127.0.0.1"}, out, out)
	}()
	address := regexp.MustCompile(`ws://[\d.]+:\d+`).FindString(<-out.line)
	gobwas, err := engines.Find("gobwas")
	if err != nil {
		t.Fatal(err)
	}
	var spoken Spec
	if err := json.Unmarshal([]byte(spec), &spoken); err != nil {
		t.Fatal(err)
	}
	cases, err := spoken.Selected()
	if err != nil || len(cases) != 12 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	if err := conformance.Drive(t.Context(), conformance.Client(gobwas.Client), address, "gobwas v1", cases, 4); err != nil {
		t.Error(err)
	}
	i, _ := readIndex(t, filepath.Join(dir, "clients"))
	if got := i["gobwas v1"]; len(got) != 11 || got["5.7"].Behavior != "" || got["2.3"].Behavior != "OK" || got["2.3"].ReportFile != "gobwas_v1_case_2_3.json" {
		t.Errorf("index.json: %+v", got)
	}
	if err := gobwas.Client(t.Context(), address+"/updateReports?agent=gobwas%20v1&shutdownOnComplete=true", func(bool, []byte) []byte { return nil }); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestSelected: which cases a spec file names.
func TestSelected(t *testing.T) {
	for _, test := range []struct {
		cases, exclude []string
		want           int
		first          string
	}{
		{[]string{"*"}, nil, 517, "1.1.1"},
		{[]string{"*"}, []string{"9.*", "12.*", "13.*"}, 247, "1.1.1"},
		{[]string{"1.*", "6.1*"}, []string{}, 26, "1.1.1"}, // of 6.1.1 and 6.10.1 it is the beginning; so of 10.* is 1.* not
		{[]string{"5.7", "2.3"}, []string{"no such"}, 2, "2.3"},
		{[]string{"5.7", "5.8"}, []string{"5.7"}, 1, "5.8"},
	} {
		s := &Spec{Cases: test.cases, Exclude: test.exclude}
		cases, err := s.Selected()
		if test.cases[0] == "1.*" {
			test.want = len(slices.DeleteFunc(conformance.Catalogue(), func(c *conformance.Case) bool {
				return !strings.HasPrefix(c.ID, "1.") && !strings.HasPrefix(c.ID, "6.1")
			}))
		}
		if err != nil || len(cases) != test.want || cases[0].ID != test.first {
			t.Errorf("%v without %v: %d cases, %v; want %d from %s", test.cases, test.exclude, len(cases), err, test.want, test.first)
		}
	}
	for _, cases := range [][]string{nil, {"5.99"}, {"8.*"}} {
		if got, err := (&Spec{Cases: cases}).Selected(); err == nil {
			t.Errorf("%v: %d cases, want an error", cases, len(got))
		}
	}
}

func TestWSTestErrors(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(bad, []byte(`{"cases": ["*"], }`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "want fuzzingclient or fuzzingserver"},
		{[]string{"-m", "echoserver"}, "want fuzzingclient or fuzzingserver"},
		{[]string{"-m", "fuzzingclient", "-s", filepath.Join(dir, "none.json")}, "none.json"},
		{[]string{"-m", "fuzzingclient", "-s", bad}, "is no spec file"},
		{[]string{"-m", "fuzzingclient", "more"}, "unexpected argument"},
	} {
		var out bytes.Buffer
		err := WSTest(t.Context(), "wstest", test.args, &out, &out)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || out.Len() > 0 {
			t.Errorf("%v: %v, %q; want %q", test.args, err, out.String(), test.want)
		}
	}
	var out bytes.Buffer
	if err := WSTest(t.Context(), "wstest", []string{"-h"}, &out, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "fuzzingserver") {
		t.Errorf("-h: %v, %q", err, out.String())
	}
}
