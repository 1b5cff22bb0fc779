package fuzz

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestEnginesFindTheTargets keeps what the builders of OSS-Fuzz and
// ClusterFuzzLite need: they look for the one line of Go below this folder that
// holds a target's name, comments included, and see no other test file than that one.
func TestEnginesFindTheTargets(t *testing.T) {
	text, err := os.ReadFile("fuzz_test.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, found := range regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\) \{$`).FindAllStringSubmatch(string(text), -1) {
		names[found[1]] = 0
	}
	if got, want := len(names), len(Targets()); got != want {
		t.Errorf("fuzz_test.go has %d targets, Targets has %d", got, want)
	}
	for _, target := range Targets() {
		if _, ok := names["Fuzz"+target.Name]; !ok {
			t.Errorf("fuzz_test.go has no target for %s", target.Name)
		}
	}
	err = fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for number, line := range strings.Split(string(text), "\n") {
			for name := range names {
				if !strings.Contains(line, name) {
					continue
				}
				if names[name]++; names[name] > 1 || path != "fuzz_test.go" || !strings.HasPrefix(line, "func "+name+"(") {
					t.Errorf("%s:%d: the name %s stands there too: write it without Fuzz, or in two parts", path, number+1, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, unsupported := range []string{"t.Run(", "t.Parallel(", "t.Deadline(", "t.Failed(", "t.Skipped("} {
		if strings.Contains(string(text), unsupported) {
			t.Errorf("fuzz_test.go uses %s, which other engines lack", unsupported)
		}
	}
}

// TestEnginesAgree keeps the two descriptions of the project alike.
func TestEnginesAgree(t *testing.T) {
	ours, err := os.ReadFile("../.clusterfuzzlite/project.yaml")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../.clusterfuzzlite/oss-fuzz/project.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(ours) != string(theirs) {
		t.Error("oss-fuzz/project.yaml is not the copy of project.yaml that it should be")
	}
}
