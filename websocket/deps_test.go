package websocket

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The package stands on the standard library alone.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list -deps: %v", err)
	}
	const self = "github.com/wsproof/wsproof/websocket"
	for _, got := range strings.Fields(string(out)) {
		if got != self && !strings.HasPrefix(got, self+"/") {
			t.Errorf("the package imports %s: outside the standard library, and not below itself", got)
		}
	}
}

// The protocol has no I/O: it does not even know of networks.
func TestProtocolDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./protocol").Output()
	if err != nil {
		t.Fatalf("go list -deps: %v", err)
	}
	deps := strings.Fields(string(out))
	for _, not := range []string{"net", "net/http", "crypto/tls", "github.com/wsproof/wsproof/websocket"} {
		if slices.Contains(deps, not) {
			t.Errorf("package protocol depends on %s", not)
		}
	}
}

// Elsewhere there are other sockets and no assembly: each system gets exactly one
// of the files that stand for each other. (make cross builds them all.)
func TestFilesElsewhere(t *testing.T) {
	for target, want := range map[string]string{
		"linux/amd64":   "vector_amd64.go socket_unix.go syscall_linux.go",
		"linux/386":     "vector_other.go socket_unix.go syscall_unix.go",
		"darwin/arm64":  "vector_other.go socket_unix.go syscall_unix.go",
		"freebsd/386":   "vector_other.go socket_unix.go syscall_unix.go",
		"windows/amd64": "vector_amd64.go socket_other.go",
		"js/wasm":       "vector_other.go socket_other.go",
	} {
		goos, arch, _ := strings.Cut(target, "/")
		cmd := exec.Command("go", "list", "-f", "{{join .GoFiles \" \"}}", "./protocol", ".")
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
