// Package seamtest lets the tests of this module play what package websocket stands on. It
// is no API: nothing in it is promised.
package seamtest

import "github.com/wsproof/wsproof/websocket/internal/seam"

// WatchPools has taken called with the memory of each buffer that comes out of a pool, or
// is made for one, and freed with that of each that goes back, which nobody may use from
// then on. It is to be called before anything else of the packages is.
func WatchPools(taken, freed func(p []byte)) { seam.Taken, seam.Freed = taken, freed }
