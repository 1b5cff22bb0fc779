package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandsUseMain: no command catches signals by itself, or its second
// interrupt does nothing.
func TestCommandsUseMain(t *testing.T) {
	const root = "../.."
	commands := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if name := entry.Name(); strings.HasPrefix(name, ".") && name != ".." || name == "testdata" {
				return fs.SkipDir
			}
			return nil
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || path == filepath.Join(root, "internal", "cli", "cli.go"):
			return nil
		}
		code, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.Contains(string(code), "\nfunc main() {") {
			commands++
		}
		if strings.Contains(string(code), "signal.Notify") {
			t.Errorf("%s catches signals: cli.Main does that", path)
		}
		return nil
	})
	if err != nil || commands < 10 {
		t.Errorf("%d commands seen, %v", commands, err)
	}
}
