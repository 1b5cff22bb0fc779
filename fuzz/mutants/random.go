package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// A change is one way to change a file: one or two pieces of its text.
type change struct {
	edits []edit
	cost  bool // it can change only how much time or memory something takes
}

// An edit is other text for a piece of a file.
type edit struct {
	start, end int
	text       string
}

// A site is a place where a kind of change can be made, in one or several ways.
type site struct {
	kind    string
	file    string
	fn      string // the declaration that it stands in
	at      int
	changes []change
}

// A finder goes through a package's syntax for sites.
type finder struct {
	core  *core
	pkg   *types.Package
	info  *types.Info
	sites []site

	name string // of the file
	text []byte
	fn   string
	path []ast.Node // from the declaration down to the node at hand
}

// sites returns all places of the core where changes can be made, in a fixed order.
func (c *core) sites() ([]site, error) {
	var all []site
	for _, p := range c.packages {
		f := &finder{core: c, info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Selections: map[*ast.SelectorExpr]*types.Selection{}, Scopes: map[ast.Node]*types.Scope{},
		}}
		names := sortedKeys(p.parsed)
		var files []*ast.File
		for _, name := range names {
			files = append(files, p.parsed[name])
		}
		var err error
		if f.pkg, err = c.check(p, files, f.info); err != nil {
			return nil, err
		}
		for i, name := range names {
			f.name, f.text = name, c.files[name]
			for _, d := range files[i].Decls {
				f.declaration(d)
			}
		}
		all = append(all, f.sites...)
	}
	return all, nil
}

func (f *finder) declaration(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		words := d.Recv != nil && (d.Name.Name == "Error" || d.Name.Name == "String")
		if d.Body != nil && !words { // which are nobody's promise
			f.fn = funcName(d)
			f.walk(d.Body)
		}
	case *ast.GenDecl:
		if d.Tok == token.IMPORT || d.Tok == token.TYPE {
			return
		}
		for _, spec := range d.Specs {
			spec := spec.(*ast.ValueSpec)
			f.fn = spec.Names[0].Name
			for _, value := range spec.Values {
				f.walk(value)
			}
		}
	}
}

func (f *finder) walk(root ast.Node) {
	f.path = nil
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			f.path = f.path[:len(f.path)-1]
			return true
		}
		f.path = append(f.path, n)
		f.visit(n)
		return true
	})
}

// parent is the nth node above the one at hand, nil if there is none.
func (f *finder) parent(n int) ast.Node {
	if i := len(f.path) - 1 - n; i >= 0 {
		return f.path[i]
	}
	return nil
}

func (f *finder) at(pos token.Pos) int { return f.core.fset.PositionFor(pos, false).Offset }

func (f *finder) slice(n ast.Node) string { return string(f.text[f.at(n.Pos()):f.at(n.End())]) }

func (f *finder) replace(n ast.Node, text string) edit {
	return edit{f.at(n.Pos()), f.at(n.End()), text}
}

// remove is the edit that takes a statement away, with its line if it stands there
// alone.
func (f *finder) remove(n ast.Node) edit { return f.cut(f.at(n.Pos()), f.at(n.End())) }

func (f *finder) cut(start, end int) edit {
	for start > 0 && (f.text[start-1] == '\t' || f.text[start-1] == ' ') {
		start--
	}
	if start > 0 && f.text[start-1] == '\n' && end < len(f.text) && f.text[end] == '\n' {
		end++
	}
	return edit{start, end, ""}
}

// add notes a site with one way each.
func (f *finder) add(kind string, n ast.Node, edits ...edit) {
	var changes []change
	for _, e := range edits {
		changes = append(changes, change{edits: []edit{e}})
	}
	f.addAll(kind, n, changes...)
}

func (f *finder) addAll(kind string, n ast.Node, changes ...change) {
	cost := f.capacity(n)
	for i := range changes {
		changes[i].cost = changes[i].cost || cost
	}
	if len(changes) > 0 {
		f.sites = append(f.sites, site{kind: kind, file: f.name, fn: f.fn, at: f.at(n.Pos()), changes: changes})
	}
}

// plant returns a file's text with a change made.
func plant(text []byte, c change) []byte {
	edits := slices.Clone(c.edits)
	sort.Slice(edits, func(i, j int) bool { return edits[i].start < edits[j].start })
	var out []byte
	done := 0
	for _, e := range edits {
		out = append(append(out, text[done:e.start]...), e.text...)
		done = e.end
	}
	return append(out, text[done:]...)
}

// random returns n mutants made of the syntax tree, the same for the same tree and
// seed; the first ones are the same for each n. The kinds come by turns of chance,
// those with more sites more often, but by the square root only: there are ten
// times as many arguments as deferred calls. Only what names matches is changed:
// a kind, a file or a function.
func (c *core) random(n int, seed uint64, names *regexp.Regexp) ([]*mutant, error) {
	sites, err := c.sites()
	if err != nil {
		return nil, err
	}
	byKind := map[string][]site{}
	for _, s := range sites {
		if names.MatchString(s.kind) || names.MatchString(s.file) || names.MatchString(s.fn) {
			byKind[s.kind] = append(byKind[s.kind], s)
		}
	}
	kinds := sortedKeys(byKind)
	rng := rand.New(rand.NewPCG(seed, 0))
	seen := map[string]bool{}
	var mutants []*mutant
	for len(mutants) < n {
		var weights []float64
		all := 0.0
		for _, kind := range kinds {
			w := math.Sqrt(float64(len(byKind[kind])))
			weights, all = append(weights, w), all+w
		}
		if all == 0 {
			return nil, fmt.Errorf("there are no more than %d changes to make", len(mutants))
		}
		k, pick := 0, rng.Float64()*all
		for pick >= weights[k] && k < len(kinds)-1 || weights[k] == 0 {
			pick -= weights[k]
			k++
		}
		list := byKind[kinds[k]]
		i := rng.IntN(len(list))
		s := list[i]
		byKind[kinds[k]] = slices.Delete(list, i, i+1)
		chosen := s.changes[rng.IntN(len(s.changes))]
		text := c.compiling(s, chosen)
		if text == nil || seen[s.file+string(text)] {
			continue
		}
		seen[s.file+string(text)] = true
		line := 1 + strings.Count(string(c.files[s.file][:s.at]), "\n")
		m := &mutant{
			name: fmt.Sprintf("random-%d-%03d", seed, len(mutants)+1),
			kind: s.kind, rule: fmt.Sprintf("%s, line %d", s.fn, line), random: true, cost: chosen.cost,
			tags: c.tags, changed: map[string][]byte{s.file: text},
		}
		for _, e := range chosen.edits {
			m.locks = m.locks || strings.Contains(string(c.files[s.file][e.start:e.end])+e.text, "ock()")
		}
		c.explain(m, s.fn)
		mutants = append(mutants, m)
	}
	return mutants, nil
}

// compiling returns the file of a site with a change made, nil if it does not
// compile. A variable that only the changed statement used is used by an empty
// assignment instead.
func (c *core) compiling(s site, change change) []byte {
	for range 4 {
		text := plant(c.files[s.file], change)
		err := c.compiles(map[string][]byte{s.file: text})
		if err == nil {
			return text
		}
		_, name, unused := strings.Cut(err.Error(), "declared and not used: ")
		if !unused || s.kind != statementDropped && s.kind != notReleased && s.kind != deferredDropped && s.kind != fieldNotSet {
			return nil
		}
		e := &change.edits[0]
		indent := ""
		if e.text == "" {
			indent = "\t"
		}
		e.text += indent + "_ = " + name + "\n"
	}
	return nil
}
