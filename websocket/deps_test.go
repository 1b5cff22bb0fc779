package websocket

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The package stands on the standard library alone.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list -deps: %v", err)
	}
	if got := strings.Fields(string(out)); len(got) != 1 || got[0] != "github.com/wsproof/wsproof/websocket" {
		t.Errorf("the package and all that it imports outside the standard library: %v; want itself alone", got)
	}
}

// Elsewhere there are other sockets and no assembly: each system gets exactly one
// of the files that stand for each other. (make cross builds them all.)
func TestFilesElsewhere(t *testing.T) {
	for target, want := range map[string]string{
		"linux/amd64":   "socket_unix.go syscall_linux.go vector_amd64.go",
		"linux/386":     "socket_unix.go syscall_unix.go vector_other.go",
		"darwin/arm64":  "socket_unix.go syscall_unix.go vector_other.go",
		"freebsd/386":   "socket_unix.go syscall_unix.go vector_other.go",
		"windows/amd64": "socket_other.go vector_amd64.go",
		"js/wasm":       "socket_other.go vector_other.go",
	} {
		goos, arch, _ := strings.Cut(target, "/")
		cmd := exec.Command("go", "list", "-f", "{{join .GoFiles \" \"}}", ".")
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: go list: %v", target, err)
		}
		var got []string
		for _, file := range strings.Fields(string(out)) {
			if strings.HasPrefix(file, "socket_") || strings.HasPrefix(file, "syscall_") || strings.HasPrefix(file, "vector_") {
				got = append(got, file)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", target, got, want)
		}
	}
}
