//go:build gofuzz_libfuzzer

package input

import "time"

// hangBound is longer where libFuzzer runs the checks: the whole of Go's standard
// library is instrumented then, and the engine has a bound of its own.
const hangBound = 2 * time.Minute
