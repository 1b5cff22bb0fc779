//go:build race

package conformance

// Under the race detector everything is some ten times slower: no mass cases,
// and one peer at a time.
const (
	raceEnabled = true
	sideBySide  = 1
)
