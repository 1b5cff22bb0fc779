package main

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// mostOthers bounds the ways to replace an argument: those declared nearest.
const mostOthers = 4

// call exchanges arguments, replaces them and what is called, and leaves copies out.
func (f *finder) call(n *ast.CallExpr) {
	if f.info.Types[n.Fun].IsType() || f.ofLabels(n) {
		return
	}
	name := calleeName(n)
	if f.info.Types[n.Fun].IsBuiltin() {
		switch {
		case name == "append" && n.Ellipsis.IsValid() && len(n.Args) == 2 && isEmpty(n.Args[0]),
			name == "append" && n.Ellipsis.IsValid() && len(n.Args) == 2 && strings.HasPrefix(f.slice(n.Args[0]), "[]byte(nil)"):
			f.add(copyLeftOut, n, f.replace(n, f.slice(n.Args[1])))
		case (name == "min" || name == "max") && len(n.Args) >= 2:
			f.add(boundaryMoved, n, f.replace(n, f.slice(n.Args[0])), f.replace(n, f.slice(n.Args[1])),
				f.replace(n.Fun, map[string]string{"min": "max", "max": "min"}[name]))
		case name == "copy":
			f.add(argumentOther, n.Args[1], f.inScope(n.Args[1])...)
		case name == "make" && len(n.Args) == 3:
			f.addAll(constantMoved, n, change{cost: true, edits: []edit{{f.at(n.Args[1].End()), f.at(n.Args[2].End()), ""}}})
		}
		return
	}
	if name == "Clone" && len(n.Args) == 1 && types.Identical(f.info.TypeOf(n), f.info.TypeOf(n.Args[0])) {
		f.add(copyLeftOut, n, f.replace(n, f.slice(n.Args[0])))
	}
	for i, arg := range n.Args {
		t := f.info.TypeOf(arg)
		if t == nil {
			continue
		}
		var ways []change
		for _, e := range f.inScope(arg) {
			ways = append(ways, change{edits: []edit{e}})
		}
		for _, other := range n.Args[i+1:] {
			if types.Identical(t, f.info.TypeOf(other)) && f.slice(arg) != f.slice(other) {
				ways = append(ways, change{edits: []edit{f.replace(arg, f.slice(other)), f.replace(other, f.slice(arg))}})
			}
		}
		f.addAll(argumentOther, arg, ways...)
		if v := f.packageVar(arg); v != nil {
			f.add(errorOther, arg, f.sameTypeVars(arg, v)...)
		}
	}
	f.callee(n)
}

// inWords reports whether a node is within the words of an error or of a label,
// which are nobody's promise: a text that is given to a call which makes an error.
func (f *finder) inWords(n ast.Node) bool {
	for i := 1; ; i++ {
		call, ok := f.parent(i).(*ast.CallExpr)
		if !ok {
			if _, expr := f.parent(i).(ast.Expr); !expr {
				return false
			}
			continue
		}
		t := f.info.TypeOf(call)
		for _, arg := range call.Args {
			if arg.Pos() <= n.Pos() && n.End() <= arg.End() && isBasic(f.info.TypeOf(arg), types.IsString) && (t != nil && isError(t) || f.ofLabels(call)) {
				return true
			}
		}
	}
}

// ofLabels reports whether a call is of a package that makes words alone.
func (f *finder) ofLabels(n *ast.CallExpr) bool {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && (pkg.Name == "fmt" || pkg.Name == "pprof" || pkg.Name == "trace")
}

func isEmpty(x ast.Expr) bool {
	lit, ok := x.(*ast.CompositeLit)
	return ok && len(lit.Elts) == 0
}

// inScope are other variables of the same type that stand where an expression
// stands, the nearest first, and no context instead of one.
func (f *finder) inScope(x ast.Expr) []edit {
	t := f.info.TypeOf(x)
	if t == nil || f.info.Types[x].IsNil() {
		return nil
	}
	var ways []edit
	own := f.slice(x)
	add := func(text string) {
		if text != own && len(ways) < mostOthers {
			ways = append(ways, f.replace(x, text))
		}
	}
	switch {
	case t.String() == "context.Context":
		add("context.Background()")
	case isBasic(t, types.IsBoolean):
		add("!(" + own + ")")
	}
	for scope := f.pkg.Scope().Innermost(x.Pos()); scope != nil && scope != f.pkg.Scope(); scope = scope.Parent() {
		names := scope.Names()
		slices.SortFunc(names, func(a, b string) int { return int(scope.Lookup(b).Pos() - scope.Lookup(a).Pos()) })
		for _, name := range names {
			v, ok := scope.Lookup(name).(*types.Var)
			if !ok || v.Pos() >= x.Pos() || name == "_" {
				continue
			}
			if types.Identical(v.Type(), t) {
				add(name)
			}
			for _, field := range fieldsOf(v.Type(), f.pkg) {
				if types.Identical(field.Type(), t) {
					add(name + "." + field.Name())
				}
			}
		}
	}
	return ways
}

// fieldsOf are the fields of a struct, or of one that is pointed to, that the
// package can name.
func fieldsOf(t types.Type, pkg *types.Package) []*types.Var {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	var fields []*types.Var
	for i := range s.NumFields() {
		if field := s.Field(i); field.Exported() || field.Pkg() == pkg {
			fields = append(fields, field)
		}
	}
	return fields
}

// callee calls something else with the same signature.
func (f *finder) callee(n *ast.CallExpr) {
	var ways []edit
	switch fun := n.Fun.(type) {
	case *ast.SelectorExpr:
		chosen := f.info.Selections[fun]
		if chosen == nil || chosen.Kind() != types.MethodVal {
			return
		}
		set := types.NewMethodSet(chosen.Recv())
		for i := range set.Len() {
			m := set.At(i).Obj()
			if m.Name() != fun.Sel.Name && (m.Exported() || m.Pkg() == f.pkg) && sameSignature(m.Type(), chosen.Obj().Type()) {
				ways = append(ways, f.replace(fun.Sel, m.Name()))
			}
		}
	case *ast.Ident:
		called, ok := f.info.Uses[fun].(*types.Func)
		if !ok || called.Pkg() != f.pkg {
			return
		}
		for _, name := range f.pkg.Scope().Names() {
			other, ok := f.pkg.Scope().Lookup(name).(*types.Func)
			if ok && other != called && name != "main" && name != "init" && sameSignature(other.Type(), called.Type()) {
				ways = append(ways, f.replace(fun, name))
			}
		}
	}
	f.add(callOther, n, ways...)
}

func sameSignature(a, b types.Type) bool {
	x, y := a.(*types.Signature), b.(*types.Signature)
	return x.TypeParams() == nil && y.TypeParams() == nil && x.Variadic() == y.Variadic() &&
		types.Identical(x.Params(), y.Params()) && types.Identical(x.Results(), y.Results())
}

// selector reads another field of the same type.
func (f *finder) selector(n *ast.SelectorExpr) {
	chosen := f.info.Selections[n]
	if chosen == nil || chosen.Kind() != types.FieldVal {
		return
	}
	if assign, ok := f.parent(1).(*ast.AssignStmt); ok && slices.Contains(assign.Lhs, ast.Expr(n)) {
		return // that it is not set is a kind of its own
	}
	var ways []edit
	for _, field := range fieldsOf(f.info.TypeOf(n.X), f.pkg) {
		if field.Name() != n.Sel.Name && types.Identical(field.Type(), chosen.Type()) && len(ways) < mostOthers {
			ways = append(ways, f.replace(n.Sel, field.Name()))
		}
	}
	f.add(fieldOther, n, ways...)
}

// bounds moves where a slice begins and ends, and leaves its capacity open.
func (f *finder) bounds(n *ast.SliceExpr) {
	var ways []edit
	if n.Low != nil {
		ways = append(ways, f.replace(n.Low, f.slice(n.Low)+"+1"), f.replace(n.Low, ""))
	}
	if n.High != nil {
		ways = append(ways, f.replace(n.High, f.slice(n.High)+"-1"))
		if !n.Slice3 {
			ways = append(ways, f.replace(n.High, ""))
		}
	}
	if n.Slice3 {
		ways = append(ways, edit{f.at(n.High.End()), f.at(n.Max.End()), ""})
	}
	f.add(sliceMoved, n, ways...)
}

// composite does not copy a field.
func (f *finder) composite(n *ast.CompositeLit) {
	t := f.info.TypeOf(n)
	if t == nil {
		return
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	if _, ok := t.Underlying().(*types.Struct); !ok {
		return
	}
	for _, elt := range n.Elts {
		pair, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		if tv := f.info.Types[pair.Value]; tv.Value != nil && isBasic(tv.Type, types.IsString) && isError(t) {
			continue // the words of an error are nobody's promise
		}
		end := f.at(pair.End())
		for end < len(f.text) && (f.text[end] == ',' || f.text[end] == ' ') {
			end++
		}
		f.add(fieldNotCopied, pair, f.cut(f.at(pair.Pos()), end))
	}
}

// isError reports whether a type, or a pointer to it, is an error.
func isError(t types.Type) bool {
	err := types.Universe.Lookup("error").Type().Underlying().(*types.Interface)
	if t == types.Typ[types.UntypedNil] {
		return false
	}
	return types.Implements(t, err) || types.Implements(types.NewPointer(t), err)
}
