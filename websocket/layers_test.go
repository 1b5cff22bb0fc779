package websocket

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mostAgainst is how many pairs of files of a package may refer against the order that
// its doc.go gives.
const mostAgainst = 15

// What a reader is spared: longer files, types with more methods, and structs of the
// package's own whose fields are named in more files.
const (
	mostLines   = 400
	mostMethods = 30
	mostNamed   = 2
)

// Data flows one way, and so do references: doc.go gives the order of the files, and few
// of them name what stands in a later one.
func TestLayers(t *testing.T) {
	for _, dir := range []string{".", "protocol"} {
		against := filesAgainst(t, dir)
		t.Logf("%s: %d pairs of files refer against the order of doc.go: %v", dir, len(against), against)
		if len(against) > mostAgainst {
			t.Errorf("%s: %d pairs of files refer against the order of doc.go, want at most %d: %v", dir, len(against), mostAgainst, against)
		}
	}
}

// The files that doc.go sends a reader to are there.
func TestDocNamesFiles(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`[a-z0-9_/]+\.go\b`).FindAllString(string(text), -1)
	if len(names) < 50 {
		t.Errorf("doc.go names %d files: it has more", len(names))
	}
	for _, name := range names {
		if !slices.ContainsFunc([]string{"", "protocol", "deflate"}, func(dir string) bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err == nil
		}) {
			t.Errorf("doc.go names %s, which is not there", name)
		}
	}
}

// Whoever reads a file has it in the head: those of other systems, too.
func TestLines(t *testing.T) {
	files := 0
	for _, dir := range []string{".", "protocol", "deflate", "internal/seam", "seamtest"} {
		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			files++
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), "\n"); n > mostLines {
				t.Errorf("%s has %d lines, want at most %d", name, n, mostLines)
			}
		}
	}
	if files < 50 {
		t.Errorf("%d files were looked at: the core has more", files)
	}
}

// Whoever reads a file knows where else a field may change. A type that embeds another
// one is not charged with its methods.
func TestSizes(t *testing.T) {
	for _, dir := range []string{".", "protocol"} {
		p := load(t, dir)
		owner := map[types.Object]string{} // of the fields that are not exported, or of structs that are not
		for _, name := range p.pkg.Scope().Names() {
			named, ok := p.pkg.Scope().Lookup(name).Type().(*types.Named)
			if !ok || named.Obj().Name() != name {
				continue
			}
			if n := named.NumMethods(); n > mostMethods {
				t.Errorf("%s: %s has %d methods, want at most %d", dir, name, n, mostMethods)
			}
			if fields, ok := named.Underlying().(*types.Struct); ok {
				for field := range fields.Fields() {
					if !field.Exported() || !named.Obj().Exported() {
						owner[field] = name
					}
				}
			}
		}
		named := map[string][]string{}
		use := func(field *types.Var, at token.Pos) {
			name, file := owner[field.Origin()], filepath.Base(p.fset.Position(at).Filename) // that of a generic type
			if name != "" && !slices.Contains(named[name], file) {
				named[name] = append(named[name], file)
			}
		}
		for ident, object := range p.info.Uses {
			if field, ok := object.(*types.Var); ok {
				use(field, ident.Pos())
			}
		}
		for expr, of := range p.info.Types { // a literal without names has all of the fields
			literal, ok := expr.(*ast.CompositeLit)
			if !ok || len(literal.Elts) == 0 {
				continue
			}
			if fields, ok := of.Type.Underlying().(*types.Struct); ok {
				if _, keyed := literal.Elts[0].(*ast.KeyValueExpr); !keyed {
					use(fields.Field(0), literal.Pos())
				}
			}
		}
		if len(named) == 0 {
			t.Errorf("%s: no field of a struct is named anywhere", dir)
		}
		for name, files := range named {
			if len(files) > mostNamed {
				t.Errorf("%s: the fields of %s are named in %v, want %d files at most", dir, name, files, mostNamed)
			}
		}
	}
}

// source is a package of the core, with its types.
type source struct {
	files []string
	fset  *token.FileSet
	pkg   *types.Package
	info  *types.Info
}

// filesAgainst returns the pairs of files of the package in dir of which the first names
// something that the second, a later one, declares.
func filesAgainst(t *testing.T, dir string) []string {
	t.Helper()
	p := load(t, dir)
	order := orderOf(t, dir)
	for _, name := range p.files {
		if name != "doc.go" && !slices.Contains(order, name) {
			t.Errorf("%s: doc.go gives %s no place", dir, name)
		}
	}
	seen := map[string]bool{}
	for ident, object := range p.info.Uses {
		if object.Pkg() != p.pkg || !object.Pos().IsValid() {
			continue
		}
		user, owner := filepath.Base(p.fset.Position(ident.Pos()).Filename), filepath.Base(p.fset.Position(object.Pos()).Filename)
		if slices.Index(order, user) < slices.Index(order, owner) {
			seen[user+" → "+owner] = true
		}
	}
	var against []string
	for pair := range seen {
		against = append(against, pair)
	}
	slices.Sort(against)
	return against
}

func load(t *testing.T, dir string) source {
	t.Helper()
	list := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}\t{{.Dir}}\t{{join .GoFiles \" \"}}", ".")
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	var files []string
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") { // the package itself comes last
		f := strings.Split(line, "\t")
		exports[f[0]] = f[1]
		files = strings.Fields(f[3])
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	pkg, err := conf.Check(dir, fset, parsed, info)
	if err != nil {
		t.Fatal(err)
	}
	return source{files, fset, pkg, info}
}

// orderOf returns the files in the order of the section Layers in dir's doc.go.
func orderOf(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "// # Layers")
	if !found {
		t.Fatalf("%s/doc.go has no section Layers", dir)
	}
	section, _, _ = strings.Cut(section, "// # ")
	var order []string
	for _, word := range strings.Fields(section) {
		if strings.HasSuffix(word, ".go") {
			order = append(order, word)
		}
	}
	return order
}
