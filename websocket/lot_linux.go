package websocket

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/wsproof/wsproof/websocket/internal/seam"
)

// canPark reports whether there is a parking lot here.
const canPark = true

// parked are the connections of the process that are parked.
var parked = new(lot[*served])

// A kernel that a test plays has a lot of its own.
func init() { seam.Restart = func() { parked = new(lot[*served]) } }

// A sleeper is parked. It is woken once: when its socket is readable, or wake was called.
// It is told for how long it was parked, 49 days at most.
type sleeper interface {
	comparable
	unpark(slept time.Duration)
}

// A lot is where connections are parked that have been idle for a while: the kernel
// watches their sockets, by epoll, and no goroutine is left waiting. The epoll
// descriptor itself waits in the runtime's poller, as a socket does, so that it takes
// no thread; a goroutine waits for it as long as anything is parked.
//
// A socket that is closed leaves the epoll set by itself, but its events may still be on
// their way when its descriptor has become another one's. So they do not name
// descriptors: each parking has a ticket of its own.
type lot[S sleeper] struct {
	mu      sync.Mutex
	opened  time.Time
	epoll   int
	file    seam.EpollFile  // of epoll; nil before the first parking
	raw     syscall.RawConn // of file
	places  []*[placesMore]place[S]
	free    uint32 // the first free place, plus 1
	count   int    // of what is parked
	running bool   // run is
}

// placesMore is how many places are made at a time.
const placesMore = 256

type place[S sleeper] struct {
	who  S
	turn uint32 // half of the tickets for it: at least 1, and more whenever it is given back
	next uint32 // the next free place, plus 1; while it is taken, since when: see now
}

// A ticket is the place of a parking plus 1, and, above, the place's turn: it is larger than
// any other state of a parking.
type ticket uint64

const (
	mostEvents   = 128
	parkedEvents = syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT
)

// park parks who, who has told at where its ticket stands and waits for the socket raw.
// From then on who belongs to who is woken. Where that cannot be, park returns false, and
// who has not been, and will not be, woken.
func (l *lot[S]) park(raw syscall.RawConn, at *atomic.Uint64, who S) bool {
	t, ok := l.take(who)
	if !ok {
		return false
	}
	// Who closes the socket looks for the ticket behind that: either it finds it, or the
	// socket is found closed here.
	at.Store(uint64(t))
	errno := syscall.EBADF
	err := raw.Control(func(fd uintptr) { errno = l.watch(int(fd), t) })
	if err == nil && errno == 0 {
		return true
	}
	_, _, ok = l.claim(t)
	return !ok // somebody was faster, and has woken it
}

// watch has the kernel tell once when the socket fd is readable, or has ended.
func (l *lot[S]) watch(fd int, t ticket) syscall.Errno {
	event := syscall.EpollEvent{Events: parkedEvents, Fd: int32(t), Pad: int32(t >> 32)}
	err := epollCtl(l.epoll, syscall.EPOLL_CTL_MOD, fd, event)
	if err == syscall.ENOENT { // it is parked for the first time
		err = epollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, event)
	}
	errno, _ := err.(syscall.Errno)
	return errno
}

// wake wakes who has the ticket, if it is still parked.
func (l *lot[S]) wake(t ticket) {
	if who, since, ok := l.claim(t); ok {
		who.unpark(time.Duration(l.now()-since) * time.Millisecond)
	}
}

// take gives who a place.
func (l *lot[S]) take(who S) (ticket, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil && !l.open() {
		return 0, false
	}
	if l.free == 0 {
		l.grow()
	}
	i := l.free
	p := l.place(i)
	l.free = p.next
	p.who, p.next = who, l.now()
	l.count++
	if l.count == 1 {
		_ = l.file.SetReadDeadline(time.Time{})
	}
	if !l.running {
		l.running = true
		go l.run()
	}
	return ticket(p.turn)<<32 | ticket(i), true
}

// now is the time in milliseconds.
func (l *lot[S]) now() uint32 { return uint32(time.Since(l.opened) / time.Millisecond) }

// claim gives the place of a ticket back, and returns who was there, and since when: false
// if that had happened before.
func (l *lot[S]) claim(t ticket) (who S, since uint32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.place(uint32(t))
	var nobody S
	if p.turn != uint32(t>>32) || p.who == nobody {
		return nobody, 0, false
	}
	who, since = p.who, p.next
	p.who, p.next = nobody, l.free
	p.turn = max(p.turn+1, 1)
	l.free = uint32(t)
	if l.count--; l.count == 0 {
		_ = l.file.SetReadDeadline(time.Unix(1, 0)) // run ends
	}
	return who, since, true
}

func (l *lot[S]) place(i uint32) *place[S] { return &l.places[(i-1)/placesMore][(i-1)%placesMore] }

func (l *lot[S]) grow() {
	l.places = append(l.places, new([placesMore]place[S]))
	for i := uint32(len(l.places) * placesMore); i > uint32(len(l.places)-1)*placesMore; i-- {
		p := l.place(i)
		p.turn, p.next = 1, l.free
		l.free = i
	}
}

// open makes the epoll descriptor.
func (l *lot[S]) open() bool {
	fd, file, err := openEpoll()
	if err != nil {
		return false
	}
	raw, err := file.SyscallConn()
	if err == nil {
		err = file.SetReadDeadline(time.Time{}) // fails if it does not wait in the poller
	}
	if err != nil {
		_ = file.Close()
		return false
	}
	l.opened, l.epoll, l.file, l.raw = time.Now(), fd, file, raw
	return true
}

// run wakes who has something to read, as long as anything is parked.
func (l *lot[S]) run() {
	var events [mostEvents]syscall.EpollEvent
	for !l.empty() {
		n := 0
		_ = l.raw.Read(func(fd uintptr) bool {
			var err error
			for n, err = epollWait(int(fd), events[:]); err == syscall.EINTR; {
				n, err = epollWait(int(fd), events[:])
			}
			return n > 0
		})
		for _, e := range events[:max(n, 0)] {
			l.wake(ticket(uint32(e.Pad))<<32 | ticket(uint32(e.Fd)))
		}
	}
}

// empty reports whether nothing is parked: then run, which asks, ends.
func (l *lot[S]) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = l.count > 0
	return !l.running
}
