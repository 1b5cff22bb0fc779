package main

import (
	"os"
	"path/filepath"
	"testing"
)

// small is a module with a core of two packages, a test of vectors and a fuzz
// target: what the tests of this command hunt in, since the real core changes. The
// targets are set in, so that who looks for targets by their text finds none here.
var small = map[string]string{
	"go.mod": "module example.com/small\n\ngo 1.26\n",
	"websocket/websocket.go": `package websocket

import (
	"sync"

	"example.com/small/websocket/frame"
)

const Most = 125

var Named = "websocket"

type Conn struct {
	length, spare int
	closed        bool
}

func New(length int) *Conn { return &Conn{length: length} }

// Fits reports whether the length is small.
func (c *Conn) Fits() bool {
	if c.length > Most {
		return false
	}
	return !c.closed
}

func (c *Conn) Close() (err error) {
	c.closed = true
	return nil
}

// Safe returns what f panics with.
func Safe(f func()) (reason any) {
	defer catch(&reason)
	f()
	return nil
}

func catch(reason *any) {
	if r := recover(); r != nil {
		*reason = r
	}
}

func Sum(first int, _ string, rest ...int) (sum, count int) {
	for _, x := range rest {
		sum += x
		count++
	}
	return sum + first, count + 1
}

func Largest[T int | string](a, b T) T {
	if a > b {
		return a
	}
	return b
}

var started int

func init() {
	started++
}

// Wait ends when n is no more.
func Wait(n int) int {
	for n > 0 {
		n--
	}
	return n
}

func dead(n int) int {
	m := n
	m = n + 0
	return m
}

type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func Count() int {
	var c counter
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(c.add)
	}
	wg.Wait()
	return c.n
}

func Unused(n int) int { return n + 1 }

func First(b byte) byte { return frame.First(b) + byte(dead(0)) }
`,
	"websocket/frame/frame.go": `package frame

type list[T any] struct{ items []T }

func (l *list[T]) add(x T) { l.items = append(l.items, x) }

// First masks a byte.
func First(b byte) byte {
	var l list[byte]
	l.add(b)
	return l.items[0] & 0x0f
}

func Close() {}
`,
	"websocket/websocket_test.go": `package websocket

import "testing"

func TestVectorsAll(t *testing.T) {
	if !New(125).Fits() || New(126).Fits() {
		t.Error("fits")
	}
	c := New(1)
	if err := c.Close(); err != nil || c.Fits() {
		t.Error("close")
	}
	if r := Safe(func() { panic("x") }); r != "x" {
		t.Error("safe", r)
	}
	if sum, count := Sum(1, "", 2, 3); sum != 6 || count != 3 {
		t.Error("sum", sum, count)
	}
	if Largest(1, 2) != 2 || Largest("b", "a") != "b" {
		t.Error("largest")
	}
	if started != 1 {
		t.Error("started", started)
	}
	if Count() < 1 {
		t.Error("count")
	}
	if Wait(3) != 0 {
		t.Error("wait")
	}
}

func TestOther(t *testing.T) {
	if Named != "websocket" {
		t.Error("named")
	}
}
`,
	"fuzz/fuzz_test.go": `package fuzz

import (
	"testing"

	"example.com/small/websocket"
)

	func FuzzFirst(f *testing.F) {
	f.Add(byte(0xff))
	f.Fuzz(func(t *testing.T, b byte) {
		if got := websocket.First(b); got != b&0x0f {
			t.Errorf("%x: %x", b, got)
		}
	})
}
`,
	"fuzz/doc.go": "package fuzz\n",
	"fuzz/other/other_test.go": `package other

import "testing"

// FuzzOther has nothing of the core: no mutant is its business.
	func FuzzOther(f *testing.F) {
	f.Fuzz(func(t *testing.T, b byte) {})
}
`,
}

// smallCore is the core of that module, which becomes the working directory.
func smallCore(t *testing.T) (*core, *cores) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range small {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	all := &cores{known: map[string]*core{}}
	c, err := all.get(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return c, all
}
