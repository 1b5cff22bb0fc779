package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// A decl is one function, or one constant, variable or type, of a file's text.
type decl struct {
	name       string // such as Reader.next for a method; "" for an import
	start, end int    // in the text, without the comment above
	fn         *ast.FuncDecl
}

// A source is a Go file's text with its declarations.
type source struct {
	text  []byte
	fset  *token.FileSet
	file  *ast.File
	decls []decl
}

func readSource(text []byte) (*source, error) {
	s := &source{text: text, fset: token.NewFileSet()}
	var err error
	if s.file, err = parser.ParseFile(s.fset, "", text, parser.SkipObjectResolution|parser.ParseComments); err != nil {
		return nil, err
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.decls = append(s.decls, decl{name: funcName(d), start: s.at(d.Pos()), end: s.at(d.End()), fn: d})
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				found := decl{start: s.at(spec.Pos()), end: s.at(spec.End())}
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					found.name = spec.Name.Name
				case *ast.ValueSpec:
					found.name = spec.Names[0].Name
				}
				s.decls = append(s.decls, found)
			}
		}
	}
	return s, nil
}

func (s *source) at(pos token.Pos) int { return s.fset.Position(pos).Offset }

// slice is the text of a node.
func (s *source) slice(n ast.Node) string { return string(s.text[s.at(n.Pos()):s.at(n.End())]) }

// funcName is a function's name, with its receiver's type in front.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

// An anchor is where a declaration stands.
type anchor struct {
	file       string
	start, end int
}

// find returns where a declaration stands whose text holds a snippet exactly once,
// by its name: Reader.next, or frame/Reader.next where that leaves several packages
// of the core, with the folder below websocket/ in front; a dot stands for package
// websocket itself.
func (c *core) find(name, snippet string) (anchor, error) {
	dir, base, qualified := cutLast(name, "/")
	var declared, found []anchor
	times := 0
	for _, p := range c.packages {
		if qualified && p.dir != coreDir+"/"+dir && (dir != "." || p.dir != coreDir) {
			continue
		}
		for _, file := range sortedKeys(p.parsed) {
			s, err := c.source(file)
			if err != nil {
				return anchor{}, err
			}
			for _, d := range s.decls {
				if d.name != base {
					continue
				}
				declared = append(declared, anchor{file, d.start, d.end})
				if n := strings.Count(string(s.text[d.start:d.end]), snippet); n == 1 || snippet == "" {
					found = append(found, anchor{file, d.start, d.end})
				} else {
					times = n
				}
			}
		}
	}
	switch {
	case len(declared) == 0:
		return anchor{}, fmt.Errorf("the core declares no %s on this platform", name)
	case len(found) == 0:
		return anchor{}, fmt.Errorf("the snippet stands %d times in %s (%s), want once: the table is stale or the snippet too short:\n%s", times, name, declared[0].file, snippet)
	case len(found) > 1:
		return anchor{}, fmt.Errorf("the core declares %s %d times (%s and %s): put the folder in front, such as frame/%s", name, len(found), found[0].file, found[1].file, base)
	}
	return found[0], nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// changedFuncs returns which functions of a text another one has changed, by their
// place among the declarations; false if anything else was changed, too.
func changedFuncs(old, changed *source) (funcs []int, ok bool) {
	if len(old.decls) != len(changed.decls) || old.file.Name.Name != changed.file.Name.Name {
		return nil, false
	}
	for i, a := range old.decls {
		b := changed.decls[i]
		aText, bText := old.text[a.start:a.end], changed.text[b.start:b.end]
		if bytes.Equal(aText, bText) {
			continue
		}
		if a.fn == nil || b.fn == nil || a.fn.Body == nil || b.fn.Body == nil {
			return nil, false
		}
		if !bytes.Equal(aText[:old.at(a.fn.Body.Pos())-a.start], bText[:changed.at(b.fn.Body.Pos())-b.start]) {
			return nil, false // the signature
		}
		funcs = append(funcs, i)
	}
	return funcs, true
}
