package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// A build is the core with mutants in it, and the test binaries that are made of
// it, each when it is asked for.
type build struct {
	core    *core
	dir     string // for all that belongs to it
	overlay string
	tags    string
	race    bool

	mu       sync.Mutex
	binaries map[string]*binary
}

type binary struct {
	once sync.Once
	path string
	err  error
}

// The ways to build a test binary.
const (
	buildTest  = ""
	buildFuzz  = "fuzz"  // instrumented for the go command's fuzzing engine
	buildCover = "cover" // counts which statements of the core are run
)

// newBuild writes what go's -overlay needs into a folder.
func newBuild(c *core, dir string, files map[string][]byte, race bool) (*build, error) {
	b := &build{core: c, dir: dir, tags: c.tags, race: race, binaries: map[string]*binary{}}
	replace := map[string]string{}
	for name, text := range files {
		planted := filepath.Join(dir, "tree", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(planted), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(planted, text, 0o644); err != nil {
			return nil, err
		}
		replace[filepath.Join(c.root, filepath.FromSlash(name))] = planted
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	b.overlay = filepath.Join(dir, "overlay.json")
	return b, os.WriteFile(b.overlay, text, 0o644)
}

// newSchema is the build that holds all these mutants; of none, the core as it is.
func newSchema(c *core, dir string, mutants []*mutant, race bool) (*build, error) {
	files, err := c.schema(mutants)
	if err != nil {
		return nil, err
	}
	return newBuild(c, dir, files, race)
}

// newSingle is the build that holds one mutant.
func newSingle(c *core, dir string, m *mutant) (*build, error) {
	return newBuild(c, dir, maps.Clone(m.changed), m.race)
}

// binary returns the path of a package's test binary.
func (b *build) binary(ctx context.Context, pkg, way string) (string, error) {
	b.mu.Lock()
	name := path.Join(pkg, way)
	bin := b.binaries[name]
	if bin == nil {
		bin = &binary{path: filepath.Join(b.dir, strings.ReplaceAll(name, "/", "-")+".test")}
		b.binaries[name] = bin
	}
	b.mu.Unlock()
	bin.once.Do(func() {
		args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", b.overlay, "-tags", b.tags} // -s -w: half of the time to link
		if b.race {
			args = append(args, "-race")
		}
		switch way {
		case buildFuzz:
			args = append(args, "-fuzz=.")
		case buildCover:
			var paths []string
			for _, p := range b.core.packages {
				paths = append(paths, p.ImportPath)
			}
			args = append(args, "-cover", "-coverpkg="+strings.Join(paths, ","))
		}
		_, bin.err = goTool(ctx, b.core.root, append(args, "-o", bin.path, "./"+pkg)...)
	})
	if bin.err != nil {
		return "", fmt.Errorf("building the tests of %s: %w", pkg, bin.err)
	}
	return bin.path, nil
}
