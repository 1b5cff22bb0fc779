package targets

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEnginesFindTheTargets keeps what the builders of OSS-Fuzz and
// ClusterFuzzLite need: they look for the one line of Go below this folder that
// holds a target's name, comments included, and see no other test file than that one.
func TestEnginesFindTheTargets(t *testing.T) {
	functions := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\) \{$`)
	names := map[string]string{} // of all targets, and the files that they stand in
	for _, target := range All() {
		file := path.Join(target.Package, "fuzz_test.go")
		text, err := os.ReadFile(path.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(functions.FindAllStringSubmatch(string(text), -1), func(m []string) bool { return m[1] == "Fuzz"+target.Name }) {
			t.Errorf("%s has no target for %s", file, target.Name)
		}
		for _, unsupported := range []string{"t.Run(", "t.Parallel(", "t.Deadline(", "t.Failed(", "t.Skipped("} {
			if strings.Contains(string(text), unsupported) {
				t.Errorf("%s uses %s, which other engines lack", file, unsupported)
			}
		}
		names["Fuzz"+target.Name] = file
	}
	seen := map[string]int{}
	err := fs.WalkDir(os.DirFS("../.."), "fuzz", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		text, err := os.ReadFile(path.Join("../..", file))
		if err != nil {
			return err
		}
		for number, line := range strings.Split(string(text), "\n") {
			for name, home := range names {
				if !strings.Contains(line, name) || !strings.HasPrefix(file, path.Dir(home)+"/") {
					continue
				}
				if seen[name]++; seen[name] > 1 || file != home || !strings.HasPrefix(line, "func "+name+"(") {
					t.Errorf("%s:%d: the name %s stands there too: write it without Fuzz, or in two parts", file, number+1, name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestEnginesAgree keeps the two descriptions of the project alike.
func TestEnginesAgree(t *testing.T) {
	ours, err := os.ReadFile("../../.clusterfuzzlite/project.yaml")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../../.clusterfuzzlite/oss-fuzz/project.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(ours) != string(theirs) {
		t.Error("oss-fuzz/project.yaml is not the copy of project.yaml that it should be")
	}
}
