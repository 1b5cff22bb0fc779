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
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// coreDir is the folder of the core in the module: package websocket, and the
// packages below it.
const coreDir = "websocket"

// A core is the core as it stands in the tree, as one set of build tags sees it.
type core struct {
	root     string // of the module
	tags     string
	packages []*corePackage
	files    map[string][]byte // by their path in the module; also those that other tags build

	importer types.Importer
	fset     *token.FileSet
	sources  map[string]*source
	mu       sync.Mutex // guards the importer and sources
}

// A corePackage is one package of the core.
type corePackage struct {
	Dir, ImportPath, Name           string
	GoFiles, SFiles, IgnoredGoFiles []string
	IgnoredOtherFiles               []string
	TestGoFiles, XTestGoFiles       []string
	Module                          struct{ Dir string }
	dir                             string               // in the module, with slashes
	parsed                          map[string]*ast.File // the Go files that are built, by their path in the module
}

// findCore loads the core from the module of the working directory.
func findCore(ctx context.Context, tags string) (*core, error) {
	packages, err := listPackages(ctx, "", tags, "./"+coreDir+"/...")
	if err != nil {
		return nil, fmt.Errorf("no package ./%s here; run this in the module's root: %w", coreDir, err)
	}
	c := &core{tags: tags, files: map[string][]byte{}, fset: token.NewFileSet(), sources: map[string]*source{}}
	for _, p := range packages {
		c.root = p.Module.Dir
		p.dir = relative(c.root, p.Dir)
		if len(p.GoFiles) == 0 || path.Base(p.dir) == "seamtest" { // which is for tests alone
			continue
		}
		p.parsed = map[string]*ast.File{}
		c.packages = append(c.packages, p)
		for _, name := range slices.Concat(p.GoFiles, p.SFiles, p.IgnoredGoFiles, p.IgnoredOtherFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				return nil, err
			}
			c.files[path.Join(p.dir, name)] = text
		}
		for _, name := range p.GoFiles {
			name = path.Join(p.dir, name)
			if p.parsed[name], err = c.parse(name, c.files[name]); err != nil {
				return nil, err
			}
		}
	}
	lookup, err := c.exports(ctx)
	if err != nil {
		return nil, err
	}
	c.importer = importer.ForCompiler(c.fset, "gc", lookup)
	return c, nil
}

func listPackages(ctx context.Context, dir, tags string, patterns ...string) ([]*corePackage, error) {
	args := []string{"list", "-tags", tags, "-json=Dir,ImportPath,Name,GoFiles,SFiles,IgnoredGoFiles,IgnoredOtherFiles,TestGoFiles,XTestGoFiles,Module"}
	out, err := goTool(ctx, dir, append(args, patterns...)...)
	if err != nil {
		return nil, err
	}
	var packages []*corePackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(corePackage)
		if err := dec.Decode(p); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

// relative returns a folder's or file's path in the module, with slashes.
func relative(root, name string) string {
	rel, err := filepath.Rel(root, name)
	if err != nil {
		return name
	}
	return filepath.ToSlash(rel)
}

func (c *core) parse(name string, text []byte) (*ast.File, error) {
	return parser.ParseFile(c.fset, filepath.Join(c.root, filepath.FromSlash(name)), text, parser.SkipObjectResolution|parser.ParseComments)
}

// source returns a Go file of the core as it stands, with its declarations.
func (c *core) source(name string) (*source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sources[name]; s != nil {
		return s, nil
	}
	s, err := readSource(c.files[name])
	if err == nil {
		c.sources[name] = s
	}
	return s, err
}

// packageOf returns the package of a file, nil if there is none.
func (c *core) packageOf(file string) *corePackage {
	for _, p := range c.packages {
		if p.dir == path.Dir(file) {
			return p
		}
	}
	return nil
}

// exports returns how to find the compiled packages that the core imports.
func (c *core) exports(ctx context.Context) (importer.Lookup, error) {
	out, err := goTool(ctx, c.root, "list", "-tags", c.tags, "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "./"+coreDir+"/...")
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

// compiles type-checks the packages whose Go files a change touches, with the
// changed ones in them, which is much faster than a build and refuses the same.
// An import that is no longer used is let pass: where many changes are in one
// build, the code as it was uses it still.
func (c *core) compiles(changed map[string][]byte) error {
	var errs []error
	for _, p := range c.packages {
		var files []*ast.File
		touched := false
		for _, name := range sortedKeys(p.parsed) {
			file := p.parsed[name]
			if text, ok := changed[name]; ok {
				var err error
				if file, err = c.parse(name, text); err != nil {
					return err
				}
				touched = true
			}
			files = append(files, file)
		}
		for name, text := range changed { // a file of its own that a patch brings
			if path.Dir(name) == p.dir && p.parsed[name] == nil && c.files[name] == nil && path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
				file, err := c.parse(name, text)
				if err != nil {
					return err
				}
				files, touched = append(files, file), true
			}
		}
		if touched {
			_, err := c.check(p, files, nil)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// check type-checks a package of these files, and returns the first error.
func (c *core) check(p *corePackage, files []*ast.File, info *types.Info) (*types.Package, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var first error
	conf := types.Config{
		Importer: c.importer,
		Sizes:    types.SizesFor("gc", runtime.GOARCH),
		Error: func(err error) {
			if first == nil && !strings.Contains(err.Error(), "imported and not used") {
				first = err
			}
		},
	}
	pkg, _ := conf.Check(p.ImportPath, c.fset, files, info) // its error is the first of those that Error was told
	return pkg, first
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

// cores are the core under each set of build tags that something asks for.
type cores struct{ known map[string]*core }

func (c *cores) get(ctx context.Context, tags string) (*core, error) {
	if found := c.known[tags]; found != nil {
		return found, nil
	}
	found, err := findCore(ctx, tags)
	if err == nil {
		c.known[tags] = found
	}
	return found, err
}
