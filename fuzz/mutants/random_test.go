package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRandom wants the same changes for the same seed, others for another, and each
// once.
func TestRandom(t *testing.T) {
	c, _ := smallCore(t)
	texts := func(n int, seed uint64) (list []string) {
		mutants, err := c.random(n, seed, regexp.MustCompile(""))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mutants {
			if len(m.changed) != 1 || m.kind == "" || m.rule == "" {
				t.Fatalf("%+v", m)
			}
			list = append(list, c.diff(m))
		}
		return list
	}
	first, again, fewer, other := texts(20, 1), texts(20, 1), texts(10, 1), texts(20, 2)
	if !slices.Equal(first, again) {
		t.Error("the same seed made other changes")
	}
	if !slices.Equal(first[:10], fewer) {
		t.Error("fewer changes are not the first ones")
	}
	if slices.Equal(first, other) {
		t.Error("another seed made the same changes")
	}
	slices.Sort(first)
	if len(slices.Compact(first)) != 20 {
		t.Error("a change was made twice")
	}
	if _, err := c.random(10_000, 1, regexp.MustCompile("frame")); err == nil || !strings.Contains(err.Error(), "no more than") {
		t.Errorf("more changes than there are: %v", err)
	}
}

// TestCost has changes that can change only how much time or memory something takes, which
// the machine tells by itself, beside some that can do more.
func TestCost(t *testing.T) {
	smallCore(t)
	writeFile(t, "websocket/websocket.go", `package websocket

import (
	"bytes"
	"sync"
)

var pool sync.Pool

func room(n, m int) []byte { return append([]byte{}, make([]byte, n, min(n, 4*m))...) }

func grown(n int) *bytes.Buffer {
	var b bytes.Buffer
	b.Grow(n + 9)
	pool.Put(&b)
	return &b
}

func long(n int) []byte { return make([]byte, n+1, 8) }
`)
	_, sites := sitesOf(t)
	got := map[string][2]int{} // changes, and those of them that can only cost
	for _, s := range sites {
		for _, change := range s.changes {
			n := got[s.fn+" "+s.kind]
			if n[0]++; change.cost {
				n[1]++
			}
			got[s.fn+" "+s.kind] = n
		}
	}
	for _, where := range []string{"room " + constantMoved, "room " + operatorOther, "room " + boundaryMoved, "grown " + constantMoved, "grown " + operatorOther, "grown " + notReleased} {
		if n := got[where]; n[0] == 0 || n[0] != n[1] {
			t.Errorf("%s: %d of %d changes can only cost, want all; all are %v", where, n[1], n[0], got)
		}
	}
	if n := got["long "+operatorOther]; n[0] == 0 || n[1] != 0 {
		t.Errorf("a length: %d of %d changes can only cost", n[1], n[0])
	}
}

// TestSites has a line of code for each kind of change, and one way to change it.
func TestSites(t *testing.T) {
	smallCore(t)
	text := `package websocket

import (
	"bytes"
	"context"
	"errors"
	"sync"
)

type code int

const (
	codeA code = 1
	codeB code = 2
)

var (
	errA = errors.New("a")
	errB = errors.New("b")
	pool sync.Pool
	mu   sync.Mutex
	_    = bytes.Equal
)

type pair struct{ a, b int }

func (p *pair) one()     {}
func (p *pair) two()     {}
func (p *pair) Close() error { return nil }
func use(a, b int) bool  { return a < b }
func wait(context.Context) {}

`
	rows := []struct{ kind, line, want string }{
		{conditionTurned, "if ok {\n m = 1\n}", "if !(ok)"},
		{conditionTurned, "if n == 1 && ok {\n m = 1\n}", "if n != 1 && ok"},
		{conditionTurned, "if !ok {\n m = 1\n}", "if ok {"},
		{conditionLess, "if n == 1 || ok {\n m = 1\n}", "if ok {"},
		{conditionLess, "if n == 1 {\n return\n}", "int) (x int, err error) {\n\treturn n"},
		{boundaryMoved, "ok = n < m", "n <= m"},
		{boundaryMoved, "ok = n > m", "n > m+1"},
		{boundaryMoved, "m = min(n, m)", "m = max(n, m)"},
		{constantMoved, "m = 125", "m = 126"},
		{constantMoved, "ok = true", "ok = false"},
		{constantMoved, "_ = codeA + 0", "_ = codeB + 0"},
		{operatorOther, "m = n + m", "m = n - m"},
		{operatorOther, "ok = ok && n == 1", "ok = ok || n == 1"},
		{operatorOther, "n++", "n--"},
		{statementDropped, "p.one()", "error) {\n\treturn n"},
		{statementDropped, "y := n\n y = m\n _ = y", "y := n\n _ = y\n"},
		{fieldNotSet, "p.a = n", "error) {\n\treturn n"},
		{fieldNotCopied, "_ = pair{a: n, b: m}", "pair{b: m}"},
		{callsSwapped, "p.one()\n\tp.two()", "p.two()\n\tp.one()"},
		{callsSwapped, "defer p.one()\n\tdefer p.two()", "defer p.two()\n\tdefer p.one()"},
		{argumentOther, "use(n, m)", "use(m, n)"},
		{argumentOther, "use(n, m)", "use(p.a, m)"},
		{argumentOther, "wait(ctx)", "wait(context.Background())"},
		{fieldOther, "n = p.a", "n = p.b"},
		{callOther, "p.one()", "p.two()"},
		{errorNotReturned, "return n, errA", "return n, nil"},
		{errorNotReturned, "if err != nil {\n\treturn n, err\n}", "if err != nil {\n}"},
		{errorOther, "return n, errA", "return n, errB"},
		{errorOther, "_ = errors.Is(err, errA)", "errors.Is(err, errB)"},
		{notReleased, "_ = p.Close()", "error) {\n\treturn n"},
		{resultTurned, "_ = func() bool { return true }", "return false"},
		{deferredDropped, "defer p.one()", "error) {\n\treturn n"},
		{deferredDropped, "defer p.one()", "\n\tp.one()"},
		{notReleased, "mu.Lock()\n\tmu.Unlock()", "mu.Lock()\n\treturn"},
		{notReleased, "pool.Put(p)", "error) {\n\treturn n"},
		{copyLeftOut, "list = bytes.Clone(list)", "list = list"},
		{copyLeftOut, "list = append([]byte(nil), list...)", "list = list"},
		{sliceMoved, "list = list[1:n]", "list[1+1:n]"},
		{sliceMoved, "list = list[1:n:n]", "list[1:n]"},
		{branchOther, "for {\n break\n}", "continue"},
		{caseDropped, "switch n {\n case 1, 2:\n m = 1\n}", "case 1:"},
		{caseDropped, "switch n {\n case 1:\n m = 1\n case 2:\n m = 2\n}", "switch n {\n case 2:"},
		{caseDropped, "select {\n case <-c:\n case c <- 1:\n}", "select {\n case c <- 1:"},
		{loopOnce, "for n > 0 {\n n--\n}", "n--\nbreak"},
		{notAlongside, "go p.one()", "\n\tp.one()"},
	}
	for i, row := range rows {
		text += fmt.Sprintf("func f%d(ctx context.Context, p *pair, list []byte, n, m int, ok bool, c chan int) (x int, err error) {\n\t%s\n\treturn n, errA\n}\n", i, row.line)
	}
	writeFile(t, "websocket/websocket.go", text)
	c, sites := sitesOf(t)
	for i, row := range rows {
		found := false
		var ways []string
		for _, s := range sites {
			if s.kind != row.kind || s.fn != fmt.Sprintf("f%d", i) {
				continue
			}
			for _, change := range s.changes {
				if text := c.compiling(s, change); text != nil {
					found = found || bytes.Contains(text, []byte(row.want))
					ways = append(ways, unified(s.file, string(c.files[s.file]), string(text)))
				}
			}
		}
		if !found {
			t.Errorf("%s: %q is not changed to %q, but:\n%s", row.kind, row.line, row.want, strings.Join(ways, "\n"))
		}
	}
}

// sitesOf returns what stands in the folder, and the places in it that can be changed.
func sitesOf(t *testing.T) (*core, []site) {
	t.Helper()
	c, err := findCore(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	sites, err := c.sites()
	if err != nil {
		t.Fatal(err)
	}
	return c, sites
}
