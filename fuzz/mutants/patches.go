package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A patch from outside is a file *.patch or *.diff: lines of the form "Key: value",
// then a unified diff with paths from the module's root, as git makes it. Name and
// Rule must be there; Kind, Targets (fuzz targets, in a list with spaces), Race
// (yes), Tags and Survives (why nothing can find it) may be.

var patchLine = regexp.MustCompile(`^([A-Z][a-z]+):[ \t]*(.*)$`)

// readPatches reads the patches of a folder as mutants, and applies each. Those that
// no longer apply have that as their result.
func readPatches(ctx context.Context, dir string, cores *cores) (mutants []*mutant, failed []*result, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(name); err != nil || d.IsDir() || ext != ".patch" && ext != ".diff" {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		m, err := parsePatch(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c, err := cores.get(ctx, m.tags)
		if err != nil {
			return err
		}
		if m.changed, err = c.applyPatch(ctx, m.patch); err != nil {
			failed = append(failed, &result{mutant: m, err: fmt.Errorf("no longer applies: %w", err)})
			return nil
		}
		if err := c.checkAll([]*mutant{m}); err != nil {
			failed = append(failed, &result{mutant: m, err: err})
			return nil
		}
		mutants = append(mutants, m)
		return nil
	})
	if err == nil && len(mutants)+len(failed) == 0 {
		err = fmt.Errorf("no file *.patch or *.diff in %s", dir)
	}
	seen := map[string]bool{}
	for _, m := range mutants {
		if seen[m.name] {
			err = errors.Join(err, fmt.Errorf("%s: two patches have the name %s", dir, m.name))
		}
		seen[m.name] = true
	}
	return mutants, failed, err
}

// parsePatch reads the lines above a diff.
func parsePatch(text string) (*mutant, error) {
	m := &mutant{kind: "patch"}
	rest := text
	for rest != "" {
		line, more, _ := strings.Cut(rest, "\n")
		if strings.HasPrefix(line, "diff ") || strings.HasPrefix(line, "--- ") {
			break
		}
		rest = more
		found := patchLine.FindStringSubmatch(strings.TrimRight(line, " \t\r"))
		if found == nil {
			continue // words
		}
		switch key, value := found[1], found[2]; key {
		case "Name":
			m.name = value
		case "Rule":
			m.rule = value
		case "Kind":
			m.kind = value
		case "Targets":
			for _, target := range strings.Fields(value) {
				m.targets = append(m.targets, strings.TrimPrefix(target, "Fuzz"))
			}
		case "Race":
			m.race = value == "yes"
		case "Tags":
			m.tags = value
		case "Survives":
			m.survives = value
		}
	}
	m.patch = rest
	switch {
	case m.name == "" || m.rule == "":
		return nil, errors.New(`want the lines "Name: ..." and "Rule: ..." above the diff`)
	case rest == "":
		return nil, errors.New("no unified diff below the lines")
	}
	return m, nil
}

// applyPatch returns the files that a diff changes, changed. Lines may have moved.
func (c *core) applyPatch(ctx context.Context, diff string) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "mutants-patch-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", append([]string{"apply", "--whitespace=nowarn"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir), "LC_ALL=C")
		cmd.Stdin = strings.NewReader(diff)
		var out, words bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &words
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("git apply: %w: %s", err, strings.Join(strings.Fields(words.String()), " "))
		}
		return out.String(), nil
	}
	list, err := git("--numstat", "-z")
	if err != nil {
		return nil, err
	}
	changed := map[string][]byte{}
	for entry := range strings.SplitSeq(strings.TrimRight(list, "\x00"), "\x00") {
		fields := strings.SplitN(entry, "\t", 3)
		name := fields[len(fields)-1]
		if !strings.HasPrefix(name, coreDir+"/") || strings.HasSuffix(name, "_test.go") {
			return nil, fmt.Errorf("it changes %s, which is not of the core", name)
		}
		changed[name] = nil
		if text, ok := c.files[name]; ok {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return nil, err
			}
		}
	}
	if _, err := git(); err != nil {
		return nil, err
	}
	for name := range changed {
		if changed[name], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return nil, err // a file that it deletes
		}
	}
	return changed, nil
}
