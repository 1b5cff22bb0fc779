package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// context is how many lines a diff shows around the change.
const diffContext = 3

// diff is a mutant as a unified diff, which git apply and -patches take.
func (c *core) diff(m *mutant) string {
	if m.patch != "" {
		return m.patch
	}
	var out strings.Builder
	for _, name := range sortedKeys(m.changed) {
		out.WriteString(unified(name, string(c.files[name]), string(m.changed[name])))
	}
	return out.String()
}

// unified is one hunk from the first line that differs to the last.
func unified(name, old, changed string) string {
	a, b := strings.SplitAfter(old, "\n"), strings.SplitAfter(changed, "\n")
	first := 0
	for first < len(a) && first < len(b) && a[first] == b[first] {
		first++
	}
	last := 0 // lines that are the same at the end
	for last < len(a)-first && last < len(b)-first && a[len(a)-1-last] == b[len(b)-1-last] {
		last++
	}
	from := max(first-diffContext, 0)
	to := max(last-diffContext, 0)
	var out strings.Builder
	fmt.Fprintf(&out, "--- a/%s\n+++ b/%s\n", name, name)
	lines := func(sign string, list []string) (n int, text string) {
		for _, line := range list {
			if line != "" { // behind the last line feed
				text += sign + strings.TrimSuffix(line, "\n") + "\n"
				n++
			}
		}
		return n, text
	}
	before, head := lines(" ", a[from:first])
	gone, minus := lines("-", a[first:len(a)-last])
	come, plus := lines("+", b[first:len(b)-last])
	after, tail := lines(" ", a[len(a)-last:len(a)-to])
	fmt.Fprintf(&out, "@@ -%d,%d +%d,%d @@\n%s", from+1, before+gone+after, from+1, before+come+after, head+minus+plus+tail)
	return out.String()
}

// keepPatches writes the mutants of these results as patches, for -patches.
func keepPatches(dir string, cores *cores, results []*result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, r := range results {
		m := r.mutant
		var head strings.Builder
		for _, line := range []struct{ key, value string }{
			{"Name", m.name},
			{"Kind", m.kind},
			{"Rule", m.rule},
			{"Tags", m.tags},
			{"Targets", strings.Join(m.targets, " ")},
			{"Survives", m.survives},
		} {
			if line.value != "" {
				fmt.Fprintf(&head, "%s: %s\n", line.key, line.value)
			}
		}
		text := head.String() + "\n" + cores.known[m.tags].diff(m)
		if err := os.WriteFile(filepath.Join(dir, m.name+".patch"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
