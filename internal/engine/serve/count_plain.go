//go:build !race && (amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x)

package serve

import "sync/atomic"

// A word is a counter that one goroutine adds to. That is a plain addition, since
// an atomic one costs as much as a tenth of a gathered message. Readers use
// atomic loads: of a single word they see a value that was written, though maybe
// an older one (The Go Memory Model, "Implementation Restrictions for Programs
// Containing Data Races"), which is all that statistics need.
type word uint64

func (w *word) add(n uint64) { *w += word(n) }
func (w *word) load() uint64 { return atomic.LoadUint64((*uint64)(w)) }
