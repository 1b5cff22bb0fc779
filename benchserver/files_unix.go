//go:build unix

package main

import (
	"math"
	"syscall"
)

// openFiles is how many files the process may have open; Go raises the soft
// limit to the hard one at start.
func openFiles() int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || uint64(limit.Cur) > math.MaxInt32 {
		return math.MaxInt32
	}
	return int64(limit.Cur)
}
