//go:build !unix

package cli

import "math"

// OpenFiles is how many files the process may have open: no limit is known here.
func OpenFiles() int64 { return math.MaxInt32 }
