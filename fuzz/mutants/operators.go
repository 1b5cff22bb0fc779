package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// The kinds of changes that are made at random.
const (
	conditionTurned  = "condition turned"
	conditionLess    = "condition dropped"
	boundaryMoved    = "boundary moved"
	constantMoved    = "constant moved"
	operatorOther    = "operator replaced"
	statementDropped = "statement dropped"
	fieldNotSet      = "field not set"
	fieldNotCopied   = "field not copied"
	callsSwapped     = "calls swapped"
	argumentOther    = "argument replaced"
	fieldOther       = "field replaced"
	callOther        = "call replaced"
	errorNotReturned = "error not returned"
	errorOther       = "error replaced"
	resultTurned     = "result turned"
	deferredDropped  = "deferred call dropped"
	copyLeftOut      = "copy left out"
	sliceMoved       = "slice moved"
	branchOther      = "branch replaced"
	caseDropped      = "case dropped"
	loopOnce         = "loop run once"
	notAlongside     = "goroutine not started"
)

// releases are calls that give something back or set it to its beginning; left
// out, they are a kind of their own.
var releases = []string{
	"Unlock", "RUnlock", "Stop", "Put", "Reset", "Close", "Done", "Signal", "Broadcast", "cancel", "stop", "release",
	"free", "clear", "close", "delete", "unlock", "reset", "put", "end",
}

func (f *finder) visit(n ast.Node) {
	if f.inWords(n) {
		return
	}
	switch n := n.(type) {
	case *ast.IfStmt:
		f.condition(n.Cond)
		if n.Else == nil && n.Init == nil && leaves(n.Body) {
			f.add(conditionLess, n, f.remove(n))
		}
	case *ast.ForStmt:
		if n.Cond != nil {
			f.condition(n.Cond)
		}
		f.loop(n, n.Body)
	case *ast.RangeStmt:
		f.loop(n, n.Body)
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.BasicLit:
		f.literal(n)
	case *ast.Ident:
		f.ident(n)
	case *ast.BlockStmt:
		f.swaps(n.List)
	case *ast.CaseClause:
		f.swaps(n.Body)
		f.clause(n, n.List, n.List == nil)
	case *ast.CommClause:
		f.swaps(n.Body)
		f.clause(n, nil, n.Comm == nil)
	case *ast.ExprStmt, *ast.AssignStmt, *ast.IncDecStmt, *ast.SendStmt:
		f.statement(n.(ast.Stmt))
	case *ast.GoStmt:
		f.add(notAlongside, n, f.remove(n), f.replace(n, f.slice(n.Call)))
	case *ast.DeferStmt:
		f.addAll(deferredDropped, n, change{edits: []edit{f.remove(n)}, cost: f.onlyCost(n.Call)}, change{edits: []edit{f.replace(n, f.slice(n.Call))}})
	case *ast.BranchStmt:
		f.branch(n)
	case *ast.ReturnStmt:
		f.returns(n)
	case *ast.CallExpr:
		f.call(n)
	case *ast.SelectorExpr:
		f.selector(n)
	case *ast.SliceExpr:
		f.bounds(n)
	case *ast.CompositeLit:
		f.composite(n)
	}
}

// condition turns a condition, and drops one side of it.
func (f *finder) condition(cond ast.Expr) {
	switch x := cond.(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			f.add(conditionTurned, x, f.replace(x, f.slice(x.X)))
			return
		}
	case *ast.BinaryExpr:
		if turned := map[token.Token]string{token.EQL: "!=", token.NEQ: "=="}[x.Op]; turned != "" {
			f.add(conditionTurned, x, f.operator(x, turned))
			return
		}
		if x.Op == token.LAND || x.Op == token.LOR {
			f.condition(x.X)
			f.condition(x.Y)
			return
		}
	case *ast.ParenExpr:
		f.condition(x.X)
		return
	}
	f.add(conditionTurned, cond, f.replace(cond, "!("+f.slice(cond)+")"))
}

func (f *finder) operator(x *ast.BinaryExpr, op string) edit {
	at := f.at(x.OpPos)
	return edit{at, at + len(x.Op.String()), op}
}

func (f *finder) binary(x *ast.BinaryExpr) {
	t := f.info.TypeOf(x.X)
	number := t != nil && isBasic(t, types.IsNumeric)
	switch x.Op {
	case token.LAND, token.LOR:
		f.add(conditionLess, x, f.replace(x, f.slice(x.X)), f.replace(x, f.slice(x.Y)))
		other := map[token.Token]string{token.LAND: "||", token.LOR: "&&"}[x.Op]
		f.add(operatorOther, x, f.operator(x, other))
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		other := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[x.Op]
		ways := []edit{f.operator(x, other)}
		if isBasic(t, types.IsInteger) {
			ways = append(ways, f.replace(x.Y, f.slice(x.Y)+"+1"), f.replace(x.Y, f.slice(x.Y)+"-1"))
		}
		f.add(boundaryMoved, x, ways...)
	case token.ADD, token.SUB, token.MUL, token.QUO, token.AND, token.OR, token.XOR, token.AND_NOT, token.SHL, token.SHR:
		if number {
			f.add(operatorOther, x, f.operator(x, otherOperator[x.Op]))
		}
	}
}

var otherOperator = map[token.Token]string{
	token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*", token.AND: "|", token.OR: "&", token.XOR: "&",
	token.AND_NOT: "&", token.SHL: ">>", token.SHR: "<<",
	token.ADD_ASSIGN: "-=", token.SUB_ASSIGN: "+=", token.OR_ASSIGN: "=", token.AND_ASSIGN: "=", token.XOR_ASSIGN: "=",
	token.INC: "--", token.DEC: "++",
}

func (f *finder) literal(x *ast.BasicLit) {
	if x.Kind != token.INT {
		return
	}
	value := f.info.Types[x].Value
	if value == nil {
		return
	}
	var ways []edit
	for _, by := range []int64{1, -1} {
		if moved := constant.BinaryOp(constant.ToInt(value), token.ADD, constant.MakeInt64(by)); constant.Sign(moved) >= 0 {
			ways = append(ways, f.replace(x, moved.String()))
		}
	}
	f.add(constantMoved, x, ways...)
}

// capacity reports whether a node, the one at hand or one in it, is of how much make
// or a Grow sets aside in advance.
func (f *finder) capacity(n ast.Node) bool {
	i := 0
	if f.parent(0) == n {
		i = 1
	}
	for ; ; i++ {
		call, ok := f.parent(i).(*ast.CallExpr)
		if !ok {
			if f.parent(i) == nil {
				return false
			}
			if _, expr := f.parent(i).(ast.Expr); !expr {
				return false
			}
			continue
		}
		name := calleeName(call)
		if name == "min" || name == "max" {
			continue
		}
		last := len(call.Args) - 1
		inLast := last >= 0 && call.Args[last].Pos() <= n.Pos() && n.End() <= call.Args[last].End()
		return inLast && (name == "make" && last == 2 || strings.EqualFold(name, "grow"))
	}
}

// ident turns true and false, and takes another constant of a named type.
func (f *finder) ident(x *ast.Ident) {
	use := f.info.Uses[x]
	if use == nil {
		return
	}
	if use.Parent() == types.Universe && (x.Name == "true" || x.Name == "false") {
		if _, ok := f.parent(1).(*ast.ReturnStmt); ok {
			return // a kind of its own
		}
		f.add(constantMoved, x, f.replace(x, map[string]string{"true": "false", "false": "true"}[x.Name]))
		return
	}
	c, ok := use.(*types.Const)
	if !ok || c.Pkg() != f.pkg {
		return
	}
	if _, ok := f.parent(1).(*ast.SelectorExpr); ok {
		return
	}
	if named, ok := c.Type().(*types.Named); ok && named.Obj().Pkg() == f.pkg {
		f.add(constantMoved, x, f.others(x, c, named)...)
	} else if isBasic(c.Type(), types.IsInteger) {
		f.add(constantMoved, x, f.replace(x, "("+x.Name+"+1)"), f.replace(x, "("+x.Name+"-1)"))
	}
}

// others are the constants of the package that have the same type.
func (f *finder) others(x *ast.Ident, not types.Object, t types.Type) []edit {
	var ways []edit
	for _, name := range f.pkg.Scope().Names() {
		obj := f.pkg.Scope().Lookup(name)
		if c, ok := obj.(*types.Const); ok && obj != not && types.Identical(c.Type(), t) {
			ways = append(ways, f.replace(x, name))
		}
	}
	return ways
}

// isBasic reports whether a type is, underneath, a basic one of that sort.
func isBasic(t types.Type, sort types.BasicInfo) bool {
	if t == nil {
		return false
	}
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&sort != 0
}

func isNil(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == "nil"
}

// leaves reports whether a block ends by leaving: what it does is a check.
func leaves(b *ast.BlockStmt) bool {
	if len(b.List) == 0 {
		return false
	}
	switch s := b.List[len(b.List)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		return true
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return ok && calleeName(call) == "panic"
	}
	return false
}

// calleeName is the last word of what is called.
func calleeName(call *ast.CallExpr) string {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}
