package site

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wsproof/wsproof/internal/leak"
)

func TestMain(m *testing.M) {
	Serve()
	leak.Main(m)
}

// TestMake makes a small site: each page is there, each link of the first leads
// somewhere, and what an engine breaks is on it.
func TestMake(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "site")
	err := Make(t.Context(), Options{Root: "../..", Dir: dir, Cases: "1.1.1,7.5.1", Engines: []string{"core", "coder"}, Fuzz: 3 * time.Second, Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{"2 of 2", "1 of 2", "close-reason-not-utf8", "No finding.", "Known divergences"} {
		if !strings.Contains(text, want) {
			t.Errorf("the first page has no %q:\n%s", want, text)
		}
	}
	links := 0
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, `href="`)
		if !ok {
			break
		}
		link, _, _ := strings.Cut(after, `"`)
		rest = after
		if strings.HasPrefix(link, "#") {
			if !strings.Contains(text, `id="`+link[1:]+`"`) {
				t.Errorf("a link to %s, which is not there", link)
			}
			continue
		}
		links++
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(link))); err != nil {
			t.Error(err)
		}
	}
	if links < 6 {
		t.Errorf("only %d links", links)
	}
}
