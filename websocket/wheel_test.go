package websocket

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// Each thing is visited when its ticks have passed, and not a tick later, however many
// there are, in whichever order they came and however often they come again.
func TestWheel(t *testing.T) {
	type thing struct {
		due    time.Time
		ticks  int
		rounds int
	}
	const tick = 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		random, again := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(2, 2))
		var w wheel[*thing]
		begin := func(a *thing, random *rand.Rand) {
			a.ticks = 1 + random.IntN(mostTicks)
			a.due = time.Now().Add(time.Duration(a.ticks) * tick)
		}
		visits := 0
		w.init(tick, 1, func(a **thing) int {
			visits++
			if late := time.Since((*a).due); late < 0 || late > tick {
				t.Errorf("a thing due in %d ticks was visited %v too late", (*a).ticks, late)
			}
			if (*a).rounds--; (*a).rounds == 0 {
				return 0
			}
			begin(*a, again)
			return (*a).ticks
		})
		want := 0
		for range 3 { // the wheel stands still, and begins again
			for range 500 {
				a := &thing{rounds: 1 + random.IntN(5)}
				want += a.rounds
				begin(a, random)
				w.add(a, a.ticks)
				if random.IntN(4) == 0 {
					time.Sleep(time.Duration(random.IntN(int(3 * tick))))
				}
			}
			time.Sleep(5 * (mostTicks + 2) * tick)
			synctest.Wait()
			if visits != want || w.filled != 0 {
				t.Errorf("%d visits, want %d; buckets %b are left", visits, want, w.filled)
			}
			time.Sleep(time.Hour)
		}
	})
}

// What is due later may be visited together, but not early.
func TestWheelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wheel[time.Time]
		visits, turns := 0, map[time.Time]bool{}
		w.init(time.Millisecond, 8, func(due *time.Time) int {
			visits++
			turns[time.Now()] = true
			if late := time.Since(*due); late < 0 || late > 9*time.Millisecond {
				t.Errorf("visited %v too late", late)
			}
			return 0
		})
		for range 100 {
			w.add(time.Now().Add(20*time.Millisecond), 20)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if visits != 100 || len(turns) > 15 {
			t.Errorf("%d visits at %d times, want 100 at 15 at most", visits, len(turns))
		}
	})
}

// until leaves room: what is added with as many ticks is visited before the time.
func TestWheelUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wheel[time.Time]
		visited := 0
		w.init(time.Millisecond, 1, func(by *time.Time) int {
			visited++
			if time.Now().After(*by) {
				t.Errorf("visited %v after the time", time.Since(*by))
			}
			return 0
		})
		added := 0
		for i := range 200 {
			time.Sleep(time.Duration(i) * 70 * time.Microsecond)
			by := time.Now().Add(time.Duration(i) * 300 * time.Microsecond)
			switch ticks := w.until(by); {
			case ticks > mostTicks:
				t.Fatalf("%d ticks", ticks)
			case ticks > 0:
				added++
				w.add(by, ticks)
			case i > 10:
				t.Errorf("%v do not suffice for a tick of %v", time.Until(by), w.tick)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if visited != added || added == 0 {
			t.Errorf("%d visits of %d", visited, added)
		}
	})
}

// A timer that is late visits everything, however late.
func TestWheelIsLate(t *testing.T) {
	visited := map[int]int{}
	var w wheel[int]
	w.init(time.Hour, 1, func(i *int) int {
		visited[*i]++
		return (*i % 3) * 20
	})
	for i := range 60 {
		w.add(i, 1+i)
	}
	w.timer.Stop()
	w.base = w.base.Add(-1000 * time.Hour)
	w.turn()
	w.timer.Stop()
	for i := range 60 {
		if visited[i] == 0 {
			t.Errorf("thing %d was not visited", i)
		}
	}
	if w.done != 1000 {
		t.Errorf("tick %d was visited last, want 1000", w.done)
	}
}
