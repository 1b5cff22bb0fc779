//go:build !gofuzz_libfuzzer

package input

import "time"

// hangBound is the time after which a check that is still running counts as
// hung. Checks take microseconds; the bound is for slow machines.
const hangBound = 20 * time.Second
