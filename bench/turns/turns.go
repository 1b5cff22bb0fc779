// Package turns is the order in which the measured take turns.
package turns

import "slices"

// Order is s as it stands in round n: every other round runs backwards, and
// every second one begins with the next element. Over 2·len(s) rounds each
// stands at each place twice and before each other one as often as behind it;
// in any two rounds from an even one on, the latter holds already.
func Order[T any](s []T, n int) []T {
	if len(s) == 0 {
		return nil
	}
	k := n / 2 % len(s)
	t := append(slices.Clone(s[k:]), s[:k]...)
	if n%2 == 1 {
		slices.Reverse(t)
	}
	return t
}
