package websocket

import (
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A dozer is parked by a test.
type dozer struct {
	ticket atomic.Uint64
	woken  atomic.Int32
}

func (d *dozer) unpark(time.Duration) { d.woken.Add(1) }

func rawOf(t *testing.T, conn net.Conn) syscall.RawConn {
	t.Helper()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A ticket wakes once, and not who has the place behind.
func TestTickets(t *testing.T) {
	a, b := socketPair(t)
	defer a.Close()
	defer b.Close()
	var l lot[*dozer]
	var first, second dozer
	if !l.park(rawOf(t, a), &first.ticket, &first) {
		t.Fatal("not parked")
	}
	l.wake(ticket(first.ticket.Load()))
	if !l.park(rawOf(t, a), &second.ticket, &second) {
		t.Fatal("not parked")
	}
	if uint32(first.ticket.Load()) != uint32(second.ticket.Load()) {
		t.Fatal("the place is not used again: this test is for nothing")
	}
	l.wake(ticket(first.ticket.Load()))
	if first.woken.Load() != 1 || second.woken.Load() != 0 {
		t.Errorf("woken: %d and %d times, want 1 and 0", first.woken.Load(), second.woken.Load())
	}
	if _, err := b.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second is woken", func() bool { return second.woken.Load() == 1 })
	eventually(t, "run ends", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return !l.running })
	if n := first.woken.Load(); n != 1 {
		t.Errorf("the first was woken %d times", n)
	}
	// Also where the last is not woken by its socket.
	_, _ = io.ReadFull(a, make([]byte, 1))
	if !l.park(rawOf(t, a), &first.ticket, &first) {
		t.Fatal("not parked")
	}
	eventually(t, "run waits", func() bool {
		stacks := make([]byte, 1<<20)
		_, run, _ := strings.Cut(string(stacks[:runtime.Stack(stacks, true)]), "[IO wait]:")
		return strings.Contains(run, "(*lot[...]).run")
	})
	l.wake(ticket(first.ticket.Load()))
	eventually(t, "run ends", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return !l.running })
	l.file.Close()
}

// A meddler is a socket at which something else happens while it is about to be watched.
type meddler struct {
	syscall.RawConn
	before, behind func()
}

func (m meddler) Control(f func(fd uintptr)) error {
	m.before()
	defer m.behind()
	return m.RawConn.Control(f)
}

// Who closes the socket meanwhile finds the ticket, and then the parking is over.
func TestClosedWhileParking(t *testing.T) {
	for _, before := range []bool{false, true} {
		a, b := socketPair(t)
		defer b.Close()
		var l lot[*dozer]
		var d dozer
		end := func() {
			a.Close()
			if at := d.ticket.Load(); at != 0 {
				l.wake(ticket(at))
			}
		}
		raw := meddler{rawOf(t, a), func() {}, end}
		if before {
			raw.before, raw.behind = end, func() {}
		}
		if !l.park(raw, &d.ticket, &d) {
			t.Error("parked, and woken, it is its own again")
		}
		if n := d.woken.Load(); n != 1 {
			t.Errorf("woken %d times, want once", n)
		}
		eventually(t, "run ends", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return !l.running })
		l.file.Close()
	}
}

// A socket that is closed, and one that is readable already.
func TestParkedTooLate(t *testing.T) {
	a, b := socketPair(t)
	raw := rawOf(t, a)
	var l lot[*dozer]
	var d dozer
	if _, err := b.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if !l.park(raw, &d.ticket, &d) {
		t.Fatal("not parked")
	}
	eventually(t, "woken at once", func() bool { return d.woken.Load() == 1 })
	a.Close()
	b.Close()
	if l.park(raw, &d.ticket, &d) {
		t.Error("a closed socket is parked")
	}
	if n := d.woken.Load(); n != 1 || l.count != 0 {
		t.Errorf("woken %d times, want 1; %d are parked", n, l.count)
	}
	eventually(t, "run ends", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return !l.running })
	l.file.Close()
}

// Descriptors are closed and used again while their events are on their way: nobody is
// woken by those of another, everybody once.
func TestDescriptorsUsedAgain(t *testing.T) {
	var l lot[*dozer]
	const rounds, at = 20, 20
	for range rounds {
		var olds, news [at]dozer
		var pairs [at][2]*net.TCPConn
		fds := map[uintptr]bool{}
		for i := range pairs {
			a, b := socketPair(t)
			pairs[i] = [2]*net.TCPConn{a, b}
			raw := rawOf(t, a)
			_ = raw.Control(func(fd uintptr) { fds[fd] = true })
			if !l.park(raw, &olds[i].ticket, &olds[i]) {
				t.Fatal("not parked")
			}
		}
		for _, p := range pairs {
			_, _ = p[1].Write([]byte("x")) // an event that may or may not be fetched in time
			p[0].Close()
			p[1].Close()
		}
		again := 0
		for i := range pairs {
			a, b := socketPair(t)
			pairs[i] = [2]*net.TCPConn{a, b}
			raw := rawOf(t, a)
			_ = raw.Control(func(fd uintptr) {
				if fds[fd] {
					again++
				}
			})
			if !l.park(raw, &news[i].ticket, &news[i]) {
				t.Fatal("not parked")
			}
		}
		if again == 0 {
			t.Fatal("no descriptor is used again: this test is for nothing")
		}
		for i := range olds {
			l.wake(ticket(olds[i].ticket.Load())) // as who closes does
			if n := olds[i].woken.Load(); n != 1 {
				t.Fatalf("an old one was woken %d times, want once", n)
			}
		}
		for i := range news {
			if n := news[i].woken.Load(); n != 0 {
				t.Fatalf("a new one was woken %d times before anything came", n)
			}
			_, _ = pairs[i][1].Write([]byte("x"))
			eventually(t, "the new one is woken", func() bool { return news[i].woken.Load() == 1 })
		}
		for _, p := range pairs {
			p[0].Close()
			p[1].Close()
		}
	}
	eventually(t, "run ends", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return !l.running })
	l.file.Close()
}
