package websocket

import (
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// One of a rota, as a test sees it.
type duty struct {
	turn
	t     *testing.T
	r     *rota
	takes time.Duration // how long it is at work when it is told

	mu   sync.Mutex
	want time.Time // when it is to be told next
	told int
	busy bool
}

func (d *duty) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.want = time.Now().Add(d.r.interval)
	d.r.add(&d.turn, d)
}

func (d *duty) keepAlive() {
	d.mu.Lock()
	if !time.Now().Equal(d.want) {
		d.t.Errorf("told at %v, want %v", time.Now(), d.want)
	}
	d.told++
	d.busy = true
	d.mu.Unlock()
	time.Sleep(d.takes)
	d.mu.Lock()
	d.busy = false
	d.mu.Unlock()
	d.begin()
}

// state returns how often it was told, and whether it is at work.
func (d *duty) state() (told int, busy bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told, d.busy
}

// Each is told an interval after it was done the last time, to the instant, however many
// there are and however long others take; who is taken off is told no more.
func TestRota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 1))
		r := rota{interval: time.Minute}
		for range 2 { // the rota is empty in between
			var all []*duty
			for range 300 {
				d := &duty{t: t, r: &r, takes: time.Duration(random.IntN(3)) * 20 * time.Second}
				all = append(all, d)
				d.begin()
				if random.IntN(3) > 0 {
					time.Sleep(time.Duration(random.IntN(int(time.Second))))
				}
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			atWork := 0
			for _, i := range random.Perm(len(all)) {
				d := all[i]
				told, busy := d.state()
				if told < 5 {
					t.Errorf("told %d times, want 5 at least", told)
				}
				if busy {
					atWork++
				}
				r.remove(&d.turn)
				r.add(&d.turn, d)
				time.Sleep(time.Duration(random.IntN(3)) * 40 * time.Second)
				synctest.Wait()
				if again, _ := d.state(); again != told {
					t.Error("told again behind its end")
				}
			}
			if atWork == 0 {
				t.Error("nobody was taken off while it was at work: this test is for nothing")
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if r.list.next != &r.list || r.list.prev != &r.list {
				t.Error("somebody is left on the rota")
			}
		}
	})
}

func wantTold(t *testing.T, d *duty, want int) {
	t.Helper()
	if told, _ := d.state(); told != want {
		t.Errorf("told %d times, want %d", told, want)
	}
}

// Who comes again before its turn, waits anew.
func TestRotaAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rota{interval: time.Minute}
		a, b := &duty{t: t, r: &r}, &duty{t: t, r: &r}
		a.begin()
		b.begin()
		time.Sleep(30 * time.Second)
		a.begin()
		time.Sleep(45 * time.Second)
		synctest.Wait()
		wantTold(t, a, 0)
		wantTold(t, b, 1)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		wantTold(t, a, 1)
		wantTold(t, b, 1)
		r.remove(&a.turn)
		r.remove(&b.turn)
	})
}

// Without an interval nobody is told, and there is no timer.
func TestRotaWithoutInterval(t *testing.T) {
	var r rota
	d := &duty{t: t, r: &r}
	d.begin()
	if r.timer != nil || d.next != nil {
		t.Error("it is on the rota")
	}
	r.remove(&d.turn)
}

// Connections with the same settings, as those of a handler, share one rota, and one timer;
// who has ended is not on it.
func TestRotaOfConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := newSettings(Options{PingInterval: time.Minute})
		var all []*Websocket
		for range 3 {
			ws := new(Websocket)
			ws.init(newScripted(), ServerMode, opts, nil, opened{})
			all = append(all, ws)
		}
		on := func() (n int) {
			r := &opts.rota
			r.mu.Lock()
			defer r.mu.Unlock()
			for turn := r.list.next; turn != &r.list; turn = turn.next {
				n++
			}
			return n
		}
		if n := on(); n != 3 {
			t.Errorf("%d are on the rota, want 3", n)
		}
		for i, ws := range all {
			time.Sleep(time.Minute)
			synctest.Wait()
			if n, want := on(), len(all)-i; n != want {
				t.Errorf("%d are on the rota, want %d", n, want)
			}
			ws.abort(io.EOF)
		}
		if n := on(); n != 0 {
			t.Errorf("%d are on the rota, want none", n)
		}
	})
}
