//go:build race || !(amd64 || arm64 || loong64 || ppc64 || ppc64le || riscv64 || s390x)

package serve

import "sync/atomic"

// A word is a counter, atomic where a plain addition could be seen half done, or
// would hide what the race detector is for.
type word struct{ n atomic.Uint64 }

func (w *word) add(n uint64) { w.n.Add(n) }
func (w *word) load() uint64 { return w.n.Load() }
