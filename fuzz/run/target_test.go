package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
