package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// Many mutants in one build: a function that some of them change becomes one that
// asks which mutant was chosen at start, and calls that one's copy of it or, as a
// rule, the function as it was:
//
//	func (r *Reader) next(b []byte) (int, error)          // as it was, now mutant0_next
//	func (r *Reader) mutant17_next(b []byte) (int, error) // as mutant 17 has it
//	func (r *Reader) next(p0 []byte) (int, error) {
//		switch mutantChosen {
//		case 17:
//			return r.mutant17_next(p0)
//		}
//		return r.mutant0_next(p0)
//	}
//
// So whatever a mutant changes within functions costs no build of its own. What it
// changes outside of them does: a constant, a type, a signature, assembly.

// chosenEnv is the environment variable that chooses a mutant by its number; the
// core as it is has the number 0.
const chosenEnv = "WSPROOF_MUTANT"

const chosenFile = "mutant_chosen.go"

// chosenText is the file that each package with mutants gets.
const chosenText = `package %s

import (
	"os"
	"strconv"
)

var mutantChosen, _ = strconv.Atoi(os.Getenv(%q))
`

// shareable reports whether a mutant can be in one build with others.
func (c *core) shareable(m *mutant) bool {
	for name, text := range m.changed {
		old, err := c.source(name)
		if err != nil || c.packageOf(name) == nil || c.packageOf(name).parsed[name] == nil {
			return false
		}
		changed, err := readSource(text)
		if err != nil {
			return false
		}
		funcs, ok := changedFuncs(old, changed)
		if !ok || len(funcs) == 0 {
			return false
		}
		for _, i := range funcs {
			if recovers(old.decls[i].fn) && labels(changed.decls[i].fn) {
				return false
			}
		}
	}
	return true
}

// A copied is a mutant's copy of one function.
type copied struct {
	number int
	text   *source
	decl   decl
}

// schema returns the files, by their path in the module, of the build that holds
// all these mutants, each of which must be shareable.
func (c *core) schema(mutants []*mutant) (map[string][]byte, error) {
	copies := map[string]map[int][]copied{}
	for _, m := range mutants {
		for name, text := range m.changed {
			old, err := c.source(name)
			if err != nil {
				return nil, err
			}
			changed, err := readSource(text)
			if err != nil {
				return nil, err
			}
			funcs, ok := changedFuncs(old, changed)
			if !ok {
				return nil, fmt.Errorf("%s changes more than functions", m.name)
			}
			if copies[name] == nil {
				copies[name] = map[int][]copied{}
			}
			for _, i := range funcs {
				copies[name][i] = append(copies[name][i], copied{m.number, changed, changed.decls[i]})
			}
		}
	}
	files := map[string][]byte{}
	for name, funcs := range copies {
		s, err := c.source(name)
		if err != nil {
			return nil, err
		}
		files[name] = c.rewrite(name, s, funcs)
		p := c.packageOf(name)
		files[path.Join(p.dir, chosenFile)] = fmt.Appendf(nil, chosenText, p.Name, chosenEnv)
	}
	return files, nil
}

// rewrite returns a file with the copies of its functions in it.
func (c *core) rewrite(name string, s *source, funcs map[int][]copied) []byte {
	var order []int
	for i := range funcs {
		order = append(order, i)
	}
	sort.Ints(order)
	where := filepath.Join(c.root, filepath.FromSlash(name))
	var out bytes.Buffer
	done := 0
	for _, i := range order {
		d := s.decls[i]
		if recovers(d.fn) {
			// Only what a deferred call itself calls can recover: the copies go inside.
			body := s.at(d.fn.Body.Lbrace) + 1
			out.Write(s.text[done:body])
			fmt.Fprintf(&out, "\nswitch mutantChosen {\n")
			for _, f := range funcs[i] {
				fmt.Fprintf(&out, "case %d:\n%s\n", f.number, f.text.slice(f.decl.fn.Body))
				if r := d.fn.Type.Results; r == nil || len(r.List[0].Names) > 0 {
					out.WriteString("return\n")
				}
			}
			out.WriteString("}\n")
			done = body
			continue
		}
		at := s.at(d.fn.Name.Pos())
		out.Write(s.text[done:at])
		out.WriteString(copyName(d.fn, 0, i))
		out.Write(s.text[at+len(d.fn.Name.Name) : d.end])
		done = d.end
		for _, f := range funcs[i] {
			at := f.text.at(f.decl.fn.Name.Pos())
			line := f.text.fset.Position(f.decl.fn.Pos()).Line
			out.WriteString("\n\n")
			out.WriteString(pragmas(f.decl.fn))
			fmt.Fprintf(&out, "//line %s:%d\n", where, line)
			out.Write(f.text.text[f.decl.start:at])
			out.WriteString(copyName(d.fn, f.number, i))
			out.Write(f.text.text[at+len(d.fn.Name.Name) : f.decl.end])
		}
		out.WriteString("\n\n")
		dispatch(&out, s, d.fn, i, funcs[i])
		if end := s.fset.Position(d.fn.End()).Line; done < len(s.text) && s.text[done] == '\n' {
			fmt.Fprintf(&out, "\n//line %s:%d", where, end+1)
		}
	}
	out.Write(s.text[done:])
	return out.Bytes()
}

// copyName is the name of a mutant's copy of a function. There may be several
// functions init: theirs differ by their place.
func copyName(fn *ast.FuncDecl, number, place int) string {
	name := fmt.Sprintf("mutant%d_%s", number, fn.Name.Name)
	if fn.Name.Name == "init" && fn.Recv == nil {
		name += fmt.Sprintf("_%d", place)
	}
	return name
}

// pragmas are the directives above a function, such as go:noinline.
func pragmas(fn *ast.FuncDecl) string {
	var out strings.Builder
	if fn.Doc != nil {
		for _, line := range fn.Doc.List {
			if strings.HasPrefix(line.Text, "//go:") {
				out.WriteString(line.Text + "\n")
			}
		}
	}
	return out.String()
}

// dispatch writes the function that chooses.
func dispatch(out *bytes.Buffer, s *source, fn *ast.FuncDecl, place int, copies []copied) {
	out.WriteString("func ")
	prefix, suffix := "", ""
	if fn.Recv != nil {
		prefix = "mutantReceiver."
		fmt.Fprintf(out, "(mutantReceiver %s) ", s.slice(fn.Recv.List[0].Type))
	}
	out.WriteString(fn.Name.Name)
	if list := fn.Type.TypeParams; list != nil {
		out.WriteString(s.slice(list))
		var names []string
		for _, field := range list.List {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
		suffix = "[" + strings.Join(names, ", ") + "]"
	}
	var params, args []string
	for _, field := range fn.Type.Params.List {
		for range max(1, len(field.Names)) {
			name := fmt.Sprintf("mutantArgument%d", len(args))
			params = append(params, name+" "+s.slice(field.Type))
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				name += "..."
			}
			args = append(args, name)
		}
	}
	fmt.Fprintf(out, "(%s) ", strings.Join(params, ", "))
	result := ""
	if fn.Type.Results != nil {
		out.WriteString(s.slice(fn.Type.Results) + " ")
		result = "return "
	}
	call := func(number int) string {
		text := fmt.Sprintf("%s%s%s%s(%s)", result, prefix, copyName(fn, number, place), suffix, strings.Join(args, ", "))
		if result == "" {
			text += "\n\treturn"
		}
		return text
	}
	out.WriteString("{\n\tswitch mutantChosen {\n")
	for _, c := range copies {
		fmt.Fprintf(out, "\tcase %d:\n\t%s\n", c.number, call(c.number))
	}
	fmt.Fprintf(out, "\t}\n\t%s\n}\n", call(0))
}

// recovers reports whether a function calls recover itself, not in a function
// inside.
func recovers(fn *ast.FuncDecl) bool {
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "recover" {
				found = true
			}
		}
		return !found
	})
	return found
}

func labels(fn *ast.FuncDecl) bool {
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if _, ok := n.(*ast.LabeledStmt); ok {
			found = true
		}
		return !found
	})
	return found
}
