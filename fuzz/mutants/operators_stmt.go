package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// statement drops one, or turns its operator.
func (f *finder) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		if !ok {
			f.add(statementDropped, s, f.remove(s))
			return
		}
		kind := statementDropped
		if slices.Contains(releases, calleeName(call)) {
			kind = notReleased
		}
		f.addAll(kind, s, change{edits: []edit{f.remove(s)}, cost: f.onlyCost(call)})
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			return
		}
		if init, ok := f.parent(1).(*ast.IfStmt); ok && init.Init == s {
			return
		}
		if _, ok := f.parent(1).(*ast.ForStmt); ok {
			return
		}
		kind := statementDropped
		switch left := s.Lhs[0].(type) {
		case *ast.SelectorExpr, *ast.StarExpr, *ast.IndexExpr:
			kind = fieldNotSet
		case *ast.Ident:
			if left.Name == "_" {
				call, ok := s.Rhs[0].(*ast.CallExpr)
				if !ok {
					return
				}
				if slices.Contains(releases, calleeName(call)) {
					kind = notReleased
				}
			}
		}
		f.add(kind, s, f.remove(s))
		if other := otherOperator[s.Tok]; other != "" && isBasic(f.info.TypeOf(s.Lhs[0]), types.IsNumeric) {
			at := f.at(s.TokPos)
			f.add(operatorOther, s, edit{at, at + len(s.Tok.String()), other})
		}
	case *ast.IncDecStmt:
		if _, ok := f.parent(1).(*ast.ForStmt); ok {
			return // for ever
		}
		f.add(statementDropped, s, f.remove(s))
		f.add(operatorOther, s, f.replace(s, f.slice(s.X)+otherOperator[s.Tok]))
	case *ast.SendStmt:
		f.add(statementDropped, s, f.remove(s))
	}
}

// onlyCost reports whether a call can be missed by nothing but a count of time or
// memory.
func (f *finder) onlyCost(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	if t := f.info.TypeOf(sel.X); t != nil && strings.TrimPrefix(t.String(), "*") == "sync.Pool" {
		return sel.Sel.Name == "Put"
	} else if t != nil && strings.HasSuffix(t.String(), "protocol.Buffer") {
		return sel.Sel.Name == "Free" // what is not freed is collected
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "runtime" && f.info.Uses[pkg] != nil
}

// swaps exchanges neighbours of which one calls and the other calls or sets
// something that outlives the function's variables.
func (f *finder) swaps(list []ast.Stmt) {
	weight := func(s ast.Stmt) int {
		switch s := s.(type) {
		case *ast.ExprStmt, *ast.SendStmt, *ast.GoStmt:
			return 2
		case *ast.AssignStmt:
			calls := false
			for _, right := range s.Rhs {
				ast.Inspect(right, func(n ast.Node) bool {
					if call, ok := n.(*ast.CallExpr); ok && !f.info.Types[call.Fun].IsType() && !f.info.Types[call.Fun].IsBuiltin() {
						calls = true
					}
					return !calls
				})
			}
			if calls {
				return 2
			}
			if _, local := s.Lhs[0].(*ast.Ident); !local {
				return 1
			}
		case *ast.IncDecStmt:
			if _, local := s.X.(*ast.Ident); !local {
				return 1
			}
		}
		return 0
	}
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		_, first := a.(*ast.DeferStmt)
		_, second := b.(*ast.DeferStmt)
		if first && second { // with anything else a deferred call may change places
			f.addAll(callsSwapped, a, change{edits: []edit{f.replace(a, f.slice(b)), f.replace(b, f.slice(a))}})
			continue
		}
		if wa, wb := weight(a), weight(b); wa*wb >= 2 {
			f.addAll(callsSwapped, a, change{edits: []edit{f.replace(a, f.slice(b)), f.replace(b, f.slice(a))}})
		}
	}
}

// clause drops a case, or one of its values.
func (f *finder) clause(n ast.Stmt, values []ast.Expr, isDefault bool) {
	var ways []edit
	for i, value := range values {
		if len(values) > 1 {
			if i == 0 {
				ways = append(ways, edit{f.at(value.Pos()), f.at(values[1].Pos()), ""})
			} else {
				ways = append(ways, edit{f.at(values[i-1].End()), f.at(value.End()), ""})
			}
		}
	}
	if !isDefault {
		ways = append(ways, f.cut(f.at(n.Pos()), f.at(n.End())))
	}
	f.add(caseDropped, n, ways...)
}

func (f *finder) branch(n *ast.BranchStmt) {
	if n.Label != nil {
		return
	}
	switch n.Tok {
	case token.BREAK:
		f.add(branchOther, n, f.replace(n, "continue"), f.remove(n))
	case token.CONTINUE:
		f.add(branchOther, n, f.replace(n, "break"), f.remove(n))
	}
}

func (f *finder) loop(n ast.Stmt, body *ast.BlockStmt) {
	if len(body.List) == 0 {
		return
	}
	switch body.List[len(body.List)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return
	}
	end := f.at(body.Rbrace)
	f.add(loopOnce, n, edit{end, end, "break\n"})
}

// returns swallows and exchanges errors, turns bools, and goes on where the
// function should end.
func (f *finder) returns(n *ast.ReturnStmt) {
	inner := len(f.path) > 2
	if len(n.Results) == 0 {
		if inner {
			f.add(branchOther, n, f.remove(n))
		}
		return
	}
	for _, x := range n.Results {
		t := f.info.TypeOf(x)
		if t == nil {
			continue
		}
		if id, ok := x.(*ast.Ident); ok && (id.Name == "true" || id.Name == "false") {
			f.add(resultTurned, x, f.replace(x, map[string]string{"true": "false", "false": "true"}[id.Name]))
			continue
		}
		if isBasic(t, types.IsBoolean) {
			f.add(resultTurned, x, f.replace(x, "!("+f.slice(x)+")"))
		}
		if !types.AssignableTo(t, types.Universe.Lookup("error").Type()) || isNil(x) {
			continue
		}
		f.add(errorNotReturned, x, f.replace(x, "nil"))
		if v := f.packageVar(x); v != nil {
			f.add(errorOther, x, f.sameTypeVars(x, v)...)
		}
	}
	// if err != nil { return err } goes on.
	if block, ok := f.parent(1).(*ast.BlockStmt); ok && inner {
		if cond, ok := f.parent(2).(*ast.IfStmt); ok && cond.Body == block && len(block.List) == 1 && strings.Contains(f.slice(cond.Cond), "!= nil") {
			f.add(errorNotReturned, n, f.remove(n))
		}
	}
}

// packageVar is the error of the package, such as ErrClosed, that an expression is;
// nil if it is none.
func (f *finder) packageVar(x ast.Expr) *types.Var {
	id, ok := x.(*ast.Ident)
	if !ok {
		return nil
	}
	v, ok := f.info.Uses[id].(*types.Var)
	if !ok || v.Parent() != f.pkg.Scope() || !isError(v.Type()) {
		return nil
	}
	return v
}

// sameTypeVars are other variables of the package that have the same type.
func (f *finder) sameTypeVars(x ast.Expr, not *types.Var) []edit {
	var ways []edit
	for _, name := range f.pkg.Scope().Names() {
		if v, ok := f.pkg.Scope().Lookup(name).(*types.Var); ok && v != not && types.Identical(v.Type(), not.Type()) {
			ways = append(ways, f.replace(x, name))
		}
	}
	return ways
}
