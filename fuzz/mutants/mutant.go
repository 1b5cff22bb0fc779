package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A mutant is one planted bug.
type mutant struct {
	name string // stable, in words
	kind string // of bug, such as "wrong boundary"
	rule string // what it breaks: a rule of the model, or a point of the core's contract
	file string // of package websocket
	old  string // stands in the file exactly once
	new  string // instead of it
	// targets are the fuzz targets that should find it, the likeliest first, without
	// the word Fuzz: in full the name of a target may stand only at the target.
	targets []string
	// race: it is a data race, so that everything is built with -race.
	race bool
	// tags are build tags: purego is for code that runs without assembly alone.
	tags string
	// survives says why nothing can find it, where that is so.
	survives string
}

// A core is package websocket as it stands in the tree.
type core struct {
	root  string // of the module
	dir   string // of the package
	path  string // its import path
	files map[string][]byte
	names []string // of the Go files that this platform builds
}

// findCore loads the package from the module of the working directory.
func findCore(ctx context.Context) (*core, error) {
	out, err := goTool(ctx, "", "list", "-json=Dir,ImportPath,GoFiles,SFiles,Module", "./websocket")
	if err != nil {
		return nil, fmt.Errorf("no package ./websocket here; run this in the module's root: %w", err)
	}
	var p struct {
		Dir, ImportPath string
		GoFiles, SFiles []string
		Module          struct{ Dir string }
	}
	if err := json.Unmarshal(out, &p); err != nil {
		return nil, err
	}
	c := &core{root: p.Module.Dir, dir: p.Dir, path: p.ImportPath, files: map[string][]byte{}, names: p.GoFiles}
	for _, name := range append(p.SFiles, p.GoFiles...) {
		text, err := os.ReadFile(filepath.Join(c.dir, name))
		if err != nil {
			return nil, err
		}
		c.files[name] = text
	}
	return c, nil
}

// apply returns the mutant's file with the bug planted.
func (c *core) apply(m *mutant) ([]byte, error) {
	text, ok := c.files[m.file]
	if !ok {
		return nil, fmt.Errorf("%s: there is no file websocket/%s on this platform", m.name, m.file)
	}
	if n := bytes.Count(text, []byte(m.old)); n != 1 {
		return nil, fmt.Errorf("%s: the snippet stands %d times in websocket/%s, want once: the table is stale or the snippet too short:\n%s", m.name, n, m.file, m.old)
	}
	if m.old == m.new {
		return nil, fmt.Errorf("%s: the mutant changes nothing", m.name)
	}
	return bytes.Replace(text, []byte(m.old), []byte(m.new), 1), nil
}

// checkAll returns an error that names each mutant that does not apply or does
// not compile.
func (c *core) checkAll(ctx context.Context, mutants []mutant) error {
	lookup, err := c.exports(ctx)
	if err != nil {
		return err
	}
	var errs []error
	seen := map[string]bool{}
	for i := range mutants {
		m := &mutants[i]
		if seen[m.name] {
			errs = append(errs, fmt.Errorf("%s: there are two mutants of this name", m.name))
		}
		seen[m.name] = true
		text, err := c.apply(m)
		if err == nil && filepath.Ext(m.file) == ".go" { // assembly is left to the build
			err = c.compiles(m, text, lookup)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// exports returns how to find the compiled packages that the core imports.
func (c *core) exports(ctx context.Context) (importer.Lookup, error) {
	out, err := goTool(ctx, c.root, "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", c.path)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		path, file, _ := strings.Cut(line, "\t")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) {
		file, ok := files[path]
		if !ok {
			return nil, fmt.Errorf("the core does not import %s", path)
		}
		return os.Open(file)
	}, nil
}

// compiles type-checks the package with the mutant's file in it, which is much
// faster than a build and refuses the same.
func (c *core) compiles(m *mutant, text []byte, lookup importer.Lookup) error {
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range c.names {
		source := c.files[name]
		if name == m.file {
			source = text
		}
		file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		parsed = append(parsed, file)
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", lookup)}
	if _, err := conf.Check(c.path, fset, parsed, nil); err != nil {
		return fmt.Errorf("%s: does not compile: %w", m.name, err)
	}
	return nil
}

// overlay writes what go's -overlay needs into a folder, and returns its path;
// that of no mutant is the tree as it is.
func (c *core) overlay(m *mutant, dir string) (string, error) {
	replace := map[string]string{}
	if m != nil {
		text, err := c.apply(m)
		if err != nil {
			return "", err
		}
		file := filepath.Join(dir, m.file)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(c.dir, m.file)] = file
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o644)
}

func goTool(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return out, nil
}
