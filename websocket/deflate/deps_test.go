package deflate

import (
	"os/exec"
	"strings"
	"testing"
)

// The package stands on the standard library alone, and does no I/O.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{.Standard}} {{.ImportPath}}", ".").Output()
	if err != nil {
		t.Fatalf("go list -deps: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		standard, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if standard == "false" && path != "github.com/wsproof/wsproof/websocket/deflate" || path == "net" {
			t.Errorf("the package imports %s", path)
		}
	}
}
