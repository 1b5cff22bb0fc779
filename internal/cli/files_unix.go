//go:build unix

package cli

import (
	"math"
	"syscall"
)

// OpenFiles is how many files, connections included, the process may have open;
// Go raises the soft limit to the hard one at start.
func OpenFiles() int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) > math.MaxInt32 {
		return math.MaxInt32
	}
	return int64(limit.Cur)
}
