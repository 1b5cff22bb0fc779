package fuzz

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCorpusFiles(t *testing.T) {
	for _, data := range [][]byte{nil, {0}, []byte("\"quoted\" \\ \xff\x00\n"), []byte("plain")} {
		got, err := DecodeCorpus(EncodeCorpus(data))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("DecodeCorpus(EncodeCorpus(%q)) = %q, %v", data, got, err)
		}
	}
	if got, err := DecodeCorpus([]byte("as it is")); err != nil || string(got) != "as it is" {
		t.Errorf("an input as it is: %q, %v", got, err)
	}
	for _, text := range []string{corpusHeader + "\nint(3)\n", corpusHeader + "\n[]byte(\"a\")\n[]byte(\"b\")\n", corpusHeader + "\n[]byte(\"a)\n", corpusHeader} {
		if got, err := DecodeCorpus([]byte(text)); err == nil {
			t.Errorf("%q was read as %q", text, got)
		}
	}
}

// TestCorpus runs a corpus that is not committed.
func TestCorpus(t *testing.T) {
	dir := os.Getenv(CorpusEnv)
	if dir == "" {
		t.Skipf("%s names no corpus", CorpusEnv)
	}
	only := strings.Split(os.Getenv(CorpusTargetsEnv), ",")
	for _, target := range Targets() {
		name := "Fuzz" + target.Name
		if only[0] != "" && !slices.Contains(only, name) {
			continue
		}
		inputs, err := ReadCorpus(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range inputs {
			if err := target.Check(data); err != nil {
				t.Errorf("%s %s: %s", name, CorpusName(data), Report(err, name, data))
			}
		}
	}
}

// TestKeepCorpus makes the committed corpus: of the inputs in the folder that
// WSPROOF_CORPUS names, the smallest that add to the coverage of the core beyond
// the seeds. README.md has the command.
func TestKeepCorpus(t *testing.T) {
	dir := os.Getenv(CorpusEnv)
	if dir == "" || os.Getenv("WSPROOF_KEEP") == "" || testing.CoverMode() == "" {
		t.Skipf("%s, WSPROOF_KEEP or -coverpkg is missing", CorpusEnv)
	}
	for _, target := range Targets() {
		seeds, err := Seeds(target.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, data := range seeds {
			_ = target.Check(data)
		}
	}
	covered := testing.Coverage()
	t.Logf("the seeds reach %.2f %%", 100*covered)
	for _, target := range Targets() {
		name := "Fuzz" + target.Name
		inputs, err := ReadCorpus(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(inputs, func(a, b []byte) int { return len(a) - len(b) })
		for _, data := range inputs {
			if err := target.Check(data); err != nil {
				t.Errorf("%s %s: %s", name, CorpusName(data), Report(err, name, data))
			}
			if now := testing.Coverage(); now > covered {
				covered = now
				path := filepath.Join("testdata", "fuzz", name, CorpusName(data))
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, EncodeCorpus(data), 0o666); err != nil {
					t.Fatal(err)
				}
				t.Logf("%.2f %% with %s", 100*covered, path)
			}
		}
	}
}
