package main

import (
	"regexp"
	"strings"
	"testing"
)

const fitsPatch = `Name: fits-one-more
Rule: the length
Kind: boundary
Targets: FuzzFirst

Words that explain it.

diff --git a/websocket/websocket.go b/websocket/websocket.go
--- a/websocket/websocket.go
+++ b/websocket/websocket.go
@@ -10,7 +10,7 @@
 
 // Fits reports whether the length is small.
 func (c *Conn) Fits() bool {
-	if c.length > Most {
+	if c.length > Most+1 {
 		return false
 	}
 	return !c.closed
`

// TestReadPatches takes patches whose lines have moved, and tells those that no
// longer apply, do not compile, or touch what is not the core.
func TestReadPatches(t *testing.T) {
	_, all := smallCore(t)
	rename := func(name, text string) string { return strings.Replace(text, "fits-one-more", name, 1) }
	writeFile(t, "patches/a.patch", fitsPatch)
	writeFile(t, "patches/more/stale.diff", rename("stale", strings.ReplaceAll(fitsPatch, "c.length > Most", "c.size > Most")))
	writeFile(t, "patches/types.patch", rename("types", strings.Replace(fitsPatch, "Most+1", "nothing", 1)))
	writeFile(t, "patches/tests.patch", rename("tests", strings.ReplaceAll(fitsPatch, "websocket/websocket.go", "fuzz/doc.go")))
	writeFile(t, "patches/notes.txt", "no patch")
	mutants, failed, err := readPatches(t.Context(), "patches", all)
	if err != nil {
		t.Fatal(err)
	}
	if len(mutants) != 1 || mutants[0].name != "fits-one-more" || mutants[0].rule != "the length" || mutants[0].kind != "boundary" ||
		mutants[0].targets[0] != "First" || !strings.Contains(string(mutants[0].changed["websocket/websocket.go"]), "Most+1") {
		t.Errorf("mutants %+v", mutants)
	}
	words := map[string]string{"stale": "no longer applies", "types": "undefined: nothing", "tests": "which is not of the core"}
	for _, r := range failed {
		if want := words[r.mutant.name]; !strings.Contains(r.err.Error(), want) {
			t.Errorf("%s: %v, want %q", r.mutant.name, r.err, want)
		}
	}
	if len(failed) != len(words) {
		t.Errorf("%d failed, want %d", len(failed), len(words))
	}
	for name, bad := range map[string]string{
		"no-name": strings.Replace(fitsPatch, "Name", "Title", 1), "no-diff": "Name: a\nRule: b\n",
	} {
		writeFile(t, name+"/a.patch", bad)
		if _, _, err := readPatches(t.Context(), name, all); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, _, err := readPatches(t.Context(), "fuzz", all); err == nil || !strings.Contains(err.Error(), "no file") {
		t.Errorf("a folder without patches: %v", err)
	}
	writeFile(t, "patches/b.patch", fitsPatch)
	if _, _, err := readPatches(t.Context(), "patches", all); err == nil || !strings.Contains(err.Error(), "two patches have the name") {
		t.Errorf("two of a name: %v", err)
	}
}

// TestSurvivorsAreReadBack writes mutants as patches, and reads them again.
func TestSurvivorsAreReadBack(t *testing.T) {
	c, all := smallCore(t)
	mutants, err := c.random(20, 3, regexp.MustCompile(""))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	var results []*result
	for _, m := range mutants {
		results = append(results, &result{mutant: m})
		for name, text := range m.changed {
			want[m.name] = name + string(text)
		}
	}
	if err := keepPatches("kept", all, results); err != nil {
		t.Fatal(err)
	}
	again, failed, err := readPatches(t.Context(), "kept", all)
	if err != nil || len(failed) > 0 || len(again) != len(mutants) {
		t.Fatalf("%d of %d read back, %v, %v", len(again), len(mutants), failed, err)
	}
	for _, m := range again {
		for name, text := range m.changed {
			if name+string(text) != want[m.name] {
				t.Errorf("%s was read back otherwise:\n%s", m.name, m.patch)
			}
		}
	}
}
