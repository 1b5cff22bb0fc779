package checkout

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestLineEndings: a checkout has the bytes of the repository where git is told
// to write lines as Windows does, too. Vectors, seeds, golden verdicts, generated
// manifests and READMEs are compared byte by byte, scripts are run.
func TestLineEndings(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("not a git repository, such as the module's archive")
	}
	plain, windows := t.TempDir(), t.TempDir()
	git(t, "-c", "core.autocrlf=false", "checkout-index", "--all", "--prefix="+plain+"/")
	git(t, "-c", "core.autocrlf=true", "-c", "core.eol=crlf", "checkout-index", "--all", "--prefix="+windows+"/")
	files := strings.Split(strings.TrimSuffix(git(t, "ls-files", "-z"), "\x00"), "\x00")
	if len(files) < 400 {
		t.Fatalf("%d files", len(files))
	}
	differ := 0
	for _, name := range files {
		want, err := os.ReadFile(filepath.Join(plain, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(windows, name)); err != nil || !bytes.Equal(got, want) {
			if differ++; differ <= 3 {
				t.Errorf("%s differs (%v): .gitattributes does not pin its line endings", name, err)
			}
		}
	}
	if differ > 3 {
		t.Errorf("%d files differ", differ)
	}
}
