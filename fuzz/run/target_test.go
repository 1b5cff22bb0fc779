package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/cli"
)

// TestTargetThatIsNone: a server that cannot be fuzzed is no finding.
func TestTargetThatIsNone(t *testing.T) {
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	for url, want := range map[string]string{
		"ws://127.0.0.1:1/":                         "cannot be reached", // a port that nothing listens on
		"ws" + strings.TrimPrefix(page.URL, "http"): "404",
		"tcp://127.0.0.1:1/":                        "WebSocket URL",
	} {
		err := run(t.Context(), []string{"-target", url, "-cover=false"}, io.Discard)
		if err == nil || cli.IsFinding(err) || cli.Status(err) != 2 || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q and status 2", url, err, want)
		}
	}
}

// TestLonger: what ended within the seeds, by the clock or by their number, goes on behind them.
func TestLonger(t *testing.T) {
	for peers, want := range map[string]string{"500x": "1034x", "2s": "12s", "": "30s"} {
		o := options{time: 5 * time.Second, peers: peers}
		longer := o.longer(534)
		if got := longer.fuzztime("Openings"); got != want {
			t.Errorf("-peers %q: again for %s, want %s", peers, got, want)
		}
		if got := longer.fuzztime("Mask"); got != "30s" {
			t.Errorf("-peers %q: Mask again for %s", peers, got)
		}
	}
}
