package turns

import (
	"slices"
	"testing"
)

func TestOrder(t *testing.T) {
	for _, lanes := range [][]string{{"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b", "c", "d", "e", "f"}} {
		places := map[string]map[int]int{}
		before := 0 // a before the last one
		last := lanes[len(lanes)-1]
		for n := range 2 * len(lanes) {
			turn := Order(lanes, n)
			for i, l := range turn {
				if places[l] == nil {
					places[l] = map[int]int{}
				}
				places[l][i]++
			}
			if slices.Index(turn, "a") < slices.Index(turn, last) {
				before++
			}
			if n%2 == 1 && len(lanes) > 1 && before != (n+1)/2 {
				t.Errorf("%d lanes: a stood before %s in %d of %d turns, want half", len(lanes), last, before, n+1)
			}
		}
		for _, l := range lanes {
			for i := range lanes {
				if places[l][i] != 2 {
					t.Errorf("%d lanes: %s stood %d times at place %d, want 2", len(lanes), l, places[l][i], i)
				}
			}
		}
	}
	if got := Order([]int(nil), 3); got != nil {
		t.Errorf("the order of nothing is %v", got)
	}
}
