package field

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wsproof/wsproof/websocket"
)

// TestMain makes the test binary the implementations of the test: the core's echo
// server, one that ends at a message, and the core's client.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 {
		switch role, arg := os.Args[1], os.Args[2]; role {
		case "end":
			os.Exit(9)
		case "serve":
			fatal(serveCore(arg, websocket.EchoHandler))
		case "serve-and-end":
			fatal(serveCore(arg, func(_ context.Context, m *websocket.Message) (*websocket.Message, error) {
				if string(m.Payload) == "fragment1fragment2" {
					os.Exit(3)
				}
				return m, nil
			}))
		}
	}
	if len(os.Args) > 2 && os.Args[1] == "client" {
		for _, url := range os.Args[2:] {
			dialCore(url)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// limits let the longest message of section 1 pass.
var limits = websocket.Options{MaxFrameSize: 1 << 20, MaxMessageSize: 1 << 20}

func serveCore(port string, h websocket.Handler) error {
	return http.ListenAndServe("127.0.0.1:"+port, websocket.NewHandler(h, limits))
}

func dialCore(url string) {
	ctx := context.Background()
	ws, _, err := websocket.Dial(ctx, url, websocket.DialOptions{Options: limits})
	if err != nil {
		return
	}
	defer ws.Close()
	for {
		m, err := ws.ReadMessage(ctx)
		if err != nil || ws.WriteMessage(ctx, m) != nil {
			return
		}
	}
}

// TestRun runs a field of the core alone.
func TestRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	row := func(name string, kind Kind, start string) *Implementation {
		return &Implementation{Name: name, Kind: kind, Language: "Go", Library: "core", Source: "main.go", Version: "echo v1.2.3", Start: start}
	}
	noBuild := row("no-build", Server, self+" serve {port}")
	noBuild.Build = "echo there is no compiler >&2; exit 7"
	built := row("server", Server, "{build}/bin/server serve {port}")
	built.Build = "cp " + self + " {build}/bin/server"
	table := []*Implementation{
		built, noBuild,
		row("ends-at-once", Server, self+" end {port}"),
		row("ends-later", Server, self+" serve-and-end {port}"),
		row("no-program", Server, "{dir}/none {port}"),
		row("client", Client, self+" client {url}"),
	}
	dir := t.TempDir()
	text, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Table: filepath.Join(dir, "field.json"), Build: filepath.Join(dir, "build"), Results: filepath.Join(dir, "results"),
		Readme: filepath.Join(dir, "README.md"), Cases: "1.1.*,2.1,2.2,5.1,5.3,5.4", Load: 50 * time.Millisecond,
	}
	for file, text := range map[string][]byte{filepath.Join(dir, "main.go"): []byte("package main\n"), o.Table: text, o.Readme: []byte(beginMark + endMark)} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	o.Out = &out
	if err := Run(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	r, err := ReadResults(filepath.Join(o.Results, "field.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != len(table) {
		t.Fatalf("%d rows, want %d\n%s", len(r.Rows), len(table), &out)
	}
	rows := make(map[string]*Row)
	for _, row := range r.Rows {
		rows[row.Name] = row
	}
	server := rows["server"]
	if server.Error != "" || server.Version != "v1.2.3" || server.Test == nil || server.Test.Cases != 13 || server.Test.Passed != 13 || len(server.Test.Findings) != 0 {
		t.Errorf("server: %s", told(server))
	}
	if l := server.Load; l == nil || l.Rate <= 0 || l.P50 <= 0 || l.Failed != "" {
		t.Errorf("the load of the server: %+v", l)
	}
	if c := rows["client"]; c.Error != "" || c.Test == nil || c.Test.Passed != 13 || c.Load != nil {
		t.Errorf("client: %s", told(c))
	}
	// 5.3 and 5.4 send what it ends by: named by the rule alone.
	ends := rows["ends-later"].Test
	if ends == nil || ends.Passed != 11 || len(ends.Findings) != 1 {
		t.Fatalf("ends-later: %s", told(rows["ends-later"]))
	}
	if f := ends.Findings[0]; !f.Ends || f.Section != "5.4" || f.Why != "" || len(f.Cases) != 0 {
		t.Errorf("ends-later: %+v", f)
	}
	for name, want := range map[string]string{
		"no-build":     "build: exit status 7: there is no compiler",
		"ends-at-once": "it has ended: exit status 9",
		"no-program":   "no such file or directory",
	} {
		if got := rows[name]; !strings.Contains(got.Error, want) || got.Test != nil {
			t.Errorf("%s: %q, want %q in it", name, got.Error, want)
		}
	}
	page, err := os.ReadFile(filepath.Join(o.Results, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`id="server"`, "13 of 13 cases passed", "there is no compiler", "5.4 (the process ends)", "<h2>Clients</h2>"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if readme, err := os.ReadFile(o.Readme); err != nil || !strings.Contains(string(readme), "| server | Go | v1.2.3 | 13 of 13 | none |") {
		t.Errorf("README: %s, %v", readme, err)
	}
}

func told(r *Row) string {
	b, _ := json.MarshalIndent(r, "", " ")
	return string(b)
}

// TestInterrupted interrupts a run, and looks whether anything is left of it.
func TestInterrupted(t *testing.T) {
	p, err := newPlace(t.TempDir(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	// A server that starts another process, and never listens.
	im := &Implementation{Start: "sh {field}/start.sh {port}"}
	const script = "sleep 1000 &\necho $! > " + "\"$2\"" + "\nwait\n"
	pidFile := filepath.Join(p.field, "pid")
	if err := os.WriteFile(filepath.Join(p.field, "start.sh"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	im.Start += " " + pidFile
	done := make(chan error)
	go func() { _, err := p.serve(ctx, im, ""); done <- err }()
	pid := 0
	for pid == 0 { // until the script has started it
		if b, err := os.ReadFile(pidFile); err == nil && len(b) > 0 {
			_, _ = fmt.Sscan(string(b), &pid)
		}
		runtime.Gosched()
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("an interrupted start is no error")
	}
	// The group was killed before serve returned; init may still have to reap it.
	for syscall.Kill(pid, 0) == nil {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("the server's child lives on")
		}
		runtime.Gosched()
	}
}
