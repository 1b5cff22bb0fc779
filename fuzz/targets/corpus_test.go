package targets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wsproof/wsproof/fuzz/input"
)

// TestCorpus runs the seeds, the committed corpus, and one that is not committed: the
// go command's, by package.
func TestCorpus(t *testing.T) {
	dir := os.Getenv(input.CorpusEnv)
	if dir == "" {
		t.Skipf("%s names no corpus", input.CorpusEnv)
	}
	only := strings.Split(os.Getenv(input.CorpusTargetsEnv), ",")
	for _, target := range All() {
		name := "Fuzz" + target.Name
		if only[0] != "" && !slices.Contains(only, name) {
			continue
		}
		inputs, err := input.ReadCorpus(filepath.Join(dir, target.Package, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range inputs {
			if err := target.Check(data); err != nil {
				t.Errorf("%s %s: %s", name, input.CorpusName(data), target.Report(err, data))
			}
		}
	}
}

// TestKeepCorpus makes the committed corpus: of the inputs in the folder that
// WSPROOF_CORPUS names, the smallest that add to the coverage of the core beyond
// the seeds. README.md has the command.
func TestKeepCorpus(t *testing.T) {
	dir := os.Getenv(input.CorpusEnv)
	if dir == "" || os.Getenv("WSPROOF_KEEP") == "" || testing.CoverMode() == "" {
		t.Skipf("%s, WSPROOF_KEEP or -coverpkg is missing", input.CorpusEnv)
	}
	for _, target := range All() {
		seeds, err := target.Seeds()
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range seeds {
			_ = target.Check(data)
		}
	}
	covered := testing.Coverage()
	t.Logf("the seeds reach %.2f %%", 100*covered)
	for _, target := range All() {
		name := "Fuzz" + target.Name
		inputs, err := input.ReadCorpus(filepath.Join(dir, target.Package, name))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(inputs, func(a, b []byte) int { return len(a) - len(b) })
		for _, data := range inputs {
			if err := target.Check(data); err != nil {
				t.Errorf("%s %s: %s", name, input.CorpusName(data), target.Report(err, data))
			}
			if now := testing.Coverage(); now > covered {
				covered = now
				path := filepath.Join("..", "..", target.Package, "testdata", "fuzz", name, input.CorpusName(data))
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, input.EncodeCorpus(data), 0o666); err != nil {
					t.Fatal(err)
				}
				t.Logf("%.2f %% with %s", 100*covered, path)
			}
		}
	}
}
