package protocol

import (
	"strings"
	"syscall"
	"testing"
)

// guarded returns a page of memory between two that must not be touched: to read
// or write a byte beside it crashes the test.
func guarded(t *testing.T) []byte {
	t.Helper()
	page := syscall.Getpagesize()
	m, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(m) })
	p := m[page : 2*page]
	if err := syscall.Mprotect(p, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	return p
}

// The kernels read and write nothing outside what they are given, not even bytes
// that they do not use.
func TestKernelsStayWithinTheirBytes(t *testing.T) {
	page := guarded(t)
	kernels := utf8Kernels(t)
	for n := range 700 {
		for _, p := range [][]byte{page[:n], page[len(page)-n:]} {
			for _, fill := range []string{"a", "aé", strings.Repeat("a", 200) + "é", "😀"} {
				text := strings.Repeat(fill, n/len(fill))
				copy(p, text+"abc"[:min(3, n-len(text))]+strings.Repeat("a", n))
				checkUTF8(t, kernels, p, true)
			}
			mask(p, p, 0x12345678)
			maskWords(p, p, 0x12345678)
		}
	}
}
