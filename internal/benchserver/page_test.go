package benchserver

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsproof/wsproof/internal/engine/serve/servetest"
	"github.com/wsproof/wsproof/internal/wire"
)

// TestPageIsSelfContained checks that the page names no other host and that its
// policy lets its own script and style run.
func TestPageIsSelfContained(t *testing.T) {
	r := start(t, "-engine", "gws")
	response, err := http.Get("http://" + r.addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	policy := response.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	for _, url := range regexp.MustCompile(`https?://[^"'\s]+`).FindAllString(pageHTML, -1) {
		if url != "http://www.w3.org/2000/svg" { // a name, not fetched
			t.Errorf("the page names %s", url)
		}
	}
}

// TestPageInBrowser opens the page in headless Chromium, sends by its echo box,
// and reads what it draws while another connection sends messages. With
// SCREENSHOTS=folder it leaves pictures of the page there.
func TestPageInBrowser(t *testing.T) {
	browser := findChromium(t)
	t.Parallel()
	r := start(t)
	b := browser.open(t, "http://"+r.addr+"/")

	b.eval(`document.getElementById("message").value = "number: 41"; document.getElementById("send").click()`)
	b.until(`document.getElementById("log").textContent.includes("number: 41")`)
	b.eval(`document.getElementById("measure").click()`)
	b.until(`/p50 .* p90 .* p99/.test(document.getElementById("log").textContent)`)

	load := servetest.Connect(t, r.addr, "/plain")
	for range 200 {
		load.Send(servetest.Text("number: 1"))
		load.Want(wire.Text, "number: 1")
	}
	// In all samples, each a rate since the one before: a busy machine spreads them.
	const drawn = `samples.reduce((sum, s, i) => sum + s.messages * (i ? s.at - samples[i - 1].at : 1000) / 1000, 0)`
	b.until(fmt.Sprintf(`%s > %d && samples.at(-1).connections === 2`, drawn, r.messages()-10))
	for _, chart := range []string{"messages", "bytes", "connections", "handshakes", "handshake", "scheduling"} {
		b.until(fmt.Sprintf(`document.querySelector("#chart-%s svg path.s0").getAttribute("d").length > 0`, chart))
		b.until(fmt.Sprintf(`document.querySelector("#chart-%s li span").textContent !== "–"`, chart))
	}
	if facts := b.text("facts"); !strings.Contains(facts, "core") || !strings.Contains(facts, "16 MiB") {
		t.Errorf("the facts are %q", facts)
	}
	if wide := b.eval(`document.documentElement.scrollWidth > innerWidth`); wide != false {
		t.Error("the page is wider than the window")
	}
	b.screenshot("wide", 1200, 900)
	b.screenshot("phone", 390, 1500)
	if wide := b.eval(`document.documentElement.scrollWidth > innerWidth`); wide != false {
		t.Error("the page is wider than a phone")
	}

	r.end()
	b.until(`document.getElementById("live").className === "lost"`)
	b.eval(`document.getElementById("send").click()`)
	b.until(`document.getElementById("log").textContent.includes("✗")`)
	for _, complaint := range b.complaints {
		if !strings.Contains(complaint, "ERR_CONNECTION_REFUSED") { // the server is gone, as it should be
			t.Errorf("the browser complains: %s", complaint)
		}
	}
}

// A chromium is a browser to be started.
type chromium string

func findChromium(t *testing.T) chromium {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return chromium(path)
		}
	}
	t.Skip("no chromium in PATH (Debian: apt-get install chromium)")
	return ""
}

// A tab is a page in the browser, driven by the Chrome DevTools Protocol.
type tab struct {
	t          *testing.T
	conn       *websocket.Conn
	id         int
	complaints []string // errors and exceptions on the console
}

// open starts the browser with the URL.
func (c chromium) open(t *testing.T, url string) *tab {
	t.Helper()
	cmd := exec.Command(string(c), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), "about:blank")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	address := make(chan string, 1)
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if _, rest, ok := strings.Cut(lines.Text(), "DevTools listening on ws://"); ok {
				host, _, _ := strings.Cut(rest, "/")
				address <- host
			}
		}
		close(address)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-drained
		_ = cmd.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	var host string
	select {
	case host = <-address:
	case <-time.After(servetest.Bound):
	}
	if host == "" {
		t.Fatal("chromium does not listen")
	}
	var pages []struct {
		Type string
		URL  string `json:"webSocketDebuggerUrl"`
	}
	_, body := get(t, "http://"+host+"/json/list")
	if err := json.Unmarshal([]byte(body), &pages); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if p.Type != "page" {
			continue
		}
		conn, _, err := websocket.DefaultDialer.Dial(p.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		b := &tab{t: t, conn: conn}
		b.call("Runtime.enable", nil)
		b.call("Log.enable", nil)
		b.call("Page.navigate", map[string]any{"url": url})
		b.until(`document.readyState === "complete" && typeof samples === "object" && samples.length > 0`)
		return b
	}
	t.Fatalf("chromium has no page: %s", body)
	return nil
}

// call calls a method of the protocol, and keeps the complaints that come before
// its result.
func (b *tab) call(method string, params any) json.RawMessage {
	b.t.Helper()
	b.id++
	b.conn.SetReadDeadline(time.Now().Add(servetest.Bound))
	if err := b.conn.WriteJSON(map[string]any{"id": b.id, "method": method, "params": params}); err != nil {
		b.t.Fatal(err)
	}
	for {
		var m struct {
			ID     int
			Method string
			Result json.RawMessage
			Error  json.RawMessage
			Params json.RawMessage
		}
		if err := b.conn.ReadJSON(&m); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		switch {
		case m.ID == b.id && m.Error != nil:
			b.t.Fatalf("%s: %s", method, m.Error)
		case m.ID == b.id:
			return m.Result
		case m.Method == "Runtime.exceptionThrown", m.Method == "Log.entryAdded" && strings.Contains(string(m.Params), `"level":"error"`):
			b.complaints = append(b.complaints, string(m.Params))
		}
	}
}

// eval evaluates an expression.
func (b *tab) eval(expression string) any {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	if err := json.Unmarshal(b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}), &r); err != nil {
		b.t.Fatal(err)
	}
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	return r.Result.Value
}

// until waits for an expression to be true.
func (b *tab) until(expression string) {
	b.t.Helper()
	for end := time.Now().Add(servetest.Bound); b.eval("(() => { try { return "+expression+" } catch { return false } })()") != true; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("the page does not get to %s\nlog: %s", expression, b.text("log"))
		}
	}
}

func (b *tab) text(id string) string {
	text, _ := b.eval(fmt.Sprintf("document.getElementById(%q).textContent", id)).(string)
	return text
}

// screenshot sets the size of the window, and leaves a picture if asked to.
func (b *tab) screenshot(name string, width, height int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	time.Sleep(1200 * time.Millisecond) // the next drawing
	var r struct{ Data string }
	if err := json.Unmarshal(b.call("Page.captureScreenshot", nil), &r); err != nil {
		b.t.Fatal(err)
	}
	picture, err := base64.StdEncoding.DecodeString(r.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
